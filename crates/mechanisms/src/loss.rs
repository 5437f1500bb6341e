//! A privacy loss under one of the four accounting modes, and the ceiling that a ledger enforces.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::units::{Delta, Epsilon, MuSquared, Quantity, Rho};

/// How losses add up in one ledger: chosen when it is made, and never changed.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Accounting {
    /// Pure ε adds up; thresholded selection adds its δ to a δ total.
    Pure,
    /// ρ of zCDP adds up (Bun and Steinke 2016); selection adds its δ.
    Zcdp,
    /// μ² of Gaussian DP adds up, on rounded normals (Dong, Roth, Su 2019; Smith and Thakurta 2022); selection adds its δ.
    Gdp,
    /// Each job is one (ε, δ) mechanism; jobs add up by basic composition.
    Approx,
}

impl Accounting {
    /// The name in files.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pure => "pure",
            Self::Zcdp => "zcdp",
            Self::Gdp => "gdp",
            Self::Approx => "approx",
        }
    }

    /// The name of the amount that adds up beside δ: `epsilon`, `rho` or `mu_squared`.
    #[must_use]
    pub const fn amount_name(self) -> &'static str {
        match self {
            Self::Pure | Self::Approx => "epsilon",
            Self::Zcdp => "rho",
            Self::Gdp => "mu_squared",
        }
    }
}

impl fmt::Display for Accounting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// A loss: an amount that adds up (ε, ρ or μ², by [`Accounting`]) and a δ that adds up beside it.
///
/// Both are integers (see [`crate::units`]), so that losses under one accounting add exactly, and a ceiling is a fixed
/// rectangle: that is what makes it a valid filter when analysts choose adaptively (Whitehouse, Ramdas, Rogers, Wu 2023).
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Loss {
    accounting: Accounting,
    amount: u64,
    delta: Delta,
}

impl Loss {
    /// Nothing, under an accounting.
    #[must_use]
    pub const fn zero(accounting: Accounting) -> Self {
        Self { accounting, amount: 0, delta: Delta::ZERO }
    }

    /// ε adds up, and δ beside it.
    #[must_use]
    pub const fn pure(epsilon: Epsilon, delta: Delta) -> Self {
        Self { accounting: Accounting::Pure, amount: epsilon.units(), delta }
    }

    /// ρ adds up, and the δ of selection beside it.
    #[must_use]
    pub const fn zcdp(rho: Rho, delta: Delta) -> Self {
        Self { accounting: Accounting::Zcdp, amount: rho.units(), delta }
    }

    /// μ² adds up, and the δ of selection beside it.
    #[must_use]
    pub const fn gdp(mu_squared: MuSquared, delta: Delta) -> Self {
        Self { accounting: Accounting::Gdp, amount: mu_squared.units(), delta }
    }

    /// A job's (ε, δ), to be added to other jobs'.
    #[must_use]
    pub const fn approx(epsilon: Epsilon, delta: Delta) -> Self {
        Self { accounting: Accounting::Approx, amount: epsilon.units(), delta }
    }

    /// From an amount in units of 1e-12 (as a ledger stores it).
    ///
    /// # Errors
    /// When the amount is at or over the limit.
    pub fn from_units(accounting: Accounting, amount: u64, delta: Delta) -> Result<Self, crate::UnitError> {
        Epsilon::from_units(amount)?;
        Ok(Self { accounting, amount, delta })
    }

    /// How this loss adds up.
    #[must_use]
    pub const fn accounting(self) -> Accounting {
        self.accounting
    }

    /// The amount that adds up, in units of 1e-12 of what [`Accounting::amount_name`] names.
    #[must_use]
    pub const fn amount_units(self) -> u64 {
        self.amount
    }

    /// The amount as a decimal string.
    #[must_use]
    pub fn amount_text(self) -> String {
        quantity::<crate::units::EpsilonKind>(self.amount).to_string()
    }

    /// The amount as the nearest float, for display and prediction.
    #[must_use]
    pub fn amount_f64(self) -> f64 {
        quantity::<crate::units::EpsilonKind>(self.amount).to_f64()
    }

    /// The δ that adds up.
    #[must_use]
    pub const fn delta(self) -> Delta {
        self.delta
    }

    /// ε, under `pure` and `approx`.
    #[must_use]
    pub fn epsilon(self) -> Option<Epsilon> {
        match self.accounting {
            Accounting::Pure | Accounting::Approx => Some(quantity(self.amount)),
            Accounting::Zcdp | Accounting::Gdp => None,
        }
    }

    /// ρ, under `zcdp`.
    #[must_use]
    pub fn rho(self) -> Option<Rho> {
        (self.accounting == Accounting::Zcdp).then(|| quantity(self.amount))
    }

    /// μ², under `gdp`.
    #[must_use]
    pub fn mu_squared(self) -> Option<MuSquared> {
        (self.accounting == Accounting::Gdp).then(|| quantity(self.amount))
    }

    /// This loss with another δ.
    #[must_use]
    pub const fn with_delta(self, delta: Delta) -> Self {
        Self { delta, ..self }
    }

    /// The sum; `None` when the accountings differ or a limit is passed.
    #[must_use]
    pub fn checked_add(self, other: Self) -> Option<Self> {
        let delta = self.delta.checked_add(other.delta)?;
        let amount = self.amount.checked_add(other.amount)?;
        (self.accounting == other.accounting).then_some(())?;
        Self::from_units(self.accounting, amount, delta).ok()
    }

    /// The difference; `None` when the accountings differ or either part would be negative.
    #[must_use]
    pub fn checked_sub(self, other: Self) -> Option<Self> {
        (self.accounting == other.accounting).then_some(())?;
        let amount = self.amount.checked_sub(other.amount)?;
        Some(Self { accounting: self.accounting, amount, delta: self.delta.checked_sub(other.delta)? })
    }

    /// Whether both parts are at most the other's.
    #[must_use]
    pub fn fits_in(self, other: Self) -> bool {
        other.checked_sub(self).is_some()
    }

    /// `part / whole` of it, both parts rounded down, so that shares never exceed what is shared.
    ///
    /// # Panics
    /// When `whole` is zero or `part` exceeds it.
    #[must_use]
    pub fn share(self, part: u64, whole: u64) -> Self {
        let amount = quantity::<crate::units::EpsilonKind>(self.amount);
        Self {
            accounting: self.accounting,
            amount: amount.share(part, whole, crate::Rounding::Down).units(),
            delta: self.delta.share(part, whole, crate::Rounding::Down),
        }
    }
}

fn quantity<K: crate::units::Kind>(units: u64) -> Quantity<K> {
    Quantity::from_units(units).expect("a loss holds units below the limit")
}

impl fmt::Display for Loss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.accounting.amount_name().replace('_', " "), self.amount_text())?;
        if self.delta.is_zero() { Ok(()) } else { write!(f, ", delta {}", self.delta) }
    }
}

impl fmt::Debug for Loss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}({self})", self.accounting)
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct LossRepr {
    accounting: Accounting,
    amount: Epsilon,
    delta: Delta,
}

impl Serialize for Loss {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        LossRepr { accounting: self.accounting, amount: quantity(self.amount), delta: self.delta }
            .serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Loss {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let LossRepr { accounting, amount, delta } = LossRepr::deserialize(deserializer)?;
        Ok(Self { accounting, amount: amount.units(), delta })
    }
}
