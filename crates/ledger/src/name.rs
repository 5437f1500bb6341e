//! Names that may be written into a ledger: short, one line, checked once.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The most characters in a [`Name`] or a [`RequestId`].
const LONGEST: usize = 200;

/// Why a text is not a name or a request id.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NameError {
    /// Nothing, or more than 200 characters.
    #[error("must have 1 to {LONGEST} characters")]
    Length,
    /// A control character, a line break among them.
    #[error("must not contain control characters")]
    Control,
    /// Something other than printable ASCII without spaces and slashes, in a request id.
    #[error("must be printable ASCII without spaces and slashes, such as popular-2026-11-24")]
    NotPrintable,
}

macro_rules! text {
    ($(#[$doc:meta])* $type:ident, $check:path) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        pub struct $type(String);

        impl $type {
            /// Checks a text.
            ///
            /// # Errors
            /// When it is empty, too long, or holds a character that is not allowed.
            pub fn new(text: impl Into<String>) -> Result<Self, NameError> {
                let text = text.into();
                if text.is_empty() || text.chars().count() > LONGEST {
                    return Err(NameError::Length);
                }
                $check(&text)?;
                Ok(Self(text))
            }

            /// The text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }

        impl FromStr for $type {
            type Err = NameError;

            fn from_str(text: &str) -> Result<Self, NameError> {
                Self::new(text)
            }
        }

        impl Serialize for $type {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }

        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                Self::new(String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
            }
        }
    };
}

text!(
    /// The name of a data set, a column, an analyst, a purpose, a release or a window: 1 to 200 characters on one line.
    ///
    /// Names come from the policy, the job or the operator, never from people's rows.
    ///
    /// ```
    /// use flockwise_ledger::Name;
    /// assert!(Name::new("films").is_ok());
    /// assert!(Name::new("two\nlines").is_err());
    /// ```
    Name, no_control
);
text!(
    /// What makes a job the same job when it is run again: 1 to 200 printable ASCII characters without spaces and slashes.
    ///
    /// ```
    /// use flockwise_ledger::RequestId;
    /// assert!(RequestId::new("popular-2026-11-24").is_ok());
    /// assert!(RequestId::new("../films.ledger").is_err());
    /// ```
    RequestId, printable
);

fn no_control(text: &str) -> Result<(), NameError> {
    if text.chars().any(char::is_control) { Err(NameError::Control) } else { Ok(()) }
}

fn printable(text: &str) -> Result<(), NameError> {
    let allowed = |b: u8| b.is_ascii_graphic() && b != b'/' && b != b'\\';
    if text.bytes().all(allowed) { Ok(()) } else { Err(NameError::NotPrintable) }
}
