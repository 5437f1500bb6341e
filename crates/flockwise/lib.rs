//! Flockwise: learn what the flock likes, never what one bird did.
//!
//! Aggregate statistics for personalization (what is popular with whom, how people rate) over columnar data, released
//! only with differential privacy, each charged to a durable budget.
//!
//! ```no_run
//! use flockwise::{Query, RequestId, Session};
//!
//! let session = Session::open("policy.toml")?;
//! let plan = session.plan(&Query::popularity(["movie_id"]).epsilon(0.5))?; // free, any number of times
//! println!("{plan}"); // cost, noise, expected error
//! let popular = session.run(plan, RequestId::new("popular-2026-11-24")?)?; // charges, once per id
//! println!("{popular}"); // a table with error bars and the guarantee under it
//! let frame = popular.to_frame()?; // polars, re-exported as flockwise::polars
//! # Ok::<(), flockwise::Error>(())
//! ```
//!
//! The sources stand in `crates/`: [`mechanisms`] (losses, samplers, mechanisms, accounting), [`ledger`] (the durable
//! budget), [`local`] (on-device randomizers), [`query`] (policy, job, plan, statistics).

pub use flockwise_ledger as ledger;
pub use flockwise_local as local;
pub use flockwise_mechanisms as mechanisms;
pub use flockwise_query as query;

pub use flockwise_ledger::RequestId;
pub use flockwise_query::polars;
pub use flockwise_query::{Answer, Answered, Error, Job, Policy, Query, Session};
