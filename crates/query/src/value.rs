//! Types and values of columns, as policies and jobs name them.

use chrono::offset::LocalResult;
use chrono::{DateTime, NaiveDate, NaiveDateTime, TimeZone};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};

/// The type of a column.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ColumnType {
    /// 64-bit integers.
    Int,
    /// 64-bit floats.
    Float,
    /// UTF-8.
    String,
    /// True or false.
    Bool,
    /// Calendar dates.
    Date,
    /// Instants, shown and cut into windows in a time zone.
    Datetime(Tz),
}

impl ColumnType {
    /// The name in files.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Int => "int",
            Self::Float => "float",
            Self::String => "string",
            Self::Bool => "bool",
            Self::Date => "date",
            Self::Datetime(_) => "datetime",
        }
    }

    /// Whether values can be added.
    #[must_use]
    pub const fn is_numeric(self) -> bool {
        matches!(self, Self::Int | Self::Float)
    }

    /// Whether values can be cut into windows of time.
    #[must_use]
    pub const fn is_time(self) -> bool {
        matches!(self, Self::Date | Self::Datetime(_))
    }

    /// Whether values of the two types can be compared.
    #[must_use]
    pub const fn compares_with(self, other: Self) -> bool {
        match self {
            Self::Int | Self::Float => other.is_numeric(),
            Self::String => matches!(other, Self::String),
            Self::Bool => matches!(other, Self::Bool),
            Self::Date => matches!(other, Self::Date),
            Self::Datetime(_) => matches!(other, Self::Datetime(_)),
        }
    }
}

/// A value of a column.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Value {
    /// None.
    Null,
    /// Of a `bool` column.
    Bool(bool),
    /// Of an `int` column.
    Int(i64),
    /// Of a `float` column.
    Float(f64),
    /// Of a `string` column.
    String(String),
    /// Of a `date` column: days since 1970-01-01.
    Date(i32),
    /// Of a `datetime` column: microseconds since 1970-01-01T00:00:00Z.
    Datetime(i64),
}

/// A value as a file or a person typed it, before the column's type is known.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Literal {
    /// `true`, `false`.
    Bool(bool),
    /// `7`.
    Int(i64),
    /// `0.5`; finite.
    Float(f64),
    /// `"NL"`; also a date or time, bare in TOML or in quotes.
    String(String),
}

/// Why a literal is not a value of a type.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LiteralError {
    /// Another type.
    #[error("this is not {0}")]
    WrongType(&'static str),
    /// Not a date or a time.
    #[error("this is not a {0} such as {1}")]
    NotATime(&'static str, &'static str),
    /// A local time that the zone's clocks skip.
    #[error("there is no such local time in {0}: clocks were put forward")]
    Skipped(Tz),
}

impl Literal {
    /// The value of a type that this literal stands for.
    ///
    /// # Errors
    /// When it is of another type, or no date or time.
    pub fn typed(&self, column: ColumnType) -> Result<Value, LiteralError> {
        match (column, self) {
            (ColumnType::Bool, Self::Bool(value)) => Ok(Value::Bool(*value)),
            (ColumnType::Int, Self::Int(value)) => Ok(Value::Int(*value)),
            (ColumnType::Float, Self::Int(value)) => Ok(Value::Float(*value as f64)),
            (ColumnType::Float, Self::Float(value)) if value.is_finite() => Ok(Value::Float(*value)),
            (ColumnType::String, Self::String(text)) => Ok(Value::String(text.clone())),
            (ColumnType::Date, Self::String(text)) => date(text).map(Value::Date),
            (ColumnType::Datetime(zone), Self::String(text)) => datetime(text, zone).map(Value::Datetime),
            (ColumnType::Bool, _) => Err(LiteralError::WrongType("true or false")),
            (ColumnType::Int, _) => Err(LiteralError::WrongType("an integer")),
            (ColumnType::Float, _) => Err(LiteralError::WrongType("a finite number")),
            (ColumnType::String, _) => Err(LiteralError::WrongType("a string")),
            (ColumnType::Date | ColumnType::Datetime(_), _) => Err(LiteralError::WrongType("a date or time")),
        }
    }

    /// Reads what was typed on a command line (`--set day=2026-11-24`) as a type; strings are taken as they are.
    ///
    /// # Errors
    /// When the text is no value of the type.
    ///
    /// ```
    /// use flockwise_query::value::{ColumnType, Literal, Value};
    /// assert_eq!(Literal::read("12", ColumnType::Int)?, Value::Int(12));
    /// assert_eq!(Literal::read("12' or true", ColumnType::String)?, Value::String("12' or true".to_owned()));
    /// assert!(Literal::read("NaN", ColumnType::Float).is_err());
    /// # Ok::<(), flockwise_query::value::LiteralError>(())
    /// ```
    pub fn read(text: &str, column: ColumnType) -> Result<Value, LiteralError> {
        let literal = match column {
            ColumnType::Int => text.parse().map(Self::Int).ok(),
            ColumnType::Float => text.parse().ok().map(Self::Float),
            ColumnType::Bool => text.parse().map(Self::Bool).ok(),
            ColumnType::String | ColumnType::Date | ColumnType::Datetime(_) => None,
        };
        literal.unwrap_or_else(|| Self::String(text.to_owned())).typed(column)
    }
}

