//! Why a ledger refuses.

use std::fmt;
use std::path::PathBuf;

use flockwise_mechanisms::{Accounting, Loss};

use crate::name::{Name, RequestId};

/// One thing in which a ledger is not the one that is asked for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Difference {
    /// What differs.
    pub what: &'static str,
    /// What the ledger says.
    pub ledger: String,
    /// What is asked of it.
    pub asked: String,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: the ledger has {}, asked is {}", self.what, self.ledger, self.asked)
    }
}

/// Whose budget a loss does not fit in.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum Scope {
    /// The ceiling of the whole ledger.
    Ledger,
    /// The ceiling of one renewal window.
    Window(Name),
    /// An analyst's part.
    Analyst(Name),
    /// A purpose's part.
    Purpose(Name),
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ledger => write!(f, "the ledger"),
            Self::Window(name) => write!(f, "window {name}"),
            Self::Analyst(name) => write!(f, "analyst {name}"),
            Self::Purpose(name) => write!(f, "purpose {name}"),
        }
    }
}

/// A loss that does not fit: the three figures. Nothing was recorded, and what is left can still be spent.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct OverBudget {
    /// Whose budget it is.
    pub scope: Scope,
    /// What was asked for.
    pub requested: Loss,
    /// What is left.
    pub remaining: Loss,
    /// The largest share of what was asked for that fits; zero when nothing does.
    pub fits: Loss,
}

impl fmt::Display for OverBudget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { scope, requested, remaining, fits } = self;
        write!(f, "over the budget of {scope}: requested {requested}; remaining {remaining}; ")?;
        if *fits == Loss::zero(fits.accounting()) {
            write!(f, "nothing of it would fit")
        } else {
            write!(f, "{fits} would fit")
        }
    }
}

