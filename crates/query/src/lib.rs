//! Policy, job and plan, and the statistics over columnar data that release only privatized results.
//!
//! The key decision: everything is refused before the data are touched. Both files are parsed into validated types,
//! and [`diagnostic::Diagnostics`] says what is wrong, where, and the way out. The [`plan`] fixes all that will be done
//! and what it costs; the ledger records the loss; only then the [`engine`] runs the stages over what the [`kernel`]
//! bounded. After that point, nothing can fail on a row.

mod backend;
pub mod bench;
pub mod diagnostic;
mod document;
pub mod engine;
pub mod expr;
pub mod frame;
pub mod job;
pub mod kernel;
pub mod key;
pub mod names;
pub mod notice;
pub mod plan;
pub mod policy;
pub mod release;
pub mod render;
pub mod renewal;
pub mod resolve;
pub mod session;
pub mod statistics;
pub mod table;
pub mod target;
pub mod value;

pub use document::{LARGEST_FILE, Places};
pub use job::{Job, Query};
pub use polars;
pub use policy::{Parsed, Policy};
pub use resolve::{Resolved, resolve};
pub use session::{Answer, Answered, Check, Error, Limits, Phase, Session};
