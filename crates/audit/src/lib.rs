//! The statistical auditor: runs each mechanism on two neighbours, whole, from charge to release, and bounds from below
//! the ε that its outputs show.
//!
//! For each [`Subject`], a first set of runs is searched for the event that tells the neighbours apart best; fresh runs
//! then count it, and ε̂ = ln((LCB(p₁) − δ)/UCB(p₀)) with the exact bounds of Clopper and Pearson (1934). Whatever the event,
//! ε̂ exceeds ε only if the mechanism is not (ε, δ)-DP or a bound failed, and all bounds of a whole audit together fail with
//! a probability that is fixed beforehand. So a mechanism whose ε̂ exceeds its ε is broken.
//!
//! An auditor that cannot fail is a defect: [`controls`] are mechanisms broken in the ways that others have been, and each
//! must be caught. What an audit like this cannot see, δ of 10^-6 and divergences of rare outcomes, is for the exact
//! auditors in the tests of the mechanisms.

pub mod controls;
mod event;
mod report;
pub mod subjects;

pub use event::{Event, Finding, Size, audit};
pub use report::report;

use flockwise_mechanisms::Os;

/// Which of two neighbouring data sets.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Side {
    /// Without the person.
    Without,
    /// With the person.
    With,
}

impl Side {
    /// One of two things.
    pub fn pick<T>(self, without: T, with: T) -> T {
        match self {
            Self::Without => without,
            Self::With => with,
        }
    }
}

/// One run: the release as seen through several views, each a number.
pub type Run = Box<dyn Fn(Side, &mut Os) -> Vec<i64> + Sync>;

/// A mechanism, a pair of neighbours, and what it claims about them.
pub struct Subject {
    /// What is audited.
    pub name: &'static str,
    /// ε that is claimed.
    pub epsilon: f64,
    /// At this δ.
    pub delta: f64,
    /// Names of the views, in order.
    pub views: &'static [&'static str],
    /// One run.
    pub run: Run,
}
