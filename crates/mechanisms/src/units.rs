//! Privacy losses as integers: what a budget is made of.
//!
//! A budget that is a float drifts, and a budget that drifts can be cheated. So epsilon, rho and mu² are counted in
//! units of 1e-12 and delta in units of 1e-18, in integers that fit an `i64`. A *ceiling* is rounded down when it is
//! read, a *charge* is rounded up, and noise is calibrated from the integer that was charged, never from the number
//! somebody typed.

use std::fmt;
use std::marker::PhantomData;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// What a [`Quantity`] measures. Sealed: the four kinds are [`Epsilon`], [`Rho`], [`MuSquared`] and [`Delta`].
pub trait Kind: sealed::Sealed + Copy + Eq + Ord + fmt::Debug + Send + Sync + 'static {
    /// The name in messages.
    const NAME: &'static str;
    /// Digits behind the decimal point that one unit stands for.
    const DIGITS: u32;
    /// The first value that is refused, in units.
    const LIMIT: u64;
}

mod sealed {
    pub trait Sealed {}
}

macro_rules! kind {
    ($(#[$doc:meta])* $kind:ident, $alias:ident, $name:literal, $digits:literal, $limit:expr) => {
        #[doc = concat!("The kind of [`", stringify!($alias), "`].")]
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        pub enum $kind {}
        impl sealed::Sealed for $kind {}
        impl Kind for $kind {
            const NAME: &'static str = $name;
            const DIGITS: u32 = $digits;
            const LIMIT: u64 = $limit;
        }
        $(#[$doc])*
        pub type $alias = Quantity<$kind>;
    };
}

kind!(
    /// ε of pure or (ε, δ)-differential privacy, in units of 1e-12; below 1,000,000.
    EpsilonKind, Epsilon, "epsilon", 12, 1_000_000 * 1_000_000_000_000
);
kind!(
    /// ρ of zero-concentrated differential privacy (Bun and Steinke 2016), in units of 1e-12; below 1,000,000.
    RhoKind, Rho, "rho", 12, 1_000_000 * 1_000_000_000_000
);
kind!(
    /// μ² of Gaussian differential privacy (Dong, Roth, Su 2019), in units of 1e-12; below 1,000,000.
    MuSquaredKind, MuSquared, "mu squared", 12, 1_000_000 * 1_000_000_000_000
);
kind!(
    /// δ, in units of 1e-18; below 1.
    DeltaKind, Delta, "delta", 18, 1_000_000_000_000_000_000
);

/// A non-negative amount of privacy loss, counted in integer units.
///
/// ```
/// use flockwise_mechanisms::{Delta, Epsilon};
/// let epsilon: Epsilon = "0.5".parse()?;
/// assert_eq!(epsilon.units(), 500_000_000_000);
/// assert_eq!(epsilon.to_string(), "0.5");
/// let delta: Delta = "1e-6".parse()?;
/// assert_eq!(delta.units(), 1_000_000_000_000);
/// assert!("1e-400".parse::<Epsilon>().is_err());   // would be no privacy loss at all: refused, not rounded
/// assert!("NaN".parse::<Epsilon>().is_err());
/// # Ok::<(), flockwise_mechanisms::UnitError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Quantity<K>(u64, PhantomData<K>);

/// Which way a decimal that is finer than one unit goes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Rounding {
    /// For ceilings and anything that grants.
    Down,
    /// For charges and anything that spends.
    Up,
}

/// Why a number is not an amount of privacy loss.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum UnitError {
    /// Not a decimal number.
    #[error("{name} must be a decimal number such as 0.5 or 1e-6")]
    NotDecimal {
        /// Name of the quantity.
        name: &'static str,
    },
    /// Zero, negative, or so small that it rounds to zero.
    #[error("{name} must be at least {smallest}")]
    TooSmall {
        /// Name of the quantity.
        name: &'static str,
        /// The smallest value that is accepted.
        smallest: String,
    },
    /// At or over the limit.
    #[error("{name} must be below {limit}")]
    TooLarge {
        /// Name of the quantity.
        name: &'static str,
        /// The first value that is refused.
        limit: String,
    },
}

impl<K: Kind> Quantity<K> {
    /// Nothing.
    pub const ZERO: Self = Self(0, PhantomData);

