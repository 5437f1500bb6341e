//! The benchmark: what a job's accuracy is at every ε and bound, by comparison with the truth.
//!
//! The key decision: it stands beside the path of a release, not on it. Trials run the engine's own stages over a backend
//! whose exact answers can be looked at under a [`Waiver`](flockwise_mechanisms::Waiver), which only data that may be
//! looked at give; nothing that it computes is ever released.

#[cfg(test)]
mod coverage;
mod exact;
mod figures;
mod rank;
mod render;
mod report;
mod rows;
mod run;
mod seen;
mod sweep;
#[cfg(test)]
mod tests;
mod trial;
mod world;

use flockwise_mechanisms::{Epsilon, Rounding};

pub use report::{
    Axis, BoundUsed, ColumnFigures, Coverage, Decomposition, How, KeyFigures, Point, Recall, Relative,
    ReleaseReport, Report, SCHEMA, Spread,
};
pub(crate) use rows::Rows;
pub(crate) use run::{Head, Planned, bench, plans, whole};
pub use sweep::{BadSweep, Sweep};

/// What is benchmarked.
#[derive(Clone, PartialEq, Debug)]
pub struct Bench {
    epsilons: Vec<Epsilon>,
    trials: u32,
    sweeps: Vec<Sweep>,
}

/// What cannot be benchmarked.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BadBench {
    /// An ε.
    #[error("--epsilon takes positive numbers below 1000000, such as 0.1,0.3,1,3")]
    Epsilon,
    /// The number of trials.
    #[error("trials are from 1 to 10000")]
    Trials,
    /// A sweep.
    #[error(transparent)]
    Sweep(#[from] BadSweep),
}

impl Bench {
    /// The most trials of one point.
    pub const MOST_TRIALS: u32 = 10_000;

    /// So many trials at each ε, written as decimals.
    ///
    /// ```
    /// use flockwise_query::bench::{Bench, Sweep};
    /// let asked = Bench::new(["0.1", "1"], 20)?.sweep(Sweep::parse("contribution=norm:4,auto")?)?;
    /// assert!(Bench::new(["none"], 20).is_err());
    /// # Ok::<(), flockwise_query::bench::BadBench>(())
    /// ```
    ///
    /// # Errors
    /// When an ε is none, or there are no trials or too many.
    pub fn new<'a>(epsilons: impl IntoIterator<Item = &'a str>, trials: u32) -> Result<Self, BadBench> {
        let read = |text: &str| Epsilon::parse(text.trim(), Rounding::Down).map_err(|_| BadBench::Epsilon);
        let mut epsilons = epsilons.into_iter().map(read).collect::<Result<Vec<_>, _>>()?;
        epsilons.sort();
        epsilons.dedup();
        if epsilons.is_empty() || epsilons.iter().any(|epsilon| epsilon.is_zero()) {
            return Err(BadBench::Epsilon);
        }
        if trials == 0 || trials > Self::MOST_TRIALS {
            return Err(BadBench::Trials);
        }
        Ok(Self { epsilons, trials, sweeps: Vec::new() })
    }

    /// With one more setting that is swept: every combination of all of them is measured.
    ///
    /// # Errors
    /// When the setting is swept already.
    pub fn sweep(mut self, sweep: Sweep) -> Result<Self, BadBench> {
        let name = sweep.axis().name;
        if self.sweeps.iter().any(|known| known.axis().name == name) {
            return Err(BadSweep::Twice(name).into());
        }
        self.sweeps.push(sweep);
        Ok(self)
    }

    /// The ε's, ascending.
    pub(crate) fn epsilons(&self) -> &[Epsilon] {
        &self.epsilons
    }
}
