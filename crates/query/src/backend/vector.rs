//! Expressions over a chunk at once: the same meaning as [`crate::expr::eval`], which stays the reference.
//!
//! Numbers in one sweep over their column, text once for each text of the chunk's dictionary.

use std::borrow::Cow;
use std::cmp::Ordering;

use hashbrown::HashSet;

use super::batch::Batch;
use crate::expr::{ArithmeticOp, CompareOp, Expr, ExprKind, eval};
use crate::frame::{Column, Data, NULL};
use crate::value::Value;

/// What an expression is in every row.
pub(super) enum Operand<'b> {
    /// The same.
    Constant(Value),
    /// One value a row.
    Column(Cow<'b, Column>),
}

/// The values of one type in every row; where a row has none, what stands there is arbitrary.
enum Side<'a, T> {
    One(T),
    Many(&'a [T], Option<&'a [bool]>),
}

impl<T: Copy> Side<'_, T> {
    fn get(&self, row: usize) -> Option<T> {
        match self {
            Self::One(value) => Some(*value),
            Self::Many(values, valid) => valid.is_none_or(|valid| valid[row]).then(|| values[row]),
        }
    }
}

/// The value of an expression in each row of a chunk.
pub(super) fn evaluate<'b>(expr: &Expr, batch: &'b Batch<'_>) -> Operand<'b> {
    let rows = batch.rows;
    match &expr.kind {
        ExprKind::Column(column) => batch.operand(column).map_or(Operand::Constant(Value::Null), readable),
        ExprKind::Constant(value) => Operand::Constant(value.clone()),
        ExprKind::ToFloat(one) => match evaluate(one, batch) {
            Operand::Constant(Value::Int(value)) => Operand::Constant(Value::Float(value as f64)),
            Operand::Column(column) => match &column.data {
                Data::Int(values) => {
                    let data = Data::Float(values.iter().map(|&value| value as f64).collect());
                    owned(Column { data, valid: column.valid.clone() })
                }
                Data::Float(_) | Data::Text { .. } | Data::Bool(_) | Data::Date(_) | Data::Datetime(_) => {
                    NONE
                }
            },
            Operand::Constant(_) => NONE,
        },
        ExprKind::Compare { op, left, right } => {
            compare(*op, &evaluate(left, batch), &evaluate(right, batch), rows)
        }
        ExprKind::In { operand, list } => among(&evaluate(operand, batch), list, rows),
        ExprKind::IsNull(one) => match evaluate(one, batch) {
            Operand::Constant(value) => Operand::Constant(Value::Bool(value == Value::Null)),
            Operand::Column(column) => {
                let nulls = (0..rows).map(|row| column.is_null(row)).collect();
                owned(Column { data: Data::Bool(nulls), valid: None })
            }
        },
        ExprKind::StartsWith { operand, prefix } => {
            let starts = |text: &str| text.starts_with(prefix.as_str());
            match evaluate(operand, batch) {
                Operand::Constant(Value::String(text)) => Operand::Constant(Value::Bool(starts(&text))),
                Operand::Column(column) => of_texts(&column, starts).unwrap_or(NONE),
                Operand::Constant(_) => NONE,
            }
        }
        ExprKind::And(all) => fold(all, false, batch),
        ExprKind::Or(all) => fold(all, true, batch),
        ExprKind::Not(one) => match evaluate(one, batch) {
            Operand::Constant(Value::Bool(value)) => Operand::Constant(Value::Bool(!value)),
            Operand::Column(column) => match &column.data {
                Data::Bool(values) => {
                    let data = Data::Bool(values.iter().map(|value| !value).collect());
                    owned(Column { data, valid: column.valid.clone() })
                }
                Data::Int(_) | Data::Float(_) | Data::Text { .. } | Data::Date(_) | Data::Datetime(_) => NONE,
            },
            Operand::Constant(_) => NONE,
        },
        ExprKind::Arithmetic { op, left, right } => {
            arithmetic(*op, &evaluate(left, batch), &evaluate(right, batch), rows)
        }
    }
}

const NONE: Operand<'static> = Operand::Constant(Value::Null);

fn owned(column: Column) -> Operand<'static> {
    Operand::Column(Cow::Owned(column))
}

/// A column as expressions read it: NaN is null.
fn readable(column: Cow<'_, Column>) -> Operand<'_> {
    if let Data::Float(values) = &column.data
        && values.iter().any(|value| value.is_nan())
    {
        let valid = (0..values.len()).map(|row| !column.is_null(row) && !values[row].is_nan()).collect();
        return owned(Column { data: Data::Float(values.clone()), valid: Some(valid) });
    }
    Operand::Column(column)
}

/// For each row with a text what holds of the text; nothing where the column is none of text.
fn of_texts(column: &Column, holds: impl Fn(&str) -> bool) -> Option<Operand<'static>> {
    let Data::Text { codes, dictionary } = &column.data else { return None };
    let of: Vec<bool> = dictionary.iter().map(|text| holds(text)).collect();
    let values = codes.iter().map(|&code| of.get(code as usize).copied().unwrap_or(false)).collect();
    let valid = codes.contains(&NULL) || column.valid.is_some();
    let valid =
        valid.then(|| (0..codes.len()).map(|row| codes[row] != NULL && !column.is_null(row)).collect());
    Some(owned(Column { data: Data::Bool(values), valid }))
}

