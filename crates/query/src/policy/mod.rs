//! The curator's file: what the data are, who a person is, what may be spent, which columns exist.

mod columns;
mod parse;

pub(crate) use parse::version;

use std::collections::BTreeMap;
use std::path::Path;

use chrono_tz::Tz;
use flockwise_mechanisms::{Accounting, Curator, Delta, Digest, Epsilon};
use serde::Serialize;

use crate::diagnostic::{Diagnostics, SourceFile};
use crate::document::{self, Places, Reader};
use crate::expr::{Expr, ExprText};
use crate::names::{ColumnName, Name};
use crate::value::{Bounds, ColumnType, Literal, Value};

/// A policy: everything a job may see and spend.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Policy {
    /// The data.
    pub data: Data,
    /// What may be spent, or why nothing needs to be.
    pub access: Access,
    /// The columns that exist for a job.
    pub columns: BTreeMap<ColumnName, Column>,
    /// Columns made row by row from listed ones.
    pub derived: BTreeMap<ColumnName, Derived>,
    /// Tables to join.
    pub tables: BTreeMap<Name, Table>,
    /// Purposes a job may state, with their descriptions; when there are any, it must state one.
    pub purposes: BTreeMap<Name, String>,
    /// Who agreed to what.
    pub consent: Option<Consent>,
}

/// The data set.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Data {
    /// What jobs call it.
    pub name: Name,
    /// Paths or globs, relative to the policy file; at least one.
    pub source: Vec<String>,
    /// The column that says whose row it is. Rows without one are dropped.
    pub privacy_unit: ColumnName,
}

/// Whether looking at the data costs.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Access {
    /// It does: every release is charged to a ledger.
    Budget(Budget),
    /// The data may be looked at: for `bench` only. There is no ledger, and nothing is released.
    NoPrivacy(Open),
}

/// Data that may be looked at, and the budget under which a job is benchmarked on them.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Open {
    /// Why they may be looked at.
    pub reason: String,
    /// The ε of a ceiling that jobs would be a part of, rounded down; without it each job spends a ceiling of its own.
    pub epsilon: Option<Epsilon>,
    /// δ, rounded down; zero where nothing is said.
    pub delta: Delta,
    /// How losses add up.
    pub accounting: Accounting,
}

impl Curator for Policy {
    fn no_privacy(&self) -> Option<&str> {
        match &self.access {
            Access::Budget(_) => None,
            Access::NoPrivacy(open) => Some(&open.reason),
        }
    }
}

/// The ceiling over the life of a ledger.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Budget {
    /// ε, rounded down.
    pub epsilon: Epsilon,
    /// δ, rounded down; zero only under [`Accounting::Pure`].
    pub delta: Delta,
    /// How losses add up.
    pub accounting: Accounting,
    /// The ledger's file, relative to the policy file.
    pub ledger: String,
    /// Where releases are kept, relative to the policy file.
    pub releases: String,
    /// The id of the one ledger this policy spends from, once it is made.
    pub ledger_id: Option<LedgerId>,
    /// Renewal: the unit is then a person in one window.
    pub per: Option<Renewal>,
}

/// A ledger's id: 8 to 128 letters, digits, `-` and `_`.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize)]
pub struct LedgerId(String);

impl LedgerId {
    /// From its text; `None` when it is none.
    #[must_use]
    pub fn new(text: &str) -> Option<Self> {
        let valid = (8..=128).contains(&text.len())
            && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
        valid.then(|| Self(text.to_owned()))
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A budget that renews: (person, window) takes the place of the person.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Renewal {
    /// The length of a window of the calendar.
    pub window: RenewalWindow,
    /// The column that says in which window a row lies; rows without one are dropped.
    pub time: ColumnName,
    /// The zone of the calendar.
    pub tz: Tz,
}

/// The length of a renewal window.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum RenewalWindow {
    /// A day.
    Day,
    /// A week from Monday.
    Week,
    /// A month.
    Month,
    /// A quarter of a year.
    Quarter,
    /// A year.
    Year,
}

impl RenewalWindow {
    /// The words in files.
    pub const WORDS: [(&'static str, Self); 5] = [
        ("day", Self::Day),
        ("week", Self::Week),
        ("month", Self::Month),
        ("quarter", Self::Quarter),
        ("year", Self::Year),
    ];
}

/// A column.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Column {
    /// Its type.
    pub kind: ColumnType,
    /// What values are clamped to: for `int` and `float`.
    pub bounds: Option<Bounds>,
    /// From when until when windows of this column are public: for `date` and `datetime`.
    pub range: Option<TimeRange>,
    /// Its public keys, distinct, in the order of the file: each is a value of the type.
    pub keys: Option<Vec<Value>>,
    /// What a row without a key becomes.
    pub null_keys: NullKeys,
    /// What is done to a string before it is a key or is compared, in this order.
    pub normalize: Vec<Normalize>,
    /// Splits a string into several keys at this text.
    pub split: Option<String>,
    /// What a null value becomes where values are added.
    pub on_null: Missing,
    /// What NaN and infinities become where values are added.
    pub on_nan: Missing,
}

/// From an instant or day (included) until another (excluded), both declared.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct TimeRange {
    /// The first moment: a [`Value::Date`] or [`Value::Datetime`].
    pub from: Value,
    /// The first moment after: of the same kind, and later.
    pub until: Value,
}

