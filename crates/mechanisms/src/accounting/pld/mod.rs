//! Privacy loss distributions: what many mechanisms cost together, enclosed from above and below.
//!
//! For events that are declared up front; not a filter for adaptively chosen ones (`docs/accounting.md`).

mod cells;
mod compose;
mod grid;
mod tilt;

use compose::{Side, Sum};
use tilt::Part;

use super::{AccountingError, Event, Events, gdp, zcdp};

/// Two numbers that enclose the truth.
#[derive(Clone, Copy, PartialEq, Debug, serde::Serialize)]
pub struct Bounds {
    /// Never over the truth.
    pub lower: f64,
    /// Never below the truth: what may be promised.
    pub upper: f64,
}

/// How a composition is accounted for.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, serde::Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Method {
    /// Gaussians only: in closed form.
    Gdp,
    /// zCDP only: in closed form.
    Zcdp,
    /// Privacy loss distributions.
    Pld,
    /// Rényi moments: zCDP and something else together.
    Rdp,
}

impl Method {
    /// The name in output.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Gdp => "gdp",
            Self::Zcdp => "zcdp",
            Self::Pld => "pld",
            Self::Rdp => "rdp",
        }
    }
}

/// What some events cost together.
///
/// ```
/// use flockwise_mechanisms::accounting::{Event, Events, Pld, Positive};
/// let laplace = Event::Laplace { epsilon: Positive::new(0.01)? };
/// let pld = Pld::of(&Events::new(vec![Event::Composed { count: 10_000, events: vec![laplace] }])?)?;
/// let epsilon = pld.epsilon(1e-6);
/// assert!(epsilon.lower <= epsilon.upper && (epsilon.upper - 4.8763).abs() < 1e-3);
/// # Ok::<(), flockwise_mechanisms::accounting::AccountingError>(())
/// ```
#[derive(Debug)]
pub struct Pld {
    /// Of all Gaussians together.
    mu: f64,
    /// Of all zCDP events together.
    rho: f64,
    h: f64,
    pessimistic: Vec<Part>,
    optimistic: Vec<Part>,
}

/// The window is this many standard deviations wide when the spacing is chosen.
const WIDTH: f64 = 15.0;
/// Below the rounding of a sum of squares and its root.
const DOWN: f64 = 1.0 - 1e-14;

impl Pld {
    /// Lays the events' privacy losses on a common grid.
    ///
    /// # Errors
    /// When there are no events, or a loss is too large for any grid.
    pub fn of(events: &Events) -> Result<Self, AccountingError> {
        let mut leaves = events.leaves();
        if leaves.is_empty() {
            return Err(AccountingError::Nothing);
        }
        // Gaussians compose to a Gaussian, exactly, and zCDP to zCDP.
        let (mut mu_squared, mut rho) = (0.0, 0.0);
        leaves.retain(|(event, count)| {
            if let Event::Gaussian { sigma } = event {
                mu_squared += *count as f64 / (sigma.get() * sigma.get());
            } else if let Event::Zcdp { rho: one } = event {
                rho += *count as f64 * one.get();
            } else {
                return true;
            }
            false
        });
        let up = 1.0 + 16.0 * f64::EPSILON;
        let mu = f64::sqrt(mu_squared) * up;
        let mut pld = Self { mu, rho: rho * up, h: 0.0, pessimistic: Vec::new(), optimistic: Vec::new() };
        pld.lay(leaves, mu_squared, rho)?;
        Ok(pld)
    }

    /// How the upper bound is found.
    #[must_use]
    pub fn method(&self) -> Method {
        match (self.mu > 0.0, self.rho > 0.0, self.pessimistic.is_empty()) {
            (true, false, true) => Method::Gdp,
            (false, true, true) => Method::Zcdp,
            (_, true, _) => Method::Rdp,
            (_, false, _) => Method::Pld,
        }
    }

