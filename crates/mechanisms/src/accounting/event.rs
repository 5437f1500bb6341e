//! Privacy events: what was done, as plain data. Accountants fold over them.
//!
//! An event says which mechanism ran, never on what. Events are never removed or redefined: a reader that meets one it
//! does not know refuses the whole list. Scales are in units of the sensitivity.

use serde::{Deserialize, Serialize};

use super::AccountingError;

/// A finite positive number between 1e-9 and 1e9: a scale, an ε or a ρ of an event.
///
/// ```
/// use flockwise_mechanisms::accounting::Positive;
/// assert!(Positive::new(0.5).is_ok());
/// for bad in [0.0, -1.0, f64::NAN, f64::INFINITY, 1e300, 1e-300] {
///     assert!(Positive::new(bad).is_err());
/// }
/// ```
#[derive(Clone, Copy, PartialEq, PartialOrd, Debug, Serialize, Deserialize)]
#[serde(try_from = "f64", into = "f64")]
pub struct Positive(f64);

impl Positive {
    /// The number.
    ///
    /// # Errors
    /// [`AccountingError::NotPositive`] for anything else, NaN included.
    pub fn new(value: f64) -> Result<Self, AccountingError> {
        if (1e-9..=1e9).contains(&value) { Ok(Self(value)) } else { Err(AccountingError::NotPositive) }
    }

    /// The number as a float.
    #[must_use]
    pub const fn get(self) -> f64 {
        self.0
    }
}

impl TryFrom<f64> for Positive {
    type Error = AccountingError;
    fn try_from(value: f64) -> Result<Self, AccountingError> {
        Self::new(value)
    }
}

impl From<Positive> for f64 {
    fn from(value: Positive) -> Self {
        value.0
    }
}

/// A probability strictly between 0 and 1, or 0: the δ of an event.
#[derive(Clone, Copy, PartialEq, PartialOrd, Debug, Serialize, Deserialize)]
#[serde(try_from = "f64", into = "f64")]
pub struct Probability(f64);

impl Probability {
    /// The probability.
    ///
    /// # Errors
    /// [`AccountingError::NotProbability`] outside [0, 1), NaN included.
    pub fn new(value: f64) -> Result<Self, AccountingError> {
        if (0.0..1.0).contains(&value) { Ok(Self(value)) } else { Err(AccountingError::NotProbability) }
    }

    /// The probability as a float.
    #[must_use]
    pub const fn get(self) -> f64 {
        self.0
    }
}

impl TryFrom<f64> for Probability {
    type Error = AccountingError;
    fn try_from(value: f64) -> Result<Self, AccountingError> {
        Self::new(value)
    }
}

impl From<Probability> for f64 {
    fn from(value: Probability) -> Self {
        value.0
    }
}

const fn one() -> u32 {
    1
}

/// One mechanism, or a composition of them.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Event {
    /// Gaussian noise, continuous or rounded, in any dimension; exactly (1/σ)-GDP.
    Gaussian {
        /// σ over the L2 sensitivity.
        sigma: Positive,
    },
    /// Discrete Gaussian noise on one integer. A vector of them has no one-dimensional dominating pair known to us:
    /// state it as [`Event::Zcdp`].
    DiscreteGaussian {
        /// σ over the sensitivity.
        sigma: Positive,
        /// The sensitivity in grid units.
        #[serde(default = "one")]
        sensitivity: u32,
    },
    /// Laplace noise on one number, continuous or rounded; ε-DP.
    Laplace {
        /// Sensitivity over scale.
        epsilon: Positive,
    },
    /// Discrete Laplace noise on one integer; ε-DP. Of sensitivity 1 it is as bad as any ε-DP mechanism.
    DiscreteLaplace {
        /// Sensitivity over scale.
        epsilon: Positive,
        /// The sensitivity in grid units.
        #[serde(default = "one")]
        sensitivity: u32,
    },
    /// k-ary randomized response: the truth with probability e^ε/(e^ε + k − 1), else any other value alike.
    RandomizedResponse {
        /// ε.
        epsilon: Positive,
        /// How many values there are; at least 2.
        k: u32,
    },
    /// Any ε-DP mechanism.
    Pure {
        /// ε.
        epsilon: Positive,
    },
    /// Any (ε, δ)-DP mechanism.
    Approx {
        /// ε.
        epsilon: Positive,
        /// δ.
        delta: Probability,
    },
    /// Any ρ-zCDP mechanism.
    Zcdp {
        /// ρ.
        rho: Positive,
    },
    /// All of some events, `count` times.
    Composed {
        /// How often; at least 1.
        count: u64,
        /// What.
        events: Vec<Event>,
    },
}

/// A list of events as a file holds it.
///
/// ```
/// use flockwise_mechanisms::accounting::Events;
/// let text = r#"{"version":1,"events":[{"event":"composed","count":1000,"events":[{"event":"gaussian","sigma":50.0}]}]}"#;
/// let events: Events = serde_json::from_str(text)?;
/// assert_eq!(serde_json::to_string(&events)?, text);
/// assert!(serde_json::from_str::<Events>(&text.replace("gaussian", "magic")).is_err());
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(try_from = "EventsRepr", into = "EventsRepr")]
pub struct Events(Vec<Event>);

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct EventsRepr {
    version: u32,
    events: Vec<Event>,
}

