//! flockwise-cli
