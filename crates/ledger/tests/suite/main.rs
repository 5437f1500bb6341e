//! The ledger under test: what it promises, and what it promises under fire.

mod budget;
mod damage;
mod help;
mod process;