impl TryFrom<EventsRepr> for Events {
    type Error = AccountingError;
    fn try_from(repr: EventsRepr) -> Result<Self, AccountingError> {
        if repr.version != 1 {
            return Err(AccountingError::UnknownVersion { version: repr.version });
        }
        Self::new(repr.events)
    }
}

impl From<Events> for EventsRepr {
    fn from(events: Events) -> Self {
        Self { version: 1, events: events.0 }
    }
}

/// The most times one event may count in a composition.
pub const COUNT_LIMIT: u64 = 1_000_000_000;

impl Events {
    /// The events, all within limits.
    ///
    /// # Errors
    /// When a count is zero or over [`COUNT_LIMIT`], a sensitivity is zero, or randomized response has one value.
    pub fn new(events: Vec<Event>) -> Result<Self, AccountingError> {
        flatten(&events)?;
        Ok(Self(events))
    }

    /// The events.
    #[must_use]
    pub fn as_slice(&self) -> &[Event] {
        &self.0
    }

    /// Every simple event with the number of times it happened; equal ones are put together.
    pub(super) fn leaves(&self) -> Vec<(Event, u64)> {
        flatten(&self.0).expect("events are checked when they are made")
    }
}

fn flatten(events: &[Event]) -> Result<Vec<(Event, u64)>, AccountingError> {
    let mut leaves: Vec<(Event, u64)> = Vec::new();
    collect(events, 1, 0, &mut leaves)?;
    Ok(leaves)
}

fn collect(
    events: &[Event],
    times: u64,
    depth: u32,
    into: &mut Vec<(Event, u64)>,
) -> Result<(), AccountingError> {
    let limited = |count: u64| {
        if (1..=COUNT_LIMIT).contains(&count) {
            Ok(count)
        } else {
            Err(AccountingError::Count { limit: COUNT_LIMIT })
        }
    };
    if depth > 16 {
        return Err(AccountingError::Nesting);
    }
    for event in events {
        match event {
            Event::Composed { count, events } => {
                let times = limited(times.saturating_mul(*count))?;
                collect(events, times, depth + 1, into)?;
                continue;
            }
            Event::DiscreteGaussian { sensitivity: 0, .. }
            | Event::DiscreteLaplace { sensitivity: 0, .. }
            | Event::RandomizedResponse { k: 0 | 1, .. } => return Err(AccountingError::Shape),
            Event::Gaussian { .. }
            | Event::DiscreteGaussian { .. }
            | Event::Laplace { .. }
            | Event::DiscreteLaplace { .. }
            | Event::RandomizedResponse { .. }
            | Event::Pure { .. }
            | Event::Approx { .. }
            | Event::Zcdp { .. } => {}
        }
        match into.iter_mut().find(|(known, _)| known == event) {
            Some((_, count)) => *count = limited(count.saturating_add(times))?,
            None => into.push((event.clone(), times)),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn n6_bad_events_are_refused_by_every_entrance() {
        for text in [
            r#"{"version":2,"events":[]}"#,
            r#"{"version":1,"events":[{"event":"gaussian","sigma":0.0}]}"#,
            r#"{"version":1,"events":[{"event":"gaussian","sigma":-1.0}]}"#,
            r#"{"version":1,"events":[{"event":"gaussian","sigma":1e-400}]}"#,
            r#"{"version":1,"events":[{"event":"gaussian","sigma":1e300}]}"#,
            r#"{"version":1,"events":[{"event":"gaussian","sigma":1.0,"mean":0.0}]}"#,
            r#"{"version":1,"events":[{"event":"subsampled","sigma":1.0}]}"#,
            r#"{"version":1,"events":[{"event":"approx","epsilon":1.0,"delta":1.0}]}"#,
            r#"{"version":1,"events":[{"event":"randomized_response","epsilon":1.0,"k":1}]}"#,
            r#"{"version":1,"events":[{"event":"discrete_laplace","epsilon":1.0,"sensitivity":0}]}"#,
            r#"{"version":1,"events":[{"event":"composed","count":0,"events":[]}]}"#,
            r#"{"version":1,"events":[{"event":"composed","count":1000000000,"events":[{"event":"composed","count":1000000000,"events":[]}]}]}"#,
        ] {
            assert!(serde_json::from_str::<Events>(text).is_err(), "{text}");
        }
    }

    #[test]
    fn equal_events_are_put_together() {
        let text = r#"{"version":1,"events":[{"event":"pure","epsilon":0.5},
            {"event":"composed","count":3,"events":[{"event":"pure","epsilon":0.5},{"event":"laplace","epsilon":0.5}]}]}"#;
        let leaves = serde_json::from_str::<Events>(text).unwrap().leaves();
        assert_eq!(leaves.iter().map(|(_, count)| *count).collect::<Vec<_>>(), [4, 3]);
    }
}