/// What becomes of a row whose key is null.
#[derive(Clone, PartialEq, Debug, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum NullKeys {
    /// The row is dropped.
    Drop,
    /// Null is a key like any other.
    Keep,
    /// The row counts under this key.
    Value(Value),
}

/// A step of normalization.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Normalize {
    /// Unicode normalization form C.
    Nfc,
    /// White space at the ends goes.
    Trim,
    /// Lower case.
    Lower,
}

impl Normalize {
    /// The words in files.
    pub const WORDS: [(&'static str, Self); 3] =
        [("nfc", Self::Nfc), ("trim", Self::Trim), ("lower", Self::Lower)];

    /// Whether a text is sure to change under this step, so that no normalized value can equal it. Of normalization
    /// form C this says nothing: that takes the tables of Unicode.
    fn changes(self, text: &str) -> bool {
        match self {
            Self::Nfc => false,
            Self::Trim => text.trim() != text,
            Self::Lower => text.to_lowercase() != text,
        }
    }
}

/// What a missing number becomes where values are added: a function of the row alone.
#[derive(Clone, Copy, PartialEq, Debug, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Missing {
    /// The row is dropped from this release.
    Drop,
    /// It counts as this number, within the bounds where there are any.
    Value(f64),
}

/// A column made from others, row by row.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Derived {
    /// The expression over listed columns, as written.
    pub text: ExprText,
    /// The expression, typed: of the column's type.
    pub expr: Expr,
    /// The column it makes.
    pub column: Column,
}

/// A table beside the data.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Table {
    /// Paths or globs, relative to the policy file; at least one.
    pub source: Vec<String>,
    /// Whether its rows belong to people. At most one row per key survives, chosen without looking at others.
    pub private: bool,
    /// The columns it is joined on; the data have columns of the same names.
    pub key: Vec<ColumnName>,
    /// Its columns that exist for a job.
    pub columns: BTreeMap<ColumnName, Column>,
}

/// The table of consent: people without consent for a job's purpose are removed before anything else.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Consent {
    /// Paths or globs, relative to the policy file; at least one.
    pub source: Vec<String>,
    /// The column that holds the privacy unit.
    pub person: ColumnName,
    /// The column that holds the purpose.
    pub purpose: ColumnName,
    /// The column that says whether it is granted. Of conflicting rows, deny wins.
    pub granted: ColumnName,
    /// The column of the most ε that the person allows one job; an empty cell sets no limit, of several the least counts.
    pub epsilon: Option<ColumnName>,
    /// Whether a person without a row grants.
    pub default_granted: bool,
}

impl Policy {
    /// Digest of all that decides what a plan does and what it costs: everything but the pinned id of the ledger and the
    /// descriptions of purposes. A charge is bound to it.
    ///
    /// # Panics
    /// Never: a policy has a JSON form.
    #[must_use]
    pub fn digest(&self) -> Digest {
        let mut bare = self.clone();
        bare.purposes.values_mut().for_each(String::clear);
        if let Access::Budget(budget) = &mut bare.access {
            budget.ledger_id = None;
        }
        Digest::of(&serde_json::to_vec(&bare).expect("a policy has a JSON form"))
    }

    /// Reads a policy from TOML; `name` is what messages call the file.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn parse(name: &str, text: &str) -> Result<Parsed<Self>, Diagnostics> {
        let file = SourceFile::new(name, text);
        let root = document::parse_toml(&file)?;
        let mut reader = Reader::new(&file, &root);
        let policy = parse::policy(&mut reader, &root);
        let value = reader.finish(policy)?;
        Ok(Parsed { value, places: Places::new(file, root) })
    }

    /// Reads a policy file.
    ///
    /// # Errors
    /// When it cannot be read, or everything that is wrong with it.
    pub fn open(path: &Path) -> Result<Parsed<Self>, Diagnostics> {
        Self::parse(&path.display().to_string(), &document::read_file(path)?)
    }

    /// A column of the data, listed or derived.
    #[must_use]
    pub fn column(&self, name: &str) -> Option<&Column> {
        self.columns.get(name).or_else(|| self.derived.get(name).map(|derived| &derived.column))
    }
}

/// What a file says, and where it says it.
#[derive(Clone, PartialEq, Debug)]
pub struct Parsed<T> {
    /// What it says.
    pub value: T,
    /// Where, for messages.
    pub places: Places,
}

/// The typed form of a literal, or a reason that names no value.
pub(crate) fn typed(literal: &Literal, kind: ColumnType) -> Result<Value, String> {
    literal.typed(kind).map_err(|error| format!("the column is {}: {error}", kind.name()))
}
