//! Where a run is.

/// Where a run is. Phases come from the plan and from the ledger, and carry no durations and no counts, so that they say
/// nothing of anybody's data.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Phase {
    /// What is public of the sources is compared with the plan.
    Preflight,
    /// The ledger is asked.
    Charge,
    /// The charge is on disk.
    Charged {
        /// The entry.
        entry: u64,
        /// Whether it was charged just now; else by an earlier try of the same request, and this one is free.
        now: bool,
    },
    /// The data are read, and noise is added.
    Compute,
    /// What is to be shown is stored.
    Store,
}

impl Phase {
    /// The name in logs.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Preflight => "preflight",
            Self::Charge => "charge",
            Self::Charged { .. } => "charged",
            Self::Compute => "compute",
            Self::Store => "store",
        }
    }

    /// The phase in words, for a status line.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Preflight => "looking at the sources",
            Self::Charge => "asking the ledger",
            Self::Charged { .. } => "charged",
            Self::Compute => "reading the data and adding noise",
            Self::Store => "storing the releases",
        }
    }
}
