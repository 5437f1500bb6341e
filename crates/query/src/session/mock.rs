//! A mock of a run: the same schema and shape from made-up data, for building pipelines.
//!
//! The key decision: the whole engine runs, on rows made up from the plan alone. So a mock has every column, every cell
//! and every kind of row that a real release may have, whatever the statistic; no file of anybody is opened, there is no
//! ledger, and each document says that it is a mock.

use std::path::Path;

use flockwise_mechanisms::{Charged, Digest, Ledger, Loss, Os, charge};

use super::run::{compute, document};
use super::{Error, Session};
use crate::backend::wanted;
use crate::frame::{Source, to_frame, write_parquet};
use crate::names::{ColumnName, Name};
use crate::plan::{Cut, KeyPart, Plan, ReadColumn, ReleasePlan};
use crate::policy::Policy;
use crate::release::Document;
use crate::renewal::Window;
use crate::table::{ColumnKind, Table, TableColumn};
use crate::value::{ColumnType, Value};

/// What every mock says of itself.
pub const MOCK: &str =
    "MOCK: made-up numbers in the shape of this job; nothing here comes from anybody's data";

/// Rows of each made-up person.
const ROWS: usize = 4;
/// Made-up values of a column that declares none.
const VALUES: i64 = 8;
/// 2026-01-01, in days since 1970.
const DAY: i64 = 20_454;

/// No ledger: it is asked for mocks alone, which have no data that a charge could stand for.
pub(super) struct Nowhere;

impl Ledger for Nowhere {
    type Error = std::convert::Infallible;
    type Request = ();
    type Receipt = ();

    fn record(&mut self, _: Loss, _: Digest, (): &()) -> Result<(), Self::Error> {
        Ok(())
    }
}

impl Session {
    /// Runs a plan on made-up data: the same columns as a real run would have, no ledger, no charge, and nothing of
    /// anybody is read.
    ///
    /// # Errors
    /// [`Error::Mock`] when the made-up data cannot be written to the folder for temporary files.
    pub fn mock(&self, plan: Plan) -> Result<Vec<Document>, Error> {
        let failed = |error: &dyn std::fmt::Display| Error::Mock(error.to_string());
        let folder = tempfile::tempdir().map_err(|error| failed(&error))?;
        let (made_up, source) = self.made_up(&plan, folder.path())?;
        let preflight = source.preflight(&wanted(&made_up.scan))?;
        let mut noise = Os::new().map_err(|error| failed(&error))?;
        let Ok((charged, ())) = charge(&mut Nowhere, made_up, &());
        self.documents(plan, charged, &source, &preflight, folder.path(), &mut noise)
    }

    /// Made-up data in the shape of a plan, and the plan with its tables in `folder` in place of the policy's.
    pub(super) fn made_up(&self, plan: &Plan, folder: &Path) -> Result<(Plan, Source), Error> {
        let failed = |error: &dyn std::fmt::Display| Error::Mock(error.to_string());
        let people = crowd(&plan.releases);
        let mut made_up = plan.clone();
        made_up.scan.consent = None;
        for join in &mut made_up.scan.joins {
            let path = folder.join(format!("{}.parquet", Digest::of(join.table.as_str().as_bytes())));
            let key = |column: &ReadColumn| {
                if column.name == plan.scan.unit.column {
                    everybody(plan, people)
                } else {
                    invented(column, None, plan, &self.policy)
                }
            };
            let beside = |column: &ReadColumn| invented(column, Some(&join.table), plan, &self.policy);
            let columns: Vec<Invented> =
                join.key.iter().map(key).chain(join.columns.iter().map(beside)).collect();
            write_parquet(&rows_of_keys(&columns, join.key.len()), &path).map_err(|error| failed(&error))?;
            join.source = vec![path.display().to_string()];
        }
        let frame = to_frame(&self.rows(plan, people)).map_err(|error| failed(&error))?;
        Ok((made_up, Source::Frame(Box::new(polars::prelude::IntoLazy::lazy(frame)))))
    }

    fn documents(
        &self,
        plan: Plan,
        charged: Charged<Plan>,
        source: &Source,
        preflight: &crate::frame::Preflight,
        folder: &Path,
        noise: &mut Os,
    ) -> Result<Vec<Document>, Error> {
        let released = compute(charged, source, preflight, folder, &self.limits, noise)
            .map_err(|error| Error::Mock(error.to_string()))?;
        let documents = plan.releases.iter().zip(released).map(|(release, measured)| {
            let table = self.table(release, measured);
            Document { mock: Some(MOCK.to_owned()), ..document(&plan, release, &table, None) }
        });
        Ok(documents.collect())
    }

