//! The ceiling of a ledger, as a fixed rectangle of integers.

use super::{gdp, zcdp};
use crate::loss::{Accounting, Loss};
use crate::units::{Delta, Epsilon, MuSquared, Quantity, Rho};

/// What the policy promises over the life of a ledger: (ε, δ)-differential privacy for one person.
///
/// ```
/// use flockwise_mechanisms::{Accounting, Ceiling};
/// let ceiling = Ceiling { accounting: Accounting::Zcdp, epsilon: "4".parse()?, delta: "1e-6".parse()? };
/// let job = ceiling.job("0.5".parse()?);
/// assert_eq!(&job.amount_text()[..9], "0.0062248");
/// assert!(job.fits_in(ceiling.rectangle()));
/// assert!(ceiling.epsilon_of(job) <= 0.5);
/// # Ok::<(), flockwise_mechanisms::UnitError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ceiling {
    /// How losses add up.
    pub accounting: Accounting,
    /// ε.
    pub epsilon: Epsilon,
    /// δ.
    pub delta: Delta,
}

impl Ceiling {
    /// The δ kept for turning what adds up into (ε, δ): half of δ under `zcdp` and `gdp`, none otherwise.
    #[must_use]
    pub fn conversion_delta(self) -> Delta {
        match self.accounting {
            Accounting::Pure | Accounting::Approx => Delta::ZERO,
            Accounting::Zcdp | Accounting::Gdp => self.delta.share(1, 2, crate::Rounding::Down),
        }
    }

    /// The rectangle that the ledger enforces: fixed once, when the ledger is made, so that it is a valid filter for
    /// adaptively chosen jobs (Whitehouse, Ramdas, Rogers, Wu 2023).
    ///
    /// Its amount is the largest integer whose conversion, rounded up, is within ε; its δ is what conversion leaves.
    #[must_use]
    pub fn rectangle(self) -> Loss {
        self.amount_for(self.epsilon)
            .with_delta(self.delta.checked_sub(self.conversion_delta()).unwrap_or(Delta::ZERO))
    }

    /// The largest amount that keeps a job alone within `epsilon` at the conversion δ; its δ is zero.
    #[must_use]
    pub fn amount_for(self, epsilon: Epsilon) -> Loss {
        match self.accounting {
            Accounting::Pure => Loss::pure(epsilon, Delta::ZERO),
            Accounting::Approx => Loss::approx(epsilon, Delta::ZERO),
            Accounting::Zcdp => {
                Loss::zcdp(Rho::from_units(self.most(epsilon)).unwrap_or(Rho::ZERO), Delta::ZERO)
            }
            Accounting::Gdp => {
                Loss::gdp(MuSquared::from_units(self.most(epsilon)).unwrap_or(MuSquared::ZERO), Delta::ZERO)
            }
        }
    }

    /// What a job of this ε is charged by default: [`Ceiling::amount_for`] it, and of the δ that adds up the same share
    /// as of the amount, rounded down, so that both run out together.
    #[must_use]
    pub fn job(self, epsilon: Epsilon) -> Loss {
        self.proportional(self.amount_for(epsilon))
    }

    /// A loss of the same amount, with the δ in proportion to the amount, rounded down; all of the δ at or over the
    /// ceiling's amount.
    #[must_use]
    pub fn proportional(self, loss: Loss) -> Loss {
        let rectangle = self.rectangle();
        if rectangle.amount_units() == 0 {
            return loss.with_delta(Delta::ZERO);
        }
        let part = loss.amount_units().min(rectangle.amount_units());
        loss.with_delta(rectangle.delta().share(part, rectangle.amount_units(), crate::Rounding::Down))
    }

    /// ε of a loss at the conversion δ, rounded up; the δ at which it holds is the conversion δ and the loss's own.
    #[must_use]
    pub fn epsilon_of(self, loss: Loss) -> f64 {
        let delta = below(self.conversion_delta());
        match self.accounting {
            Accounting::Pure | Accounting::Approx => loss.amount_f64(),
            Accounting::Zcdp => zcdp::epsilon(above(loss), delta),
            Accounting::Gdp => gdp::epsilon(above(loss).sqrt().next_up(), delta),
        }
    }

