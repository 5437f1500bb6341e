//! Differential privacy, exactly: losses, sensitivities, samplers, mechanisms, accounting.
//!
//! The key decision: a privacy promise is carried by types. Exact results are [`Private`] and can be read only here;
//! noise is calibrated only from a [`Charge`], which comes only from a recorded [`Charged`] plan; and only a mechanism
//! makes a [`Release`]. Losses are integers ([`units`]), exact results are integers, and noise is drawn by exact integer
//! samplers: there is no floating point between the bounded row and the released integer.
//!
//! No I/O but the operating system's entropy, no threads, no data frames.

mod above;
pub mod accounting;
mod appear;
#[cfg(any(test, feature = "audit"))]
pub mod audit;
mod bounds;
mod chance;
mod charge;
mod choose;
mod entry;
mod leading;
mod loss;
mod measure;
mod noise;
pub mod normal;
mod private;
mod quantile;
mod rate;
mod ratio;
mod release;
pub mod sampler;
mod sampling;
mod select;
mod sensitivity;
mod source;
mod tree;
pub mod units;
mod waiver;
mod weighted;

pub use above::{BadSearch, Search, Searcher, above};
pub use accounting::Ceiling;
pub use appear::{Truncated, appear};
pub use bounds::{Magnitudes, bounds, trimmed};
pub use charge::{Allowance, Charge, Charged, Digest, Ledger, NotADigest, Overdrawn, Plan, charge};
pub use choose::{BadChoice, Choice, Chooser, Pick, ScoreChange, choose};
pub use entry::{BadEntry, Entry};
pub use leading::{BadLeading, Leader, Leading, leading};
pub use loss::{Accounting, Loss};
pub use measure::measure;
pub use noise::{CalibrationError, Family, Noise};
pub use private::Private;
pub use quantile::{BadQuantile, Drawer, Quantiles, Rank, WeightedValue, quantiles};
pub use ratio::{NotPositive, Ratio};
pub use release::Release;
pub use sampling::TakesPart;
pub use select::{appearance_probability, appearing_weight, select, threshold};
pub use sensitivity::{BadSensitivity, L1, L2Squared, Sensitivity};
pub use source::{Answer, Call, Key, Os, Source, secret};
pub use tree::{BadTree, Tree, leaf_at};
pub use units::{Delta, Epsilon, MuSquared, Quantity, Rho, Rounding, UnitError};
pub use waiver::{Curator, Waiver, waive};
