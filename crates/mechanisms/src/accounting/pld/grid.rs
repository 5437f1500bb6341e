//! One mechanism's privacy loss on a grid: once never too low, once never too high.
//!
//! Pessimistic: the mass of an interval goes to its two ends so that its mass under P and under Q both stay (connecting
//! the dots of the privacy curve: Doroshenko, Ghazi, Kamath, Kumar, Manurangsi 2022). Undone by merging the ends again,
//! so the result dominates; the variance added is at most h²/4, which is what makes a coarse grid enough.
//!
//! Optimistic: neighbouring outcomes are merged until their ratio is exactly that of a grid point. Merging is
//! post-processing, so the result is dominated.

use super::cells::{Cells, SNAP};
use crate::accounting::AccountingError;

/// Masses at the losses (first + i)·h, and at infinity.
#[derive(Clone, Debug)]
pub(super) struct Grid {
    pub first: i64,
    pub mass: Vec<f64>,
    pub infinite: f64,
}

/// The longest grid of one mechanism.
const LIMIT: i64 = 1 << 23;

fn empty(cells: &Cells) -> Result<Grid, AccountingError> {
    let first = cells.cells.first().map_or(0, |cell| cell.grid);
    let last = cells.cells.last().map_or(0, |cell| cell.grid);
    let length = last.checked_sub(first).filter(|length| (0..LIMIT).contains(length));
    let length = usize::try_from(length.ok_or(AccountingError::TooCoarse)?).expect("below the limit");
    Ok(Grid { first, mass: vec![0.0; length + 2], infinite: cells.infinite })
}

/// A distribution that dominates: never too low.
pub(super) fn pessimistic(cells: &Cells, h: f64) -> Result<Grid, AccountingError> {
    let mut grid = empty(cells)?;
    let spread = -(-h).exp_m1();
    for cell in &cells.cells {
        let at = (cell.grid - grid.first) as usize;
        // b at the upper end and p − b at the lower one: p − b + b e^(−h) = q. A few roundings go upward.
        let upper = (((cell.p - cell.q) + 8.0 * f64::EPSILON * cell.p) / spread).clamp(0.0, cell.p);
        grid.mass[at] += cell.p - upper;
        grid.mass[at + 1] += upper;
    }
    grid.mass[0] += cells.below;
    grid.infinite += cells.above;
    Ok(grid)
}

/// A distribution that is dominated: never too high.
pub(super) fn optimistic(cells: &Cells, h: f64) -> Result<Grid, AccountingError> {
    let mut grid = empty(cells)?;
    // What waits to be put at `target`: its mass under P, and under Q times e^(target·h), which is no less.
    let (mut p, mut q) = (0.0_f64, 0.0_f64);
    let mut target = grid.first + 1;
    for cell in &cells.cells {
        if p <= 0.0 {
            target = cell.grid + 1;
        }
        let (mut cell_p, mut cell_q) = (cell.p, cell.q * ((target - cell.grid) as f64 * h).exp());
        let (need, gain) = (q - p, cell_p - cell_q);
        if gain > need && p > 0.0 {
            // Part of the cell lifts what waits to the grid point exactly; the rest waits for the next one.
            let part = need / gain;
            grid.mass[(target - grid.first) as usize] += p + part * cell_p;
            target = (target + 1).max(cell.grid + 1);
            (p, q) = (0.0, 0.0);
            cell_p *= 1.0 - part;
            cell_q = (1.0 - part) * cell.q * ((target - cell.grid) as f64 * h).exp();
        }
        p += cell_p;
        q += cell_q;
        if (q - p).abs() <= SNAP * h * p {
            grid.mass[(target - grid.first).max(0) as usize] += p;
            (p, q) = (0.0, 0.0);
        }
    }
    if p > 0.0 {
        settle(&mut grid, target - 1, p, q * (-h).exp(), h);
    }
    Ok(grid)
}

/// The topmost outcomes lie a little above `target`: merges them with lower ones, the nearest first, down to it.
fn settle(grid: &mut Grid, target: i64, mut p: f64, q: f64, h: f64) {
    let at = (target - grid.first).max(0) as usize;
    let mut surplus = p - q;
    for below in (0..at.min(grid.mass.len())).rev() {
        if surplus <= 0.0 {
            break;
        }
        let lowers = ((at - below) as f64 * h).exp_m1();
        let taken = (surplus / lowers).min(grid.mass[below]);
        grid.mass[below] -= taken;
        p += taken;
        surplus -= taken * lowers;
    }
    grid.mass[at] += p;
}

#[cfg(test)]
mod tests {
    use super::super::cells::cells;
    use super::*;
    use crate::accounting::{Event, Positive, gdp};

    fn curve(grid: &Grid, h: f64, epsilon: f64) -> f64 {
        let finite: f64 = (grid.first..)
            .zip(&grid.mass)
            .map(|(at, mass)| (at as f64 * h, mass))
            .filter(|(loss, _)| *loss > epsilon)
            .map(|(loss, mass)| -mass * (epsilon - loss).exp_m1())
            .sum();
        finite + grid.infinite
    }

    #[test]
    fn the_two_grids_enclose_the_curve_of_the_gaussian() {
        for (sigma, h) in [(0.3, 0.2), (1.0, 0.05), (50.0, 0.002)] {
            let cells = cells(&Event::Gaussian { sigma: Positive::new(sigma).unwrap() }, h).unwrap();
            let (low, high) = (optimistic(&cells, h).unwrap(), pessimistic(&cells, h).unwrap());
            for step in 0..50 {
                let epsilon = f64::from(step) / 10.0 / sigma;
                let (below, above) = gdp::delta_bounds(1.0 / sigma, epsilon);
                assert!(curve(&low, h, epsilon) <= above * (1.0 + 1e-12) + 1e-16, "{sigma} {epsilon}");
                assert!(curve(&high, h, epsilon) >= below * (1.0 - 1e-12) - 1e-16, "{sigma} {epsilon}");
            }
        }
    }

    #[test]
    fn the_optimistic_grid_keeps_the_mass_and_nearly_the_ratio() {
        for h in [0.013, 0.3] {
            for event in [
                Event::Gaussian { sigma: Positive::new(0.5).unwrap() },
                Event::Laplace { epsilon: Positive::new(1.0).unwrap() },
                Event::RandomizedResponse { epsilon: Positive::new(1.0).unwrap(), k: 5 },
                Event::DiscreteGaussian { sigma: Positive::new(0.7).unwrap(), sensitivity: 1 },
            ] {
                let grid = optimistic(&cells(&event, h).unwrap(), h).unwrap();
                let p: f64 = grid.mass.iter().sum();
                let q: f64 =
                    (grid.first..).zip(&grid.mass).map(|(at, mass)| mass * (-(at as f64) * h).exp()).sum();
                assert!((p - 1.0).abs() < 1e-12, "{event:?} {h}: {p}");
                assert!((q - 1.0).abs() < 1e-9, "{event:?} {h}: {q}");
            }
        }
    }
}
