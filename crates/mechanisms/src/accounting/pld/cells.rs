//! Privacy loss distributions of single mechanisms, in fine cells of one loss grid.
//!
//! A pair of distributions (P, Q) that dominates a mechanism is all that composition needs (Zhu, Dong, Wang 2022); its
//! privacy loss is L = ln(P(x)/Q(x)) for x drawn from P. A [`Cell`] holds the mass that P and Q put on a short interval
//! of L. All pairs here are symmetric, so that adding and removing a person cost the same.

use crate::accounting::{AccountingError, Event};

/// The mass of P and Q where the loss is in (grid·h, (grid + 1)·h], all at nearly one ratio.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cell {
    /// Which interval of the grid.
    pub grid: i64,
    /// Mass under P.
    pub p: f64,
    /// Mass under Q times e^(grid·h), which is near `p` however large the loss.
    pub q: f64,
}

impl Cell {
    /// Mass `p` at one loss.
    fn atom(loss: f64, p: f64, h: f64) -> Self {
        let grid = interval(loss, h);
        Self { grid, p, q: p * (grid as f64 * h - loss).exp() }
    }
}

/// The cells of one mechanism, in order of rising loss, and what cells cannot hold.
#[derive(Clone, Debug)]
pub(super) struct Cells {
    /// In order of rising loss.
    pub cells: Vec<Cell>,
    /// Mass of P at infinite loss, a property of the mechanism.
    pub infinite: f64,
    /// Mass of P above the last cell that was cut off.
    pub above: f64,
    /// Mass of P below the first cell that was cut off.
    pub below: f64,
}

/// How finely one grid interval is cut where a mechanism is continuous.
const PARTS: i64 = 4;
/// How far into the tails of a normal, in σ: 1e-40 is beyond.
const REACH: f64 = 13.5;
/// The largest σ of a discrete Gaussian whose atoms are listed, in grid units.
const ATOMS: u32 = 200_000;
/// An atom this close to a grid point, relative to the spacing, is on it.
pub(super) const SNAP: f64 = 1e-9;

/// The loss at which a mechanism has its atoms, if it has few: the grid had better hold its multiples.
pub(super) fn quantum(event: &Event) -> Option<f64> {
    match event {
        Event::Laplace { epsilon }
        | Event::RandomizedResponse { epsilon, .. }
        | Event::Pure { epsilon }
        | Event::Approx { epsilon, .. } => Some(epsilon.get()),
        Event::DiscreteLaplace { epsilon, sensitivity } => Some(epsilon.get() / f64::from(*sensitivity)),
        Event::DiscreteGaussian { sigma, sensitivity } => {
            // The losses are (s² − 2sx)/(2σ²) in grid units: multiples of s/σ² or, for odd s, of half of it.
            let scale = sigma.get() * f64::from(*sensitivity);
            let step = f64::from(*sensitivity) / (scale * scale);
            Some(if sensitivity % 2 == 0 { step } else { step / 2.0 })
        }
        Event::Gaussian { .. } | Event::Zcdp { .. } | Event::Composed { .. } => None,
    }
}

/// About the square of the loss of one event: sets the spacing of the grid.
pub(super) fn squared_size(event: &Event) -> f64 {
    match event {
        Event::Gaussian { sigma } => sigma.get().powi(-2),
        // Little noise: nearly all mass is at 1/(2σ²).
        Event::DiscreteGaussian { sigma, .. } if sigma.get() < 1.0 => sigma.get().powi(-4),
        Event::DiscreteGaussian { sigma, .. } => sigma.get().powi(-2),
        // The loss falls off exponentially from ε, with a scale of 2, however large ε is.
        Event::Laplace { epsilon } => epsilon.get().powi(2).min(4.0),
        Event::DiscreteLaplace { epsilon, sensitivity } if *sensitivity > 1 => epsilon.get().powi(2).min(4.0),
        Event::DiscreteLaplace { epsilon, .. }
        | Event::RandomizedResponse { epsilon, .. }
        | Event::Pure { epsilon }
        | Event::Approx { epsilon, .. } => epsilon.get().powi(2),
        Event::Zcdp { rho } => 2.0 * rho.get(),
        Event::Composed { .. } => 0.0,
    }
}

/// The cells of a simple event on the grid of spacing `h`.
pub(super) fn cells(event: &Event, h: f64) -> Result<Cells, AccountingError> {
    match *event {
        Event::Gaussian { sigma } => Ok(gaussian(1.0 / sigma.get(), h)),
        // Only the lower bound comes here: the Gaussian of the same ρ is one of the mechanisms meant.
        Event::Zcdp { rho } => Ok(gaussian((2.0 * rho.get()).sqrt(), h)),
        Event::Laplace { epsilon } => Ok(laplace(epsilon.get(), h)),
        Event::Pure { epsilon } => Ok(response(epsilon.get(), 2.0, 0.0, h)),
        Event::Approx { epsilon, delta } => Ok(response(epsilon.get(), 2.0, delta.get(), h)),
        Event::RandomizedResponse { epsilon, k } => Ok(response(epsilon.get(), f64::from(k), 0.0, h)),
        Event::DiscreteLaplace { epsilon, sensitivity } => {
            Ok(discrete_laplace(epsilon.get(), sensitivity, h))
        }
        Event::DiscreteGaussian { sigma, sensitivity } => discrete_gaussian(sigma.get(), sensitivity, h),
        Event::Composed { .. } => Err(AccountingError::Nothing),
    }
}

