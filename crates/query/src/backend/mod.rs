//! The backend that reads files or frames: rows → contributions → bounded integers.
//!
//! Everything here is a function of one row at a time (and of public tables), until the kernel groups rows by person:
//! so the rows of one person never change what the rows of another become.

mod calendar;
mod consent;
mod grouped;
mod join;
pub(crate) mod label;
mod local;
mod parts;
mod rows;

pub(crate) use calendar::{Calendar, on_calendar};
pub(crate) use consent::preflight as consent_preflight;
pub use local::LocalBackend;
pub(crate) use parts::{bin_range, split, text_keys};
pub use rows::{Frame, load};
pub(crate) use rows::{cell, from_values, kind, normalized, person_name, wanted, wanted_of_table};
