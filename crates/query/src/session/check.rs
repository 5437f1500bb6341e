//! Whether the source fits the policy: exact rates, for the curator's terminal alone.
//!
//! Nothing here is private. It is not part of any release, it costs nothing, and it must never reach an analyst; the
//! ledger's log records only that it ran.

use std::time::SystemTime;

use hashbrown::{HashMap, HashSet};
use serde::Serialize;

use super::{Error, Session};
use crate::backend::{cell, from_values, kind, normalized, person_name, split};
use crate::engine::Failed;
use crate::expr::eval;
use crate::frame::{Column as Values, Files, Kind, Preflight, Source, Wanted};
use crate::key::encode;
use crate::names::{ColumnName, ColumnRef};
use crate::policy::{Access, Column, Table};
use crate::value::Value;

/// How a policy's sources fit it, exactly: for the curator alone.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Check {
    /// Whether the ledger's log says that this check ran; without a ledger there is no log.
    pub recorded: bool,
    /// The data, the tables, the consents.
    pub sources: Vec<CheckedSource>,
}

/// One source.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct CheckedSource {
    /// What the policy calls it.
    pub name: String,
    /// How many files it has.
    pub files: usize,
    /// How many rows.
    pub rows: usize,
    /// Lines of CSV files that are no records: they are dropped.
    pub bad_records: usize,
    /// How many people there are; for the data.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub people: Option<usize>,
    /// Rows whose key another row has too; for a table.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub repeated_keys: Option<usize>,
    /// Rows for a purpose that the policy does not declare; for the consents.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unknown_purposes: Option<usize>,
    /// Its columns.
    pub columns: Vec<CheckedColumn>,
}

/// One column.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize)]
pub struct CheckedColumn {
    /// Its name.
    pub name: String,
    /// Rows without a value.
    pub null: usize,
    /// Rows with a value that is none of the declared type: it is null.
    pub unreadable: usize,
    /// Rows with NaN or an infinity.
    pub not_finite: usize,
    /// Rows below the declared bounds or range.
    pub below: usize,
    /// Rows above them.
    pub above: usize,
    /// Rows with a key that is not declared.
    pub not_declared: usize,
}

/// How a column is judged.
struct Judged<'a> {
    name: &'a ColumnName,
    kind: Option<Kind>,
    declared: Option<&'a Column>,
}

impl Judged<'_> {
    fn wanted(&self) -> Wanted {
        Wanted { name: self.name.to_string(), kind: self.kind }
    }
}

impl Session {
    /// Reads everything that the policy lists and counts what does not fit: exact, for the curator alone. Where there is a
    /// ledger its log records that the check ran, before anything is read.
    ///
    /// # Errors
    /// [`Error::Preflight`] when a source or a column is missing or of another type; those of the ledger.
    pub fn check(&self) -> Result<Check, Error> {
        let recorded = self.record_check()?;
        let (data, unit) = self.check_data()?;
        let mut sources = vec![data];
        for (name, table) in &self.policy.tables {
            sources.push(self.check_table(name.as_str(), table, unit)?);
        }
        sources.extend(self.check_consent(unit)?);
        Ok(Check { recorded, sources })
    }

    /// A policy whose ledger is not made yet may be checked; one that pins a ledger must have it.
    fn record_check(&self) -> Result<bool, Error> {
        let Access::Budget(budget) = &self.policy.access else { return Ok(false) };
        if budget.ledger_id.is_none() && !self.base.join(&budget.ledger).exists() {
            return Ok(false);
        }
        self.ledger()?.note(&flockwise_ledger::Name::new("check")?, SystemTime::now())?;
        Ok(true)
    }

