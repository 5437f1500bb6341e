//! A release as a document: the table, what was guaranteed, how it was made, and the receipt.
//!
//! The document is what is stored before anything is shown; tables, CSV and Parquet are rendered from the stored bytes.

use flockwise_ledger::Receipt;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use crate::renewal::WholeLife;
use crate::table::{ColumnKind, Table, TableColumn};
use crate::value::Value;

/// The schema that this version writes.
pub const SCHEMA: &str = "flockwise.release/1";

/// A release with everything a reader needs to judge it.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Document {
    /// [`SCHEMA`].
    pub schema: String,
    /// Version of the program that made it.
    pub flockwise: String,
    /// Name of the release in its job.
    pub release: String,
    /// The renewal window whose rows it is made of, where the budget renews.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub window: Option<String>,
    /// Which statistic.
    pub statistic: String,
    /// Name of the data set.
    pub data: String,
    /// The purpose that the job stated.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub purpose: Option<String>,
    /// What protects it.
    pub privacy: Privacy,
    /// How it was made.
    pub how: How,
    /// Set for made-up data: nothing here comes from anybody's data.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub mock: Option<String>,
    /// The columns of the table.
    pub columns: Vec<TableColumn>,
    /// The rows; absent where the table stands in a file beside it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub rows: Option<Vec<Vec<Json>>>,
    /// Where it is recorded.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub receipt: Option<Receipt>,
}

/// What protects a release.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Privacy {
    /// Whose presence is hidden.
    pub unit: String,
    /// Which data sets are neighbours.
    pub neighbours: String,
    /// Where the budget renews: the windows that were charged, and what this is over several.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub renewal: Option<Renewed>,
    /// How losses add up.
    pub accounting: String,
    /// What this release cost, by name of the amount, and its δ.
    pub charge: Json,
    /// What this release alone guarantees.
    pub alone: Alone,
    /// The ledger after the whole job.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub ledger_after: Option<LedgerAfter>,
}

/// The guarantee where the budget renews: it is one person's in one window.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Renewed {
    /// How long a window is.
    pub every: String,
    /// The column of the data whose time decides in which window a row lies.
    pub time: String,
    /// The zone of the calendar.
    pub tz: String,
    /// The windows that the job named: each was charged in full.
    pub charged: Vec<String>,
    /// What the ceiling of a window is over several windows of one person.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub whole_life: Option<WholeLife>,
    /// How it grows with the number of windows.
    pub grows: String,
}

/// The guarantee of one release alone.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Alone {
    /// ε.
    pub epsilon: f64,
    /// δ at which it holds, selection included.
    pub at_delta: String,
}

/// The ledger after a job. The guarantee is the ceiling; what was spent so far is an indication.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct LedgerAfter {
    /// Share of the ceiling that is spent, in its scarcer part.
    pub used: f64,
    /// ε of all that was charged so far.
    pub epsilon_so_far: f64,
    /// ε of the ceiling.
    pub ceiling: f64,
}

/// How a release was made.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct How {
    /// The noise.
    pub mechanism: String,
    /// What was done, in order.
    pub stages: Vec<String>,
    /// The contribution bound, and whether it was bought.
    pub contribution: Json,
    /// The clamp range, where it was bought.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub bounds: Option<Json>,
    /// Of a summary: whose values, and how many rows of one person in one key count.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub values: Option<Json>,
    /// Standard deviation of the noise of each measured number.
    pub noise_sd: Json,
    /// What was done to the numbers after the noise, from them alone.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub after: Vec<String>,
    /// How many people a key needs to appear; absent for public keys.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub selection: Option<Json>,
    /// Where people may allow less than the job's ε: that ε, and which way the results lean for it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub sampling: Option<Json>,
}

/// Four figures, rounded up: an epsilon is never shown smaller than it is.
pub(crate) fn figures(epsilon: f64) -> f64 {
    if epsilon <= 0.0 || !epsilon.is_finite() {
        return epsilon;
    }
    let step = 10.0_f64.powi(epsilon.log10().floor() as i32 - 5);
    let up = (epsilon / step - 1e-4).ceil() * step;
    format!("{up:.5e}").parse().unwrap_or(up)
}

