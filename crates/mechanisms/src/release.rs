//! What a mechanism let out, and what may be done with it for free.

use serde::{Serialize, Serializer};

/// The output of a mechanism that was charged: the only result that can be shown, stored or sent.
///
/// Whatever is computed from releases alone is post-processing and costs nothing (Dwork and Roth 2014, proposition
/// 2.1): [`Release::map`] and [`Release::zip`] are that, and nothing else makes a `Release` outside this crate.
///
/// ```compile_fail,E0423
/// let forged = flockwise_mechanisms::Release(42);
/// ```
/// ```compile_fail,E0599
/// let forged = flockwise_mechanisms::Release::new(42);
/// ```
/// The twin that compiles computes on from a release:
/// ```
/// fn doubled(count: flockwise_mechanisms::Release<i64>) -> flockwise_mechanisms::Release<i64> {
///     count.map(|noisy| noisy * 2)
/// }
/// ```
#[derive(Clone, PartialEq, Debug)]
pub struct Release<T>(T);

impl<T> Release<T> {
    pub(crate) const fn made_by_a_mechanism(value: T) -> Self {
        Self(value)
    }

    /// The released value.
    pub const fn get(&self) -> &T {
        &self.0
    }

    /// The released value.
    #[must_use]
    pub fn into_inner(self) -> T {
        self.0
    }

    /// Post-processing: a function of the release alone.
    #[must_use]
    pub fn map<U>(self, f: impl FnOnce(T) -> U) -> Release<U> {
        Release(f(self.0))
    }

    /// Two releases as one.
    #[must_use]
    pub fn zip<U>(self, other: Release<U>) -> Release<(T, U)> {
        Release((self.0, other.0))
    }

    /// Many releases as one.
    #[must_use]
    pub fn collect(releases: Vec<Self>) -> Release<Vec<T>> {
        Release(releases.into_iter().map(|release| release.0).collect())
    }
}

impl<T: Serialize> Serialize for Release<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}
