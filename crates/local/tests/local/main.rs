//! The promise of crates/local, checked on the code that runs on devices.

mod device;
mod estimates;
mod privacy;
mod shuffle;
mod store;
mod support;
