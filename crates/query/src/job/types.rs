//! Small choices and numbers of a release, each checked where it enters.

use flockwise_mechanisms::units::EpsilonKind;
use flockwise_mechanisms::{Quantity, Rounding};

/// Over the limit, or zero.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("must be from 1 to {most}")]
pub struct OutOfRange {
    /// The largest value.
    pub most: u32,
}

macro_rules! bounded {
    ($(#[$doc:meta])* $type:ident, $most:expr) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, serde::Serialize)]
        pub struct $type(u32);

        impl $type {
            /// One.
            pub const ONE: Self = Self(1);
            /// The largest.
            pub const MOST: u32 = $most;

            /// From a number.
            ///
            /// # Errors
            /// When it is zero or over the limit.
            pub const fn new(value: u32) -> Result<Self, OutOfRange> {
                if value == 0 || value > Self::MOST { Err(OutOfRange { most: Self::MOST }) } else { Ok(Self(value)) }
            }

            /// The number.
            #[must_use]
            pub const fn get(self) -> u32 {
                self.0
            }
        }
    };
}

bounded!(
    /// A bound on a person's contribution (a squared norm, keys kept, rows per key): the product of any two fits 40
    /// bits, so that no sensitivity overflows.
    Limit, 1 << 20
);
bounded!(
    /// How many keys, transitions or bars are asked for.
    Count, 100_000
);

/// A part of the job's total against the other releases' parts: a positive decimal up to 1,000,000, to six places.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Share(u64);

impl Share {
    /// One part.
    pub const ONE: Self = Self(1_000_000);

    /// From a decimal; `None` when it is none, not positive, over 1,000,000 or finer than six places.
    ///
    /// ```
    /// use flockwise_query::job::Share;
    /// assert_eq!(Share::parse("2").map(Share::millionths), Some(2_000_000));
    /// assert_eq!(Share::parse("0"), None);
    /// ```
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        // Read as the decimal it is; in units of 1e-12, of which a share holds whole millions.
        let down = Quantity::<EpsilonKind>::parse(text, Rounding::Down).ok()?;
        let up = Quantity::<EpsilonKind>::parse(text, Rounding::Up).ok()?;
        (down == up && down.units() % 1_000_000 == 0).then(|| Self(down.units() / 1_000_000))
    }

    /// In units of 1e-6.
    #[must_use]
    pub const fn millionths(self) -> u64 {
        self.0
    }
}

/// How a person's contribution over keys is bounded.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum Contribution {
    /// By a bound that is bought with a small part of the loss.
    #[default]
    Auto,
    /// By norm: keys weighted so that the squared norm is at most this.
    Norm(Limit),
    /// By keeping so many keys.
    Keep(Limit),
}

/// Which mechanism adds the noise.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum MechanismChoice {
    /// The one of least expected error.
    #[default]
    Auto,
    /// Discrete Laplace.
    Laplace,
    /// Discrete or rounded Gaussian, by the accounting.
    Gaussian,
    /// One-shot Gumbel: for `top_k`.
    Gumbel,
    /// Exponential: for quantiles and `top_k`.
    Exponential,
}

impl MechanismChoice {
    /// The words in files.
    pub const WORDS: [(&'static str, Self); 5] = [
        ("auto", Self::Auto),
        ("laplace", Self::Laplace),
        ("gaussian", Self::Gaussian),
        ("gumbel", Self::Gumbel),
        ("exponential", Self::Exponential),
    ];
}

/// Whether keys are selected first and measured after.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum TwoStage {
    /// As the plan predicts less error.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// The word of a value, from its list of words.
pub(crate) fn word<T: Copy + PartialEq>(words: &[(&'static str, T)], value: T) -> &'static str {
    words.iter().find(|(_, known)| *known == value).map_or("auto", |(word, _)| word)
}