/// Both sides as values of one type, if they are.
macro_rules! sides {
    ($left:expr, $right:expr, $value:ident, $data:ident) => {{
        let of = |side| match side {
            &Operand::Constant(Value::$value(ref value)) => Some(Side::One(value.clone().into())),
            &Operand::Column(ref column) => match &column.data {
                Data::$data(values) => Some(Side::Many(values, column.valid.as_deref())),
                _ => None,
            },
            &Operand::Constant(_) => None,
        };
        of($left).zip(of($right))
    }};
}

fn zipped<T: Copy, U: Default>(
    (left, right): &(Side<'_, T>, Side<'_, T>),
    rows: usize,
    of: impl Fn(T, T) -> Option<U>,
) -> (Vec<U>, Option<Vec<bool>>) {
    let (mut values, mut valid, mut nulls) = (Vec::with_capacity(rows), Vec::with_capacity(rows), 0);
    for row in 0..rows {
        let value = left.get(row).zip(right.get(row)).and_then(|(one, other)| of(one, other));
        valid.push(value.is_some());
        nulls += usize::from(value.is_none());
        values.push(value.unwrap_or_default());
    }
    (values, (nulls > 0).then_some(valid))
}

fn compare(op: CompareOp, left: &Operand<'_>, right: &Operand<'_>, rows: usize) -> Operand<'static> {
    let truths = |(values, valid)| owned(Column { data: Data::Bool(values), valid });
    let sides: Option<(Side<'_, i64>, Side<'_, i64>)> = sides!(left, right, Int, Int)
        .or_else(|| sides!(left, right, Date, Date))
        .or_else(|| sides!(left, right, Datetime, Datetime));
    if let Some(sides) = sides {
        return truths(zipped(&sides, rows, |one, other| Some(op.holds(one.cmp(&other)))));
    }
    let sides: Option<(Side<'_, f64>, Side<'_, f64>)> = sides!(left, right, Float, Float);
    if let Some(sides) = sides {
        return truths(zipped(&sides, rows, |one, other| {
            one.partial_cmp(&other).map(|order| op.holds(order))
        }));
    }
    let sides: Option<(Side<'_, bool>, Side<'_, bool>)> = sides!(left, right, Bool, Bool);
    if let Some(sides) = sides {
        return truths(zipped(&sides, rows, |one, other| Some(op.holds(one.cmp(&other)))));
    }
    match (left, right) {
        (Operand::Column(column), Operand::Constant(Value::String(text))) => {
            of_texts(column, |own| op.holds(own.as_bytes().cmp(text.as_bytes()))).unwrap_or(NONE)
        }
        (Operand::Constant(Value::String(text)), Operand::Column(column)) => {
            of_texts(column, |own| op.holds(text.as_bytes().cmp(own.as_bytes()))).unwrap_or(NONE)
        }
        (Operand::Constant(Value::String(one)), Operand::Constant(Value::String(other))) => {
            Operand::Constant(Value::Bool(op.holds(one.as_bytes().cmp(other.as_bytes()))))
        }
        (Operand::Column(one), Operand::Column(other)) => match (texts(one), texts(other)) {
            (Some(one), Some(other)) => {
                let order =
                    |row| one(row).zip(other(row)).map(|(one, other)| one.as_bytes().cmp(other.as_bytes()));
                let cells: Vec<Option<bool>> =
                    (0..rows).map(|row| order(row).map(|order| op.holds(order))).collect();
                let valid = cells.iter().map(Option::is_some).collect();
                let values = cells.into_iter().map(Option::unwrap_or_default).collect();
                truths((values, Some(valid)))
            }
            _ => NONE,
        },
        _ => NONE,
    }
}

/// The text of each row, of a column of text.
fn texts<'c>(column: &'c Column) -> Option<impl Fn(usize) -> Option<&'c str>> {
    let Data::Text { codes, dictionary } = &column.data else { return None };
    Some(
        move |row: usize| {
            if column.is_null(row) { None } else { dictionary.get(codes[row] as usize).map(String::as_str) }
        },
    )
}

