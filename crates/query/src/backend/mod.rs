//! The backend that reads files or frames: rows → contributions → bounded integers.
//!
//! Everything here is a function of one row at a time (and of public tables), until the kernel groups rows by person:
//! so the rows of one person never change what the rows of another become.

mod batch;
mod calendar;
mod consent;
mod dimension;
mod gathering;
mod grouped;
mod keyer;
pub(crate) mod label;
mod limits;
mod local;
mod parts;
mod people;
mod rows;
mod scan;
mod values;
mod vector;

pub(crate) use calendar::{Calendar, on_calendar};
pub(crate) use consent::preflight as consent_preflight;
pub use limits::Limits;
pub use local::LocalBackend;
pub(crate) use local::{contributions, extremes, gather};
pub(crate) use parts::{bin_range, split, text_keys};
pub(crate) use rows::{cell, from_values, kind, normalized, person_name, wanted, wanted_of_table};
pub use scan::Scanner;