    /// From integer units.
    ///
    /// # Errors
    /// [`UnitError::TooLarge`] at or over the limit of the kind.
    pub fn from_units(units: u64) -> Result<Self, UnitError> {
        if units >= K::LIMIT {
            return Err(UnitError::TooLarge {
                name: K::NAME,
                limit: Self(K::LIMIT, PhantomData).to_string(),
            });
        }
        Ok(Self(units, PhantomData))
    }

    /// Reads a positive decimal (`0.5`, `1e-6`), exactly, and rounds what is finer than one unit as told.
    ///
    /// # Errors
    /// When it is no decimal, or rounds to zero, or is at or over the limit.
    pub fn parse(text: &str, rounding: Rounding) -> Result<Self, UnitError> {
        let units = decimal_units(text, K::DIGITS, rounding)
            .ok_or(UnitError::NotDecimal { name: K::NAME })?
            .ok_or_else(|| UnitError::TooLarge {
                name: K::NAME,
                limit: Self(K::LIMIT, PhantomData).to_string(),
            })?;
        if units == 0 {
            let smallest = Self(1, PhantomData).to_string();
            return Err(UnitError::TooSmall { name: K::NAME, smallest });
        }
        Self::from_units(units)
    }

    /// From a float, by its shortest decimal: `0.1` is one tenth, as the person who typed it meant.
    ///
    /// # Errors
    /// As [`Quantity::parse`]; NaN, infinities, zero and negative numbers are refused.
    pub fn from_f64(value: f64, rounding: Rounding) -> Result<Self, UnitError> {
        if value <= 0.0 {
            let smallest = Self(1, PhantomData).to_string();
            return Err(UnitError::TooSmall { name: K::NAME, smallest });
        }
        Self::parse(&format!("{value:e}"), rounding)
    }

    /// The integer units.
    #[must_use]
    pub const fn units(self) -> u64 {
        self.0
    }

    /// The nearest float: for display and for numerical search, never for a decision about a budget.
    #[must_use]
    pub fn to_f64(self) -> f64 {
        self.to_string().parse().expect("a decimal that we wrote is one that the standard library reads")
    }

    /// Whether there is nothing left.
    #[must_use]
    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }

    /// The sum, or `None` at or over the limit.
    #[must_use]
    pub fn checked_add(self, other: Self) -> Option<Self> {
        Self::from_units(self.0.checked_add(other.0)?).ok()
    }

    /// The difference, or `None` where it would be negative.
    #[must_use]
    pub fn checked_sub(self, other: Self) -> Option<Self> {
        self.0.checked_sub(other.0).map(|units| Self(units, PhantomData))
    }

    /// `self · part / whole`, rounded as told. A share of a budget is rounded down, so that shares never exceed it.
    ///
    /// # Panics
    /// When `whole` is zero or `part` exceeds it.
    #[must_use]
    pub fn share(self, part: u64, whole: u64, rounding: Rounding) -> Self {
        assert!(whole > 0 && part <= whole, "a share is a part of a whole");
        let product = u128::from(self.0) * u128::from(part);
        let whole = u128::from(whole);
        let units = match rounding {
            Rounding::Down => product / whole,
            Rounding::Up => product.div_ceil(whole),
        };
        Self(u64::try_from(units).expect("a part of a u64 fits a u64"), PhantomData)
    }
}