    fn lay(
        &mut self,
        mut leaves: Vec<(Event, u64)>,
        mu_squared: f64,
        rho: f64,
    ) -> Result<(), AccountingError> {
        if leaves.is_empty() && (mu_squared <= 0.0 || rho <= 0.0) {
            return Ok(());
        }
        let gaussian = |variance: f64| {
            super::Positive::new(1.0 / variance.sqrt()).map_err(|_| AccountingError::TooCoarse)
        };
        if mu_squared > 0.0 {
            leaves.push((Event::Gaussian { sigma: gaussian(mu_squared * (1.0 + 1e-13))? }, 1));
        }
        let both = leaves.len();
        if rho > 0.0 {
            leaves.push((Event::Gaussian { sigma: gaussian(2.0 * rho)? }, 1));
        }
        self.h = spacing(&leaves);
        for (at, (event, count)) in leaves.iter().enumerate() {
            let cells = cells::cells(event, self.h)?;
            let mu = if let Event::Gaussian { sigma } = event { 1.0 / sigma.get() } else { 0.0 };
            let largest = cells.cells.iter().map(|cell| cell.grid.unsigned_abs()).max().unwrap_or(0) as f64;
            let mass_error = 1e-13 * (1.0 + mu);
            // A Gaussian's μ was rounded, and is only once here.
            let relative = if mu > 0.0 { 1e-12 } else { 4.0 * f64::EPSILON };
            let loss_error = 1e-13 + cells::SNAP * self.h + relative * largest * self.h;
            let part = |grid| Part::new(grid, *count, mass_error, loss_error);
            if at < both {
                self.pessimistic.push(part(grid::pessimistic(&cells, self.h)?));
            }
            self.optimistic.push(part(grid::optimistic(&cells, self.h)?));
        }
        Ok(())
    }

    /// ε at δ: the upper bound may be promised; infinite where no ε will do.
    #[must_use]
    pub fn epsilon(&self, delta: f64) -> Bounds {
        if delta >= 1.0 {
            return Bounds { lower: 0.0, upper: 0.0 };
        }
        let (lower, upper) = match self.method() {
            Method::Gdp => (gdp::epsilon_bounds(self.mu * DOWN, delta).0, gdp::epsilon(self.mu, delta)),
            Method::Zcdp => {
                (gdp::epsilon_bounds((2.0 * self.rho).sqrt() * DOWN, delta).0, zcdp::epsilon(self.rho, delta))
            }
            Method::Pld | Method::Rdp => {
                (self.epsilon_of(Side::Optimistic, delta), self.epsilon_of(Side::Pessimistic, delta))
            }
        };
        Bounds { lower: lower.min(upper), upper }
    }

    /// The upper bound of [`Pld::epsilon`] alone, in half the time.
    #[must_use]
    pub fn epsilon_upper(&self, delta: f64) -> f64 {
        match self.method() {
            Method::Gdp | Method::Zcdp => self.epsilon(delta).upper,
            Method::Pld | Method::Rdp if delta >= 1.0 => 0.0,
            Method::Pld | Method::Rdp => self.epsilon_of(Side::Pessimistic, delta),
        }
    }

    fn epsilon_of(&self, side: Side, delta: f64) -> f64 {
        let (parts, rho) = self.side(side);
        let finite = delta - compose::infinite(parts, side);
        if finite <= 0.0 {
            return Self::largest_loss(parts, rho, self.h, side);
        }
        let (lambda, bound) = tilt::at_delta(parts, self.h, rho, finite);
        if rho > 0.0 {
            return self.rounded_up(bound, lambda).max(0.0);
        }
        Sum::of(parts, self.h, lambda, side).epsilon(delta)
    }

    /// The ε of δ = 0 up to infinite losses: the sum of the largest ones, where there are no infinite ones.
    fn largest_loss(parts: &[Part], rho: f64, h: f64, side: Side) -> f64 {
        let error = if side == Side::Pessimistic { 1.0 } else { -1.0 };
        if rho > 0.0 || compose::infinite(parts, side) > 0.0 {
            return f64::INFINITY;
        }
        parts.iter().map(|part| part.count as f64 * (part.last() as f64 * h + error * part.loss_error)).sum()
    }