    fn check_data(&self) -> Result<(CheckedSource, Kind), Error> {
        let unit_name = &self.policy.data.privacy_unit;
        let listed = self.policy.columns.get(unit_name);
        let unit = Judged { name: unit_name, kind: listed.map(|column| kind(column.kind)), declared: listed };
        let others = self.policy.columns.iter().filter(|(name, _)| *name != unit_name);
        let judged: Vec<Judged<'_>> = [unit].into_iter().chain(others.map(judged)).collect();
        let source = self.source()?;
        let (mut checked, columns, preflight) = examine("data", &source, &judged)?;
        let steps = listed.map(|column| column.normalize.clone()).unwrap_or_default();
        let people = normalized(columns[0].clone(), &steps);
        let names: HashSet<Vec<u8>> =
            (0..people.len()).filter_map(|row| person_name(&cell(&people, row))).collect();
        checked.people = Some(names.len());
        let named: HashMap<&str, Values> = judged
            .iter()
            .zip(columns)
            .map(|(judged, values)| {
                let steps = judged.declared.map_or(&[][..], |column| &column.normalize);
                (judged.name.as_str(), normalized(values, steps))
            })
            .collect();
        checked.columns.extend(self.check_derived(&named, checked.rows));
        Ok((checked, preflight.0.first().map_or(Kind::Int, |(_, kind)| *kind)))
    }

    /// Columns that are made of others, as a run would make them: what is no value of its type is null.
    fn check_derived(&self, columns: &HashMap<&str, Values>, rows: usize) -> Vec<CheckedColumn> {
        let value = |name: &ColumnRef, row: usize| {
            let listed = columns.get(name.column.as_str()).filter(|_| name.table.is_none());
            listed.map_or(Value::Null, |values| cell(values, row))
        };
        let derived = self.policy.derived.iter().map(|(name, derived)| {
            let made = (0..rows).map(|row| eval(&derived.expr, &|column| value(column, row)));
            column(&judged((name, &derived.column)), &from_values(kind(derived.column.kind), made), 0)
        });
        derived.collect()
    }

    fn check_table(&self, name: &str, table: &Table, unit: Kind) -> Result<CheckedSource, Error> {
        let key = table.key.iter().map(|name| {
            let declared = self.policy.column(name.as_str()).or_else(|| table.columns.get(name));
            Judged { name, kind: Some(declared.map_or(unit, |column| kind(column.kind))), declared: None }
        });
        let others = table.columns.iter().filter(|(name, _)| !table.key.contains(name)).map(judged);
        let judged: Vec<Judged<'_>> = key.chain(others).collect();
        let source = Source::Files(Files::list(&self.base, &table.source)?);
        let (mut checked, columns, _) = examine(&format!("tables.{name}"), &source, &judged)?;
        let mut keys: HashMap<Vec<u8>, usize> = HashMap::new();
        for row in 0..checked.rows {
            let mut key = Vec::new();
            columns[..table.key.len()].iter().for_each(|column| encode(&cell(column, row), &mut key));
            *keys.entry(key).or_default() += 1;
        }
        checked.repeated_keys = Some(keys.into_values().map(|rows| rows - 1).sum());
        Ok(checked)
    }

    fn check_consent(&self, unit: Kind) -> Result<Option<CheckedSource>, Error> {
        let Some(consent) = &self.policy.consent else { return Ok(None) };
        let column = |name, kind| Judged { name, kind: Some(kind), declared: None };
        let fixed = [
            column(&consent.person, unit),
            column(&consent.purpose, Kind::Text),
            column(&consent.granted, Kind::Bool),
        ];
        let own = consent.epsilon.as_ref().map(|name| column(name, Kind::Float));
        let judged: Vec<Judged<'_>> = fixed.into_iter().chain(own).collect();
        let source = Source::Files(Files::list(&self.base, &consent.source)?);
        let (mut checked, columns, _) = examine("consent", &source, &judged)?;
        let declared = |value: Value| matches!(value, Value::String(text) if self.policy.purposes.contains_key(text.as_str()));
        checked.unknown_purposes =
            Some((0..checked.rows).filter(|&row| !declared(cell(&columns[1], row))).count());
        Ok(Some(checked))
    }
}