/// `Some(None)` is a decimal too large for a `u64` of units; `None` is no decimal.
fn decimal_units(text: &str, digits: u32, rounding: Rounding) -> Option<Option<u64>> {
    let (mantissa, exponent) = match text.find(['e', 'E']) {
        Some(at) => (&text[..at], text[at + 1..].parse::<i32>().ok()?),
        None => (text, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let figures = [whole, fraction].concat();
    if figures.is_empty() || figures.len() > 60 || !figures.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let figures = figures.trim_start_matches('0');
    if figures.is_empty() {
        return Some(Some(0));
    }
    let fraction_length = i64::try_from(fraction.len()).ok()?;
    let shift = i64::from(exponent) - fraction_length + i64::from(digits);
    let length = i64::try_from(figures.len()).ok()?;
    if length + shift > 19 {
        return Some(None);
    }
    let kept = usize::try_from((length + shift.min(0)).max(0)).ok()?;
    let (head, tail) = figures.split_at(kept);
    let mut units: u64 = if head.is_empty() { 0 } else { head.parse().ok()? };
    for _ in 0..shift.max(0) {
        units *= 10;
    }
    let inexact = tail.bytes().any(|b| b != b'0');
    Some(Some(units + u64::from(inexact && rounding == Rounding::Up)))
}

impl<K: Kind> FromStr for Quantity<K> {
    type Err = UnitError;

    /// Rounds down, as for a ceiling.
    fn from_str(text: &str) -> Result<Self, UnitError> {
        Self::parse(text, Rounding::Down)
    }
}

impl<K: Kind> fmt::Display for Quantity<K> {
    /// The exact decimal: `0.5`, or `1.05e-8` below a thousandth.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let one = 10_u64.pow(K::DIGITS);
        let trimmed = |padded: String| padded.trim_end_matches('0').to_owned();
        if self.0 == 0 {
            return f.pad("0");
        }
        if self.0 < one / 1000 {
            let figures = self.0.to_string();
            let exponent = i64::from(K::DIGITS) + 1 - figures.len() as i64;
            let fraction = trimmed(figures[1..].to_owned());
            let point = if fraction.is_empty() { "" } else { "." };
            return f.pad(&format!("{}{point}{fraction}e-{exponent}", &figures[..1]));
        }
        let fraction = trimmed(format!("{:0width$}", self.0 % one, width = K::DIGITS as usize));
        let point = if fraction.is_empty() { "" } else { "." };
        f.pad(&format!("{}{point}{fraction}", self.0 / one))
    }
}

impl<K: Kind> fmt::Debug for Quantity<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {self}", K::NAME)
    }
}

impl<K: Kind> Serialize for Quantity<K> {
    /// A decimal string: exact in every reader.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de, K: Kind> Deserialize<'de> for Quantity<K> {
    /// Reads what [`Serialize`] writes; zero is allowed, anything finer than one unit is not.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let exact = |rounding| decimal_units(&text, K::DIGITS, rounding).flatten();
        match (exact(Rounding::Down), exact(Rounding::Up)) {
            (Some(down), Some(up)) if down == up => Self::from_units(down).map_err(serde::de::Error::custom),
            _ => Err(serde::de::Error::custom(UnitError::NotDecimal { name: K::NAME })),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn n6_bad_parameters_are_refused() {
        for text in [
            "NaN", "nan", "inf", "-inf", "0", "-1", "0.0", "1e-400", "1e300", "1e6", "", "e", ".", "1e",
            "0x1", " 1",
        ] {
            assert!(text.parse::<Epsilon>().is_err(), "{text:?} is no epsilon");
        }
        for value in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 0.0, -0.0, -1.0, 1e-400, 1e300, 5e-324] {
            assert!(Rho::from_f64(value, Rounding::Down).is_err(), "{value} is no rho");
        }
        assert!("1".parse::<Delta>().is_err());
        assert!("0.999999999999999999".parse::<Delta>().is_ok());
        assert!(serde_json::from_str::<Epsilon>("\"-1\"").is_err());
        assert!(serde_json::from_str::<Epsilon>("\"0.0000000000001\"").is_err());
    }

    #[test]
    fn decimals_are_read_exactly_and_rounded_as_told() {
        assert_eq!(Epsilon::parse("0.1", Rounding::Down).unwrap().units(), 100_000_000_000);
        assert_eq!(Epsilon::parse("1.0000000000005", Rounding::Down).unwrap().units(), 1_000_000_000_000);
        assert_eq!(Epsilon::parse("1.0000000000005", Rounding::Up).unwrap().units(), 1_000_000_000_001);
        assert_eq!(Epsilon::parse("1e-13", Rounding::Up).unwrap().units(), 1);
        assert_eq!(Epsilon::from_f64(0.3, Rounding::Up).unwrap().units(), 300_000_000_000);
        assert_eq!("12e-1".parse::<Epsilon>().unwrap().to_string(), "1.2");
    }

    proptest::proptest! {
        #[test]
        fn text_round_trips(units in 0_u64..1_000_000_000_000_000_000) {
            let delta = Delta::from_units(units).unwrap();
            let json = serde_json::to_string(&delta).unwrap();
            proptest::prop_assert_eq!(serde_json::from_str::<Delta>(&json).unwrap(), delta);
            let epsilon = Epsilon::from_units(units).unwrap();
            let json = serde_json::to_string(&epsilon).unwrap();
            proptest::prop_assert_eq!(serde_json::from_str::<Epsilon>(&json).unwrap(), epsilon);
        }
    }
}
