//! flockwise-query
pub mod engine;
pub mod frame;
pub mod kernel;
pub mod plan;
