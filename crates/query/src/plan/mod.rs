//! The plan: everything that will be done, at what loss, fixed before any data are read.
//!
//! A plan is a pure function of policy, job and schema. It says which rows and columns are read, how a person's
//! contribution is bounded, which stages run with which share of the loss, and the deterministic rule that leads from
//! earlier noisy outputs to the next bound, scale and threshold. The charge binds to its digest.

mod loss;
mod rows;
mod stage;

pub use rows::{Cut, Join, KeyPart, ReadColumn, RowPlan, Unit, ValuePlan};
pub use stage::{Bounding, Channel, KeyDomain, Measure, Selection, StageError, Stages};
