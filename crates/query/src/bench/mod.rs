//! The benchmark: what a job's accuracy is at every ε and bound, by comparison with the truth.
//!
//! The key decision: it stands beside the path of a release, not on it. Trials run the engine's own stages over a backend
//! whose exact answers can be looked at under a [`Waiver`](flockwise_mechanisms::Waiver), which only data that may be
//! looked at give; nothing that it computes is ever released.

mod report;

pub use report::{
    Axis, BoundUsed, ColumnFigures, Coverage, Decomposition, How, KeyFigures, Point, Recall, Relative,
    ReleaseReport, Report, SCHEMA, Spread,
};
