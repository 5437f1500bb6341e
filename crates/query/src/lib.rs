//! flockwise-query
