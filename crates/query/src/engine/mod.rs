//! Executing a charged plan: bound → select → measure, by stages whose losses the plan has fixed.

mod choose;
mod execute;
mod meeting;

pub use choose::{BoundChoice, ClipChoice, choose};
pub use execute::{Backend, Extremes, Failed, Marginal, Measured, execute};
