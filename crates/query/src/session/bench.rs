//! A benchmark of a session: only over data that may be looked at, or made-up ones.

use std::collections::BTreeMap;
use std::time::Instant;

use flockwise_mechanisms::{Ceiling, Curator, Delta, Epsilon, Os, Waiver, secret, waive};

use super::{Error, Session, placed};
use crate::backend::Scanner;
use crate::bench::{Bench, Head, Planned, Report, Rows, bench, plans, whole};
use crate::document::Places;
use crate::engine::Failed;
use crate::frame::{Preflight, Source};
use crate::job::Job;
use crate::plan::Plan;
use crate::policy::{Access, Budget};
use crate::resolve::resolve;

/// Data that this program made up: nobody is in them.
struct MadeUp;

impl Curator for MadeUp {
    fn no_privacy(&self) -> Option<&str> {
        Some("made-up data in the shape of the policy: nothing here comes from anybody")
    }
}

/// How far a benchmark is: trials done, and trials in all.
pub type Progress<'a> = &'a (dyn Fn(u64, u64) + Sync);

impl Session {
    /// Measures a job's accuracy against its budget, by comparison with the truth. Only a policy with `no_privacy` lets the
    /// truth be seen: under any other this is [`Error::Protected`]. Nothing is charged, and nothing is released.
    ///
    /// # Errors
    /// When the policy protects the data, the job cannot be planned at every point, or the data cannot be read.
    pub fn bench(
        &self,
        asked: &Bench,
        job: &Job,
        places: &Places,
        settings: &BTreeMap<String, String>,
        progress: Progress<'_>,
    ) -> Result<Report, Error> {
        let began = Instant::now();
        let waiver = waive(&self.policy).ok_or(Error::Protected)?;
        let planned = self.planned(asked, job, places, settings)?;
        let source = self.source()?;
        let plan = first(&planned)?;
        if plan.scan.consent.as_ref().is_some_and(|consent| consent.limit.is_some()) {
            let message =
                "bench does not draw who takes part: leave `epsilon` out of the columns of [consent]";
            return Err(Error::Bench(message.to_owned()));
        }
        let preflight = self.preflight(plan, &source)?;
        let world = Data { waiver: &waiver, plan, source: &source, preflight: &preflight };
        self.measured(asked, &planned, &world, (began, false), progress)
    }

    /// The same over made-up data in the shape of the policy, whatever policy it is: no file of anybody is opened.
    ///
    /// # Errors
    /// As [`Session::bench`], and when made-up data cannot be written to the folder for temporary files.
    pub fn bench_mock(
        &self,
        asked: &Bench,
        job: &Job,
        places: &Places,
        settings: &BTreeMap<String, String>,
        progress: Progress<'_>,
    ) -> Result<Report, Error> {
        let began = Instant::now();
        let waiver = waive(&MadeUp).ok_or(Error::Protected)?;
        let planned = self.planned(asked, job, places, settings)?;
        let folder = tempfile::tempdir().map_err(|error| Error::Mock(error.to_string()))?;
        // The least ε needs the most people for a key to appear.
        let (plan, source) = self.made_up(first(&planned)?, folder.path())?;
        let preflight = source.preflight(&crate::backend::wanted(&plan.scan))?;
        let world = Data { waiver: &waiver, plan: &plan, source: &source, preflight: &preflight };
        self.measured(asked, &planned, &world, (began, true), progress)
    }

    fn planned(
        &self,
        asked: &Bench,
        job: &Job,
        places: &Places,
        settings: &BTreeMap<String, String>,
    ) -> Result<Vec<Planned>, Error> {
        if matches!(&self.policy.access, Access::Budget(Budget { per: Some(_), .. })) {
            let message =
                "bench does not measure a budget that renews: take `per` out of a copy of the policy";
            return Err(Error::Bench(message.to_owned()));
        }
        let (ceiling, part) = self.benched();
        if let Some(over) = asked.epsilons().iter().find(|epsilon| part && **epsilon > ceiling.epsilon) {
            let message = format!(
                "epsilon {over} is over the ceiling of {} in the policy's [budget]: leave it out there, and each epsilon is a ceiling of its own",
                ceiling.epsilon
            );
            return Err(Error::Bench(message));
        }
        let mut resolved = resolve(job, places, &self.policy, settings)?;
        // Where the budget renews, every window's releases are made alike: one of them is measured.
        resolved.windows.truncate(1);
        if ceiling.delta == Delta::ZERO && resolved.releases.iter().any(|release| !release.is_grid()) {
            let message =
                "private keys need a delta: add [budget] with delta, such as delta = 1e-6, beside no_privacy";
            return Err(Error::Bench(message.to_owned()));
        }
        let of = |epsilon: Epsilon| if part { ceiling } else { Ceiling { epsilon, ..ceiling } };
        plans(asked, &resolved, &self.policy, &self.base, &of).map_err(|error| placed(error, job, places))
    }

    /// The ceiling, and whether a job's ε is a part of its ε or a ceiling of its own.
    fn benched(&self) -> (Ceiling, bool) {
        match &self.policy.access {
            Access::Budget(budget) => {
                let (accounting, epsilon, delta) = (budget.accounting, budget.epsilon, budget.delta);
                (Ceiling { accounting, epsilon, delta }, true)
            }
            Access::NoPrivacy(open) => {
                let epsilon = open.epsilon.unwrap_or(Epsilon::ZERO);
                let ceiling = Ceiling { accounting: open.accounting, epsilon, delta: open.delta };
                (ceiling, open.epsilon.is_some())
            }
        }
    }

    fn measured(
        &self,
        asked: &Bench,
        planned: &[Planned],
        data: &Data<'_>,
        (began, made_up): (Instant, bool),
        progress: Progress<'_>,
    ) -> Result<Report, Error> {
        let mut noise = Os::new().map_err(|_| Error::BenchFailed(Failed::Entropy))?;
        let (scan, limits) = (&data.plan.scan, &self.limits);
        let scanner = Scanner::open(scan, data.source, data.preflight, &self.base, limits, &mut noise);
        let scanner = scanner.map_err(|_| Error::BenchFailed(Failed::Source))?;
        let rows = Rows { scanner: &scanner, secret: secret(&mut noise) };
        let releases = bench(asked, planned, rows, data.waiver, progress).map_err(Error::BenchFailed)?;
        let (ceiling, part) = self.benched();
        let head = Head { policy: &self.policy, waiver: data.waiver, made_up, ceiling, part, began };
        Ok(whole(asked, &head, releases))
    }
}

/// The data of a benchmark, and why they may be looked at.
struct Data<'a> {
    waiver: &'a Waiver,
    plan: &'a Plan,
    source: &'a Source,
    preflight: &'a Preflight,
}

/// The plan of the least ε.
fn first(planned: &[Planned]) -> Result<&Plan, Error> {
    planned.first().map(|planned| &planned.plan).ok_or_else(|| Error::Bench("nothing is asked".to_owned()))
}
