//! The rows of a benchmark: the one place that knows how a backend is made of them.

use crate::backend::{LocalBackend, Scanner, contributions, extremes};
use crate::engine::{Extremes, Failed};
use crate::plan::{BoughtRange, Channel, ReleasePlan};

/// The rows that all trials share.
#[derive(Clone, Copy)]
pub(crate) struct Rows<'a> {
    /// What is read.
    pub scanner: &'a Scanner<'a>,
    /// Keys the hash by which a person's kept keys are chosen.
    pub secret: [u8; 16],
}

impl<'a> Rows<'a> {
    /// The contributions of a release's rows, with values on the grid of its plan or on another one.
    pub fn backend(&self, plan: &ReleasePlan, grid: Option<Channel>) -> Result<LocalBackend<'a>, Failed> {
        let mut rows = plan.rows.clone();
        if let (Some(value), Some(grid)) = (&mut rows.value, grid) {
            value.regrid(grid);
        }
        let gathered = contributions(self.scanner, &rows)?;
        Ok(LocalBackend::new(self.scanner, &rows, gathered, self.secret)?)
    }

    /// The least and the largest value of each person.
    pub fn extremes(&self, plan: &ReleasePlan, range: &BoughtRange) -> Result<Extremes, Failed> {
        extremes(self.scanner, &plan.rows, range)
    }
}
