//! Policy, job and plan: what may be asked, what it means, and what it costs.
//!
//! The key decision: everything is refused before the data are touched. Both files are parsed into validated types,
//! and [`diagnostic::Diagnostics`] says what is wrong, where, and the way out. After that, nothing can fail on a row.

pub mod diagnostic;
mod document;
pub mod expr;
pub mod job;
pub mod names;
pub mod policy;
pub mod resolve;
pub mod value;

pub use document::{LARGEST_FILE, Places};
pub use job::{Job, Query};
pub use policy::{Parsed, Policy};
pub use resolve::{Resolved, resolve};
