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
