//! The randomizers, and what they have in common.

use core::fmt;
use core::str::FromStr;

use crate::draw::{Draws, Entropy, NoEntropy, Random};
use crate::epsilon::Epsilon;

mod hadamard;
mod hashing;
mod kary;
mod mean;
mod sketch;
mod unary;
mod variance;

pub use hadamard::Hadamard;
#[cfg(feature = "collector")]
pub(crate) use hashing::SEED_BYTES;
pub use hashing::{Hash, LocalHashing};
pub use kary::Kary;
pub use mean::OneBitMean;
pub use sketch::{HadamardSketch, Shape, Sketch};
pub use unary::{MOST_UNARY_ITEMS, Unary};

/// The most items a scheme takes.
pub const MOST_ITEMS: u32 = 1 << 22;

/// What a person's device holds, or that it holds nothing that fits.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Input {
    /// One of the items, by its index.
    Item(u32),
    /// A number, in the collection's units.
    Number(i64),
    /// No answer. It is reported like any answer, so that having none is as private as having one.
    Nothing,
}

/// The name of a scheme, without its parameters.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Kind {
    /// [`Kary`].
    Kary,
    /// [`Unary`].
    Unary,
    /// [`LocalHashing`].
    LocalHashing,
    /// [`Hadamard`].
    Hadamard,
    /// [`Sketch`].
    Sketch,
    /// [`HadamardSketch`].
    HadamardSketch,
    /// [`OneBitMean`].
    OneBitMean,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Kary,
        Self::Unary,
        Self::LocalHashing,
        Self::Hadamard,
        Self::Sketch,
        Self::HadamardSketch,
        Self::OneBitMean,
    ];

    /// The name in files and on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Kary => "k-ary",
            Self::Unary => "unary",
            Self::LocalHashing => "local-hashing",
            Self::Hadamard => "hadamard",
            Self::Sketch => "count-mean-sketch",
            Self::HadamardSketch => "hadamard-sketch",
            Self::OneBitMean => "one-bit-mean",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Kind {
    type Err = BadScheme;

    fn from_str(text: &str) -> Result<Self, BadScheme> {
        Self::ALL.into_iter().find(|kind| kind.name() == text).ok_or(BadScheme::Unknown)
    }
}

/// A randomizer with its parameters: all that a device needs, and all that makes a report readable.
///
/// [`Scheme::randomize`] is ε-locally private in its input (Kasiviswanathan et al. 2011): for any two inputs, nothing
/// included, and any report y, P(y | input) ≤ e^ε · P(y | other input), exactly, by integer thresholds. Every report of
/// a scheme has the same length, and takes the same draws whatever the input.
///
/// ```
/// use flockwise_local::{Epsilon, Hadamard, Input, Os, Scheme};
/// let scheme = Scheme::Hadamard(Hadamard::new(1000, "1".parse()?)?);
/// let mut report = vec![0; scheme.report_bytes()];
/// scheme.randomize(Input::Item(17), &mut Os, &mut report)?;
/// assert_eq!(report.len(), 2);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Scheme {
    /// k-ary randomized response.
    Kary(Kary),
    /// Optimized unary encoding.
    Unary(Unary),
    /// Optimized local hashing.
    LocalHashing(LocalHashing),
    /// Hadamard response.
    Hadamard(Hadamard),
    /// Count-mean sketch.
    Sketch(Sketch),
    /// Hadamard count-mean sketch.
    HadamardSketch(HadamardSketch),
    /// One-bit mean.
    OneBitMean(OneBitMean),
}

/// Why a scheme cannot be made.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum BadScheme {
    /// Fewer than two items, or more than [`MOST_ITEMS`].
    Items,
    /// Unary reports have a bit per item: too many.
    ReportTooLong,
    /// A sketch needs hash functions, and a width that is a power of two.
    Shape,
    /// A mean needs a lower bound below its upper bound.
    Bounds,
    /// No scheme has this name.
    Unknown,
    /// No scheme's report is this short.
    NoneFits,
}

