//! From what adds up to (ε, δ), and back.

pub mod zcdp;

use crate::loss::{Accounting, Loss};
use crate::units::{Delta, Epsilon, Rho};

/// What the policy promises over the life of a ledger: (ε, δ)-differential privacy for one person.
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
                let rho = zcdp::rho(epsilon.to_f64(), self.conversion_delta().to_f64());
                Loss::zcdp(Rho::from_f64(rho, crate::Rounding::Down).unwrap_or(Rho::ZERO), Delta::ZERO)
            }
            Accounting::Gdp => Loss::zero(Accounting::Gdp),
        }
    }

    /// ε of a loss at the conversion δ, rounded up; the δ at which it holds is the conversion δ and the loss's own.
    #[must_use]
    pub fn epsilon_of(self, loss: Loss) -> f64 {
        match self.accounting {
            Accounting::Pure | Accounting::Approx => loss.amount_f64(),
            Accounting::Zcdp | Accounting::Gdp => {
                zcdp::epsilon(loss.amount_f64(), self.conversion_delta().to_f64())
            }
        }
    }
}
