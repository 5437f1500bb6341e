//! Accountants that fold over events: the loss that adds up under each accounting.

use super::{AccountingError, Event, Events};
use crate::loss::{Accounting, Loss};
use crate::units::{Delta, Epsilon, MuSquared, Rho, Rounding};

impl Event {
    /// The name in files and messages.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Gaussian { .. } => "gaussian",
            Self::DiscreteGaussian { .. } => "discrete_gaussian",
            Self::Laplace { .. } => "laplace",
            Self::DiscreteLaplace { .. } => "discrete_laplace",
            Self::RandomizedResponse { .. } => "randomized_response",
            Self::Pure { .. } => "pure",
            Self::Approx { .. } => "approx",
            Self::Zcdp { .. } => "zcdp",
            Self::Composed { .. } => "composed",
        }
    }

    /// (ε, δ) where the event has a pure ε beside a δ.
    fn epsilon_delta(&self) -> Option<(f64, f64)> {
        match self {
            Self::Laplace { epsilon }
            | Self::DiscreteLaplace { epsilon, .. }
            | Self::RandomizedResponse { epsilon, .. }
            | Self::Pure { epsilon } => Some((epsilon.get(), 0.0)),
            Self::Approx { epsilon, delta } => Some((epsilon.get(), delta.get())),
            Self::Gaussian { .. }
            | Self::DiscreteGaussian { .. }
            | Self::Zcdp { .. }
            | Self::Composed { .. } => None,
        }
    }

    /// (ρ, δ) of δ-approximate ρ-zCDP: 1/(2σ²) for Gaussians (Bun and Steinke 2016, proposition 1.6; discrete: Canonne,
    /// Kamath, Steinke 2020, theorem 4), ε²/2 for (ε, δ) (Bun and Steinke 2016, propositions 1.4 and 8.3).
    pub(super) fn rho_delta(&self) -> (f64, f64) {
        match self {
            Self::Gaussian { sigma } | Self::DiscreteGaussian { sigma, .. } => {
                (0.5 / sigma.get().powi(2), 0.0)
            }
            Self::Zcdp { rho } => (rho.get(), 0.0),
            Self::Laplace { .. }
            | Self::DiscreteLaplace { .. }
            | Self::RandomizedResponse { .. }
            | Self::Pure { .. }
            | Self::Approx { .. }
            | Self::Composed { .. } => {
                let (epsilon, delta) = self.epsilon_delta().unwrap_or((0.0, 0.0));
                (epsilon * epsilon / 2.0, delta)
            }
        }
    }
}

impl Events {
    /// The loss that adds up under an accounting, rounded up: ε where every event has one, ρ, or μ² of Gaussians.
    ///
    /// ```
    /// use flockwise_mechanisms::Accounting;
    /// use flockwise_mechanisms::accounting::{Event, Events, Positive};
    /// let events = Events::new(vec![Event::Gaussian { sigma: Positive::new(50.0)? }])?;
    /// assert_eq!(&events.loss(Accounting::Zcdp)?.amount_text()[..4], "2.00");   // 2e-4, a little more
    /// assert!(events.loss(Accounting::Pure).is_err());
    /// # Ok::<(), flockwise_mechanisms::accounting::AccountingError>(())
    /// ```
    ///
    /// # Errors
    /// [`AccountingError::Unsupported`] for an event that does not add up that way, [`AccountingError::TooCoarse`] when
    /// the sum passes the limit of a loss.
    pub fn loss(&self, accounting: Accounting) -> Result<Loss, AccountingError> {
        let (mut amount, mut delta) = (0.0, 0.0);
        for (event, count) in self.leaves() {
            let unsupported = || AccountingError::Unsupported { event: event.name(), accounting };
            let (one, one_delta) = match accounting {
                Accounting::Pure | Accounting::Approx => event.epsilon_delta().ok_or_else(unsupported)?,
                Accounting::Zcdp => event.rho_delta(),
                Accounting::Gdp => match event {
                    Event::Gaussian { sigma } => (sigma.get().powi(-2), 0.0),
                    Event::DiscreteGaussian { .. }
                    | Event::Laplace { .. }
                    | Event::DiscreteLaplace { .. }
                    | Event::RandomizedResponse { .. }
                    | Event::Pure { .. }
                    | Event::Approx { .. }
                    | Event::Zcdp { .. }
                    | Event::Composed { .. } => return Err(unsupported()),
                },
            };
            amount += one * count as f64;
            delta += one_delta * count as f64;
        }
        let up = 1.0 + 1e-12;
        let limit = |_| AccountingError::TooCoarse;
        let delta =
            if delta > 0.0 { Delta::from_f64(delta * up, Rounding::Up).map_err(limit)? } else { Delta::ZERO };
        if amount <= 0.0 {
            return Ok(Loss::zero(accounting).with_delta(delta));
        }
        let amount = amount * up;
        Ok(match accounting {
            Accounting::Pure => Loss::pure(Epsilon::from_f64(amount, Rounding::Up).map_err(limit)?, delta),
            Accounting::Approx => {
                Loss::approx(Epsilon::from_f64(amount, Rounding::Up).map_err(limit)?, delta)
            }
            Accounting::Zcdp => Loss::zcdp(Rho::from_f64(amount, Rounding::Up).map_err(limit)?, delta),
            Accounting::Gdp => Loss::gdp(MuSquared::from_f64(amount, Rounding::Up).map_err(limit)?, delta),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::accounting::{Positive, Probability};

    #[test]
    fn losses_add_up_and_round_up() {
        let epsilon = Positive::new(0.1).unwrap();
        let approx = Event::Approx { epsilon, delta: Probability::new(1e-9).unwrap() };
        let events =
            Events::new(vec![Event::Composed { count: 10, events: vec![Event::Pure { epsilon }, approx] }]);
        let loss = events.unwrap().loss(Accounting::Pure).unwrap();
        assert!(loss.amount_units() >= 2_000_000_000_000 && loss.amount_units() < 2_000_000_000_010);
        assert!(loss.delta().units() >= 10_000_000_000 && loss.delta().units() < 10_000_000_010);
    }

    #[test]
    fn what_does_not_add_up_that_way_is_refused() {
        let laplace = Events::new(vec![Event::Laplace { epsilon: Positive::new(1.0).unwrap() }]).unwrap();
        assert!(matches!(
            laplace.loss(Accounting::Gdp),
            Err(AccountingError::Unsupported { event: "laplace", .. })
        ));
    }
}
