//! The ledger under test: what it promises, and what it promises under fire.

mod audit;
mod budget;
mod damage;
mod faults;
mod help;
mod power;
mod process;
mod schedule;
mod trace;
