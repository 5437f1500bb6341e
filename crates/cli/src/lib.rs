//! flockwise-cli

pub mod account;
