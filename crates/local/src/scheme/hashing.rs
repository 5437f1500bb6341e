//! Optimized local hashing.

use crate::chance::Chance;
use crate::draw::{Draws, NoEntropy};
use crate::epsilon::Epsilon;
use crate::scheme::kary::bytes_for;
use crate::scheme::{BadScheme, check_items, write_number};

/// A hash of items: multiply and shift with 64-bit coefficients, which is pairwise independent on 32-bit items when
/// the coefficients are uniform (Dietzfelbinger 1996). Here they are expanded from a seed. Only accuracy hangs on this;
/// privacy holds for every function.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Hash {
    factor: u64,
    offset: u64,
}

impl Hash {
    /// The function of this seed.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self { factor: spread(seed), offset: spread(seed ^ 0x5851_F42D_4C95_7F2D) }
    }

    /// In 0..range.
    #[must_use]
    pub const fn of(self, item: u32, range: u32) -> u32 {
        let high = self.factor.wrapping_mul(item as u64 + 1).wrapping_add(self.offset) >> 32;
        ((high * range as u64) >> 32) as u32
    }
}

/// The output function of SplitMix64 (Steele, Lea, Flood 2014).
const fn spread(seed: u64) -> u64 {
    let mut z = seed.wrapping_add(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// Optimized local hashing (Wang, Blocki, Li, Jha 2017): the device draws a hash function, hashes its item to one of
/// g ≈ e^ε + 1 buckets, and reports the function with the bucket under g-ary randomized response.
///
/// ε-locally private for every hash function, since the seed is drawn without looking at the item. The variance is that
/// of optimized unary encoding in a few bytes, whatever the number of items; the collector pays with one hash per report
/// and item. A report is a 4-byte seed and one or two bytes of bucket. With a fresh seed for every draw two reports of
/// one device have nothing in common.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LocalHashing {
    epsilon: Epsilon,
    items: u32,
    buckets: u32,
    keep: Chance,
}

/// Bytes of the seed in a report.
pub(crate) const SEED_BYTES: usize = 4;

impl LocalHashing {
    /// For items 0..`items`; the number of buckets is the one of least variance.
    ///
    /// # Errors
    /// [`BadScheme::Items`].
    pub fn new(items: u32, epsilon: Epsilon) -> Result<Self, BadScheme> {
        check_items(items)?;
        // Around e^ε + 1, found in integers: a float could differ between a device and its collector.
        let q = epsilon.exp_neg();
        let near = (crate::epsilon::UNIT / q).clamp(1, 65_000) as u32;
        let keep = |buckets: u32| Chance::keep(epsilon, u64::from(buckets));
        // A report supports any other item with probability 1/g, and the truth by T·(1 − 1/g) more: the variance is
        // near 1/((g − 1)·T²), whose inverse is compared in integers.
        let (mut best, mut best_keep) = (near.max(2), keep(near.max(2)));
        for buckets in [near + 1, near + 2] {
            let candidate = keep(buckets);
            if strength(buckets, candidate) > strength(best, best_keep) {
                (best, best_keep) = (buckets, candidate);
            }
        }
        Ok(Self { epsilon, items, buckets: best, keep: best_keep })
    }

    /// ε of one report.
    #[must_use]
    pub const fn epsilon(&self) -> Epsilon {
        self.epsilon
    }

    /// How many items there are.
    #[must_use]
    pub const fn items(&self) -> u32 {
        self.items
    }

    /// g.
    #[must_use]
    pub const fn buckets(&self) -> u32 {
        self.buckets
    }

    /// T: how often the true bucket is reported on purpose.
    #[must_use]
    pub const fn keep(&self) -> Chance {
        self.keep
    }

    /// Length of every report.
    #[must_use]
    pub const fn report_bytes(&self) -> usize {
        SEED_BYTES + bytes_for(self.buckets as u64 - 1)
    }

    pub(crate) fn randomize<D: Draws>(
        &self,
        item: Option<u32>,
        draws: &mut D,
        report: &mut [u8],
    ) -> Result<(), NoEntropy> {
        let seed = draws.below(1 << 32)?;
        let keep = draws.coin(self.keep)?;
        let other = draws.below(u64::from(self.buckets))?;
        let hash = Hash::new(u64::from(seed));
        let truth = item.map_or(other, |item| hash.of(item, self.buckets));
        report[..SEED_BYTES].copy_from_slice(&seed.to_le_bytes());
        write_number(u64::from(if keep { truth } else { other }), &mut report[SEED_BYTES..]);
        Ok(())
    }
}

/// (g − 1)·T², with T cut to 48 bits: g is at most 65,002, so it fits.
fn strength(buckets: u32, keep: Chance) -> u128 {
    let keep = u128::from(keep.units() >> 16);
    u128::from(buckets - 1) * keep * keep
}