impl Document {
    /// What its files are called, before the ending: its name, and of a budget that renews its window.
    #[must_use]
    pub fn file_name(&self) -> String {
        self.window
            .as_ref()
            .map_or_else(|| self.release.clone(), |window| format!("{}.{window}", self.release))
    }

    /// The table, read back.
    ///
    /// # Errors
    /// Names the first cell that is no value of its column's type.
    pub fn table(&self) -> Result<Table, BadCell> {
        let mut rows = Vec::new();
        for (at, row) in self.rows.iter().flatten().enumerate() {
            if row.len() != self.columns.len() {
                return Err(BadCell { row: at, column: "the number of cells".to_owned() });
            }
            let cell = |(column, cell): (&TableColumn, &Json)| {
                from_json(column.kind, cell).ok_or_else(|| BadCell { row: at, column: column.name.clone() })
            };
            rows.push(self.columns.iter().zip(row).map(cell).collect::<Result<_, _>>()?);
        }
        Ok(Table { columns: self.columns.clone(), rows })
    }

    /// Columns and rows of a table, as they stand in a document.
    #[must_use]
    pub fn cells(table: &Table) -> (Vec<TableColumn>, Vec<Vec<Json>>) {
        let rows = table.rows.iter().map(|row| row.iter().map(to_json).collect()).collect();
        (table.columns.clone(), rows)
    }
}

/// A document's cell is no value of its column's type.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("row {row} of the release has no valid value for {column}")]
pub struct BadCell {
    /// Which row, from 0.
    pub row: usize,
    /// Which column.
    pub column: String,
}

/// A value as JSON: integers beyond 2^53 are strings, so that no reader rounds them.
fn to_json(value: &Value) -> Json {
    const EXACT: i64 = 1 << 53;
    match value {
        Value::Null => Json::Null,
        Value::Bool(value) => Json::from(*value),
        Value::Int(value) if (-EXACT..=EXACT).contains(value) => Json::from(*value),
        Value::Int(value) => Json::from(value.to_string()),
        Value::Float(value) => Json::from(*value),
        Value::String(text) => Json::from(text.as_str()),
        Value::Date(_) | Value::Datetime(_) => Json::from(text(value)),
    }
}

/// The text of a value, as tables and CSV show it; nothing for null.
#[must_use]
pub fn text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::Bool(value) => value.to_string(),
        Value::Int(value) => value.to_string(),
        Value::Float(value) => value.to_string(),
        Value::String(text) => text.clone(),
        Value::Date(days) => crate::value::date_text(*days),
        Value::Datetime(moment) => crate::value::datetime_text(*moment),
    }
}

impl ColumnKind {
    /// A cell of a CSV file as the cell of a document: nothing is null; `None` when it is no value of the type.
    #[must_use]
    pub fn cell(self, text: &str) -> Option<Json> {
        let cell = match self {
            _ if text.is_empty() => Json::Null,
            Self::Float => Json::from(text.parse::<f64>().ok()?),
            Self::Bool => Json::from(text.parse::<bool>().ok()?),
            Self::Int => to_json(&Value::Int(text.parse().ok()?)),
            Self::String | Self::Date | Self::Datetime => Json::from(text),
        };
        from_json(self, &cell).map(|_| cell)
    }
}

fn from_json(kind: ColumnKind, cell: &Json) -> Option<Value> {
    if cell.is_null() {
        return Some(Value::Null);
    }
    match kind {
        ColumnKind::Int => {
            let written = cell.as_str().and_then(|text| text.parse().ok());
            written.or_else(|| cell.as_i64()).map(Value::Int)
        }
        ColumnKind::Float => cell.as_f64().map(Value::Float),
        ColumnKind::String => cell.as_str().map(|text| Value::String(text.to_owned())),
        ColumnKind::Bool => cell.as_bool().map(Value::Bool),
        ColumnKind::Date => cell.as_str().and_then(|text| crate::value::date(text).ok()).map(Value::Date),
        ColumnKind::Datetime => {
            let moment = cell.as_str().and_then(|text| crate::value::datetime(text, chrono_tz::UTC).ok());
            moment.map(Value::Datetime)
        }
    }
}
