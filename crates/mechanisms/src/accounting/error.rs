//! What accounting refuses.

/// Why events, a target or a search were refused.
#[derive(Clone, PartialEq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AccountingError {
    /// Zero, negative, infinite, NaN, or absurdly small or large.
    #[error("a scale, an epsilon or a rho must be a number from 1e-9 to 1e9")]
    NotPositive,
    /// Not a probability below one.
    #[error("a delta must be at least 0 and below 1")]
    NotProbability,
    /// A count is zero or too large.
    #[error("a count must be from 1 to {limit}")]
    Count {
        /// The largest count.
        limit: u64,
    },
    /// A sensitivity of zero, or randomized response over fewer than two values.
    #[error("a sensitivity must be at least 1, and randomized response needs at least 2 values")]
    Shape,
    /// Compositions inside compositions, too deep.
    #[error("compositions are nested more than 16 deep")]
    Nesting,
    /// Written by another version.
    #[error("events of version {version} are unknown: this is version 1")]
    UnknownVersion {
        /// The version found.
        version: u32,
    },
    /// Nothing was given to account for.
    #[error("there is no event to account for")]
    Nothing,
    /// The events' losses are too large for their noise to be laid on a grid.
    #[error("the privacy losses are too large to compose numerically: the noise is too small")]
    TooCoarse,
    /// A discrete Gaussian whose support is too large to list.
    #[error("a discrete gaussian of sigma over {limit} grid units is not listed: use a rounded gaussian")]
    TooManyAtoms {
        /// The largest σ in grid units.
        limit: u32,
    },
    /// An event does not add up under an accounting.
    #[error("a {event} event does not add up as {accounting}")]
    Unsupported {
        /// The event's name.
        event: &'static str,
        /// The accounting asked for.
        accounting: crate::loss::Accounting,
    },
    /// The target cannot be met by any noise.
    #[error("no noise scale from 1e-9 to 1e9 stays within that epsilon and delta")]
    OutOfReach,
}
