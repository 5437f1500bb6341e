//! Labels: columns of public tables, joined on to released keys after the noise, free.

use std::path::Path;

use hashbrown::HashMap;

use super::rows::{cell, kind, normalized};
use crate::frame::{Files, PreflightError, Source, Wanted};
use crate::key::encode;
use crate::names::ColumnName;
use crate::plan::ReleasePlan;
use crate::policy::Policy;
use crate::resolve::Label;
use crate::table::{ColumnKind, Table, TableColumn};
use crate::value::{ColumnType, Value};

fn source(
    label: &Label,
    policy: &Policy,
    base: &Path,
) -> Option<Result<(Source, Vec<Wanted>), PreflightError>> {
    let table = policy.tables.get(&label.table)?;
    let column = table.columns.get(&label.column)?;
    let wanted_key = table.key.iter().map(|name| {
        let declared = policy.columns.get(name).or_else(|| table.columns.get(name));
        Wanted { name: name.to_string(), kind: declared.map(|column| kind(column.kind)) }
    });
    let value = Wanted { name: label.column.to_string(), kind: Some(kind(column.kind)) };
    let wanted = wanted_key.chain([value]).collect();
    Some(Files::list(base, &table.source).map(|files| (Source::Files(files), wanted)).map_err(Into::into))
}

/// Checks that the tables of the labels are there: they are public.
pub(crate) fn preflight(release: &ReleasePlan, policy: &Policy, base: &Path) -> Result<(), PreflightError> {
    for label in &release.labels {
        if let Some(found) = source(label, policy, base) {
            let (source, wanted) = found?;
            source.preflight(&wanted)?;
        }
    }
    Ok(())
}

/// Joins the labels on, behind the keys; where keys are linked, one for each of the two. A table that cannot be read any
/// more leaves its label empty: the release has been paid for.
pub(crate) fn join(release: &ReleasePlan, mut table: Table, policy: &Policy, base: &Path) -> Table {
    let suffixes = match release.stages.linked {
        Some(linked) => linked.link.suffixes().to_vec(),
        None => vec![""],
    };
    let mut place = release.keys.len();
    for label in &release.labels {
        let names = look_up(label, policy, base).unwrap_or_default();
        let kind = policy.tables.get(&label.table).and_then(|t| t.columns.get(&label.column)).map(|c| c.kind);
        for suffix in &suffixes {
            let column = |name: &ColumnName| {
                let name = format!("{name}{suffix}");
                table.columns.iter().position(|column| column.name == name)
            };
            let on: Vec<usize> = label.on.iter().filter_map(column).collect();
            for row in &mut table.rows {
                let mut key = Vec::new();
                on.iter().for_each(|&column| encode(&row[column], &mut key));
                row.insert(place, names.get(&key).cloned().unwrap_or(Value::Null));
            }
            let name = format!("{}{suffix}", label.column);
            let named = on.iter().map(|&column| table.columns[column].name.clone()).collect();
            table.columns.insert(place, TableColumn::label(&name, column_kind(kind), named));
            place += 1;
        }
    }
    table
}

const fn column_kind(kind: Option<ColumnType>) -> ColumnKind {
    match kind {
        Some(ColumnType::Int) => ColumnKind::Int,
        Some(ColumnType::Float) => ColumnKind::Float,
        Some(ColumnType::Bool) => ColumnKind::Bool,
        Some(ColumnType::Date) => ColumnKind::Date,
        Some(ColumnType::Datetime(_)) => ColumnKind::Datetime,
        Some(ColumnType::String) | None => ColumnKind::String,
    }
}

/// The label of each key. Of several rows with one key, the one of the smallest label counts.
fn look_up(label: &Label, policy: &Policy, base: &Path) -> Option<HashMap<Vec<u8>, Value>> {
    let table = policy.tables.get(&label.table)?;
    let (source, wanted) = source(label, policy, base)?.ok()?;
    let mut columns = source.read(&source.preflight(&wanted).ok()?).ok()?;
    let steps = |name| policy.columns.get(name).map(|column| column.normalize.clone()).unwrap_or_default();
    let labels = normalized(columns.pop()?, &table.columns.get(&label.column)?.normalize);
    let keys: Vec<_> =
        columns.into_iter().zip(&table.key).map(|(column, name)| normalized(column, &steps(name))).collect();
    let mut names: HashMap<Vec<u8>, Value> = HashMap::new();
    for row in 0..labels.len() {
        let mut key = Vec::new();
        keys.iter().for_each(|column| encode(&cell(column, row), &mut key));
        let value = cell(&labels, row);
        let smaller = |kept: &Value| {
            let bytes = |value: &Value| {
                let mut bytes = Vec::new();
                encode(value, &mut bytes);
                bytes
            };
            bytes(&value) < bytes(kept)
        };
        if names.get(&key).is_none_or(smaller) {
            names.insert(key, value);
        }
    }
    Some(names)
}
