//! The values of rows: numbers, and their places on grids.

use super::batch::{Batch, Selection};
use crate::frame::{Column, Data};
use crate::kernel::Rows;
use crate::plan::ValuePlan;
use crate::policy::Missing;

/// The number of each selected row; a row takes no part where `there` is false.
pub(super) struct Numbers {
    pub values: Vec<f64>,
    /// Absent where all rows take part.
    pub there: Option<Vec<bool>>,
}

impl Numbers {
    /// A function of each row alone.
    pub fn new(batch: &Batch<'_>, plan: &ValuePlan, rows: &Selection) -> Self {
        let length = rows.as_ref().map_or(batch.rows, Vec::len);
        let Some(column) = batch.operand(&plan.column) else {
            return Self { values: vec![0.0; length], there: Some(vec![false; length]) };
        };
        match &column.data {
            Data::Int(values) => Self::of(plan, &column, rows, length, |row| values[row] as f64),
            Data::Float(values) => Self::of(plan, &column, rows, length, |row| values[row]),
            Data::Text { .. } | Data::Bool(_) | Data::Date(_) | Data::Datetime(_) => {
                let (value, there) = instead(plan.on_null);
                Self { values: vec![value; length], there: (!there).then(|| vec![false; length]) }
            }
        }
    }

    fn of(
        plan: &ValuePlan,
        column: &Column,
        rows: &Selection,
        length: usize,
        number: impl Fn(usize) -> f64,
    ) -> Self {
        let mut values: Vec<f64> = match rows {
            None => (0..length).map(&number).collect(),
            Some(rows) => rows.iter().map(|&row| number(row as usize)).collect(),
        };
        if column.valid.is_none() && !values.iter().any(|value| value.is_nan()) {
            return Self { values, there: None };
        }
        let (on_null, on_nan) = (instead(plan.on_null), instead(plan.on_nan));
        let mut there = vec![true; length];
        for (at, value) in values.iter_mut().enumerate() {
            let row = rows.as_ref().map_or(at, |rows| rows[at] as usize);
            if column.is_null(row) {
                (*value, there[at]) = on_null;
            } else if value.is_nan() {
                (*value, there[at]) = on_nan;
            }
        }
        Self { values, there: there.contains(&false).then_some(there) }
    }

    /// Only those that take part, and of `others` only what goes with them.
    pub fn keep(self, others: &mut Vec<u32>, rows: &mut Selection) -> Vec<f64> {
        let Some(there) = self.there else { return self.values };
        let mut of_rows: Vec<u32> = rows.take().unwrap_or_else(|| (0..there.len() as u32).collect());
        let mut kept = there.iter();
        of_rows.retain(|_| kept.next() == Some(&true));
        let mut kept = there.iter();
        others.retain(|_| kept.next() == Some(&true));
        *rows = Some(of_rows);
        self.values.into_iter().zip(&there).filter(|(_, there)| **there).map(|(value, _)| value).collect()
    }
}

/// What a missing value becomes, and whether its row takes part.
const fn instead(missing: Missing) -> (f64, bool) {
    match missing {
        Missing::Drop => (0.0, false),
        Missing::Value(value) => (value, true),
    }
}

/// Appends the places of numbers on the grids of a plan.
pub(super) fn put(numbers: &[f64], plan: &ValuePlan, into: &mut Rows) {
    let channel = &plan.channel;
    let [first, squares @ ..] = &mut into.channels[..] else { return };
    let from = first.len();
    first.extend(numbers.iter().map(|&number| channel.grid(number)));
    for squares in squares {
        squares.extend(first[from..].iter().map(|&on_grid| channel.square(on_grid)));
    }
    for (grid, bins) in plan.bins.iter().zip(&mut into.bins) {
        bins.extend(numbers.iter().map(|&number| grid.bin(channel.clamp(number))));
    }
}
