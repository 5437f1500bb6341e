//! A session: a policy, its data, its ledger, and the one way from a question to a release.
//!
//! The order is fixed: plan → preflight → charge → read → noise → store → show. Nothing of anybody is read before the
//! charge is on disk, and nothing is shown that is not stored.

mod answer;
mod bench;
mod check;
#[cfg(test)]
mod consent_tests;
mod error;
mod mock;
mod phase;
#[cfg(feature = "audit")]
mod rehearse;
mod run;
mod target;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use flockwise_ledger::{Binding, LedgerFile, LedgerId, Neighbours, Releases, RequestId, Status, Window};
use flockwise_mechanisms::Ceiling;
use polars::prelude::LazyFrame;

pub use answer::{Answer, Answered};
pub use bench::Progress;
pub use check::{Check, CheckedColumn, CheckedSource};
pub use error::Error;
pub use phase::Phase;

pub use crate::backend::Limits;
use crate::diagnostic::{Code, Diagnostics};
use crate::document::Places;
use crate::frame::{Files, Source};
use crate::job::{Job, Query};
use crate::plan::{Plan, PlanError, plan};
use crate::policy::{Access, Budget, Policy, Renewal};
use crate::release::Document;
use crate::resolve::resolve;

/// The curator's side of a data set: from a policy to plans, charges and releases.
pub struct Session {
    policy: Policy,
    base: PathBuf,
    frame: Option<Source>,
    analyst: Option<flockwise_ledger::Name>,
    purpose: Option<String>,
    limits: Limits,
}

impl Session {
    /// Opens a policy. Its ledger is opened when it is charged, and must have been made by [`Session::init`].
    ///
    /// # Errors
    /// When the policy cannot be read or is wrong.
    pub fn open(policy: impl AsRef<Path>) -> Result<Self, Error> {
        let path = policy.as_ref();
        let policy = Policy::open(path)?.value;
        let base = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        Ok(Self {
            policy,
            base: base.to_owned(),
            frame: None,
            analyst: None,
            purpose: None,
            limits: Limits::default(),
        })
    }

    /// Opens a policy over a frame in place of the policy's source. The frame must be the same data that the ledger is
    /// about: a ledger belongs to people, not to files.
    ///
    /// # Errors
    /// When the policy cannot be read or is wrong.
    pub fn open_with_frame(policy: impl AsRef<Path>, frame: LazyFrame) -> Result<Self, Error> {
        let session = Self::open(policy)?;
        Ok(Self { frame: Some(Source::Frame(Box::new(frame))), ..session })
    }

    /// The same session, with the name of who asks: it stands in the ledger, and the operator vouches for it.
    ///
    /// # Errors
    /// When it is no name.
    pub fn for_analyst(self, name: &str) -> Result<Self, Error> {
        Ok(Self { analyst: Some(flockwise_ledger::Name::new(name)?), ..self })
    }

    /// The same session, with the purpose that questions built in code serve: one of the policy's.
    #[must_use]
    pub fn for_purpose(self, purpose: &str) -> Self {
        Self { purpose: Some(purpose.to_owned()), ..self }
    }

    /// The same session, within an operator's limits on memory and disk: they never decide what is released.
    #[must_use]
    pub fn within(self, limits: Limits) -> Self {
        Self { limits, ..self }
    }

    /// The policy.
    #[must_use]
    pub const fn policy(&self) -> &Policy {
        &self.policy
    }

    /// Makes the ledger of the policy, once, and returns its id, to be pinned in the policy as `ledger_id`.
    ///
    /// # Errors
    /// When the policy pins an id already, or there is a file of that name.
    pub fn init(&self) -> Result<LedgerId, Error> {
        let budget = self.budget()?;
        if let Some(id) = &budget.ledger_id {
            return Err(Error::Pinned { id: id.as_str().to_owned() });
        }
        Ok(LedgerFile::init(&self.base.join(&budget.ledger), &self.binding()?)?)
    }

    /// Plans a question: free, any number of times, without looking at data.
    ///
    /// # Errors
    /// When it does not fit the policy.
    pub fn plan(&self, query: &Query) -> Result<Plan, Error> {
        let job = query.job(self.policy.data.name.as_str(), self.purpose.as_deref())?;
        self.plan_job(&job, &Places::nowhere("query"), &BTreeMap::new())
    }

