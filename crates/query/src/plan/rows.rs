//! Which rows count, and what a row becomes: person, keys, value.

use chrono_tz::Tz;
use flockwise_mechanisms::Epsilon;
use serde::Serialize;

use super::bins::Bins;
use super::stage::Channel;
use crate::expr::Expr;
use crate::job::{EveryUnit, Weekday};
use crate::names::{ColumnName, ColumnRef, Name};
use crate::policy::{Missing, Normalize, NullKeys};
use crate::value::{Bounds, ColumnType, Value};

/// What is read, once for all releases of a job: a function of each row alone, and of public tables.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Scan {
    /// The privacy unit: rows without one are dropped.
    pub unit: Unit,
    /// Who consents to the job's purpose; everybody where the policy has no table of consent.
    pub consent: Option<Consented>,
    /// The columns of the data that are read, and no others.
    pub columns: Vec<ReadColumn>,
    /// Tables that are joined.
    pub joins: Vec<Join>,
    /// Columns made from others.
    pub derived: Vec<Made>,
}

/// A column made from others, row by row.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Made {
    /// Its name.
    pub name: ColumnName,
    /// Its declared type: what does not fit becomes null.
    pub kind: ColumnType,
    /// How it is made.
    pub expr: Expr,
}

/// From the rows of a scan to the contributions of one release: a function of each row alone, so that neighbouring data
/// sets stay neighbouring.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct RowPlan {
    /// Rows count only where this is true.
    pub filter: Option<Expr>,
    /// The parts of a key: those that come from the data first, then those that are declared.
    pub keys: Vec<KeyPart>,
    /// The value that is summed.
    pub value: Option<ValuePlan>,
    /// How rows are grouped into keys.
    pub grouping: Grouping,
}

/// How rows are grouped into keys: a function of one person's rows at a time.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Grouping {
    /// A row counts for its own keys.
    Rows,
    /// … and a person's rows are in order of this column; rows without it do not count.
    InOrder(ColumnName),
    /// All rows of a person together count for one key: the power of two that their number reaches, at most 2^(this − 1).
    Activity(u32),
    /// A person has one value of the key's first part, the smallest of all that person's rows; rows count for it with the
    /// other parts.
    FirstOfPerson,
}

/// The column that says whose row it is.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Unit {
    /// Its name.
    pub column: ColumnName,
    /// Its declared type; what the schema says where the policy does not list it.
    pub kind: Option<ColumnType>,
    /// What is done to text before two people are compared.
    pub normalize: Vec<Normalize>,
}

/// A column that is read.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct ReadColumn {
    /// Its name.
    pub name: ColumnName,
    /// Its declared type.
    pub kind: ColumnType,
    /// What is done to text first.
    pub normalize: Vec<Normalize>,
}

/// A table that is joined on its key: of several rows with one key, one survives.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Join {
    /// Its name.
    pub table: Name,
    /// Its files.
    pub source: Vec<String>,
    /// Whether its rows belong to people.
    pub private: bool,
    /// The columns it is joined on, of the same names in the data.
    pub key: Vec<ReadColumn>,
    /// Its columns that are read.
    pub columns: Vec<ReadColumn>,
}

/// One part of a key.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct KeyPart {
    /// The column.
    pub column: ColumnRef,
    /// The type of the column.
    pub kind: ColumnType,
    /// Splits text into several keys at this text.
    pub split: Option<String>,
    /// What a row without a key becomes.
    pub null_keys: NullKeys,
    /// How the value becomes a key.
    pub cut: Cut,
    /// Every key that is allowed, where they are declared; rows with another are dropped before bounding.
    pub declared: Option<Vec<Value>>,
    /// Name of the column in the release.
    pub name: String,
}

/// How a value becomes a key.
#[derive(Clone, PartialEq, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Cut {
    /// As it is.
    Whole,
    /// The start of its window of the calendar, as a date where windows are days or longer.
    Window {
        /// How many units.
        count: u32,
        /// The unit.
        unit: EveryUnit,
        /// The day weeks start on.
        starts: Weekday,
        /// The calendar's zone.
        tz: Tz,
    },
    /// The lower end of its bin.
    Bins {
        /// Width of a bin.
        width: f64,
        /// What lies outside falls into the first or last bin.
        bounds: Option<Bounds>,
    },
}

/// The value that is summed.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct ValuePlan {
    /// The column.
    pub column: ColumnRef,
    /// Its grid.
    pub channel: Channel,
    /// Whether a person's rows in a key are averaged to one value first, on the grid.
    pub averaged: bool,
    /// Whether the square of the value, centred, is a second channel.
    pub squares: bool,
    /// Grids of bins, for distributions.
    pub bins: Vec<Bins>,
    /// What a null becomes.
    pub on_null: Missing,
    /// What NaN and infinities become.
    pub on_nan: Missing,
}

impl ValuePlan {
    /// Puts values on the grid of the range that was bought.
    pub(crate) fn regrid(&mut self, channel: Channel) {
        self.channel = channel;
        for bins in self.bins.iter_mut().filter(|bins| bins.bought) {
            *bins = bins.stretched(channel.low, channel.high);
        }
    }
}

/// Who consents: people without consent for the job's purpose are removed before anything else.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Consented {
    /// Files of the consent table.
    pub source: Vec<String>,
    /// Its column of the privacy unit.
    pub person: ColumnName,
    /// Its column of the purpose.
    pub purpose: ColumnName,
    /// Its column of whether it is granted.
    pub granted: ColumnName,
    /// What people allow one job at most, where they may say so.
    pub limit: Option<OwnLimit>,
    /// Whether a person without a row consents.
    pub default: bool,
    /// The purpose of the job.
    pub wanted: Name,
}

/// People may allow a job less than its own ε: they then take part by chance ([`flockwise_mechanisms::TakesPart`]), by one
/// draw for all releases of the job. This is a part of the mechanism that is charged.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct OwnLimit {
    /// The column of the most ε that the person allows.
    pub column: ColumnName,
    /// The job's ε, rounded up: a function of the plan alone.
    pub job: Epsilon,
}
