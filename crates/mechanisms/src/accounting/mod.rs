//! From what adds up to (ε, δ), and back.
//!
//! The ceiling that a ledger enforces is here; `docs/accounting.md` says which theorem makes it a valid filter under
//! each accounting. [`zcdp`] and [`gdp`] convert in closed form.

mod ceiling;
pub mod gdp;
pub mod zcdp;

pub use ceiling::Ceiling;