/// The interval whose upper end is the loss, or the one that holds it.
fn interval(loss: f64, h: f64) -> i64 {
    (loss / h - SNAP).ceil() as i64 - 1
}

/// N(0, 1) against N(μ, 1): under P the loss is N(μ²/2, μ²).
fn gaussian(mu: f64, h: f64) -> Cells {
    // Gauss-Legendre, five nodes: at most 0.05 σ wide, its error is below rounding.
    const NODES: [(f64, f64); 5] = [
        (-0.906_179_845_938_664, 0.236_926_885_056_189_1),
        (-0.538_469_310_105_683_1, 0.478_628_670_499_366_5),
        (0.0, 0.568_888_888_888_888_9),
        (0.538_469_310_105_683_1, 0.478_628_670_499_366_5),
        (0.906_179_845_938_664, 0.236_926_885_056_189_1),
    ];
    let loss_at = |z: f64| mu * (z + mu / 2.0);
    let first = (loss_at(-REACH) / h).floor() as i64;
    let last = (loss_at(REACH) / h).ceil() as i64;
    // As many parts as keep a part within a quarter of the spacing and 0.05 σ.
    let parts = PARTS.max((h / mu / 0.05).ceil() as i64);
    let width = h / mu / parts as f64;
    let weight = width / 2.0 / std::f64::consts::TAU.sqrt();
    let mut cells = Vec::new();
    for grid in first..last {
        let base = grid as f64 * h / mu - mu / 2.0;
        let part_at = |z: f64| (((z - base) / width).floor() as i64).clamp(0, parts - 1);
        for part in part_at(-REACH)..=part_at(REACH) {
            let (mut p, mut q) = (0.0, 0.0);
            for (node, share) in NODES {
                let offset = (part as f64 + 0.5 + node / 2.0) * width;
                let z = base + offset;
                let density = weight * share * (-z * z / 2.0).exp();
                p += density;
                q += density * (-mu * offset).exp();
            }
            cells.push(Cell { grid, p, q });
        }
    }
    let tail = 2.0 * crate::accounting::gdp::upper_tail(REACH);
    Cells { cells, infinite: 0.0, above: tail, below: tail }
}

/// Two atoms at ±ε and the continuous part between them.
fn laplace(epsilon: f64, h: f64) -> Cells {
    let mut cells = Vec::new();
    let bottom = 0.5 * (-epsilon).exp();
    cells.push(Cell::atom(-epsilon, bottom, h));
    let (first, last) = ((-epsilon / h + SNAP).floor() as i64, (epsilon / h - SNAP).ceil() as i64);
    for grid in first..last {
        for part in 0..PARTS {
            let at = |part: i64| (grid as f64 + part as f64 / PARTS as f64) * h;
            // The ends are ±ε exactly, also where they are a rounding beside a grid point.
            let low = if grid == first && part == 0 { -epsilon } else { at(part).max(-epsilon) };
            let high =
                if grid == last - 1 && part == PARTS - 1 { epsilon } else { at(part + 1).min(epsilon) };
            if high > low {
                // Under P the density of the loss is ¼ e^((l − ε)/2), under Q ¼ e^(−(l + ε)/2).
                let rise = ((high - low) / 2.0).exp_m1();
                let p = 0.5 * ((low - epsilon) / 2.0).exp() * rise;
                let q = 0.5 * (grid as f64 * h - (high + epsilon) / 2.0).exp() * rise;
                cells.push(Cell { grid, p, q });
            }
        }
    }
    cells.push(Cell::atom(epsilon, 0.5, h));
    cells.sort_by_key(|cell| cell.grid);
    Cells { cells, infinite: 0.0, above: 0.0, below: 0.0 }
}

/// k-ary randomized response with probability 1 − δ, and an open secret with probability δ (k = 2 dominates every
/// (ε, δ)-DP mechanism: Kairouz, Oh, Viswanath 2015).
fn response(epsilon: f64, k: f64, delta: f64, h: f64) -> Cells {
    let small = (-epsilon).exp();
    let whole = (1.0 - delta) / (1.0 + (k - 1.0) * small);
    let middle = (k - 2.0) * small * whole;
    let mut cells = vec![Cell::atom(-epsilon, small * whole, h)];
    if middle > 0.0 {
        cells.push(Cell::atom(0.0, middle, h));
    }
    cells.push(Cell::atom(epsilon, whole, h));
    Cells { cells, infinite: delta, above: 0.0, below: 0.0 }
}

