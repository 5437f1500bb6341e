//! The recording auditor: runs a computation on a data set and on its neighbour, and checks what reached the mechanisms.
//!
//! A mechanism is private for inputs that differ by at most the sensitivity it was told. Whether they do is decided by
//! everything before it: filters, joins, clamps, bounds. So a [`Recorder`] takes the place of the noise source: on the
//! first data set it logs every [`Call`](crate::Call) with its exact input and its answer; on the neighbour, as
//! [`Trace::replay`], it gives the *same answers*, so that a computation whose later stages depend on earlier noisy
//! outputs takes the same path; and [`compare`] checks that both asked the same questions, about inputs that differ by
//! at most the declared sensitivity, in exact integer arithmetic and with no slack. [`check`] does all of it, and also
//! that both sides end in the same outcome: given the same noisy outputs, a table, an error or a log line that differs
//! was computed from something else than noisy outputs.
//!
//! ```
//! # use flockwise_mechanisms::{audit, measure, Epsilon, Delta, Family, L1, Loss, Private, Sensitivity};
//! let count = |people: &[i128]| {
//!     let exact = people.iter().sum::<i128>();
//!     move |source: &mut audit::Recorder| {
//!         let loss = Loss::pure("0.5".parse::<Epsilon>().unwrap(), Delta::ZERO);
//!         let one = Sensitivity::L1(L1::new(1).unwrap());
//!         let exact = Private::new(vec![exact]);
//!         measure(audit::grant(loss), Family::DiscreteLaplace, one, &exact, source).map(|release| release.into_inner())
//!     }
//! };
//! let mode = audit::Mode::Wild { seed: 7 };
//! assert!(audit::check(mode, count(&[1, 1, 1]), count(&[1, 1])).is_ok());
//! assert!(audit::check(mode, count(&[1, 1, 5]), count(&[1, 1])).is_err());   // a person who counts five times
//! ```
//!
//! Why this is a feature (`audit`), when the crate has no other: the door that exact values pass through is sealed, and
//! must be; a recorder that other crates' tests can use has to live behind it. No shipped crate turns the feature on: it
//! is named in dev-dependencies alone, where Cargo's resolver keeps it out of what is built for users.

mod answers;
mod binomial;
mod compare;
mod exact;
mod question;
mod recorder;
#[cfg(test)]
mod tests;

pub use binomial::{clopper_pearson, frequencies};
pub use compare::{Divergence, NewKeys, Reach, Violation, compare};
pub use exact::{hockey_stick, judge, spent};
pub use question::{Question, Trace};
pub use recorder::{Mode, Recorder, seeded};

use crate::charge::{Charge, Digest, Ledger, Plan, charge};
use crate::loss::Loss;

/// Runs a computation on two neighbours, the second replaying the first's noisy outputs, and checks everything.
///
/// # Errors
/// With the first [`Violation`] that was found.
pub fn check<T: PartialEq>(
    mode: Mode,
    first: impl FnOnce(&mut Recorder) -> T,
    second: impl FnOnce(&mut Recorder) -> T,
) -> Result<Divergence, Violation> {
    let mut recorder = Recorder::new(mode);
    let outcome = first(&mut recorder);
    let trace = recorder.into_trace();
    let mut replay = trace.replay();
    let neighbours = second(&mut replay);
    let divergence = compare(&trace, &replay.into_trace())?;
    if outcome == neighbours { Ok(divergence) } else { Err(Violation::Outcome) }
}

/// A charge that no ledger recorded, for tests: it goes the public way, through a ledger that keeps nothing.
///
/// # Panics
/// Never: such a ledger refuses nothing.
pub fn grant(loss: Loss) -> Charge {
    let (charged, ()) = charge(&mut KeepsNothing, Bare(loss), &()).unwrap_or_else(|never| match never {});
    charged.open().1.take(loss).expect("the allowance is the loss itself")
}

struct Bare(Loss);

impl Plan for Bare {
    fn loss(&self) -> Loss {
        self.0
    }

    fn digest(&self) -> Digest {
        Digest::of(b"a test")
    }
}

struct KeepsNothing;

impl Ledger for KeepsNothing {
    type Error = std::convert::Infallible;
    type Request = ();
    type Receipt = ();

    fn record(&mut self, _: Loss, _: Digest, (): &()) -> Result<(), Self::Error> {
        Ok(())
    }
}