/// Whether a value is among constants.
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "a constant of another type is not among values of this one"
)]
fn among(operand: &Operand<'_>, list: &[Value], rows: usize) -> Operand<'static> {
    let column = match operand {
        Operand::Constant(Value::Null) => return NONE,
        Operand::Constant(value) => {
            let equal = |item: &Value| constant_compare(value, item);
            return Operand::Constant(Value::Bool(list.iter().any(equal)));
        }
        Operand::Column(column) => column,
    };
    let integers = |pick: fn(&Value) -> Option<i64>, values: &[i64]| {
        let list: HashSet<i64> = list.iter().filter_map(pick).collect();
        values.iter().map(|value| list.contains(value)).collect()
    };
    let values: Vec<bool> = match &column.data {
        Data::Int(values) => {
            integers(|item| if let Value::Int(item) = item { Some(*item) } else { None }, values)
        }
        Data::Date(values) => {
            integers(|item| if let Value::Date(item) = item { Some(i64::from(*item)) } else { None }, values)
        }
        Data::Datetime(values) => {
            integers(|item| if let Value::Datetime(item) = item { Some(*item) } else { None }, values)
        }
        Data::Float(values) => {
            let equals = |value: f64| {
                let equal = |item: &Value| matches!(item, Value::Float(item) if value.partial_cmp(item) == Some(Ordering::Equal));
                list.iter().any(equal)
            };
            values.iter().map(|&value| equals(value)).collect()
        }
        Data::Bool(values) => values.iter().map(|value| list.contains(&Value::Bool(*value))).collect(),
        Data::Text { .. } => {
            let list: HashSet<&str> = list
                .iter()
                .filter_map(|item| match item {
                    Value::String(text) => Some(text.as_str()),
                    _ => None,
                })
                .collect();
            return of_texts(column, |text| list.contains(text)).unwrap_or(NONE);
        }
    };
    debug_assert_eq!(values.len(), rows);
    owned(Column { data: Data::Bool(values), valid: column.valid.clone() })
}

/// Whether two constants are equal, as the reference has it.
fn constant_compare(one: &Value, other: &Value) -> bool {
    let constant = |value: &Value| {
        Box::new(Expr { kind: ExprKind::Constant(value.clone()), ty: crate::value::ColumnType::Bool })
    };
    let kind = ExprKind::Compare { op: CompareOp::Equal, left: constant(one), right: constant(other) };
    eval(&Expr { kind, ty: crate::value::ColumnType::Bool }, &|_| Value::Null) == Value::Bool(true)
}

/// Kleene's: one decisive value decides, else one unknown leaves it unknown.
fn fold(all: &[Expr], decisive: bool, batch: &Batch<'_>) -> Operand<'static> {
    let rows = batch.rows;
    let (mut decided, mut unknown) = (vec![false; rows], vec![false; rows]);
    for one in all {
        match evaluate(one, batch) {
            Operand::Constant(Value::Bool(value)) if value == decisive => {
                return Operand::Constant(Value::Bool(decisive));
            }
            Operand::Constant(Value::Bool(_)) => {}
            Operand::Constant(_) => unknown.fill(true),
            Operand::Column(column) => match &column.data {
                Data::Bool(values) => {
                    for (row, &value) in values.iter().enumerate() {
                        if column.is_null(row) {
                            unknown[row] = true;
                        } else {
                            decided[row] |= value == decisive;
                        }
                    }
                }
                Data::Int(_) | Data::Float(_) | Data::Text { .. } | Data::Date(_) | Data::Datetime(_) => {
                    unknown.fill(true);
                }
            },
        }
    }
    let values = decided.iter().map(|&decided| decided == decisive).collect();
    let valid = decided.iter().zip(&unknown).map(|(&decided, &unknown)| decided || !unknown).collect();
    owned(Column { data: Data::Bool(values), valid: unknown.contains(&true).then_some(valid) })
}

fn arithmetic(op: ArithmeticOp, left: &Operand<'_>, right: &Operand<'_>, rows: usize) -> Operand<'static> {
    let sides: Option<(Side<'_, i64>, Side<'_, i64>)> = sides!(left, right, Int, Int);
    if let Some(sides) = sides {
        let of = |one: i64, other: i64| match op {
            ArithmeticOp::Add => one.checked_add(other),
            ArithmeticOp::Subtract => one.checked_sub(other),
            ArithmeticOp::Multiply => one.checked_mul(other),
            // A division is one of floats, and was made so when types were checked.
            ArithmeticOp::Divide => None,
        };
        let (values, valid) = zipped(&sides, rows, of);
        return owned(Column { data: Data::Int(values), valid });
    }
    let sides: Option<(Side<'_, f64>, Side<'_, f64>)> = sides!(left, right, Float, Float);
    let Some(sides) = sides else { return NONE };
    let of = |one: f64, other: f64| {
        let value = match op {
            ArithmeticOp::Add => one + other,
            ArithmeticOp::Subtract => one - other,
            ArithmeticOp::Multiply => one * other,
            ArithmeticOp::Divide => one / other,
        };
        value.is_finite().then_some(value)
    };
    let (values, valid) = zipped(&sides, rows, of);
    owned(Column { data: Data::Float(values), valid })
}

#[cfg(test)]
mod tests;