    fn rows(&self, plan: &Plan, people: usize) -> Table {
        let unit = everybody(plan, people);
        let others = plan.scan.columns.iter().filter(|column| column.name != unit.name);
        let columns: Vec<Invented> =
            others.map(|column| invented(column, None, plan, &self.policy)).collect();
        let mut rows = Vec::with_capacity(people * ROWS);
        for row in 0..people * ROWS {
            let person = unit.values[row / ROWS].clone();
            let others = columns.iter().enumerate().map(|(at, column)| column.pick(row, at));
            rows.push([person].into_iter().chain(others).collect());
        }
        let columns = [&unit].into_iter().chain(&columns);
        let columns = columns.map(|column| TableColumn::key(column.name.as_str(), column.kind));
        Table { columns: columns.collect(), rows }
    }
}

/// The made-up people.
fn everybody(plan: &Plan, people: usize) -> Invented {
    let text = matches!(plan.scan.unit.kind, Some(ColumnType::String));
    let person = |at: usize| if text { Value::String(format!("mock {at}")) } else { Value::Int(at as i64) };
    let kind = if text { ColumnKind::String } else { ColumnKind::Int };
    Invented { name: plan.scan.unit.column.clone(), kind, values: (0..people).map(person).collect() }
}

/// Enough people for the most common keys to appear.
fn crowd(releases: &[ReleasePlan]) -> usize {
    let most = releases.iter().filter_map(ReleasePlan::selection_people).map(|(_, most)| most);
    (20.0 * most.fold(50.0, f64::max)).min(25_000.0) as usize
}

/// A made-up column: its values, the first ones the most common.
struct Invented {
    name: ColumnName,
    kind: ColumnKind,
    values: Vec<Value>,
}

impl Invented {
    /// The value of a row: skewed, and the same each time.
    fn pick(&self, row: usize, column: usize) -> Value {
        let draw = mixed(row as u64 ^ (column as u64) << 48) as f64 / 2.0_f64.powi(64);
        let at = (draw * draw * self.values.len() as f64) as usize;
        self.values.get(at).cloned().unwrap_or(Value::Null)
    }
}

