//! flockwise-cli

pub mod local;
