//! Sorting rows as words: person, key and what else there is, side by side in as few bits as they need.

/// How many bits each part of a word has.
#[derive(Clone, Copy, Debug)]
pub(super) struct Layered {
    person: u32,
    key: u32,
    /// Bits of the payload.
    pub payload: u32,
    /// The least payload.
    pub low: i64,
}

/// The bits of numbers up to `most`.
const fn width(most: u64) -> u32 {
    u64::BITS - most.leading_zeros()
}

impl Layered {
    /// Words for so many people, keys up to `most_key`, and payloads from `low` to `high`.
    pub const fn new(people: u64, most_key: u64, low: i64, high: i64) -> Self {
        let payload = width(high.wrapping_sub(low) as u64);
        Self { person: width(people.saturating_sub(1)), key: width(most_key), payload, low }
    }

    /// All bits: words of 64 bits do for less than 64.
    pub const fn total(&self) -> u32 {
        self.person + self.key + self.payload
    }
}

/// A word, and what it is made of.
pub(super) trait Composite: Copy + Default + Ord {
    /// Puts a word together.
    fn of(person: u32, key: u32, payload: i64, bits: &Layered) -> Self;

    /// Person and key.
    fn pair(self, bits: &Layered) -> Self;

    /// The person.
    fn person(self, bits: &Layered) -> u32;

    /// The key.
    fn key(self, bits: &Layered) -> u32;

    /// The payload.
    fn payload(self, bits: &Layered) -> i64;

    /// Some bits, from one on.
    fn digit(self, from: u32, mask: usize) -> usize;
}

macro_rules! composite {
    ($word:ty) => {
        impl Composite for $word {
            fn of(person: u32, key: u32, payload: i64, bits: &Layered) -> Self {
                let pair = Self::from(person) << bits.key | Self::from(key);
                pair << bits.payload | Self::from(payload.wrapping_sub(bits.low) as u64)
            }

            fn pair(self, bits: &Layered) -> Self {
                self >> bits.payload
            }

            fn person(self, bits: &Layered) -> u32 {
                (self >> (bits.payload + bits.key)) as u32
            }

            fn key(self, bits: &Layered) -> u32 {
                ((self >> bits.payload) & ((1 << bits.key) - 1)) as u32
            }

            fn payload(self, bits: &Layered) -> i64 {
                bits.low.wrapping_add((self & ((1 << bits.payload) - 1)) as i64)
            }

            fn digit(self, from: u32, mask: usize) -> usize {
                (self >> from) as usize & mask
            }
        }
    };
}

composite!(u64);
composite!(u128);

/// Fewer words than this are sorted by comparison.
const FEW: usize = 512;
/// The most bits of a digit: so many places a core can write to without leaving its cache.
const DIGIT: u32 = 11;

/// Sorts words by person and key; in which order words of one pair come is not determined.
pub(super) fn radix_sort<T: Composite>(words: &mut Vec<T>, spare: &mut Vec<T>, bits: &Layered) {
    let sorted = bits.person + bits.key;
    if words.len() < FEW || sorted == 0 {
        words.sort_unstable();
        return;
    }
    let digit = sorted.div_ceil(sorted.div_ceil(DIGIT));
    let mask = (1 << digit) - 1;
    spare.clear();
    spare.resize(words.len(), T::default());
    let mut from = bits.payload;
    while from < bits.total() {
        let mut next = vec![0_usize; mask + 1];
        words.iter().for_each(|word| next[word.digit(from, mask)] += 1);
        let mut end = 0;
        for place in &mut next {
            end += std::mem::replace(place, end);
        }
        for &word in words.iter() {
            let place = &mut next[word.digit(from, mask)];
            spare[*place] = word;
            *place += 1;
        }
        std::mem::swap(words, spare);
        from += digit;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sorts<T: Composite + std::fmt::Debug>(bits: &Layered, rows: &[(u32, u32, i64)]) {
        let mut words: Vec<T> = rows.iter().map(|row| T::of(row.0, row.1, row.2, bits)).collect();
        radix_sort(&mut words, &mut Vec::new(), bits);
        let mut found: Vec<(u32, u32, i64)> =
            words.iter().map(|word| (word.person(bits), word.key(bits), word.payload(bits))).collect();
        assert!(found.is_sorted_by_key(|row| (row.0, row.1)));
        let mut rows = rows.to_vec();
        rows.sort_unstable();
        found.sort_unstable();
        assert_eq!(found, rows);
    }

    #[test]
    fn words_of_any_bits_are_sorted() {
        for (people, most_key, low, high) in [
            (1_u64, 0_u64, 0, 0),
            (1_000, 99_999, -5, 5),
            (3, 7, i64::from(i32::MIN), i64::from(i32::MAX)),
            (1 << 32, u64::from(u32::MAX), i64::from(i32::MIN), i64::from(i32::MAX)),
        ] {
            let bits = Layered::new(people, most_key, low, high);
            let row = |at: u64| {
                let mixed = at.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 7;
                let payload = low + (mixed % (high - low + 1) as u64) as i64;
                ((mixed % people) as u32, (mixed / 3 % (most_key + 1)) as u32, payload)
            };
            for count in [0, 1, 100, 5_000] {
                let mut rows: Vec<_> = (0..count).map(row).collect();
                rows.push(((people - 1) as u32, most_key as u32, high));
                rows.push((0, 0, low));
                sorts::<u128>(&bits, &rows);
                if bits.total() < u64::BITS {
                    sorts::<u64>(&bits, &rows);
                }
            }
        }
    }
}