    /// The δ of a loss at ε, rounded up: the tight conversion's and the loss's own. Under `pure` and `approx` it is the
    /// loss's own where its ε is within `epsilon`, and 1 where it is not.
    #[must_use]
    pub fn delta_of(self, loss: Loss, epsilon: Epsilon) -> f64 {
        let target = epsilon.to_f64().next_down();
        let conversion = match self.accounting {
            Accounting::Pure | Accounting::Approx => {
                if loss.amount_units() <= epsilon.units() {
                    0.0
                } else {
                    1.0
                }
            }
            Accounting::Zcdp if loss.amount_units() > 0 => zcdp::delta(above(loss), target),
            Accounting::Gdp if loss.amount_units() > 0 => gdp::delta(above(loss).sqrt().next_up(), target),
            Accounting::Zcdp | Accounting::Gdp => 0.0,
        };
        let own = if loss.delta().is_zero() { 0.0 } else { loss.delta().to_f64().next_up() };
        (conversion + own).next_up().min(1.0)
    }

    /// The largest integer amount whose conversion, rounded up, is within ε at the conversion δ.
    fn most(self, epsilon: Epsilon) -> u64 {
        let target = epsilon.to_f64().next_down();
        let within = |units: u64| {
            Loss::from_units(self.accounting, units, Delta::ZERO)
                .is_ok_and(|loss| self.epsilon_of(loss) <= target)
        };
        // ρ ≤ ε in zCDP always; μ² < 2ε + 200 wherever δ is below a half.
        let (mut low, mut high) = (0, (2 * epsilon.units()).saturating_add(200_000_000_000_000));
        while high - low > 1 {
            let middle = low + (high - low) / 2;
            if within(middle) { low = middle } else { high = middle }
        }
        low
    }
}

/// A float at least the amount: the decimal is rounded to nearest, so one step up covers it.
fn above(loss: Loss) -> f64 {
    if loss.amount_units() == 0 { 0.0 } else { loss.amount_f64().next_up() }
}

/// A float at most the δ.
fn below<K: crate::units::Kind>(quantity: Quantity<K>) -> f64 {
    if quantity.is_zero() { 0.0 } else { quantity.to_f64().next_down() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ceiling(accounting: Accounting, epsilon: &str, delta: &str) -> Ceiling {
        Ceiling { accounting, epsilon: epsilon.parse().unwrap(), delta: delta.parse().unwrap() }
    }

    #[test]
    fn the_example_of_the_interface_comes_out() {
        let ceiling = ceiling(Accounting::Zcdp, "4", "1e-6");
        let job = ceiling.job("0.5".parse().unwrap());
        assert_eq!(job.amount_units() / 100_000, 62_248, "{job}");
        assert_eq!(job.delta().units() / 100_000_000, 105, "{job}");
        assert_eq!(ceiling.conversion_delta().to_string(), "5e-7");
        assert!((ceiling.epsilon_of(ceiling.rectangle()) - 4.0).abs() < 1e-9);
    }

    #[test]
    fn b2_spending_exactly_the_rest_fits_and_one_unit_more_does_not() {
        for accounting in [Accounting::Pure, Accounting::Zcdp, Accounting::Gdp, Accounting::Approx] {
            let ceiling = ceiling(accounting, "1.5", "1e-7");
            let rectangle = ceiling.rectangle();
            assert_eq!(ceiling.job(ceiling.epsilon), rectangle);
            let one = Loss::from_units(accounting, 1, Delta::ZERO).unwrap();
            assert!(rectangle.fits_in(rectangle));
            assert!(!rectangle.checked_add(one).unwrap().fits_in(rectangle));
        }
    }

    #[test]
    fn the_integer_ceiling_holds_at_every_size() {
        for accounting in [Accounting::Zcdp, Accounting::Gdp] {
            for epsilon in ["0.0001", "0.01", "0.5", "4", "100"] {
                for delta in ["1e-5", "1e-9", "1e-12", "2e-18"] {
                    let ceiling = ceiling(accounting, epsilon, delta);
                    let rectangle = ceiling.rectangle();
                    assert!(ceiling.epsilon_of(rectangle) <= ceiling.epsilon.to_f64());
                    assert!(
                        ceiling.delta_of(rectangle, ceiling.epsilon) <= ceiling.delta.to_f64() * (1.0 + 1e-9)
                    );
                    let more =
                        Loss::from_units(accounting, rectangle.amount_units() + 1, Delta::ZERO).unwrap();
                    let wasted = 1.0 - ceiling.epsilon_of(more) / ceiling.epsilon.to_f64();
                    assert!(wasted < 1e-6, "{ceiling:?} wastes {wasted}");
                }
            }
        }
    }

    #[test]
    fn shares_of_delta_never_exceed_it() {
        let ceiling = ceiling(Accounting::Gdp, "2", "1e-6");
        let third = ceiling.rectangle().share(1, 3);
        let job = ceiling.proportional(third.with_delta(Delta::ZERO));
        assert!(
            job.checked_add(job).and_then(|two| two.checked_add(job)).unwrap().fits_in(ceiling.rectangle())
        );
    }
}
