//! The loss of one report, as an integer, and its exponential with a known direction of rounding.

use core::fmt;
use core::str::FromStr;

/// ε of one report, in units of 1e-12, between one millionth and sixteen.
///
/// An integer, so that a device and a collector that were given the same text mean the same number, and so that a
/// budget kept on a device never drifts. A decimal finer than one unit rounds down: less loss, more noise.
///
/// ```
/// use flockwise_local::Epsilon;
/// let epsilon: Epsilon = "0.5".parse()?;
/// assert_eq!(epsilon.units(), 500_000_000_000);
/// assert_eq!(epsilon.to_string(), "0.5");
/// assert!("0".parse::<Epsilon>().is_err());
/// assert!("NaN".parse::<Epsilon>().is_err());
/// # Ok::<(), flockwise_local::BadEpsilon>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Epsilon(u64);

/// Why a text or a number of units is no [`Epsilon`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum BadEpsilon {
    /// Not a plain decimal.
    NotDecimal,
    /// Below a millionth or above sixteen: no useful local report has such a loss.
    OutOfRange,
}

impl fmt::Display for BadEpsilon {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotDecimal => "epsilon must be a plain decimal such as 0.5",
            Self::OutOfRange => "epsilon of one report must be between 0.000001 and 16",
        })
    }
}

impl core::error::Error for BadEpsilon {}

/// Units in one.
pub(crate) const ONE: u64 = 1_000_000_000_000;
const SMALLEST: u64 = ONE / 1_000_000;
const LARGEST: u64 = 16 * ONE;

/// One, in the fixed point of [`Epsilon::exp_neg`].
pub(crate) const UNIT: u64 = 1 << 62;

impl Epsilon {
    /// From units of 1e-12.
    ///
    /// # Errors
    /// [`BadEpsilon::OutOfRange`].
    pub const fn from_units(units: u64) -> Result<Self, BadEpsilon> {
        if units < SMALLEST || units > LARGEST {
            return Err(BadEpsilon::OutOfRange);
        }
        Ok(Self(units))
    }

    /// In units of 1e-12.
    #[must_use]
    pub const fn units(self) -> u64 {
        self.0
    }

    /// For display and for error bars; never decides how a report is drawn.
    #[must_use]
    pub fn to_f64(self) -> f64 {
        self.0 as f64 / ONE as f64
    }

    /// e^−ε from above, in units of 2^−62: rounding toward privacy, since every randomizer here reports the truth less
    /// often when this is larger.
    pub(crate) const fn exp_neg(self) -> u64 {
        exp_neg_ceil(self.0)
    }

    /// e^(−ε/2) from above, in units of 2^−62.
    pub(crate) const fn exp_neg_half(self) -> u64 {
        exp_neg_ceil(self.0 / 2)
    }
}

/// e^(−units·1e-12) from above in units of 2^−62, for units up to 16e12.
///
/// With y = x/32 ≤ 1/2: every truncated term of e^y = Σ y^i/i! is at most the true one, so the sum L is a lower bound,
/// ⌈1/L⌉ is an upper bound of e^−y, and five squarings with ceilings keep it one. The relative error is below 1e-11.
const fn exp_neg_ceil(units: u64) -> u64 {
    let unit = UNIT as u128;
    let mut term = unit;
    let mut sum = unit;
    let mut i = 1;
    while i <= 20 {
        term = term * units as u128 / (32 * ONE as u128 * i);
        sum += term;
        i += 1;
    }
    let mut power = (unit * unit).div_ceil(sum);
    let mut squarings = 0;
    while squarings < 5 {
        power = (power * power).div_ceil(unit);
        squarings += 1;
    }
    power as u64
}

impl FromStr for Epsilon {
    type Err = BadEpsilon;

    fn from_str(text: &str) -> Result<Self, BadEpsilon> {
        let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
        let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        if whole.len() + fraction.len() == 0 || text.len() > 60 || !digits(whole) || !digits(fraction) {
            return Err(BadEpsilon::NotDecimal);
        }
        let mut units: u64 = 0;
        for digit in whole.bytes() {
            units = (units * 10 + u64::from(digit - b'0')).min(1000);
        }
        for place in 0..12 {
            let digit = fraction.as_bytes().get(place).map_or(0, |byte| byte - b'0');
            units = units * 10 + u64::from(digit);
        }
        Self::from_units(units)
    }
}

impl fmt::Display for Epsilon {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_units(self.0, f)
    }
}

impl fmt::Debug for Epsilon {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "epsilon {self}")
    }
}

/// Writes units of 1e-12 as the exact decimal.
pub(crate) fn write_units(units: u64, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    write!(f, "{}", units / ONE)?;
    let mut rest = units % ONE;
    if rest > 0 {
        let mut width = 12;
        while rest % 10 == 0 {
            rest /= 10;
            width -= 1;
        }
        write!(f, ".{rest:0width$}")?;
    }
    Ok(())
}

#[cfg(all(test, feature = "std"))]
mod tests {
    use std::string::ToString;

    use super::*;

    #[test]
    fn n6_bad_parameters_are_refused() {
        for text in [
            "NaN",
            "inf",
            "-1",
            "0",
            "0.0",
            "",
            ".",
            "1e-3",
            "1e300",
            "16.000000000001",
            "99999999999999999999",
            " 1",
            "0x1",
        ] {
            assert!(text.parse::<Epsilon>().is_err(), "{text:?} is no epsilon");
        }
        assert_eq!("0.0000010000009".parse::<Epsilon>().unwrap().to_string(), "0.000001");
        assert_eq!("16".parse::<Epsilon>().unwrap().units(), 16 * ONE);
        assert_eq!(".25".parse::<Epsilon>().unwrap().to_string(), "0.25");
    }

    #[test]
    fn the_exponential_is_from_above_and_close() {
        for units in [SMALLEST, 1_000_000_007, ONE / 3, ONE, 3 * ONE, 7_777_777_777_777, 16 * ONE] {
            let exact = (-(units as f64) / ONE as f64).exp();
            let ours = exp_neg_ceil(units) as f64 / UNIT as f64;
            assert!((ours / exact - 1.0).abs() < 1e-11, "{units}: {ours} against {exact}");
        }
    }
}
