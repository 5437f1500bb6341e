//! The backend that reads files or frames: rows → contributions → bounded integers.
//!
//! Everything here is a function of one row at a time (and of public tables), until the kernel groups rows by person:
//! so the rows of one person never change what the rows of another become.

mod calendar;
mod join;
mod local;
mod parts;
mod rows;

pub use local::LocalBackend;
pub use rows::{Frame, load};
