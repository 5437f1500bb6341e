//! Why `flockwise account` computed nothing.

use flockwise_mechanisms::accounting::AccountingError;

/// Why nothing was computed. All but [`AccountError::Write`] are wrong arguments.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AccountError {
    /// A number or a count is out of range.
    #[error("{what}: {source}")]
    Argument {
        /// Which argument.
        what: String,
        /// Why.
        source: AccountingError,
    },
    /// Not a number.
    #[error("{what} must be a number such as 0.5 or 1e-6")]
    NotANumber {
        /// Which argument.
        what: String,
    },
    /// A mechanism's text is not `key=value,…`, or has a key that it does not know.
    #[error("--{mechanism} takes {known}: {found:?} is not one of them")]
    UnknownKey {
        /// The option.
        mechanism: &'static str,
        /// The keys it takes.
        known: String,
        /// What was found.
        found: String,
    },
    /// A key is missing or given twice.
    #[error("--{mechanism} needs {key} once")]
    Key {
        /// The option.
        mechanism: &'static str,
        /// The key.
        key: &'static str,
    },
    /// No mechanism was given.
    #[error("give at least one mechanism, for example --gaussian sigma=50,count=1000")]
    NoMechanism,
    /// `convert` got too much or too little.
    #[error("convert takes --rho or --mu with one of --epsilon and --delta, or --epsilon with --delta")]
    Conversion,
    /// No ε is enough.
    #[error("no epsilon holds at that delta: the mechanisms' own failure probabilities reach it")]
    NoEpsilon,
    /// The accountant refused.
    #[error(transparent)]
    Accounting(#[from] AccountingError),
    /// The output could not be written.
    #[error("the output could not be written")]
    Write(#[from] std::io::Error),
}