/// The finalizer of SplitMix64 (Steele, Lea, Flood 2014): it makes data, never noise.
const fn mixed(n: u64) -> u64 {
    let mut x = n.wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(0x9e37_79b9_7f4a_7c15);
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

/// Values of a column, from what the policy and the plan declare; else plain ones of its type.
fn invented(column: &ReadColumn, table: Option<&Name>, plan: &Plan, policy: &Policy) -> Invented {
    let known = match table {
        None => policy.columns.get(&column.name),
        Some(table) => policy.tables.get(table).and_then(|table| table.columns.get(&column.name)),
    };
    let of_part = |part: &&KeyPart| part.column.column == column.name && part.column.table.as_ref() == table;
    let parts = || plan.releases.iter().flat_map(|release| &release.rows.keys).filter(of_part);
    let declared: Vec<Value> = parts()
        .filter_map(|part| part.declared.as_ref().map(|values| (part, values)))
        .flat_map(|(part, values)| values.iter().map(|value| inside(&part.cut, value)))
        .filter_map(|value| fit(&value, column.kind))
        .collect();
    let timed = plan.renewing.as_ref().filter(|renewing| table.is_none() && renewing.per.time == column.name);
    let declared = timed.map_or(declared.clone(), |renewing| in_windows(&renewing.windows, declared));
    let listed: Vec<Value> = known.and_then(|known| known.keys.clone()).unwrap_or_default();
    let bounds = known.and_then(|known| known.bounds).map(|bounds| (bounds.low(), bounds.high()));
    let values = if !declared.is_empty() {
        declared
    } else if !listed.is_empty() {
        listed
    } else {
        (0..VALUES).map(|at| plain(column.kind, at, bounds)).collect()
    };
    Invented { name: column.name.clone(), kind: column_kind(column.kind), values }
}

/// Times in the windows of a job under a budget that renews: declared ones, moved to the window's beginning where they stand
/// before it, and ones of our own; the windows in turn, so that each has rows.
fn in_windows(windows: &[Window], declared: Vec<Value>) -> Vec<Value> {
    let place = |value: &Value| match value {
        Value::Date(days) => i64::from(*days),
        Value::Datetime(micros) => *micros,
        Value::Null | Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::String(_) => 0,
    };
    let like = |at: i64, value: &Value| match value {
        Value::Date(_) => Value::Date(at as i32),
        Value::Datetime(_)
        | Value::Null
        | Value::Bool(_)
        | Value::Int(_)
        | Value::Float(_)
        | Value::String(_) => Value::Datetime(at),
    };
    let of = |window: &Window| -> Vec<Value> {
        let (from, until) = (place(&window.from), place(&window.until));
        let moved = declared.iter().map(|value| place(value).max(from)).filter(|at| *at < until);
        let moved: Vec<i64> = moved.collect();
        let own = (0..VALUES).map(|at| from + (until - from) / VALUES * at);
        let all = if moved.is_empty() { own.collect() } else { moved };
        all.into_iter().map(|at| like(at, &window.from)).collect()
    };
    let all: Vec<Vec<Value>> = windows.iter().map(of).collect();
    let most = all.iter().map(Vec::len).max().unwrap_or(0);
    (0..most).flat_map(|at| all.iter().filter_map(move |values| values.get(at).cloned())).collect()
}

/// A value that is cut to this key.
fn inside(cut: &Cut, key: &Value) -> Value {
    match (cut, key) {
        (Cut::Bins { width, .. }, Value::Float(low)) => Value::Float(low + width / 2.0),
        (Cut::Whole | Cut::Window { .. } | Cut::Bins { .. }, key) => key.clone(),
    }
}

/// A value as one of a column's type; noon for a day, which lies in that day in most zones.
fn fit(value: &Value, kind: ColumnType) -> Option<Value> {
    const MICROS: i64 = 86_400_000_000;
    match (value, kind) {
        (Value::Date(days), ColumnType::Datetime(_)) => {
            Some(Value::Datetime(i64::from(*days) * MICROS + MICROS / 2))
        }
        (Value::Float(number), ColumnType::Int) => Some(Value::Int(*number as i64)),
        (Value::Int(number), ColumnType::Float) => Some(Value::Float(*number as f64)),
        (Value::Int(_), ColumnType::Int)
        | (Value::Float(_), ColumnType::Float)
        | (Value::String(_), ColumnType::String)
        | (Value::Bool(_), ColumnType::Bool)
        | (Value::Date(_), ColumnType::Date)
        | (Value::Datetime(_), ColumnType::Datetime(_)) => Some(value.clone()),
        _ => None,
    }
}

fn plain(kind: ColumnType, at: i64, bounds: Option<(f64, f64)>) -> Value {
    let part = at as f64 / (VALUES - 1) as f64;
    let between = bounds.map(|(low, high)| low + part * (high - low));
    match kind {
        ColumnType::Int => Value::Int(between.map_or(at + 1, |value| value.round() as i64)),
        ColumnType::Float => Value::Float(between.unwrap_or(at as f64)),
        ColumnType::String => Value::String(format!("mock {}", at + 1)),
        ColumnType::Bool => Value::Bool(at % 2 == 0),
        ColumnType::Date => Value::Date((DAY + 7 * at) as i32),
        ColumnType::Datetime(_) => Value::Datetime((DAY + 7 * at) * 86_400_000_000 + at * 3_600_000_000),
    }
}

const fn column_kind(kind: ColumnType) -> ColumnKind {
    match kind {
        ColumnType::Int => ColumnKind::Int,
        ColumnType::Float => ColumnKind::Float,
        ColumnType::String => ColumnKind::String,
        ColumnType::Bool => ColumnKind::Bool,
        ColumnType::Date => ColumnKind::Date,
        ColumnType::Datetime(_) => ColumnKind::Datetime,
    }
}

/// A made-up table: a row for every value of the first part of its key, and for whatever stands beside it.
fn rows_of_keys(columns: &[Invented], key: usize) -> Table {
    let length = columns.iter().map(|column| column.values.len()).max().unwrap_or(0);
    let rows = (0..length).map(|row| {
        let value = |(at, column): (usize, &Invented)| {
            let values = &column.values;
            // A key runs through its values; what stands beside it runs on from another place.
            let shift = if at < key { 0 } else { at };
            if values.is_empty() { Value::Null } else { values[(row + shift) % values.len()].clone() }
        };
        columns.iter().enumerate().map(value).collect()
    });
    let kinds = columns.iter().map(|column| TableColumn::key(column.name.as_str(), column.kind));
    Table { columns: kinds.collect(), rows: rows.collect() }
}
