//! Joining tables on their keys.

use std::path::Path;

use hashbrown::HashMap;

use super::rows::{Frame, cell, normalized, wanted_of_table};
use crate::frame::{Column, Files, NULL, Source, Unreadable};
use crate::key::encode;
use crate::names::{ColumnName, Name};
use crate::plan::Join;
use crate::value::Value;

/// A table, and which of its rows each row of the data meets.
pub(super) struct Joined {
    pub table: Name,
    columns: Vec<(ColumnName, Column)>,
    /// Row of the table for each row of the data; [`NULL`] for none.
    pub index: Vec<u32>,
}

impl Joined {
    /// A column of the table, by the table's own rows.
    pub fn column(&self, name: &ColumnName) -> Option<&Column> {
        self.columns.iter().find(|(known, _)| known == name).map(|(_, column)| column)
    }

    /// The value that a row of the data meets.
    pub fn value(&self, name: &ColumnName, row: usize) -> Value {
        match (self.index[row], self.column(name)) {
            (NULL, _) | (_, None) => Value::Null,
            (index, Some(column)) => cell(column, index as usize),
        }
    }
}

/// Reads a table and finds its row for each row of the data.
///
/// Of several rows with one key, the one of the smallest bytes survives: a choice that looks at rows of this key alone.
/// Where the table is private its key holds the privacy unit (the plan sees to that), so those rows are one person's.
pub(super) fn join(plan: &Join, frame: &Frame, unit: &ColumnName, base: &Path) -> Result<Joined, Unreadable> {
    let source = Source::Files(Files::list(base, &plan.source).map_err(|_| Unreadable)?);
    let preflight =
        source.preflight(&wanted_of_table(plan, unit, frame.people.kind)).map_err(|_| Unreadable)?;
    let read = source.read(&preflight)?;
    let wanted = plan.key.iter().chain(&plan.columns);
    let all: Vec<(ColumnName, Column)> = wanted
        .zip(read)
        .map(|(wanted, column)| (wanted.name.clone(), normalized(column, &wanted.normalize)))
        .collect();
    let keys: Vec<&Column> = all[..plan.key.len()].iter().map(|(_, column)| column).collect();
    let values: Vec<&Column> = all[plan.key.len()..].iter().map(|(_, column)| column).collect();
    let mut rows: HashMap<Vec<u8>, u32> = HashMap::new();
    for row in 0..keys.first().map_or(0, |column| column.len()) {
        let Some(key) = bytes(&keys, row) else { continue };
        let index = row as u32;
        rows.entry(key)
            .and_modify(|kept| {
                if all_bytes(&values, row) < all_bytes(&values, *kept as usize) {
                    *kept = index;
                }
            })
            .or_insert(index);
    }
    let here = plan.key.iter().map(|column| frame.column(&column.name));
    let keys: Vec<&Column> = here.collect::<Option<_>>().ok_or(Unreadable)?;
    let find = |row: usize| bytes(&keys, row).and_then(|key| rows.get(&key).copied()).unwrap_or(NULL);
    let index = (0..frame.rows()).map(find).collect();
    Ok(Joined { table: plan.table.clone(), columns: all, index })
}

/// The key of a row; none where a part is null.
fn bytes(columns: &[&Column], row: usize) -> Option<Vec<u8>> {
    let mut key = Vec::new();
    for column in columns {
        let value = cell(column, row);
        if value == Value::Null {
            return None;
        }
        encode(&value, &mut key);
    }
    Some(key)
}

fn all_bytes(columns: &[&Column], row: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    columns.iter().for_each(|column| encode(&cell(column, row), &mut bytes));
    bytes
}
