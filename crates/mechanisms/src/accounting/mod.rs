//! From what adds up to (ε, δ), and back; and what events declared up front cost together.
//!
//! The ceiling that a ledger enforces is here; `docs/accounting.md` says which theorem makes it a valid filter under
//! each accounting. [`zcdp`] and [`gdp`] convert in closed form; [`Pld`] composes [`Events`] numerically, enclosing the
//! truth from above and below.

mod calibrate;
mod ceiling;
mod error;
mod event;
mod fold;
pub mod gdp;
mod pld;
pub mod zcdp;

pub use calibrate::{Target, calibrate};
pub use ceiling::Ceiling;
pub use error::AccountingError;
pub use event::{COUNT_LIMIT, Event, Events, Positive, Probability};
pub use pld::{Bounds, Method, Pld};
