//! Tables that are joined on their keys: read in whole, once.

use std::path::Path;

use hashbrown::HashMap;

use super::batch::Batch;
use super::rows::{cell, normalized, wanted_of_table};
use crate::frame::{Column, Data, Files, Kind, NULL, Source, Unreadable};
use crate::key::encode;
use crate::names::{ColumnName, Name};
use crate::plan::Join;
use crate::value::Value;

/// A table.
pub(super) struct Dimension {
    pub table: Name,
    columns: Vec<(ColumnName, Column)>,
    /// The columns of the data on which it is joined.
    on: Vec<ColumnName>,
    rows: Rows,
}

/// The row of each key.
enum Rows {
    /// Of one whole number.
    Int(HashMap<i64, u32>),
    /// By the bytes of the key.
    Bytes(HashMap<Vec<u8>, u32>),
}

impl Dimension {
    /// Reads a table.
    ///
    /// Of several rows with one key, the one of the smallest bytes survives: a choice that looks at rows of this key alone.
    /// Where the table is private its key holds the privacy unit (the plan sees to that), so those rows are one person's.
    pub fn read(plan: &Join, unit: &ColumnName, unit_kind: Kind, base: &Path) -> Result<Self, Unreadable> {
        let source = Source::Files(Files::list(base, &plan.source).map_err(|_| Unreadable)?);
        let preflight = source.preflight(&wanted_of_table(plan, unit, unit_kind)).map_err(|_| Unreadable)?;
        let read = source.read(&preflight)?;
        let wanted = plan.key.iter().chain(&plan.columns);
        let columns: Vec<(ColumnName, Column)> = wanted
            .zip(read)
            .map(|(wanted, column)| (wanted.name.clone(), normalized(column, &wanted.normalize)))
            .collect();
        let keys: Vec<&Column> = columns[..plan.key.len()].iter().map(|(_, column)| column).collect();
        let values: Vec<&Column> = columns[plan.key.len()..].iter().map(|(_, column)| column).collect();
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
        let rows = match &keys[..] {
            [Column { data: Data::Int(values), .. }] => {
                Rows::Int(rows.into_values().map(|row| (values[row as usize], row)).collect())
            }
            _ => Rows::Bytes(rows),
        };
        let on = plan.key.iter().map(|column| column.name.clone()).collect();
        Ok(Self { table: plan.table.clone(), columns, on, rows })
    }

    /// A column of the table, by the table's own rows.
    pub fn column(&self, name: &ColumnName) -> Option<&Column> {
        self.columns.iter().find(|(known, _)| known == name).map(|(_, column)| column)
    }

    /// The row of the table that each row of a chunk meets; [`NULL`] for none.
    pub fn find(&self, batch: &Batch<'_>) -> Vec<u32> {
        let here: Option<Vec<&Column>> = self.on.iter().map(|name| batch.column(name)).collect();
        let Some(keys) = here else { return vec![NULL; batch.rows] };
        match (&self.rows, &keys[..]) {
            (Rows::Int(rows), [column]) => {
                let Data::Int(values) = &column.data else { return vec![NULL; batch.rows] };
                let find = |row: usize| {
                    if column.is_null(row) { NULL } else { *rows.get(&values[row]).unwrap_or(&NULL) }
                };
                (0..batch.rows).map(find).collect()
            }
            (Rows::Bytes(rows), [Column { data: Data::Text { codes, dictionary }, .. }]) => {
                let find = |text: &String| {
                    let mut key = Vec::new();
                    encode(&Value::String(text.clone()), &mut key);
                    rows.get(&key).copied().unwrap_or(NULL)
                };
                let of: Vec<u32> = dictionary.iter().map(find).collect();
                codes.iter().map(|&code| of.get(code as usize).copied().unwrap_or(NULL)).collect()
            }
            (Rows::Bytes(rows), _) => {
                let find = |row| bytes(&keys, row).and_then(|key| rows.get(&key).copied()).unwrap_or(NULL);
                (0..batch.rows).map(find).collect()
            }
            (Rows::Int(_), _) => vec![NULL; batch.rows],
        }
    }
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
