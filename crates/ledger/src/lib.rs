//! A durable privacy budget: who spent what, on disk before anything is read, and nothing of it deniable later.
//!
//! The key decision: one small SQLite file, opened by every process that charges, in which a charge is one
//! `BEGIN IMMEDIATE` transaction that appends one hash-chained entry with the running total in it. SQLite's rollback
//! journal with `synchronous = EXTRA` brings durability and the lock between processes; the chain shows damage; integer
//! units make the sum exact. The invariant is *acknowledged ≤ recorded ≤ ceiling*: a charge may be recorded without
//! anyone having been told (a process died), never the other way round.
//!
//! - [`LedgerFile::init`] makes a ledger and binds it, once; [`LedgerFile::open`] checks chain and binding.
//! - [`LedgerFile::begin`] is the only way to a [`flockwise_mechanisms::Charged`] plan.
//! - [`LedgerFile::answer`] keeps what is released before it is shown, so that one request is answered once.
//! - [`Receipt`]s prove entries: [`LedgerFile::proves`] tells an older copy.
//!
//! The ledger holds no value from the data, not even a count: losses, names and digests come from policy, job and
//! operator.

mod amend;
mod begin;
mod binding;
mod entry;
mod error;
mod ledger;
mod name;
mod place;
mod releases;
mod state;
mod status;
mod store;

pub use amend::Amendment;
pub use begin::{Begun, FREE_RETRIES};
pub use binding::{Binding, LedgerId, Neighbours, NotALedgerId, Window};
pub use entry::{Entry, Kind, Receipt, Request};
pub use error::{Difference, Error, OverBudget, Scope};
pub use ledger::LedgerFile;
pub use name::{Name, NameError, RequestId};
pub use releases::{Releases, StoredRelease};
pub use status::{Status, WindowStatus};
