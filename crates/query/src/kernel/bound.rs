//! How much of a person's contribution counts.

use flockwise_mechanisms::{BadSensitivity, Entry, L1, L2Squared, Sensitivity};
use serde::{Deserialize, Serialize};

/// Weight 1 under norm bounds: weights are fixed point with 16 binary digits.
pub const UNIT: u32 = 1 << 16;

/// How the keys of a person are bounded.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rule {
    /// A random subset of at most this many keys, chosen by keyed hash; each counts in full.
    Keep(u32),
    /// All keys, each weighted min(1, √(B/m)) for m keys: the squared L2 norm of the weights is at most B.
    Norm(u32),
    /// All keys, each weighted min(1, B/m): the L1 norm of the weights is at most B.
    Mass(u32),
    /// A person's vector of values over keys, scaled to at most this L2 norm: the power of two that its square is, on the
    /// grid. For a sum that nothing else shares weights with.
    Clip(u32),
}

/// A rule, with a hard cap on keys per person: beyond it a subset is chosen by keyed hash.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Bound {
    /// The rule.
    pub rule: Rule,
    /// At most this many keys of a person take part.
    pub cap: u32,
}

impl Bound {
    /// At most `keys` keys of a person, each in full.
    #[must_use]
    pub const fn keep(keys: u32) -> Self {
        Self { rule: Rule::Keep(keys), cap: keys }
    }

    /// All keys of a person, scaled to squared L2 norm `bound`.
    #[must_use]
    pub const fn norm(bound: u32) -> Self {
        Self { rule: Rule::Norm(bound), cap: u32::MAX }
    }

    /// All keys of a person, scaled to L1 norm `bound`.
    #[must_use]
    pub const fn mass(bound: u32) -> Self {
        Self { rule: Rule::Mass(bound), cap: u32::MAX }
    }

    /// A person's own vector of values, scaled to a squared L2 norm of 2^power.
    #[must_use]
    pub const fn clip(power: u32) -> Self {
        Self { rule: Rule::Clip(power), cap: u32::MAX }
    }

    /// The same rule with a cap on keys per person.
    #[must_use]
    pub fn capped(self, cap: u32) -> Self {
        Self { cap: self.cap.min(cap), ..self }
    }

    /// The weight of a key that counts in full: integers stand for multiples of 1 over this.
    #[must_use]
    pub const fn unit(self) -> u32 {
        match self.rule {
            Rule::Keep(_) | Rule::Clip(_) => 1,
            Rule::Norm(_) | Rule::Mass(_) => UNIT,
        }
    }

    /// Into how many shares a unit is divided where a person's rows share it: so that [`UNIT`] of them are one in full.
    #[must_use]
    pub const fn shares(self) -> u32 {
        UNIT / self.unit()
    }

    /// The weight of each of a person's `keys` keys, in units of [`Bound::unit`], rounded down.
    ///
    /// Rounding down keeps the norm by construction: under `Norm(B)`, m·⌊U·√(B/m)⌋² ≤ U²·B.
    #[must_use]
    pub fn weight(self, keys: u32) -> u32 {
        let full = u64::from(UNIT);
        let m = u64::from(keys.max(1));
        let weight = match self.rule {
            Rule::Keep(_) | Rule::Clip(_) => 1,
            Rule::Norm(bound) if u64::from(bound) < m => (full * full * u64::from(bound) / m).isqrt(),
            Rule::Mass(bound) if u64::from(bound) < m => full * u64::from(bound) / m,
            Rule::Norm(_) | Rule::Mass(_) => full,
        };
        u32::try_from(weight).expect("a weight is at most its unit")
    }

    /// The bound itself: keys kept, or the norm.
    #[must_use]
    pub const fn size(self) -> u32 {
        match self.rule {
            Rule::Keep(size) | Rule::Norm(size) | Rule::Mass(size) | Rule::Clip(size) => size,
        }
    }

    /// L2² of a vector with one entry per key, where an entry of full weight is at most `radius` in absolute value and
    /// scaled by [`Bound::unit`] only if `in_units`.
    ///
    /// Adding or removing all rows of one person changes only that person's keys, by at most weight·radius each:
    /// Σ (w·radius)² ≤ B·radius², with w ≤ 1 in full units (rules of [`Bound::weight`]); a person with at most k kept
    /// keys gives k·radius². `Mass(B)` is bounded by its L1 norm: (B·radius)².
    ///
    /// # Errors
    /// When the product is too large for exact arithmetic.
    pub fn l2_squared(self, radius: u128, in_units: bool) -> Result<Sensitivity, BadSensitivity> {
        let unit = if in_units { u128::from(self.unit()) } else { 1 };
        let size = u128::from(self.size().min(self.cap));
        let norm = match self.rule {
            Rule::Keep(_) | Rule::Norm(_) => size,
            Rule::Mass(_) => size.checked_mul(size).ok_or(BadSensitivity)?,
            // Whatever the radius: the vector itself has this norm.
            Rule::Clip(power) => {
                let square = 1_u128.checked_shl(power).ok_or(BadSensitivity)?;
                return L2Squared::product(&[square]).map(Sensitivity::L2Squared);
            }
        };
        L2Squared::product(&[norm, radius, radius, unit, unit]).map(Sensitivity::L2Squared)
    }

    /// L1 of the same vector: k·radius or B·radius; under `Norm(B)` with at most `cap` keys √(B·cap)·radius, rounded up.
    ///
    /// # Errors
    /// When the product is too large for exact arithmetic.
    pub fn l1(self, radius: u128, in_units: bool) -> Result<Sensitivity, BadSensitivity> {
        let unit = if in_units { u128::from(self.unit()) } else { 1 };
        let size = u128::from(self.size());
        let mass = match self.rule {
            // An L2 norm bounds no L1 norm of a vector of any length.
            Rule::Clip(_) => return Err(BadSensitivity),
            Rule::Keep(_) | Rule::Mass(_) => size.min(u128::from(self.cap)),
            Rule::Norm(_) => {
                let square = size.min(u128::from(self.cap)) * u128::from(self.cap);
                let root = square.isqrt();
                if root * root == square { root } else { root + 1 }
            }
        };
        L1::product(&[mass, radius, unit]).map(Sensitivity::L1)
    }

    /// What the keys of one person that nobody else has may weigh in a selection: the argument of the threshold.
    #[must_use]
    pub fn entry(self) -> Entry {
        Entry::new((1..=self.cap).map(|keys| i128::from(self.weight(keys))).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_keep_their_norm() {
        for size in [1_u32, 2, 7, 16, 1000] {
            for keys in (1..3000).chain([1 << 20, u32::MAX]) {
                let (m, unit) = (u128::from(keys), u128::from(UNIT));
                let norm = u128::from(Bound::norm(size).weight(keys));
                assert!(m * norm * norm <= u128::from(size) * unit * unit);
                let mass = u128::from(Bound::mass(size).weight(keys));
                assert!(m * mass <= u128::from(size) * unit);
                if keys <= size {
                    assert_eq!((norm, mass), (unit, unit), "few keys count in full");
                }
            }
        }
    }

    #[test]
    fn n4_l0_times_linf_that_overflows_is_refused() {
        assert!(Bound::norm(u32::MAX).l2_squared(1 << 32, true).is_err());
        assert!(Bound::keep(u32::MAX).l2_squared(1 << 40, true).is_err());
    }
}
