//! What a person's own keys may look like: the bound that a selection threshold is computed from.

use serde::{Deserialize, Serialize};

use crate::noise::Family;
use crate::sensitivity::{BadSensitivity, L1, L2Squared, Sensitivity};

/// The largest weight that one key can have when a person brings t keys that nobody else has, for each t up to a cap on
/// keys per person.
///
/// The rules are those by which contributions are bounded; `unit` is the weight 1 on the grid.
///
/// ```
/// use flockwise_mechanisms::Entry;
/// // The vector of a person with t keys is scaled to a norm of √2: a key among eight weighs √(2/8) = 1/2.
/// let entry = Entry::norm(2, 64, 1000)?;
/// assert_eq!((entry.largest(1), entry.largest(2), entry.largest(8)), (1000, 1000, 500));
/// # Ok::<(), flockwise_mechanisms::BadEntry>(())
/// ```
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(try_from = "Rule", into = "Rule")]
pub struct Entry(Rule);

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum Rule {
    Norm { bound: u64, cap: usize, unit: i128 },
    L1 { bound: u64, cap: usize, unit: i128 },
    Keep { cap: usize, unit: i128 },
    Listed(Vec<i128>),
}

/// The bounds of an entry make no sense, or are too large for exact arithmetic.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error(
    "a selection needs a bound from 1 to {}, a cap on keys per person from 1 to {} and a unit from 1 to {}",
    Entry::MOST_BOUND,
    Entry::MOST_KEYS,
    Entry::MOST_UNIT
)]
pub struct BadEntry;

impl Entry {
    /// The largest cap on keys per person that is accepted, 2^20.
    pub const MOST_KEYS: usize = 1 << 20;
    /// The largest bound that is accepted, 2^32.
    pub const MOST_BOUND: u64 = 1 << 32;
    /// The largest unit that is accepted, 2^44: so that unit² · bound fits 120 bits.
    pub const MOST_UNIT: i128 = 1 << 44;

    /// From the largest weight for each number of keys, 1 to the cap.
    ///
    /// # Panics
    /// When there is none.
    #[must_use]
    pub fn new(largest: Vec<i128>) -> Self {
        assert!(!largest.is_empty(), "a person brings at least one key");
        Self(Rule::Listed(largest))
    }

    /// For vectors scaled to an L2 norm of √bound: w_t = ⌊unit · min(1, √(bound/t))⌋, exactly.
    ///
    /// # Errors
    /// When a bound is zero or over its limit.
    pub fn norm(bound: u64, cap: usize, unit: i128) -> Result<Self, BadEntry> {
        Self::try_from(Rule::Norm { bound, cap, unit })
    }

    /// For vectors scaled to an L1 norm of `bound`: w_t = ⌊unit · min(1, bound/t)⌋, exactly.
    ///
    /// # Errors
    /// When a bound is zero or over its limit.
    pub fn l1(bound: u64, cap: usize, unit: i128) -> Result<Self, BadEntry> {
        Self::try_from(Rule::L1 { bound, cap, unit })
    }

    /// For a person's subset of at most `cap` keys, each of weight `unit`.
    ///
    /// # Errors
    /// When a bound is zero or over its limit.
    pub fn keep(cap: usize, unit: i128) -> Result<Self, BadEntry> {
        Self::try_from(Rule::Keep { cap, unit })
    }

    /// The cap on keys per person.
    #[must_use]
    pub const fn cap(&self) -> usize {
        match &self.0 {
            Rule::Norm { cap, .. } | Rule::L1 { cap, .. } | Rule::Keep { cap, .. } => *cap,
            Rule::Listed(largest) => largest.len(),
        }
    }

