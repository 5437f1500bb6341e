//! A chunk of rows with everything that a plan makes of it: people, joined rows, derived columns.

use std::borrow::Cow;

use super::dimension::Dimension;
use super::people::Identified;
use super::rows::Derived;
use super::vector::{Operand, evaluate};
use crate::expr::Expr;
use crate::frame::{Column, Data, NULL};
use crate::names::{ColumnName, ColumnRef};
use crate::plan::Made;
use crate::value::Value;

/// A chunk.
pub(super) struct Batch<'a> {
    /// How many rows, those that do not count included.
    pub rows: usize,
    columns: Vec<(&'a ColumnName, Column)>,
    /// Joined tables, and which of their rows each row of the chunk meets; [`NULL`] for none.
    joined: Vec<(&'a Dimension, Vec<u32>)>,
    /// Whose each row is.
    pub people: Identified,
}

/// Rows of a chunk, in order; all of them where none is left out.
pub(super) type Selection = Option<Vec<u32>>;

impl<'a> Batch<'a> {
    /// Joins tables and evaluates derived columns.
    pub fn new(
        rows: usize,
        columns: Vec<(&'a ColumnName, Column)>,
        people: Identified,
        joins: &'a [Dimension],
        derived: &'a [Made],
    ) -> Self {
        let mut batch = Self { rows, columns, joined: Vec::with_capacity(joins.len()), people };
        for table in joins {
            let index = table.find(&batch);
            batch.joined.push((table, index));
        }
        for made in derived {
            let values = evaluate(&made.expr, &batch);
            let column = Derived { rows, kind: made.kind }.column(values);
            batch.columns.push((&made.name, column));
        }
        batch
    }

    /// A column of the data, or a derived one.
    pub fn column(&self, name: &ColumnName) -> Option<&Column> {
        self.columns.iter().find(|(known, _)| *known == name).map(|(_, column)| column)
    }

    /// A joined table.
    pub fn joined(&self, table: &str) -> Option<(&'a Dimension, &[u32])> {
        let found = self.joined.iter().find(|(joined, _)| joined.table.as_str() == table);
        found.map(|(joined, index)| (*joined, &index[..]))
    }

    /// The values of each row in a column; a column that was not read has none.
    pub fn operand(&self, column: &ColumnRef) -> Option<Cow<'_, Column>> {
        match &column.table {
            None => self.column(&column.column).map(Cow::Borrowed),
            Some(table) => {
                let (joined, index) = self.joined(table.as_str())?;
                joined.column(&column.column).map(|values| Cow::Owned(met(values, index)))
            }
        }
    }

    /// The value of a row in a column; a column that was not read is null. Slow.
    #[cfg(test)]
    pub fn value(&self, column: &ColumnRef, row: usize) -> Value {
        self.operand(column).map_or(Value::Null, |values| super::rows::cell(&values, row))
    }

    /// The rows that somebody has, and for which the filter is true.
    pub fn counting(&self, filter: Option<&Expr>) -> Selection {
        let somebody = |row: u32| self.people.somebody.as_ref().is_none_or(|there| there[row as usize]);
        let rows = || 0..self.rows as u32;
        match filter.map(|filter| evaluate(filter, self)) {
            None | Some(Operand::Constant(Value::Bool(true))) => {
                self.people.somebody.as_ref().map(|_| rows().filter(|&row| somebody(row)).collect())
            }
            Some(Operand::Constant(_)) => Some(Vec::new()),
            Some(Operand::Column(column)) => {
                let Data::Bool(values) = &column.data else { return Some(Vec::new()) };
                let holds =
                    |&row: &u32| values[row as usize] && !column.is_null(row as usize) && somebody(row);
                Some(rows().filter(holds).collect())
            }
        }
    }
}

/// The values that rows meet in a column of a table.
fn met(column: &Column, index: &[u32]) -> Column {
    fn pick<T: Copy + Default>(values: &[T], index: &[u32]) -> Vec<T> {
        index.iter().map(|&at| values.get(at as usize).copied().unwrap_or_default()).collect()
    }
    let data = match &column.data {
        Data::Int(values) => Data::Int(pick(values, index)),
        Data::Float(values) => Data::Float(pick(values, index)),
        Data::Text { codes, dictionary } => {
            let codes = index.iter().map(|&at| codes.get(at as usize).copied().unwrap_or(NULL)).collect();
            Data::Text { codes, dictionary: dictionary.clone() }
        }
        Data::Bool(values) => Data::Bool(pick(values, index)),
        Data::Date(values) => Data::Date(pick(values, index)),
        Data::Datetime(values) => Data::Datetime(pick(values, index)),
    };
    let there = |&at: &u32| at != NULL && !column.is_null(at as usize);
    let valid = (!index.iter().all(there)).then(|| index.iter().map(there).collect());
    Column { data, valid }
}