impl fmt::Display for BadScheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Items => "there must be between 2 and 4194304 items",
            Self::ReportTooLong => "unary reports take at most 65536 items; local-hashing and hadamard take more",
            Self::Shape => {
                "a sketch needs 1 to 1048576 hashes, a width that is a power of two from 2 to 65536, and at most \
                 67108864 cells"
            }
            Self::Bounds => "the lower bound must be below the upper bound, both within ±2^53",
            Self::Unknown => {
                "the schemes are k-ary, unary, local-hashing, hadamard, count-mean-sketch, hadamard-sketch, one-bit-mean"
            }
            Self::NoneFits => "no scheme has so short a report for so many items",
        })
    }
}

impl core::error::Error for BadScheme {}

impl Scheme {
    /// The scheme's name.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Kary(_) => Kind::Kary,
            Self::Unary(_) => Kind::Unary,
            Self::LocalHashing(_) => Kind::LocalHashing,
            Self::Hadamard(_) => Kind::Hadamard,
            Self::Sketch(_) => Kind::Sketch,
            Self::HadamardSketch(_) => Kind::HadamardSketch,
            Self::OneBitMean(_) => Kind::OneBitMean,
        }
    }

    /// How many items it tells apart; `None` for the mean.
    #[must_use]
    pub const fn items(&self) -> Option<u32> {
        match self {
            Self::Kary(scheme) => Some(scheme.items()),
            Self::Unary(scheme) => Some(scheme.items()),
            Self::LocalHashing(scheme) => Some(scheme.items()),
            Self::Hadamard(scheme) => Some(scheme.items()),
            Self::Sketch(scheme) => Some(scheme.items()),
            Self::HadamardSketch(scheme) => Some(scheme.items()),
            Self::OneBitMean(_) => None,
        }
    }

    /// ε of one report drawn with fresh noise.
    #[must_use]
    pub const fn epsilon(&self) -> Epsilon {
        match self {
            Self::Kary(scheme) => scheme.epsilon(),
            Self::Unary(scheme) => scheme.epsilon(),
            Self::LocalHashing(scheme) => scheme.epsilon(),
            Self::Hadamard(scheme) => scheme.epsilon(),
            Self::Sketch(scheme) => scheme.epsilon(),
            Self::HadamardSketch(scheme) => scheme.epsilon(),
            Self::OneBitMean(scheme) => scheme.epsilon(),
        }
    }

    /// Length of every report.
    #[must_use]
    pub const fn report_bytes(&self) -> usize {
        match self {
            Self::Kary(scheme) => scheme.report_bytes(),
            Self::Unary(scheme) => scheme.report_bytes(),
            Self::LocalHashing(scheme) => scheme.report_bytes(),
            Self::Hadamard(scheme) => scheme.report_bytes(),
            Self::Sketch(scheme) => scheme.report_bytes(),
            Self::HadamardSketch(scheme) => scheme.report_bytes(),
            Self::OneBitMean(scheme) => scheme.report_bytes(),
        }
    }

    /// Draws one report with fresh noise: each call costs ε. A device that reports more than once uses
    /// [`Device`](crate::Device), which keeps count.
    ///
    /// An item that is not in the list, or an input of the wrong kind, is reported as [`Input::Nothing`]: no error hangs
    /// on what a person holds. Numbers outside the bounds are moved to the nearest bound.
    ///
    /// # Errors
    /// [`NoEntropy`].
    ///
    /// # Panics
    /// When `report` is not [`Scheme::report_bytes`] long.
    pub fn randomize<E: Entropy>(
        &self,
        input: Input,
        entropy: E,
        report: &mut [u8],
    ) -> Result<(), NoEntropy> {
        self.randomize_with(input, &mut Random::new(entropy), report)
    }

    /// As [`Scheme::randomize`] for many people at once: one report after another in `reports`, from one block of
    /// entropy after another.
    ///
    /// # Errors
    /// [`NoEntropy`].
    ///
    /// # Panics
    /// When `reports` is not as many reports long as there are inputs.
    pub fn randomize_many<E: Entropy>(
        &self,
        inputs: &[Input],
        entropy: E,
        reports: &mut [u8],
    ) -> Result<(), NoEntropy> {
        let bytes = self.report_bytes();
        assert_eq!(reports.len(), inputs.len() * bytes, "a report has {bytes} bytes");
        let draws = &mut Random::new(entropy);
        let mut pairs = inputs.iter().zip(reports.chunks_exact_mut(bytes));
        pairs.try_for_each(|(&input, report)| self.randomize_with(input, draws, report))
    }

    /// As [`Scheme::randomize`], from any source of draws: for tests that walk through every outcome.
    ///
    /// # Errors
    /// [`NoEntropy`].
    ///
    /// # Panics
    /// When `report` is not [`Scheme::report_bytes`] long.
    pub fn randomize_with<D: Draws>(
        &self,
        input: Input,
        draws: &mut D,
        report: &mut [u8],
    ) -> Result<(), NoEntropy> {
        assert_eq!(report.len(), self.report_bytes(), "every report of a scheme has one length");
        let item = match input {
            Input::Item(item) if self.items().is_some_and(|items| item < items) => Some(item),
            Input::Item(_) | Input::Number(_) | Input::Nothing => None,
        };
        let number = match input {
            Input::Number(number) => Some(number),
            Input::Item(_) | Input::Nothing => None,
        };
        match self {
            Self::Kary(scheme) => scheme.randomize(item, draws, report),
            Self::Unary(scheme) => scheme.randomize(item, draws, report),
            Self::LocalHashing(scheme) => scheme.randomize(item, draws, report),
            Self::Hadamard(scheme) => scheme.randomize(item, draws, report),
            Self::Sketch(scheme) => scheme.randomize(item, draws, report),
            Self::HadamardSketch(scheme) => scheme.randomize(item, draws, report),
            Self::OneBitMean(scheme) => scheme.randomize(number, draws, report),
        }
    }

    /// A scheme of this name with its usual parameters: sketches get 1,024 hash functions of 1,024 cells.
    ///
    /// # Errors
    /// As the scheme's own `new`; [`BadScheme::Bounds`] for the mean, which needs bounds and no items.
    pub fn of_kind(kind: Kind, items: u32, epsilon: Epsilon) -> Result<Self, BadScheme> {
        let shape = || Shape::new(1024, 1024, 0);
        match kind {
            Kind::Kary => Kary::new(items, epsilon).map(Self::Kary),
            Kind::Unary => Unary::new(items, epsilon).map(Self::Unary),
            Kind::LocalHashing => LocalHashing::new(items, epsilon).map(Self::LocalHashing),
            Kind::Hadamard => Hadamard::new(items, epsilon).map(Self::Hadamard),
            Kind::Sketch => Sketch::new(items, epsilon, shape()?).map(Self::Sketch),
            Kind::HadamardSketch => HadamardSketch::new(items, epsilon, shape()?).map(Self::HadamardSketch),
            Kind::OneBitMean => Err(BadScheme::Bounds),
        }
    }
}

