//! The one exception to [`Private`]: exact results of data that may be looked at.

use crate::private::Private;

/// Whoever answers for a data set, and says whether it may be looked at: a policy, or the maker of made-up data.
///
/// Implementing it is the curator's act, as implementing a [`Ledger`](crate::Ledger) is: one that gives a reason for data
/// that must not be looked at breaks the promise of everything built on it.
pub trait Curator {
    /// Why the data may be looked at by anybody; nothing where they may not.
    fn no_privacy(&self) -> Option<&str>;
}

/// Asks whoever answers for the data: the only way to a [`Waiver`]. A reason that says nothing is none.
pub fn waive(curator: &impl Curator) -> Option<Waiver> {
    let reason = curator.no_privacy()?.trim();
    (!reason.is_empty()).then(|| Waiver { reason: reason.to_owned() })
}

/// The right to look at exact results, for the reason that it names.
///
/// It comes only from [`waive`], so from data that a curator says may be looked at; it does not make a
/// [`Release`](crate::Release), so what is seen under it can be compared and measured, never released.
///
/// ```
/// use flockwise_mechanisms::{Curator, Private, waive};
/// struct Open;
/// impl Curator for Open {
///     fn no_privacy(&self) -> Option<&str> { Some("public since 2013") }
/// }
/// let waiver = waive(&Open).expect("a reason was given");
/// assert_eq!(Private::new(3_i128).open(&waiver), &3);
/// ```
/// The twins that do not compile: opening without one,
/// ```compile_fail,E0061
/// use flockwise_mechanisms::Private;
/// assert_eq!(Private::new(3_i128).open(), &3);
/// ```
/// and making one up.
/// ```compile_fail,E0451
/// use flockwise_mechanisms::{Private, Waiver};
/// let waiver = Waiver { reason: "mine".to_owned() };
/// assert_eq!(Private::new(3_i128).open(&waiver), &3);
/// ```
#[derive(Debug)]
pub struct Waiver {
    reason: String,
}

impl Waiver {
    /// The reason.
    #[must_use]
    pub fn reason(&self) -> &str {
        &self.reason
    }
}

impl<T> Private<T> {
    /// The exact result, of data that may be looked at.
    #[must_use]
    pub const fn open(&self, _: &Waiver) -> &T {
        self.exact()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Says(Option<&'static str>);

    impl Curator for Says {
        fn no_privacy(&self) -> Option<&str> {
            self.0
        }
    }

    #[test]
    fn a_waiver_takes_a_reason() {
        assert!(waive(&Says(None)).is_none());
        assert!(waive(&Says(Some("  "))).is_none());
        let waiver = waive(&Says(Some(" open data "))).unwrap();
        assert_eq!(waiver.reason(), "open data");
        assert_eq!(Private::new(vec![7]).open(&waiver), &[7]);
    }
}
