//! The uniform distribution on 0, …, n − 1.

use std::num::NonZeroU128;

use rand_core::CryptoRng;

use super::bits::Bits;

/// Uniform on 0, …, n − 1, exactly: as many fair bits as n − 1 has, drawn again until they are below n; less than two
/// trials on average.
///
/// ```
/// use std::num::NonZeroU128;
/// use flockwise_mechanisms::sampler;
/// let mut generator = sampler::Generator::new()?;
/// let die = sampler::uniform_below(&mut generator, NonZeroU128::new(6).unwrap());
/// assert!(die < 6);
/// # Ok::<(), sampler::NoEntropy>(())
/// ```
pub fn uniform_below<R: CryptoRng>(rng: &mut R, n: NonZeroU128) -> u128 {
    let n = n.get();
    let length = u128::BITS - (n - 1).leading_zeros();
    let mut bits = Bits::new(rng, 4);
    loop {
        let value = match length {
            0 => return 0,
            1..=64 => u128::from(bits.word() >> (64 - length)),
            65.. => (u128::from(bits.word()) << 64 | u128::from(bits.word())) >> (128 - length),
        };
        if value < n {
            return value;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sampler::goodness::{assert_fits, splitmix};

    #[test]
    fn n2_fits() {
        for n in [1, 2, 3, 6, 1 << 64, (1 << 64) + 1, (1 << 65) - 1, 3 << 100, u128::MAX] {
            let cells = n.min(6);
            let mut random = splitmix(10);
            let mut counts = vec![0; cells as usize];
            for _ in 0..60_000 {
                let value = uniform_below(&mut random, NonZeroU128::new(n).unwrap());
                assert!(value < n);
                // Cell of value·cells/n, without overflow.
                counts[(0..cells).rfind(|&cell| value >= n / cells * cell).unwrap() as usize] += 1;
            }
            assert_fits(&counts, &vec![1.0 / cells as f64; cells as usize], &format!("below {n}"));
        }
    }

    #[test]
    fn every_value_comes_from_as_many_words() {
        // All words of three bits: below 5, each of 0..5 comes from exactly one.
        for word in 0..8_u64 {
            let mut words = [word << 61, 2 << 61].into_iter();
            let mut stream = crate::sampler::goodness::Stream(|| words.next().unwrap_or(0));
            let expected = if word < 5 { u128::from(word) } else { 2 };
            assert_eq!(uniform_below(&mut stream, NonZeroU128::new(5).unwrap()), expected);
        }
    }
}
