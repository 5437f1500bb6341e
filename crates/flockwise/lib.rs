//! Flockwise.
