//! flockwise-local
