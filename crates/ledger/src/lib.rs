//! flockwise-ledger
