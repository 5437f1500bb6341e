//! What may change in a ledger: only what it is not bound to, and never without a trace.

use flockwise_mechanisms::Loss;
use serde::{Deserialize, Serialize};

use crate::name::Name;

/// A change that is recorded in the chain.
///
/// Parts divide the one ceiling and never add to it: a charge must fit in the ceiling and in each part that it counts
/// in. They do not protect people from analysts who collude — the ceiling does — but analysts from each other.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "amend", rename_all = "lowercase", deny_unknown_fields)]
#[non_exhaustive]
pub enum Amendment {
    /// Another data set about the same people may be charged here: it is then protected by the same ceiling.
    Data {
        /// Its name.
        name: Name,
    },
    /// The most that one analyst may spend; `None` lifts the limit.
    Analyst {
        /// The analyst.
        name: Name,
        /// The part.
        ceiling: Option<Loss>,
    },
    /// The most that may be spent for one purpose; `None` lifts the limit.
    Purpose {
        /// The purpose.
        name: Name,
        /// The part.
        ceiling: Option<Loss>,
    },
}
