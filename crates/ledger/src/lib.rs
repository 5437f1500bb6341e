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
//! ```
//! use flockwise_ledger::*;
//! use flockwise_mechanisms::{Accounting, Ceiling, Delta, Digest, Loss, Plan};
//!
//! struct Mean;
//! impl Plan for Mean {
//!     fn loss(&self) -> Loss { Loss::pure("0.5".parse().unwrap(), Delta::ZERO) }
//!     fn digest(&self) -> Digest { Digest::of(b"everything that decides what executing it does") }
//! }
//!
//! let dir = tempfile::tempdir()?;
//! let path = dir.path().join("films.ledger");
//! let ceiling = Ceiling { accounting: Accounting::Pure, epsilon: "1".parse()?, delta: "1e-6".parse()? };
//! let binding = Binding {
//!     data: Name::new("films")?,
//!     privacy_unit: Name::new("user_id")?,
//!     neighbours: Neighbours::AddOrRemove,
//!     ceiling,
//!     window: None,
//! };
//! let id = LedgerFile::init(&path, &binding)?;                          // once, by the curator
//!
//! let mut ledger = LedgerFile::open(&path, &binding, Some(&id))?;
//! let mut releases = Releases::open_or_create(&dir.path().join("films.releases"), id)?;
//! let request = Request {
//!     id: RequestId::new("mean-2026-11-24")?,
//!     analyst: None,
//!     purpose: Name::new("recommendations")?,
//!     job: Digest::of(b"the job's text"),
//!     data: Name::new("films")?,
//!     releases: vec![Name::new("liked")?],
//!     windows: Vec::new(),
//!     when: std::time::SystemTime::now(),
//! };
//! let shown = match ledger.begin(Mean, &request, &releases)? {
//!     Begun::Fresh(charged, receipt) | Begun::Retry(charged, receipt) => {
//!         let plan = charged.plan().digest();
//!         let (_plan, _allowance) = charged.open();                     // only now may data be read
//!         ledger.answer(&mut releases, &request, &receipt, plan, b"the release")?.bytes
//!     }
//!     Begun::Stored(stored) => stored.bytes,
//! };
//! assert_eq!(shown, b"the release");
//! let Begun::Stored(again) = ledger.begin(Mean, &request, &releases)? else { panic!("it is stored") };
//! assert_eq!(again.bytes, shown);                                       // the same request, the same answer
//! assert_eq!(ledger.status()?.windows[0].left.amount_text(), "0.5");    // and one charge
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! The ledger holds no value from the data, not even a count: losses, names and digests come from policy, job and
//! operator.

mod amend;
mod audit;
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
