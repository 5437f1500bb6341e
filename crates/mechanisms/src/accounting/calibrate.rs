//! The least noise that stays within (ε, δ), by search.

use super::{AccountingError, Event, Events, Pld, Positive, Probability, gdp, zcdp};

/// What a whole job must stay within.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Target {
    /// ε.
    pub epsilon: Positive,
    /// δ.
    pub delta: Probability,
}

/// How close the search comes to the least multiplier, relatively.
const TOLERANCE: f64 = 1e-7;

impl Event {
    /// The same event with `multiplier` times the noise: σ or scale times it, ε divided by it, ρ by its square. The δ of
    /// an (ε, δ) event stays.
    ///
    /// # Errors
    /// When a parameter would leave its range.
    pub fn with_noise(&self, multiplier: Positive) -> Result<Self, AccountingError> {
        let m = multiplier.get();
        let times = |value: &Positive| Positive::new(value.get() * m);
        let over = |value: &Positive| Positive::new(value.get() / m);
        Ok(match self {
            Self::Gaussian { sigma } => Self::Gaussian { sigma: times(sigma)? },
            Self::DiscreteGaussian { sigma, sensitivity } => {
                Self::DiscreteGaussian { sigma: times(sigma)?, sensitivity: *sensitivity }
            }
            Self::Laplace { epsilon } => Self::Laplace { epsilon: over(epsilon)? },
            Self::DiscreteLaplace { epsilon, sensitivity } => {
                Self::DiscreteLaplace { epsilon: over(epsilon)?, sensitivity: *sensitivity }
            }
            Self::RandomizedResponse { epsilon, k } => {
                Self::RandomizedResponse { epsilon: over(epsilon)?, k: *k }
            }
            Self::Pure { epsilon } => Self::Pure { epsilon: over(epsilon)? },
            Self::Approx { epsilon, delta } => Self::Approx { epsilon: over(epsilon)?, delta: *delta },
            Self::Zcdp { rho } => Self::Zcdp { rho: Positive::new(rho.get() / m / m)? },
            Self::Composed { count, events } => {
                let events =
                    events.iter().map(|event| event.with_noise(multiplier)).collect::<Result<_, _>>()?;
                Self::Composed { count: *count, events }
            }
        })
    }
}

impl Events {
    /// All events with `multiplier` times the noise.
    ///
    /// # Errors
    /// When a parameter would leave its range.
    pub fn with_noise(&self, multiplier: Positive) -> Result<Self, AccountingError> {
        Self::new(self.as_slice().iter().map(|event| event.with_noise(multiplier)).collect::<Result<_, _>>()?)
    }
}

/// The least common multiplier of the noise of some events, to a ten-millionth, with which they stay within the target.
///
/// The result has been verified: [`Pld::epsilon`]'s upper bound at δ is within ε.
///
/// ```
/// use flockwise_mechanisms::accounting::{Event, Events, Positive, Probability, Target, calibrate};
/// let one = Event::Gaussian { sigma: Positive::new(1.0)? };
/// let job = Events::new(vec![Event::Composed { count: 1000, events: vec![one] }])?;
/// let target = Target { epsilon: Positive::new(1.0)?, delta: Probability::new(1e-6)? };
/// assert!((calibrate(&job, target)?.get() - 133.5).abs() < 0.1);
/// # Ok::<(), flockwise_mechanisms::accounting::AccountingError>(())
/// ```
///
/// # Errors
/// [`AccountingError::OutOfReach`] when no multiplier will do; those of [`Pld::of`].
pub fn calibrate(events: &Events, target: Target) -> Result<Positive, AccountingError> {
    let (epsilon, delta) = (target.epsilon.get(), target.delta.get());
    let leaves = events.leaves();
    let total = |of: &dyn Fn(&Event) -> f64| -> f64 {
        leaves.iter().map(|(event, count)| of(event) * *count as f64).sum()
    };
    let rho = total(&|event| event.rho_delta().0);
    if rho <= 0.0 {
        return Err(AccountingError::Nothing);
    }
    if delta <= total(&|event| event.rho_delta().1) && delta > 0.0 {
        return Err(AccountingError::OutOfReach);
    }
    // ln ε over its target: falls with the multiplier. No ε at all is far above.
    let excess = |log: f64| -> Result<f64, AccountingError> {
        let scaled = events.with_noise(Positive::new(log.exp())?)?;
        let upper = Pld::of(&scaled)?.epsilon_upper(delta);
        Ok((upper / epsilon).ln().clamp(-50.0, 50.0))
    };
    let guess = if delta > 0.0 {
        let gaussians = leaves.iter().all(|(event, _)| matches!(event, Event::Gaussian { .. }));
        let mu_squared =
            if gaussians { gdp::mu(epsilon, delta).powi(2) } else { 2.0 * zcdp::rho(epsilon, delta) };
        (2.0 * rho / mu_squared).sqrt().ln()
    } else {
        (total(&|event| event.rho_delta().0.sqrt() * 2.0_f64.sqrt()) / epsilon).ln()
    };
    let (low, high) = bracket(guess, &excess)?;
    let found = false_position(low, high, &excess)?;
    Positive::new(found.exp())
}

