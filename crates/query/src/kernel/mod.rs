//! The bounding kernel: from people's rows to bounded integer aggregates.
//!
//! The key decision: everything that protects a person happens here, once, for every statistic. Rows become
//! [`Contributions`] (per person and key: how many rows, and fixed-point sums), a [`Bound`] turns each person's
//! contributions into weights, and the weighted integers are summed. Nothing comes between the bound and the sum, so no
//! later step can undo it, and the sums are integers, so their order does not matter.
//!
//! Rows are pushed in chunks, scattered by a secret hash of their person into partitions, and grouped partition by partition;
//! what exceeds the operator's limit is encrypted and kept on disk. Every pass opens one partition for each thread at a time,
//! and adds in machine words where a checked bound says that sums fit.
//!
//! No Polars types, no floating point, no randomness but the keyed hash that chooses which keys a person keeps.

mod block;
mod bound;
mod clip;
mod contributions;
mod gather;
mod group;
mod ints;
mod links;
mod memory;
mod part;
mod radix;
mod rows;
mod spill;
mod spread;
mod store;
mod sums;
#[cfg(test)]
mod tests;
mod work;

pub use bound::{Bound, Rule, UNIT};
pub use clip::Clipped;
pub(crate) use clip::MOST_POWER;
pub use contributions::{Activity, Contributions, Moment};
pub(crate) use contributions::{key_hash, keyed_hash};
pub use gather::{Gather, PersonHash};
pub use links::{Link, Links};
pub use memory::{Settings, SpillError};
pub use rows::{Layout, Rows};
pub use spread::Spread;