/// Why a ledger refuses. Whatever the error, nothing was acknowledged, so nothing may be read or released.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// There is no ledger.
    #[error("there is no ledger at {}; make it once with `flockwise init`, or restore it from a backup", path.display())]
    Missing {
        /// Where it should be.
        path: PathBuf,
    },
    /// There is a file already.
    #[error("{} exists already; a ledger is made once and never replaced", path.display())]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// Not a file of this kind.
    #[error("{} is not {kind}", path.display())]
    NotOurs {
        /// The file.
        path: PathBuf,
        /// What it should be: `a ledger`, `a releases file`.
        kind: &'static str,
    },
    /// Written by a later version.
    #[error("{} has format {found}, this program knows {known}; use a newer flockwise", path.display())]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its format.
        found: u32,
        /// The newest format known.
        known: u32,
    },
    /// Another data set's, or another policy's.
    #[error("this ledger belongs to something else: {}", list(differences))]
    AnotherLedger {
        /// Each difference.
        differences: Vec<Difference>,
    },
    /// Not what was recorded.
    #[error("the ledger is damaged{}: {what}; restore it from a backup no older than the last release", at(*entry))]
    Damaged {
        /// At which entry, where that is known.
        entry: Option<u64>,
        /// What is wrong.
        what: String,
    },
    /// Older than a receipt or an anchor says: an earlier copy has been restored.
    #[error(
        "the ledger lacks entry {entry}, which {witness} proves: an older copy was restored, or another ledger"
    )]
    Older {
        /// The entry that should be there.
        entry: u64,
        /// What proves it.
        witness: &'static str,
    },
    /// The file has a second name: two names have two journals, and a crash under one of them corrupts the other.
    #[error("{} has {links} hard links; a ledger must have one name", path.display())]
    Linked {
        /// The file.
        path: PathBuf,
        /// How many names it has.
        links: u64,
    },
    /// On a file system that does not keep locks or writes in order.
    #[error("{} is on a network file system ({kind}); locks and fsync cannot be relied on there: move it to a local disk", path.display())]
    Network {
        /// The file.
        path: PathBuf,
        /// The file system.
        kind: &'static str,
    },
    /// Another process holds the lock, for longer than we waited.
    #[error("the ledger is busy; nothing was charged, try again")]
    Busy,
    /// The file or its directory cannot be written.
    #[error("the ledger cannot be written (read-only file, directory or file system); nothing was charged")]
    ReadOnly,
    /// The storage failed: full, broken, gone. The charge was not acknowledged.
    #[error("the ledger's storage failed: {source}")]
    Storage {
        /// What SQLite says.
        #[source]
        source: rusqlite::Error,
    },
    /// The file system failed.
    #[error("{}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the operating system says.
        #[source]
        source: std::io::Error,
    },
    /// The operating system gives no randomness.
    #[error("the operating system gives no random bytes")]
    Random(#[source] getrandom::Error),
    /// The loss does not fit.
    #[error("{0}")]
    OverBudget(Box<OverBudget>),
    /// The request id names another job.
    #[error("request id {request} was used for another plan; a request id names one job for good")]
    RequestIdReused {
        /// The id.
        request: RequestId,
    },
    /// The request was answered, and its release is not in the store any more. To compute it again for the same charge
    /// would show a second draw.
    #[error(
        "the release of request {request} was stored and is gone from the releases file; restore that file, or ask under a new request id"
    )]
    ReleaseLost {
        /// The id.
        request: RequestId,
    },
    /// A release is not the one that its receipt's charge was answered with.
    #[error("entry {entry} did not pay for this release: its bytes are not those that were stored")]
    AnotherRelease {
        /// The entry of the receipt.
        entry: u64,
    },
    /// The plan adds up in another way than the ledger.
    #[error("the plan's loss is counted in {plan}, the ledger's in {ledger}")]
    Accounting {
        /// Of the plan.
        plan: Accounting,
        /// Of the ledger.
        ledger: Accounting,
    },
    /// A ledger with renewal windows is charged for windows that the request names; one without, for none.
    #[error("{}", if *renewal { "this ledger renews by window: a request must name each window that its plan is executed in, once" } else { "this ledger does not renew: a request cannot name windows" })]
    Windows {
        /// Whether the ledger renews.
        renewal: bool,
    },
    /// A request cannot be recorded as it stands.
    #[error("the request has more than {most} {what}")]
    TooMany {
        /// The most that there may be.
        most: usize,
        /// Of what.
        what: &'static str,
    },
    /// An amendment that says nothing sensible.
    #[error("the amendment is refused: {why}")]
    Amendment {
        /// Why.
        why: &'static str,
    },
}

fn list(differences: &[Difference]) -> String {
    differences.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

fn at(entry: Option<u64>) -> String {
    entry.map_or_else(String::new, |number| format!(" at entry {number}"))
}

impl Error {
    pub(crate) fn damaged(entry: impl Into<Option<u64>>, what: impl Into<String>) -> Self {
        Self::Damaged { entry: entry.into(), what: what.into() }
    }

    pub(crate) fn file(path: &std::path::Path, source: std::io::Error) -> Self {
        Self::File { path: path.to_owned(), source }
    }
}

impl From<rusqlite::Error> for Error {
    fn from(source: rusqlite::Error) -> Self {
        use rusqlite::ErrorCode as Code;
        match source.sqlite_error_code() {
            Some(Code::DatabaseBusy | Code::DatabaseLocked) => Self::Busy,
            Some(Code::ReadOnly) => Self::ReadOnly,
            Some(Code::DatabaseCorrupt) => Self::damaged(None, "the file is truncated or overwritten"),
            Some(Code::NotADatabase) => Self::damaged(None, "the file's header is overwritten"),
            Some(Code::ConstraintViolation) => Self::damaged(None, "an entry is there twice"),
            None if !matches!(source, rusqlite::Error::SqliteFailure(..)) => {
                Self::damaged(None, "a column does not hold what it should")
            }
            _ => Self::Storage { source },
        }
    }
}