/// Days since 1970-01-01 of `2026-11-24`.
pub(crate) fn date(text: &str) -> Result<i32, LiteralError> {
    let error = LiteralError::NotATime("date", "2026-11-24");
    let shaped = text.len() == 10
        && text.bytes().enumerate().all(|(i, b)| match i {
            4 | 7 => b == b'-',
            _ => b.is_ascii_digit(),
        });
    let date = NaiveDate::parse_from_str(text, "%Y-%m-%d").ok().filter(|_| shaped).ok_or(error.clone())?;
    let days = date.signed_duration_since(NaiveDate::default()).num_days();
    i32::try_from(days).map_err(|_| error)
}

/// Microseconds since 1970-01-01T00:00:00Z of an instant, of a local time in the zone, or of a local midnight.
pub(crate) fn datetime(text: &str, zone: Tz) -> Result<i64, LiteralError> {
    if let Ok(instant) = DateTime::parse_from_rfc3339(&text.replacen(' ', "T", 1)) {
        return Ok(instant.timestamp_micros());
    }
    let local = match date(text) {
        Ok(days) => NaiveDate::default()
            .checked_add_signed(chrono::TimeDelta::days(i64::from(days)))
            .and_then(|day| day.and_hms_opt(0, 0, 0)),
        Err(_) => ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%d %H:%M"]
            .iter()
            .find_map(|format| NaiveDateTime::parse_from_str(text, format).ok()),
    };
    let local = local.ok_or(LiteralError::NotATime("date or time", "2026-11-24 or 2026-11-24T18:30:00Z"))?;
    match zone.from_local_datetime(&local) {
        LocalResult::Single(instant) | LocalResult::Ambiguous(instant, _) => Ok(instant.timestamp_micros()),
        LocalResult::None => Err(LiteralError::Skipped(zone)),
    }
}

/// An instant as `2026-11-24T18:30:00Z`.
#[must_use]
pub fn datetime_text(micros: i64) -> String {
    DateTime::from_timestamp_micros(micros).map_or_else(
        || format!("instant {micros}"),
        |moment| moment.to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true),
    )
}

/// The range that a value column is clamped to: finite, lo < hi. It is declared, never read from the data.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
#[serde(try_from = "(f64, f64)", into = "(f64, f64)")]
pub struct Bounds {
    low: f64,
    high: f64,
}

/// Why two numbers are no bounds.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BoundsError {
    /// NaN or infinite.
    #[error("both must be finite numbers")]
    NotFinite,
    /// Empty, or a single point.
    #[error("the lowest must be below the highest")]
    Empty,
    /// So far out that a fixed-point grid has no use for it.
    #[error("both must be within ±{largest:e}", largest = Bounds::LARGEST)]
    TooLarge,
}

impl Bounds {
    /// No bound lies further from zero: 2^53, to which every integer is a float of its own.
    pub const LARGEST: f64 = 9_007_199_254_740_992.0;

    /// From the lowest and the highest value.
    ///
    /// # Errors
    /// When one is not finite or beyond [`Bounds::LARGEST`], or they are not in order.
    pub fn new(low: f64, high: f64) -> Result<Self, BoundsError> {
        if !low.is_finite() || !high.is_finite() {
            return Err(BoundsError::NotFinite);
        }
        if low.abs().max(high.abs()) > Self::LARGEST {
            return Err(BoundsError::TooLarge);
        }
        if low < high { Ok(Self { low, high }) } else { Err(BoundsError::Empty) }
    }

    /// The lowest value.
    #[must_use]
    pub const fn low(self) -> f64 {
        self.low
    }

    /// The highest value.
    #[must_use]
    pub const fn high(self) -> f64 {
        self.high
    }
}

impl TryFrom<(f64, f64)> for Bounds {
    type Error = BoundsError;
    fn try_from((low, high): (f64, f64)) -> Result<Self, BoundsError> {
        Self::new(low, high)
    }
}

impl From<Bounds> for (f64, f64) {
    fn from(bounds: Bounds) -> Self {
        (bounds.low, bounds.high)
    }
}

/// `2026-11-24` of days since 1970-01-01; what no calendar holds is empty.
pub(crate) fn date_text(days: i32) -> String {
    NaiveDate::default()
        .checked_add_signed(chrono::TimeDelta::days(i64::from(days)))
        .map_or_else(String::new, |date| date.format("%Y-%m-%d").to_string())
}