    /// Plans a job; `places` is where its fields stand in its file, `settings` are its parameters' values.
    ///
    /// # Errors
    /// When it does not fit the policy: every reason, with its line.
    pub fn plan_job(
        &self,
        job: &Job,
        places: &Places,
        settings: &BTreeMap<String, String>,
    ) -> Result<Plan, Error> {
        let resolved = resolve(job, places, &self.policy, settings)?;
        plan(&resolved, &self.policy, &self.base).map_err(|error| placed(error, job, places))
    }

    /// What the ledger says: spent, left, entries.
    ///
    /// # Errors
    /// Those of the ledger.
    pub fn status(&self) -> Result<Status, Error> {
        Ok(self.ledger()?.status()?)
    }

    /// The ceiling of the policy.
    ///
    /// # Errors
    /// When the policy has none.
    pub fn ceiling(&self) -> Result<Ceiling, Error> {
        let budget = self.budget()?;
        Ok(Ceiling { accounting: budget.accounting, epsilon: budget.epsilon, delta: budget.delta })
    }

    /// How the budget renews, where it does.
    #[must_use]
    pub fn renewal(&self) -> Option<&Renewal> {
        if let Access::Budget(budget) = &self.policy.access { budget.per.as_ref() } else { None }
    }

    fn budget(&self) -> Result<&Budget, Error> {
        match &self.policy.access {
            Access::Budget(budget) => Ok(budget),
            Access::NoPrivacy(_) => Err(Error::NoLedger),
        }
    }

    fn binding(&self) -> Result<Binding, Error> {
        Ok(Binding {
            data: flockwise_ledger::Name::new(self.policy.data.name.as_str())?,
            privacy_unit: flockwise_ledger::Name::new(self.policy.data.privacy_unit.as_str())?,
            neighbours: Neighbours::AddOrRemove,
            ceiling: self.ceiling()?,
            window: self.budget()?.per.as_ref().map(window).transpose()?,
        })
    }

    /// What a request was answered with before: the stored releases.
    ///
    /// # Errors
    /// Those of the ledger.
    pub fn stored(&self, request: &RequestId) -> Result<Vec<Document>, Error> {
        let stored = self.releases(self.ledger()?.id())?.get(request)?;
        match stored {
            Some(stored) => {
                Ok(Answer::read(stored.bytes, Answered::Before, stored.receipt)?.releases().to_vec())
            }
            None => Ok(Vec::new()),
        }
    }

    /// The policy's ledger, checked from its first entry on.
    ///
    /// # Errors
    /// Those of the ledger.
    pub fn ledger(&self) -> Result<LedgerFile, Error> {
        let budget = self.budget()?;
        let pinned = budget.ledger_id.as_ref().map(|id| id.as_str().parse::<LedgerId>()).transpose();
        let pinned = pinned.map_err(|_| Error::BadPin)?;
        Ok(LedgerFile::open(&self.base.join(&budget.ledger), &self.binding()?, pinned.as_ref())?)
    }

    fn releases(&self, id: LedgerId) -> Result<Releases, Error> {
        Ok(Releases::open_or_create(&self.base.join(&self.budget()?.releases), id)?)
    }

    fn source(&self) -> Result<Source, Error> {
        match &self.frame {
            Some(frame) => Ok(frame.clone()),
            None => Ok(Source::Files(Files::list(&self.base, &self.policy.data.source)?)),
        }
    }
}

/// Renewal, as the ledger is bound to it: with the guarantee it can never change.
fn window(per: &Renewal) -> Result<Window, flockwise_ledger::NameError> {
    let name = flockwise_ledger::Name::new;
    Ok(Window { every: name(per.window.name())?, time: name(per.time.as_str())?, tz: name(per.tz.name())? })
}

/// A planning error at the line of its release.
fn placed(error: PlanError, job: &Job, places: &Places) -> Error {
    let release = match &error {
        PlanError::NothingToSpend { release }
        | PlanError::NoDelta { release }
        | PlanError::Unsupported { release, .. }
        | PlanError::Stage { release, .. } => Some(release),
        PlanError::NoLedger
        | PlanError::NoBudget
        | PlanError::RhoUnder { .. }
        | PlanError::TooMuch
        | PlanError::TooManyCells { .. }
        | PlanError::Table { .. }
        | PlanError::Internal(_) => None,
    };
    let at = release.and_then(|release| job.releases.iter().position(|known| known.name == *release));
    match at {
        Some(at) => {
            let path = format!("release[{at}].name");
            Diagnostics::new(vec![places.diagnostic(&path, Code::Unsupported, error.to_string(), None)])
                .into()
        }
        None => error.into(),
    }
}
