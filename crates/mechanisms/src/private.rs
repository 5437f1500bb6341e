//! Exact results that nobody may look at.

use std::fmt;

/// An exact result computed from people's rows: it can be made anywhere, and read only by a mechanism of this crate.
///
/// It cannot be printed, compared, serialized, cloned or dereferenced outside; the only way on is through a mechanism,
/// which asks for a [`Charge`](crate::Charge). The one exception is of data that nobody needs to be protected in: a
/// [`Waiver`](crate::Waiver), which only whoever answers for such data gives.
///
/// ```
/// use flockwise_mechanisms::Private;
/// let exact = Private::new(vec![3_i128, 5]);
/// assert_eq!(format!("{exact:?}"), "Private(..)");
/// ```
/// The twins that do not compile: reading,
/// ```compile_fail,E0616
/// use flockwise_mechanisms::Private;
/// let exact = Private::new(vec![3_i128, 5]);
/// println!("{:?}", exact.0);
/// ```
/// comparing,
/// ```compile_fail,E0369
/// use flockwise_mechanisms::Private;
/// let exact = Private::new(vec![3_i128, 5]);
/// assert!(exact == Private::new(vec![3_i128, 5]));
/// ```
/// and serializing.
/// ```compile_fail,E0277
/// use flockwise_mechanisms::Private;
/// let exact = Private::new(vec![3_i128, 5]);
/// serde_json::to_string(&exact).unwrap();
/// ```
pub struct Private<T>(T);

impl<T> Private<T> {
    /// Takes an exact result out of sight.
    #[must_use]
    pub const fn new(exact: T) -> Self {
        Self(exact)
    }

    pub(crate) const fn exact(&self) -> &T {
        &self.0
    }
}

impl<T> fmt::Debug for Private<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Private(..)")
    }
}
