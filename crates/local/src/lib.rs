//! Local differential privacy: the noise is added on the person's own device, before anything leaves it.
//!
//! The key decision: a report is drawn by exact integer comparisons that round toward privacy, from entropy that the
//! host hands in, and [`Draws`] is the only way to randomness. So the core needs no operating system and no floating
//! point, runs unchanged in a browser, and a test can walk through every outcome of the real code with its exact
//! probability, which is how the promise is checked.
//!
//! - [`Scheme`]: the randomizers. [`choose`] picks one and says why.
//! - [`Device`]: a promise over time: consent, a lifetime budget, answers that are remembered in a store.
//! - [`collector`]: from reports to estimates with error bars, without harm to anyone: post-processing.
//!
//! Features: `std` (default) brings the operating system's entropy and a crash-safe store in a file; `collector` the
//! estimators; without either the crate is `no_std` with `alloc`.

#![no_std]

extern crate alloc;
#[cfg(any(feature = "collector", test))]
extern crate std;

#[cfg(all(doctest, feature = "std"))]
#[doc = include_str!("../README.md")]
struct Readme;

mod chance;
mod choose;
#[cfg(feature = "collector")]
pub mod collector;
mod device;
mod draw;
mod epsilon;
#[cfg(feature = "std")]
mod os;
mod scheme;

pub use chance::Chance;
pub use choose::{Candidate, Choice, choose};
#[cfg(feature = "std")]
pub use device::FileStore;
pub use device::{
    Anchor, BadCollectionId, Collection, CollectionId, Device, DeviceError, Limits, Memory, Preview, Repeat,
    Store, StoreError,
};
pub use draw::{Draws, Entropy, NoEntropy, Random};
pub use epsilon::{BadEpsilon, Epsilon};
#[cfg(feature = "std")]
pub use os::Os;
pub use scheme::{
    BadScheme, Hadamard, HadamardSketch, Hash, Input, Kary, Kind, LocalHashing, MOST_ITEMS, MOST_UNARY_ITEMS,
    OneBitMean, Scheme, Shape, Sketch, Unary,
};