fn judged<'a>((name, column): (&'a ColumnName, &'a Column)) -> Judged<'a> {
    Judged { name, kind: Some(kind(column.kind)), declared: Some(column) }
}

fn examine(
    name: &str,
    source: &Source,
    judged: &[Judged<'_>],
) -> Result<(CheckedSource, Vec<Values>, Preflight), Error> {
    let preflight = source.preflight(&judged.iter().map(Judged::wanted).collect::<Vec<_>>())?;
    let files = match source {
        Source::Files(files) => files.0.len(),
        Source::Frame(_) => 0,
    };
    let examined = source.examine(&preflight).map_err(|_| Error::Check(Failed::Source))?;
    let rows = examined.columns.first().map_or(0, |(column, _)| column.len());
    let columns = examined
        .columns
        .iter()
        .zip(judged)
        .map(|((values, unreadable), judged)| column(judged, values, *unreadable));
    let checked = CheckedSource {
        name: name.to_owned(),
        files,
        rows,
        bad_records: examined.bad_records,
        people: None,
        repeated_keys: None,
        unknown_purposes: None,
        columns: columns.collect(),
    };
    Ok((checked, examined.columns.into_iter().map(|(values, _)| values).collect(), preflight))
}

fn column(judged: &Judged<'_>, values: &Values, unreadable: usize) -> CheckedColumn {
    let mut checked = CheckedColumn { name: judged.name.to_string(), unreadable, ..CheckedColumn::default() };
    let Some(declared) = judged.declared else {
        let nulls = (0..values.len()).filter(|&row| cell(values, row) == Value::Null).count();
        checked.null = nulls.saturating_sub(unreadable);
        return checked;
    };
    let values = &normalized(values.clone(), &declared.normalize);
    let keys: Option<HashSet<Vec<u8>>> =
        declared.keys.as_ref().map(|keys| keys.iter().map(encoded).collect());
    for row in 0..values.len() {
        let value = cell(values, row);
        if value == Value::Null {
            checked.null += 1;
        } else if matches!(value, Value::Float(number) if !number.is_finite()) {
            checked.not_finite += 1;
        } else {
            let (below, above) = beyond(declared, &value);
            checked.below += usize::from(below);
            checked.above += usize::from(above);
        }
        if let Some(keys) = &keys {
            checked.not_declared += usize::from(!all_declared(declared, keys, &value));
        }
    }
    checked.null = checked.null.saturating_sub(unreadable);
    checked
}

fn encoded(value: &Value) -> Vec<u8> {
    let mut key = Vec::new();
    encode(value, &mut key);
    key
}

/// Whether every key that a value holds is declared; a null has none to declare.
fn all_declared(declared: &Column, keys: &HashSet<Vec<u8>>, value: &Value) -> bool {
    match (&declared.split, value) {
        (_, Value::Null) => true,
        (Some(at), Value::String(text)) => split(text, at).iter().all(|key| keys.contains(&encoded(key))),
        _ => keys.contains(&encoded(value)),
    }
}

/// Whether a value lies below or above what is declared.
fn beyond(declared: &Column, value: &Value) -> (bool, bool) {
    let number = match value {
        Value::Int(number) => Some(*number as f64),
        Value::Float(number) => Some(*number),
        Value::Null | Value::Bool(_) | Value::String(_) | Value::Date(_) | Value::Datetime(_) => None,
    };
    if let (Some(number), Some(bounds)) = (number, declared.bounds) {
        return (number < bounds.low(), number > bounds.high());
    }
    let moment = |value: &Value| match value {
        Value::Date(days) => Some(i64::from(*days)),
        Value::Datetime(micros) => Some(*micros),
        Value::Null | Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::String(_) => None,
    };
    match (moment(value), &declared.range) {
        (Some(at), Some(range)) => (
            moment(&range.from).is_some_and(|from| at < from),
            moment(&range.until).is_some_and(|until| at >= until),
        ),
        _ => (false, false),
    }
}