impl fmt::Display for Scheme {
    /// Everything that decides the distribution of a report: two schemes that read alike are alike.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} epsilon={}", self.kind(), self.epsilon())?;
        if let Some(items) = self.items() {
            write!(f, " items={items}")?;
        }
        match self {
            Self::Sketch(sketch) => write_shape(sketch.shape(), f),
            Self::HadamardSketch(sketch) => write_shape(sketch.shape(), f),
            Self::OneBitMean(mean) => write!(f, " low={} high={}", mean.low(), mean.high()),
            Self::Kary(_) | Self::Unary(_) | Self::LocalHashing(_) | Self::Hadamard(_) => Ok(()),
        }
    }
}

fn write_shape(shape: Shape, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    write!(f, " hashes={} width={} seed={}", shape.hashes(), shape.width(), shape.seed())
}

const fn check_items(items: u32) -> Result<(), BadScheme> {
    if items < 2 || items > MOST_ITEMS { Err(BadScheme::Items) } else { Ok(()) }
}

/// Little-endian, over all of `bytes`.
#[inline]
fn write_number(number: u64, bytes: &mut [u8]) {
    for (at, byte) in bytes.iter_mut().enumerate() {
        *byte = (number >> (8 * at)) as u8;
    }
}

/// What [`write_number`] wrote.
#[inline]
#[cfg(feature = "collector")]
pub(crate) fn read_number(bytes: &[u8]) -> u64 {
    bytes.iter().rev().fold(0, |number, &byte| number << 8 | u64::from(byte))
}
