//! What stopped a command.

use std::path::PathBuf;

use flockwise_query::Error;

/// What stopped a command, with its exit code.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// The engine's own word.
    #[error(transparent)]
    Query(#[from] Error),
    /// The ledger's own word.
    #[error(transparent)]
    Ledger(#[from] flockwise_ledger::Error),
    /// Of `flockwise account`.
    #[error(transparent)]
    Account(#[from] crate::account::AccountError),
    /// Of `flockwise local`.
    #[error(transparent)]
    Local(#[from] crate::local::LocalError),
    /// The arguments do not fit together.
    #[error("{0}")]
    Arguments(String),
    /// What is asked of a benchmark makes no sense.
    #[error(transparent)]
    Bench(#[from] flockwise_query::bench::BadBench),
    /// The figures of a benchmark cannot be written.
    #[error("cannot write the figures: {0}; nothing was charged or released")]
    Figures(std::io::Error),
    /// The folder for the releases cannot be written; nothing was charged.
    #[error("cannot write to {}: {source}; nothing was charged", path.display())]
    Out {
        /// The folder.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Everything is charged and stored, and cannot be written out.
    #[error(
        "cannot write the releases: {source}; they are charged and stored: run again with --request-id {request}, which is free"
    )]
    Written {
        /// The request to run again.
        request: String,
        /// The entry of the charge.
        entry: u64,
        /// Why.
        source: std::io::Error,
    },
    /// Less than asked is left.
    #[error("{left:.1}% of the budget is left, which is below {asked}%")]
    Below {
        /// What is left, in percent.
        left: f64,
        /// What was asked, in percent.
        asked: f64,
    },
    /// No budget up to the ceiling is enough for a target.
    #[error("{0}")]
    OutOfReach(String),
    /// A release is not what was charged.
    #[error("this release is not what the ledger charged: {0}")]
    NotCharged(String),
    /// A panic.
    #[error("a bug in flockwise; what was charged stays charged, and the same request may be tried again")]
    Bug,
    /// A mock cannot be written out; nothing was charged.
    #[error("cannot write the mock: {0}; nothing was charged")]
    Mock(std::io::Error),
    /// A page cannot be written.
    #[error("cannot write {}: {source}", path.display())]
    Page {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A file of the demo.
    #[error("cannot write the demo: {0}")]
    Demo(std::io::Error),
}

impl Failure {
    pub const fn exit_code(&self) -> u8 {
        match self {
            Self::Query(error) => error.exit_code(),
            Self::Ledger(flockwise_ledger::Error::Busy) => 75,
            Self::Ledger(_) | Self::NotCharged(_) => 4,
            Self::Local(error) => error.exit_code(),
            Self::Account(crate::account::AccountError::Write(_)) => 5,
            Self::Arguments(_) | Self::Account(_) | Self::Bench(_) => 2,
            Self::Out { .. } | Self::Page { .. } | Self::Demo(_) | Self::Mock(_) | Self::Figures(_) => 5,
            Self::Written { .. } => 6,
            Self::Below { .. } | Self::OutOfReach(_) => 3,
            Self::Bug => 1,
        }
    }

    pub const fn charged_entry(&self) -> Option<u64> {
        match self {
            Self::Query(error) => error.charged_entry(),
            Self::Written { entry, .. } => Some(*entry),
            Self::Ledger(_)
            | Self::Local(_)
            | Self::Account(_)
            | Self::Arguments(_)
            | Self::Out { .. }
            | Self::Page { .. }
            | Self::Below { .. }
            | Self::NotCharged(_)
            | Self::OutOfReach(_)
            | Self::Mock(_)
            | Self::Bench(_)
            | Self::Figures(_)
            | Self::Bug
            | Self::Demo(_) => None,
        }
    }
}

macro_rules! into_query {
    ($($type:ty),*) => {
        $(impl From<$type> for Failure {
            fn from(error: $type) -> Self {
                Self::Query(error.into())
            }
        })*
    };
}
into_query!(flockwise_query::diagnostic::Diagnostics, flockwise_ledger::NameError);