type Point = (f64, f64);

/// A step from a guess, doubled until the excess changes sign: (above the target, within it).
fn bracket(
    guess: f64,
    excess: &dyn Fn(f64) -> Result<f64, AccountingError>,
) -> Result<(Point, Point), AccountingError> {
    let range = (1e-9_f64.ln() + 1e-9, 1e9_f64.ln() - 1e-9);
    let mut at = (guess.clamp(range.0, range.1), 0.0);
    at.1 = excess(at.0)?;
    let direction = if at.1 > 0.0 { 1.0 } else { -1.0 };
    let mut step = 1e-6;
    loop {
        let next = at.0 + direction * step;
        if next < range.0 || next > range.1 || step > 16.0 {
            return Err(AccountingError::OutOfReach);
        }
        let next = (next, excess(next)?);
        if (next.1 > 0.0) != (at.1 > 0.0) {
            return Ok(if direction > 0.0 { (at, next) } else { (next, at) });
        }
        at = next;
        step = (step * 64.0).clamp(0.05, 32.0);
    }
}

/// Narrows a bracket by false position (the Illinois variant) and returns its end within the target.
fn false_position(
    mut low: Point,
    mut high: Point,
    excess: &dyn Fn(f64) -> Result<f64, AccountingError>,
) -> Result<f64, AccountingError> {
    let mut weights = (1.0, 1.0);
    for _ in 0..60 {
        let width = high.0 - low.0;
        if width <= TOLERANCE {
            break;
        }
        let (above, within) = (low.1 * weights.0, -high.1 * weights.1);
        // Never nearer to an end than a third of the tolerance, so that both ends close in.
        let share = if low.1 >= 50.0 || high.1 <= -50.0 { 0.5 } else { above / (above + within) };
        let margin = (TOLERANCE / 3.0 / width).min(0.5);
        let at = low.0 + width * share.clamp(margin, 1.0 - margin);
        let value = excess(at)?;
        if value > 0.0 {
            low = (at, value);
            weights = (1.0, weights.1 / 2.0);
        } else {
            high = (at, value);
            weights = (weights.0 / 2.0, 1.0);
        }
    }
    Ok(high.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn job(count: u64, event: Event) -> Events {
        Events::new(vec![Event::Composed { count, events: vec![event] }]).unwrap()
    }

    fn target(epsilon: f64, delta: f64) -> Target {
        Target { epsilon: Positive::new(epsilon).unwrap(), delta: Probability::new(delta).unwrap() }
    }

    #[test]
    fn the_least_noise_is_within_and_a_little_less_is_not() {
        let one = Positive::new(1.0).unwrap();
        for (count, event, target) in [
            (1000, Event::Gaussian { sigma: one }, target(1.0, 1e-6)),
            (1, Event::Gaussian { sigma: one }, target(0.01, 1e-12)),
            (100, Event::Laplace { epsilon: one }, target(1.0, 1e-6)),
            (1, Event::Laplace { epsilon: one }, target(0.5, 1e-9)),
            (50, Event::DiscreteGaussian { sigma: one, sensitivity: 1 }, target(2.0, 1e-8)),
            (3, Event::Pure { epsilon: one }, target(0.3, 0.0)),
        ] {
            let job = job(count, event);
            let found = calibrate(&job, target).unwrap();
            let upper = |multiplier: f64| {
                let scaled = job.with_noise(Positive::new(multiplier).unwrap()).unwrap();
                Pld::of(&scaled).unwrap().epsilon(target.delta.get()).upper
            };
            assert!(upper(found.get()) <= target.epsilon.get(), "{job:?}");
            assert!(upper(found.get() * 0.999) > target.epsilon.get(), "{job:?}");
        }
    }

    #[test]
    fn a_mixed_job_shares_one_multiplier() {
        let one = Positive::new(1.0).unwrap();
        let mixed = Events::new(vec![
            Event::Gaussian { sigma: one },
            Event::Laplace { epsilon: Positive::new(0.5).unwrap() },
            Event::RandomizedResponse { epsilon: one, k: 3 },
        ]);
        let multiplier = calibrate(&mixed.unwrap(), target(1.0, 1e-6)).unwrap().get();
        assert!(multiplier > 1.0 && multiplier < 10.0, "{multiplier}");
    }

    #[test]
    fn what_no_noise_can_do_is_refused() {
        let approx =
            Event::Approx { epsilon: Positive::new(1.0).unwrap(), delta: Probability::new(1e-6).unwrap() };
        assert_eq!(calibrate(&job(2, approx), target(1.0, 1e-6)), Err(AccountingError::OutOfReach));
        let gaussian = Event::Gaussian { sigma: Positive::new(1.0).unwrap() };
        assert_eq!(calibrate(&job(1, gaussian), target(1.0, 0.0)), Err(AccountingError::OutOfReach));
    }
}