    /// The largest weight of each of `t` keys. It is also the weight that the rule gives to each key of a person who has
    /// t of them in all.
    ///
    /// # Panics
    /// Unless 1 ≤ t ≤ cap.
    #[must_use]
    pub fn largest(&self, t: usize) -> i128 {
        assert!((1..=self.cap()).contains(&t), "a person brings from one key to the cap");
        let wide = t as u128;
        match &self.0 {
            // ⌊√x⌋ = ⌊√⌊x⌋⌋ for every real x ≥ 0, so the integer square root of the integer quotient is exact.
            Rule::Norm { bound, unit, .. } => {
                if wide <= u128::from(*bound) {
                    return *unit;
                }
                let square = unit.unsigned_abs() * unit.unsigned_abs() * u128::from(*bound);
                (square / wide).isqrt() as i128
            }
            Rule::L1 { bound, unit, .. } => {
                if wide <= u128::from(*bound) {
                    return *unit;
                }
                (unit.unsigned_abs() * u128::from(*bound) / wide) as i128
            }
            Rule::Keep { unit, .. } => *unit,
            Rule::Listed(largest) => largest[t - 1],
        }
    }

    /// Whether a key among more keys never weighs more: so for every rule but a list.
    pub(crate) const fn falls(&self) -> bool {
        match &self.0 {
            Rule::Norm { .. } | Rule::L1 { .. } | Rule::Keep { .. } => true,
            Rule::Listed(_) => false,
        }
    }

    /// How far one person can move the weights of all keys together: the L1 sensitivity for Laplace noise, the squared
    /// L2 sensitivity for Gaussian noise.
    ///
    /// With at most `cap` keys: norm, L2² = min(bound, cap) · unit², L1 = ⌊unit · √(bound · cap)⌋; l1, L1 = min(bound,
    /// cap) · unit, and L2² = L1 · unit since no weight exceeds the unit; keep, cap · unit and cap · unit².
    ///
    /// # Errors
    /// When it is too large for exact arithmetic.
    pub fn sensitivity(&self, family: Family) -> Result<Sensitivity, BadSensitivity> {
        let cap = self.cap() as u128;
        let weight = |unit: &i128| unit.unsigned_abs();
        let (l1, l2) = match &self.0 {
            Rule::Norm { bound, unit, .. } => {
                let (bound, unit) = (u128::from(*bound), weight(unit));
                let keys = bound.min(cap);
                let root = if cap <= bound { Some(cap * unit) } else { root_of_product(unit, bound, cap) };
                (root, (keys * unit).checked_mul(unit))
            }
            Rule::L1 { bound, unit, .. } => {
                let (keys, unit) = (u128::from(*bound).min(cap), weight(unit));
                (Some(keys * unit), (keys * unit).checked_mul(unit))
            }
            Rule::Keep { unit, .. } => {
                (Some(cap * weight(unit)), (cap * weight(unit)).checked_mul(weight(unit)))
            }
            Rule::Listed(largest) => (widest(largest, 1), widest(largest, 2)),
        };
        match family {
            Family::DiscreteLaplace => L1::new(l1.ok_or(BadSensitivity)?).map(Sensitivity::L1),
            Family::DiscreteGaussian | Family::RoundedNormal => {
                L2Squared::new(l2.ok_or(BadSensitivity)?).map(Sensitivity::L2Squared)
            }
        }
    }
}

/// ⌊unit · √(bound · cap)⌋.
fn root_of_product(unit: u128, bound: u128, cap: u128) -> Option<u128> {
    // The limits make it unit² < 2^89 times bound · cap < 2^53: past 128 bits, so round √(bound · cap) up instead.
    match (unit * unit).checked_mul(bound * cap) {
        Some(square) => Some(square.isqrt()),
        None => unit.checked_mul((bound * cap).isqrt() + 1),
    }
}

/// max over t of t · w_t^power.
fn widest(largest: &[i128], power: u32) -> Option<u128> {
    largest.iter().zip(1_u128..).try_fold(0, |most, (weight, t)| {
        let product = weight.unsigned_abs().checked_pow(power)?.checked_mul(t)?;
        Some(most.max(product))
    })
}

