//! What a device may take part in.

use alloc::borrow::ToOwned;
use alloc::string::String;
use core::fmt;

use crate::device::DeviceError;
use crate::epsilon::Epsilon;
use crate::scheme::{Kind, Scheme};

/// What a person allows all collections together.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Limits {
    /// Over the life of the store.
    pub lifetime: Epsilon,
    /// New draws on any one day.
    pub day: Epsilon,
}

/// A collection's name: lower-case letters, digits and hyphens.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct CollectionId(String);

/// Not a collection's name.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BadCollectionId;

impl fmt::Display for BadCollectionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a collection's name is 1 to 64 lower-case letters, digits and hyphens")
    }
}

impl core::error::Error for BadCollectionId {}

impl CollectionId {
    /// Checks the name.
    ///
    /// # Errors
    /// [`BadCollectionId`].
    pub fn new(name: &str) -> Result<Self, BadCollectionId> {
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        if name.is_empty() || name.len() > 64 || !name.bytes().all(plain) {
            return Err(BadCollectionId);
        }
        Ok(Self(name.to_owned()))
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// How a device answers on more than one day. Averaging fresh answers would uncover the truth, so answers repeat; the two
/// ways differ in what they promise.
///
/// Neither hides that two reports come from one device: an answer that repeats can be recognized, and one with a hash
/// seed ([`LocalHashing`](crate::LocalHashing)) or many bits is as good as a name. Where that matters, choose a scheme with
/// few possible reports, or drop repeats on the way.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Repeat {
    /// One draw at the start of each period of so many days, from the value of that day, repeated until the period is
    /// over; after the last period the device stops.
    ///
    /// The promise, in full: for **any** two histories of values, the probabilities of everything the device ever sends
    /// differ by at most e^(ε · periods). When each draw is made hangs on the calendar alone, each is ε-private in one
    /// day's value, and repeats are post-processing; so simple composition (Dwork et al. 2006) is all the proof. A change
    /// of value within a period stays unseen until the next.
    PerPeriod {
        /// Days of a period, at least one.
        days: u32,
        /// How many periods, at least one.
        periods: u32,
    },
    /// One draw for each distinct value, remembered for good and sent whenever the value is held (the permanent
    /// randomized response of Erlingsson, Pihur, Korolova 2014); after so many values a new one is answered by one
    /// remembered report that is drawn without looking at any value.
    ///
    /// The promise is weaker: e^(ε · values) for two histories that change **at the same days** between the same number of
    /// values. *That* a value changed, and when it came back, can show, since the report changes with it. Use it for what
    /// does not change by itself (a setting, a year of birth) and [`Repeat::PerPeriod`] for anything else.
    PerValue {
        /// How many distinct values are drawn for, at least one; "no answer" is a value too.
        values: u32,
    },
}

impl Repeat {
    /// How many draws the device ever makes that hang on a value.
    #[must_use]
    pub const fn draws(self) -> u32 {
        match self {
            Self::PerPeriod { periods, .. } => periods,
            Self::PerValue { values } => values,
        }
    }
}

/// A question to many devices: its name, its scheme, and how answers repeat.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Collection {
    id: CollectionId,
    scheme: Scheme,
    repeat: Repeat,
}

impl Collection {
    /// A collection.
    ///
    /// # Errors
    /// [`DeviceError::NotPerValue`] for a mean that would be remembered per value; [`DeviceError::Over`] where there would
    /// be no day, period or value to answer for.
    pub fn new(id: CollectionId, scheme: Scheme, repeat: Repeat) -> Result<Self, DeviceError> {
        match repeat {
            Repeat::PerPeriod { days, periods } if days == 0 || periods == 0 => Err(DeviceError::Over),
            Repeat::PerValue { values: 0 } => Err(DeviceError::Over),
            Repeat::PerValue { .. } if scheme.kind() == Kind::OneBitMean => Err(DeviceError::NotPerValue),
            Repeat::PerPeriod { .. } | Repeat::PerValue { .. } => Ok(Self { id, scheme, repeat }),
        }
    }

    /// Its name.
    #[must_use]
    pub const fn id(&self) -> &CollectionId {
        &self.id
    }

    /// Its scheme.
    #[must_use]
    pub const fn scheme(&self) -> &Scheme {
        &self.scheme
    }

    /// How answers repeat.
    #[must_use]
    pub const fn repeat(&self) -> Repeat {
        self.repeat
    }

    /// What taking part costs in a lifetime, in units of 1e-12: ε times the number of draws. `None` beyond 2^64.
    #[must_use]
    pub const fn cost(&self) -> Option<u64> {
        self.scheme.epsilon().units().checked_mul(self.repeat.draws() as u64)
    }
}
