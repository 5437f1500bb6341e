//! The engine under attack: neighbours, references, and the rows of the list of known attacks.
//!
//! Everything goes through the path of a run, with a recorder in place of the noise: what reaches the mechanisms is
//! compared between neighbours, and with a slow reference written from the documents.

mod attacks;
mod auditor;
mod chunks;
mod controls;
mod dice;
mod everywhere;
mod jobs;
mod plain;
mod real;
mod reference;
mod sessions;
mod sql;
mod windows;
mod world;
