//! Count-mean sketch, and its Hadamard form.

use crate::chance::Chance;
use crate::draw::{Draws, NoEntropy};
use crate::epsilon::Epsilon;
use crate::scheme::hashing::Hash;
use crate::scheme::kary::bytes_for;
use crate::scheme::{BadScheme, check_items, write_number};

/// The shape that devices and collector share: how many public hash functions, how wide, and the seed they come from.
///
/// A sketch costs accuracy where two items collide, so it is for item lists that grow after devices have shipped; for a
/// list that is fixed, other schemes have less error.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Shape {
    hashes: u32,
    width: u32,
    seed: u64,
}

/// The most cells of a sketch: 512 MiB for the collector.
const MOST_CELLS: u64 = 1 << 26;

impl Shape {
    /// `hashes` functions into `width` cells each; the width is a power of two.
    ///
    /// # Errors
    /// [`BadScheme::Shape`] for no hash functions, a width that is no power of two from 2 to 65,536, or too many cells.
    pub const fn new(hashes: u32, width: u32, seed: u64) -> Result<Self, BadScheme> {
        let fits = hashes as u64 * width as u64 <= MOST_CELLS;
        if hashes == 0
            || hashes > 1 << 20
            || width < 2
            || width > 1 << 16
            || !width.is_power_of_two()
            || !fits
        {
            return Err(BadScheme::Shape);
        }
        Ok(Self { hashes, width, seed })
    }

    /// How many hash functions.
    #[must_use]
    pub const fn hashes(self) -> u32 {
        self.hashes
    }

    /// Cells of each.
    #[must_use]
    pub const fn width(self) -> u32 {
        self.width
    }

    /// What the functions come from; public.
    #[must_use]
    pub const fn seed(self) -> u64 {
        self.seed
    }

    /// Hash function number `index`.
    pub(crate) const fn hash(self, index: u32) -> Hash {
        Hash::new(self.seed.wrapping_mul(0xD134_2543_DE82_EF95).wrapping_add(index as u64))
    }
}

/// Count-mean sketch (Apple, Learning with Privacy at Scale, 2017): one of the public hash functions, drawn by the
/// device, and a row of ±1 that is +1 where the item hashes, each sign flipped with probability q.
///
/// ε-locally private for q ≥ 1/(e^(ε/2) + 1): two items differ in two signs. Adding or leaving out an answer differs in
/// one. A report is the number of the function and one bit per cell.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Sketch {
    epsilon: Epsilon,
    items: u32,
    shape: Shape,
    flip: Chance,
}

impl Sketch {
    /// For items 0..`items`.
    ///
    /// # Errors
    /// [`BadScheme::Items`].
    pub fn new(items: u32, epsilon: Epsilon, shape: Shape) -> Result<Self, BadScheme> {
        check_items(items)?;
        Ok(Self { epsilon, items, shape, flip: Chance::flip_half(epsilon) })
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

    /// The shape.
    #[must_use]
    pub const fn shape(&self) -> Shape {
        self.shape
    }

    /// q: how often a sign is flipped.
    #[must_use]
    pub const fn flip(&self) -> Chance {
        self.flip
    }

    /// Bytes for the number of the function.
    pub(crate) const fn index_bytes(&self) -> usize {
        bytes_for(self.shape.hashes as u64 - 1)
    }

    /// Length of every report.
    #[must_use]
    pub const fn report_bytes(&self) -> usize {
        self.index_bytes() + (self.shape.width as usize).div_ceil(8)
    }

    pub(crate) fn randomize<D: Draws>(
        &self,
        item: Option<u32>,
        draws: &mut D,
        report: &mut [u8],
    ) -> Result<(), NoEntropy> {
        report.fill(0);
        let index = draws.below(u64::from(self.shape.hashes))?;
        let cell = item.map(|item| self.shape.hash(index).of(item, self.shape.width));
        let (head, row) = report.split_at_mut(self.index_bytes());
        write_number(u64::from(index), head);
        for column in 0..self.shape.width {
            let flipped = draws.coin(self.flip)?;
            let bit = u8::from(flipped ^ (Some(column) == cell));
            row[column as usize / 8] |= bit << (column % 8);
        }
        Ok(())
    }
}

/// Hadamard count-mean sketch (Apple 2017): of the Hadamard transform of the sketch's row, one coefficient drawn by the
/// device, its sign flipped with probability q.
///
/// ε-locally private for q ≥ 1/(e^ε + 1): function and coefficient are drawn without looking at the item, and one sign is
/// all that depends on it. A report is the number of the function, the number of the coefficient, and the sign.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct HadamardSketch {
    epsilon: Epsilon,
    items: u32,
    shape: Shape,
    flip: Chance,
}

impl HadamardSketch {
    /// For items 0..`items`.
    ///
    /// # Errors
    /// [`BadScheme::Items`].
    pub fn new(items: u32, epsilon: Epsilon, shape: Shape) -> Result<Self, BadScheme> {
        check_items(items)?;
        Ok(Self { epsilon, items, shape, flip: Chance::flip(epsilon) })
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

    /// The shape.
    #[must_use]
    pub const fn shape(&self) -> Shape {
        self.shape
    }

    /// q: how often the sign is flipped.
    #[must_use]
    pub const fn flip(&self) -> Chance {
        self.flip
    }

    /// How many reports there can be: function, coefficient and sign are one number.
    #[must_use]
    pub const fn outputs(&self) -> u64 {
        self.shape.hashes as u64 * self.shape.width as u64 * 2
    }

    /// Length of every report.
    #[must_use]
    pub const fn report_bytes(&self) -> usize {
        bytes_for(self.outputs() - 1)
    }

    pub(crate) fn randomize<D: Draws>(
        &self,
        item: Option<u32>,
        draws: &mut D,
        report: &mut [u8],
    ) -> Result<(), NoEntropy> {
        let index = draws.below(u64::from(self.shape.hashes))?;
        let column = draws.below(u64::from(self.shape.width))?;
        let flipped = draws.coin(self.flip)?;
        let fair = draws.coin(Chance::HALF)?;
        let negative = item.map_or(fair, |item| {
            let cell = self.shape.hash(index).of(item, self.shape.width);
            flipped ^ ((cell & column).count_ones() & 1 == 1)
        });
        let place = u64::from(index) * u64::from(self.shape.width) + u64::from(column);
        write_number(place * 2 + u64::from(negative), report);
        Ok(())
    }
}
