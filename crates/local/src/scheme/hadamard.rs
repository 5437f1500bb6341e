//! Hadamard response.

use crate::chance::Chance;
use crate::draw::{Draws, NoEntropy};
use crate::epsilon::Epsilon;
use crate::scheme::kary::bytes_for;
use crate::scheme::{BadScheme, check_items, write_number};

/// Hadamard response (Acharya, Sun, Zhang 2019).
///
/// The outputs are B blocks of b = 2^j. An item is a block and a row 1..b of the b × b Hadamard matrix; its good set is
/// the half of its block where that row is +1. The report is uniform over the good set with probability T, otherwise
/// uniform over all B·b outputs: ε-locally private with everything 2B times as large as the good set. Rows of one block
/// share half of every good set and blocks share nothing, so Σ (row's sign, inside the block) is unbiased for T·count:
/// one fast Walsh–Hadamard transform per block decodes all items. Averaged over items the variance is close to
/// n/(B·T²); b is the power of two that makes it least. At small ε that is one block, and the report differs from a fair
/// one in a single bit of information; as ε grows it moves toward one item a block.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Hadamard {
    epsilon: Epsilon,
    items: u32,
    rows: u32,
    blocks: u32,
    keep: Chance,
}

impl Hadamard {
    /// For items 0..`items`.
    ///
    /// # Errors
    /// [`BadScheme::Items`].
    pub fn new(items: u32, epsilon: Epsilon) -> Result<Self, BadScheme> {
        check_items(items)?;
        let of = |rows: u32| {
            let blocks = items.div_ceil(rows - 1);
            Self { epsilon, items, rows, blocks, keep: Chance::keep(epsilon, 2 * u64::from(blocks)) }
        };
        // B·T² decides, in integers: B is below 2^23, T is cut to 48 bits.
        let strength = |scheme: &Self| {
            let keep = u128::from(scheme.keep.units() >> 16);
            u128::from(scheme.blocks) * keep * keep
        };
        let mut best = of(2);
        let mut rows = 2;
        while rows <= items {
            rows *= 2;
            let candidate = of(rows);
            if strength(&candidate) > strength(&best) {
                best = candidate;
            }
        }
        Ok(best)
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

    /// b: outputs of one block, a power of two; a block serves b − 1 items.
    #[must_use]
    pub const fn rows(&self) -> u32 {
        self.rows
    }

    /// B.
    #[must_use]
    pub const fn blocks(&self) -> u32 {
        self.blocks
    }

    /// T: how often the report comes from the good set on purpose.
    #[must_use]
    pub const fn keep(&self) -> Chance {
        self.keep
    }

    /// B·b: how many reports there can be.
    #[must_use]
    pub const fn outputs(&self) -> u64 {
        self.blocks as u64 * self.rows as u64
    }

    /// Length of every report.
    #[must_use]
    pub const fn report_bytes(&self) -> usize {
        bytes_for(self.outputs() - 1)
    }

    /// Block and row of an item. Neighbours in the list go to different blocks, so that blocks are equally full, also of
    /// people where the list is in order of popularity.
    pub(crate) const fn place(&self, item: u32) -> (u32, u32) {
        (item % self.blocks, item / self.blocks + 1)
    }

    /// The share of people in an item's block, on average over the items when all are held alike.
    pub(crate) fn block_share(&self) -> f64 {
        let (items, blocks) = (f64::from(self.items), f64::from(self.blocks));
        let fuller = f64::from(self.items % self.blocks);
        let size = f64::from(self.items / self.blocks);
        (fuller * (size + 1.0) * (size + 1.0) + (blocks - fuller) * size * size) / (items * items)
    }

    pub(crate) fn randomize<D: Draws>(
        &self,
        item: Option<u32>,
        draws: &mut D,
        report: &mut [u8],
    ) -> Result<(), NoEntropy> {
        let keep = draws.coin(self.keep)?;
        let other = draws.below(self.outputs())?;
        let good = item.map_or(other, |item| {
            let (block, row) = self.place(item);
            // Uniform over all columns, since b is a power of two and divides B·b; then, where the row is −1, its
            // lowest bit is flipped, which maps the bad half one to one onto the good half.
            let column = other & (self.rows - 1);
            let odd = (column & row).count_ones() & 1;
            let lowest = row & row.wrapping_neg();
            block * self.rows + (column ^ (lowest * odd))
        });
        write_number(u64::from(if keep { good } else { other }), report);
        Ok(())
    }
}