    /// δ at ε: the upper bound may be promised.
    #[must_use]
    pub fn delta(&self, epsilon: f64) -> Bounds {
        let (lower, upper) = match self.method() {
            Method::Gdp => (gdp::delta_bounds(self.mu * DOWN, epsilon).0, gdp::delta(self.mu, epsilon)),
            Method::Zcdp => {
                (gdp::delta_bounds((2.0 * self.rho).sqrt() * DOWN, epsilon).0, zcdp::delta(self.rho, epsilon))
            }
            Method::Pld | Method::Rdp => {
                (self.delta_of(Side::Optimistic, epsilon), self.delta_of(Side::Pessimistic, epsilon))
            }
        };
        Bounds { lower: lower.min(upper), upper }
    }

    fn delta_of(&self, side: Side, epsilon: f64) -> f64 {
        let (parts, rho) = self.side(side);
        let (lambda, bound) = tilt::at_epsilon(parts, self.h, rho, epsilon);
        if rho > 0.0 {
            return (compose::infinite(parts, side) + self.rounded_up(bound, 1.0).exp()).min(1.0);
        }
        Sum::of(parts, self.h, lambda, side).delta(epsilon)
    }

    fn side(&self, side: Side) -> (&[Part], f64) {
        match side {
            Side::Pessimistic => (&self.pessimistic, self.rho),
            Side::Optimistic => (&self.optimistic, 0.0),
        }
    }

    /// A bound from moments with the errors of the masses and losses on top, and a wide margin for its own rounding;
    /// `lambda` is what the moments were divided by.
    fn rounded_up(&self, bound: f64, lambda: f64) -> f64 {
        let part_error = |part: &Part| part.count as f64 * (part.loss_error + part.mass_error / lambda);
        bound + self.pessimistic.iter().map(part_error).sum::<f64>() + 1e-9 * bound.abs()
    }
}

/// The spacing of the grid: fine enough that the variance it adds is below a ten-thousandth of the whole, and such that
/// the atoms of the mechanisms that have few lie on it. Any spacing gives valid bounds; a good one gives close ones.
fn spacing(leaves: &[(Event, u64)]) -> f64 {
    let count: f64 = leaves.iter().map(|(_, count)| *count as f64).sum();
    let variance: f64 = leaves.iter().map(|(event, count)| *count as f64 * cells::squared_size(event)).sum();
    let length = (512.0 * count.sqrt()).clamp(65_536.0, 4_194_304.0).log2().ceil().exp2();
    let coarsest = WIDTH * variance.sqrt() / length;
    let atoms: Vec<(f64, f64)> = leaves
        .iter()
        .filter_map(|(event, count)| Some((cells::quantum(event)?, *count as f64)))
        .filter(|(quantum, _)| 4.0 * *quantum > coarsest)
        .collect();
    // The share of variance that is added or lost where atoms lie above a grid point, and a price for a longer grid.
    let cost = |h: f64| -> f64 {
        let moved = |quantum: f64| {
            // On the grid to rounding counts as on it.
            let above = ((quantum / h + cells::SNAP).fract() - 2.0 * cells::SNAP).max(0.0);
            above * h * ((1.0 - above) * h + 2.0 * quantum)
        };
        let atomic: f64 = atoms.iter().map(|(quantum, count)| count * moved(*quantum)).sum();
        (atomic + count * h * h / 6.0) / variance + 1e-4 * coarsest / h
    };
    let fitting = atoms.iter().flat_map(|(quantum, _)| {
        let least = (quantum / coarsest).ceil().max(1.0);
        (0..(3.0 * least).min(2048.0) as u32).map(move |more| quantum / (least + f64::from(more)))
    });
    let near = |h: &f64| *h >= coarsest / 4.0;
    fitting.filter(near).chain([coarsest]).min_by(|a, b| cost(*a).total_cmp(&cost(*b))).unwrap_or(coarsest)
}
