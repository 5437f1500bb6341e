//! The real binary: exit codes, messages, what it writes, and what it must never write.

mod bench;
mod codes;
mod leaks;
mod output;
mod report;
mod shop;
mod target;
