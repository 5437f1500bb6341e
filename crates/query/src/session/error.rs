//! What can go wrong, and the exit code that says when.

use crate::diagnostic::Diagnostics;
use crate::engine::Failed;
use crate::frame::{FileError, PreflightError};
use crate::kernel::SpillError;
use crate::plan::PlanError;

/// What stopped a question from being answered. No message holds a value from the data.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Policy or job are wrong.
    #[error(transparent)]
    Files(#[from] Diagnostics),
    /// The job cannot be planned.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// A name or request id is none.
    #[error("{0}")]
    Name(#[from] flockwise_ledger::NameError),
    /// The policy has no budget.
    #[error(
        "the policy says no_privacy: it has no ledger and releases nothing; `flockwise bench` is what it is for. To release, give the policy a [budget] with a ledger in place of no_privacy"
    )]
    NoLedger,
    /// The data may not be looked at.
    #[error(
        "bench compares with the truth, and the policy protects it: use a policy with no_privacy = \"why these data may be looked at\" over such data; or --mock, for made-up data shaped by this policy"
    )]
    Protected,
    /// A target of a plan has no answer.
    #[error(transparent)]
    Target(#[from] crate::target::TargetError),
    /// What is asked of a benchmark does not fit the policy.
    #[error("{0}")]
    Bench(String),
    /// A benchmark stopped.
    #[error("the benchmark stopped: {0}; nothing was charged or released")]
    BenchFailed(Failed),
    /// The pinned id is no ledger's.
    #[error("ledger_id in the policy is no ledger id: pin the 32 digits that `flockwise init` printed")]
    BadPin,
    /// The policy has a ledger already.
    #[error(
        "the policy pins the ledger {id} already: a second ledger over the same people would double what is spent on them"
    )]
    Pinned {
        /// The pinned id.
        id: String,
    },
    /// The plan was made under another policy.
    #[error("this plan was made under another policy: plan again")]
    AnotherPolicy,
    /// The ledger refused, or cannot be used.
    #[error(transparent)]
    Ledger(#[from] flockwise_ledger::Error),
    /// A source cannot be checked.
    #[error("{0}; the check costs nothing")]
    Check(Failed),
    /// A mock cannot be made.
    #[error("the mock cannot be made: {0}")]
    Mock(String),
    /// The job does not fit in what is left; nothing was charged, and what is left can still be spent.
    #[error("{figures}; nothing was charged. {hint}; `flockwise budget` shows what is left")]
    OverBudget {
        /// Requested, remaining, and what would fit.
        figures: Box<flockwise_ledger::OverBudget>,
        /// What to ask instead.
        hint: String,
    },
    /// The source does not fit; nothing was charged.
    #[error("{0}; nothing was charged")]
    Preflight(#[from] PreflightError),
    /// The folder for what does not fit into memory cannot be used; nothing was charged.
    #[error("{0} (FLOCKWISE_TMP, --temporary); nothing was charged")]
    Temporary(#[source] SpillError),
    /// The charge is recorded, and what follows failed: the same request may be tried again, free up to 3 times.
    #[error(
        "{source}; the charge is recorded: run again with --request-id {request}, which is free up to 3 times"
    )]
    AfterCharge {
        /// The request to try again.
        request: String,
        /// The entry of the charge.
        entry: u64,
        /// Why.
        source: Failed,
    },
    /// The release could not be stored; nothing was shown.
    #[error(
        "{source}; the charge is recorded and nothing was shown: run again with --request-id {request}, which is free up to 3 times"
    )]
    NotStored {
        /// The request to try again.
        request: String,
        /// The entry of the charge.
        entry: u64,
        /// Why.
        source: flockwise_ledger::Error,
    },
    /// A stored release is none that this version reads.
    #[error("the stored release of this request cannot be read: {0}")]
    Stored(String),
}

impl From<FileError> for Error {
    fn from(error: FileError) -> Self {
        Self::Preflight(error.into())
    }
}

impl Error {
    /// The exit code of the command line: 2 wrong input, 3 over budget, 4 ledger missing, damaged or another's, 5 preflight,
    /// 6 after the charge, 75 busy, 1 a bug.
    #[must_use]
    #[expect(clippy::wildcard_enum_match_arm, reason = "whatever else is wrong with a ledger is exit code 4")]
    pub const fn exit_code(&self) -> u8 {
        use flockwise_ledger::Error as Ledger;
        match self {
            Self::Files(_)
            | Self::Plan(_)
            | Self::Name(_)
            | Self::NoLedger
            | Self::Protected
            | Self::Bench(_)
            | Self::Target(_)
            | Self::BadPin
            | Self::Pinned { .. }
            | Self::AnotherPolicy => 2,
            Self::Ledger(error) => match error {
                Ledger::OverBudget(_) => 3,
                Ledger::RequestIdReused { .. }
                | Ledger::Accounting { .. }
                | Ledger::Windows { .. }
                | Ledger::TooMany { .. }
                | Ledger::Amendment { .. } => 2,
                Ledger::Busy => 75,
                _ => 4,
            },
            Self::OverBudget { .. } => 3,
            Self::Preflight(_) | Self::Check(_) | Self::BenchFailed(_) | Self::Temporary(_) => 5,
            Self::AfterCharge { .. } | Self::NotStored { .. } => 6,
            Self::Stored(_) | Self::Mock(_) => 1,
        }
    }

    /// The ledger entry that was charged although the question was not answered.
    #[must_use]
    pub const fn charged_entry(&self) -> Option<u64> {
        if let Self::AfterCharge { entry, .. } | Self::NotStored { entry, .. } = self {
            Some(*entry)
        } else {
            None
        }
    }
}