impl TryFrom<Rule> for Entry {
    type Error = BadEntry;

    fn try_from(rule: Rule) -> Result<Self, BadEntry> {
        let (bound, cap, unit) = match &rule {
            Rule::Norm { bound, cap, unit } | Rule::L1 { bound, cap, unit } => (*bound, *cap, *unit),
            Rule::Keep { cap, unit } => (1, *cap, *unit),
            Rule::Listed(largest) => (1, largest.len(), largest.iter().copied().max().unwrap_or(0)),
        };
        let sound = (1..=Self::MOST_BOUND).contains(&bound)
            && (1..=Self::MOST_KEYS).contains(&cap)
            && (1..=Self::MOST_UNIT).contains(&unit);
        if sound { Ok(Self(rule)) } else { Err(BadEntry) }
    }
}

impl From<Entry> for Rule {
    fn from(entry: Entry) -> Self {
        entry.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn n6_absurd_bounds_are_refused() {
        assert_eq!(Entry::norm(0, 8, 1), Err(BadEntry));
        assert_eq!(Entry::norm(8, 0, 1), Err(BadEntry));
        assert_eq!(Entry::norm(8, 8, 0), Err(BadEntry));
        assert_eq!(Entry::norm(8, 8, -1), Err(BadEntry));
        assert_eq!(Entry::l1(u64::MAX, 8, 1), Err(BadEntry));
        assert_eq!(Entry::keep(Entry::MOST_KEYS + 1, 1), Err(BadEntry));
        assert_eq!(Entry::keep(1, Entry::MOST_UNIT + 1), Err(BadEntry));
        assert!(Entry::norm(Entry::MOST_BOUND, Entry::MOST_KEYS, Entry::MOST_UNIT).is_ok());
        assert!(serde_json::from_str::<Entry>(r#"{"norm":{"bound":0,"cap":1,"unit":1}}"#).is_err());
        assert!(serde_json::from_str::<Entry>(r#"{"listed":[]}"#).is_err());
        let entry = Entry::norm(3, 64, 1 << 20).unwrap();
        let text = serde_json::to_string(&entry).unwrap();
        assert_eq!(serde_json::from_str::<Entry>(&text).unwrap(), entry);
    }

    proptest::proptest! {
        /// The floor of a square root: w² t ≤ unit² B < (w + 1)² t; and no person exceeds the sensitivity.
        #[test]
        fn weights_are_exact_floors_within_the_sensitivity(
            bound in 1_u64..200, cap in 1_usize..400, unit in 1_i128..1 << 30, at in 0_usize..400,
        ) {
            let t = at % cap + 1;
            let wide = t as u128;
            let square = unit.unsigned_abs().pow(2) * u128::from(bound);
            let norm = Entry::norm(bound, cap, unit).unwrap();
            let weight = norm.largest(t).unsigned_abs();
            proptest::prop_assert!(weight * weight * wide <= square);
            proptest::prop_assert!(weight == unit.unsigned_abs() || (weight + 1).pow(2) * wide > square);
            let l1 = Entry::l1(bound, cap, unit).unwrap();
            let keep = Entry::keep(cap, unit).unwrap();
            let listed = Entry::new((1..=cap).map(|t| norm.largest(t)).collect());
            for entry in [norm, l1, keep, listed] {
                let weight = entry.largest(t).unsigned_abs();
                match entry.sensitivity(Family::DiscreteLaplace).unwrap() {
                    Sensitivity::L1(l1) => proptest::prop_assert!(weight * wide <= l1.units()),
                    Sensitivity::L2Squared(_) => proptest::prop_assert!(false),
                }
                match entry.sensitivity(Family::DiscreteGaussian).unwrap() {
                    Sensitivity::L2Squared(l2) => proptest::prop_assert!(weight * weight * wide <= l2.units()),
                    Sensitivity::L1(_) => proptest::prop_assert!(false),
                }
            }
        }
    }
}