/// P(x) ∝ r^|x| against its shift by s, with r = e^(−ε/s): the loss is ε(s − 2x)/s between, ±ε outside.
fn discrete_laplace(epsilon: f64, sensitivity: u32, h: f64) -> Cells {
    let s = i64::from(sensitivity);
    let step = epsilon / f64::from(sensitivity);
    let outside = 1.0 / (1.0 + (-step).exp());
    let inner = -(-step).exp_m1() / (1.0 + (-step).exp());
    let mut cells = vec![Cell::atom(-epsilon, outside * (-epsilon).exp(), h)];
    let loss = |x: i64| step * (s - 2 * x) as f64;
    // Many atoms of one interval are summed by the geometric series: x falls, the loss rises.
    let mut x = s - 1;
    while x >= 1 {
        let grid = interval(loss(x), h);
        let mut last = (((s as f64 - (grid + 1) as f64 * h / step) / 2.0).ceil() as i64).clamp(1, x);
        while interval(loss(last), h) != grid {
            last += 1;
        }
        last = x - (x - last) / PARTS;
        let number = (x - last + 1) as f64;
        let series = -(-step * number).exp_m1() / -(-step).exp_m1();
        let p = inner * (-step * last as f64).exp() * series;
        // Under Q the same atoms weigh as s − x: the largest is s − `x`.
        let q = inner * (grid as f64 * h - step * (s - x) as f64).exp() * series;
        cells.push(Cell { grid, p, q });
        x = last - 1;
    }
    cells.push(Cell::atom(epsilon, outside, h));
    Cells { cells, infinite: 0.0, above: 0.0, below: 0.0 }
}

/// P(x) ∝ e^(−x²/(2σ²)) on the integers against its shift by s: the loss is (s² − 2sx)/(2σ²).
fn discrete_gaussian(sigma: f64, sensitivity: u32, h: f64) -> Result<Cells, AccountingError> {
    let (s, scale) = (f64::from(sensitivity), sigma * f64::from(sensitivity));
    if scale > f64::from(ATOMS) {
        return Err(AccountingError::TooManyAtoms { limit: ATOMS });
    }
    // Far enough for both P and its shift: at least 13.5 σ, and at least a whole step beyond it.
    let reach = (REACH * scale).ceil() as i64 + 1 + i64::from(sensitivity);
    let mass = |x: f64| (-x * x / (2.0 * scale * scale)).exp();
    let total = 1.0 + 2.0 * (1..=reach).rev().map(|x| mass(x as f64)).sum::<f64>();
    let mut cells: Vec<Cell> = Vec::new();
    for x in (-reach..=reach).rev() {
        let x = x as f64;
        let loss = s * (s - 2.0 * x) / (2.0 * scale * scale);
        let p = mass(x) / total;
        // Atoms below 1e-300 would lose their digits: they belong to the tails.
        if p > 1e-300 {
            cells.push(Cell::atom(loss, p, h));
        }
    }
    // Beyond 13.5 σ and 1e-300 of every atom: a geometric series bounds what is left.
    let tail = 1e-39;
    Ok(Cells { cells, infinite: 0.0, above: tail, below: tail })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::accounting::Positive;

    fn positive(value: f64) -> Positive {
        Positive::new(value).unwrap()
    }

    #[test]
    fn masses_sum_to_one_under_both_distributions() {
        for h in [0.001, 0.013, 0.5, 3.0] {
            for event in [
                Event::Gaussian { sigma: positive(0.3) },
                Event::Gaussian { sigma: positive(40.0) },
                Event::Laplace { epsilon: positive(0.7) },
                Event::Laplace { epsilon: positive(10.0) },
                Event::DiscreteLaplace { epsilon: positive(1.0), sensitivity: 1 },
                Event::DiscreteLaplace { epsilon: positive(2.0), sensitivity: 17 },
                Event::DiscreteLaplace { epsilon: positive(0.3), sensitivity: 100_000 },
                Event::DiscreteGaussian { sigma: positive(0.8), sensitivity: 1 },
                Event::DiscreteGaussian { sigma: positive(3.0), sensitivity: 4 },
                Event::RandomizedResponse { epsilon: positive(1.0), k: 7 },
                Event::Pure { epsilon: positive(2.0) },
            ] {
                let cells = cells(&event, h).unwrap().cells;
                let p: f64 = cells.iter().map(|cell| cell.p).sum();
                let q: f64 = cells.iter().map(|cell| cell.q * (-(cell.grid as f64) * h).exp()).sum();
                assert!((p - 1.0).abs() < 1e-12 && (q - 1.0).abs() < 1e-12, "{event:?} at {h}: {p} {q}");
                assert!(cells.windows(2).all(|pair| pair[0].grid <= pair[1].grid), "{event:?} at {h}");
                for cell in cells {
                    let loss = (cell.p / cell.q).ln();
                    assert!(loss > -1e-8 && loss < h + 1e-8, "{event:?} at {h}: {loss}");
                }
            }
        }
    }
}
