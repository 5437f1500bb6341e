//! Names: validated once, so that no later step meets a path, a control character or an ambiguity in one.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Why a text is not a name.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NameError {
    /// Nothing.
    #[error("a name cannot be empty")]
    Empty,
    /// Over the limit.
    #[error("a name has at most {0} bytes")]
    TooLong(usize),
    /// A name of a data set, release, table, parameter, purpose.
    #[error("a name starts with a letter or `_` and holds letters, digits, `_` and `-`")]
    NotAnIdentifier,
    /// A name of a column.
    #[error("the name of a column holds no control character, no dot, no backtick and no space at its ends")]
    NotAColumn,
}

/// The name of a data set, table, release, parameter or purpose: a letter or `_`, then letters, digits, `_` and `-`.
///
/// It is also the name of a file, so nothing in it can leave a folder.
///
/// ```
/// use flockwise_query::names::Name;
/// assert!("watched_together".parse::<Name>().is_ok());
/// assert!("../etc/passwd".parse::<Name>().is_err());
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Name(String);

/// The name of a column: any UTF-8 without control characters, dots and backticks, without spaces at its ends.
///
/// ```
/// use flockwise_query::names::ColumnName;
/// assert!("Customer ID".parse::<ColumnName>().is_ok());
/// assert!("movies.title".parse::<ColumnName>().is_err());
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ColumnName(String);

macro_rules! text_newtype {
    ($type:ident, $most:literal, $valid:expr, $error:expr) => {
        impl $type {
            /// The text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }
        impl FromStr for $type {
            type Err = NameError;
            fn from_str(text: &str) -> Result<Self, NameError> {
                let valid: fn(&str) -> bool = $valid;
                match text {
                    "" => Err(NameError::Empty),
                    _ if text.len() > $most => Err(NameError::TooLong($most)),
                    _ if valid(text) => Ok(Self(text.to_owned())),
                    _ => Err($error),
                }
            }
        }
        impl TryFrom<String> for $type {
            type Error = NameError;
            fn try_from(text: String) -> Result<Self, NameError> {
                text.parse()
            }
        }
        impl From<$type> for String {
            fn from(name: $type) -> Self {
                name.0
            }
        }
        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }
        impl fmt::Debug for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "`{}`", self.0)
            }
        }
        impl std::borrow::Borrow<str> for $type {
            fn borrow(&self) -> &str {
                &self.0
            }
        }
    };
}

text_newtype!(Name, 64, is_identifier, NameError::NotAnIdentifier);
text_newtype!(ColumnName, 128, is_column, NameError::NotAColumn);

fn is_identifier(text: &str) -> bool {
    let mut characters = text.chars();
    characters.next().is_some_and(|c| c.is_alphabetic() || c == '_')
        && characters.all(|c| c.is_alphanumeric() || c == '_' || c == '-')
}

fn is_column(text: &str) -> bool {
    text.trim() == text && text.chars().all(|c| !c.is_control() && c != '.' && c != '`')
}

/// A column of the data, or of a table: `rating`, `movies.genres`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ColumnRef {
    /// The table; `None` for the data itself.
    pub table: Option<Name>,
    /// The column.
    pub column: ColumnName,
}

impl ColumnRef {
    /// A column of the data itself.
    #[must_use]
    pub const fn of_data(column: ColumnName) -> Self {
        Self { table: None, column }
    }
}

impl FromStr for ColumnRef {
    type Err = NameError;
    fn from_str(text: &str) -> Result<Self, NameError> {
        match text.split_once('.') {
            Some((table, column)) => Ok(Self { table: Some(table.parse()?), column: column.parse()? }),
            None => Ok(Self { table: None, column: text.parse()? }),
        }
    }
}

impl TryFrom<String> for ColumnRef {
    type Error = NameError;
    fn try_from(text: String) -> Result<Self, NameError> {
        text.parse()
    }
}

impl From<ColumnRef> for String {
    fn from(column: ColumnRef) -> Self {
        column.to_string()
    }
}

impl fmt::Display for ColumnRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.table {
            Some(table) => write!(f, "{table}.{}", self.column),
            None => write!(f, "{}", self.column),
        }
    }
}

impl fmt::Debug for ColumnRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{self}`")
    }
}
