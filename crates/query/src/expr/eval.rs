//! The meaning of an expression, one row at a time: slow, and the reference for whatever is fast.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "a value of another type than was declared is null, whatever types there will be"
)]

use std::cmp::Ordering;

use super::{ArithmeticOp, Expr, ExprKind};
use crate::names::ColumnRef;
use crate::value::Value;

/// The value of an expression in a row; null where it has none. Total: a row whose values have other types than the
/// scope declared gives null, never a panic.
pub fn eval(expr: &Expr, row: &dyn Fn(&ColumnRef) -> Value) -> Value {
    match &expr.kind {
        ExprKind::Column(column) => without_nan(row(column)),
        ExprKind::Constant(value) => value.clone(),
        ExprKind::ToFloat(one) => match eval(one, row) {
            Value::Int(value) => Value::Float(value as f64),
            _ => Value::Null,
        },
        ExprKind::Compare { op, left, right } => {
            let ordering = compare(&eval(left, row), &eval(right, row));
            ordering.map_or(Value::Null, |ordering| Value::Bool(op.holds(ordering)))
        }
        ExprKind::In { operand, list } => match eval(operand, row) {
            Value::Null => Value::Null,
            value => Value::Bool(list.iter().any(|item| compare(&value, item) == Some(Ordering::Equal))),
        },
        ExprKind::IsNull(one) => Value::Bool(eval(one, row) == Value::Null),
        ExprKind::StartsWith { operand, prefix } => match eval(operand, row) {
            Value::String(text) => Value::Bool(text.starts_with(prefix.as_str())),
            _ => Value::Null,
        },
        ExprKind::And(all) => fold(all, false, row),
        ExprKind::Or(all) => fold(all, true, row),
        ExprKind::Not(one) => match eval(one, row) {
            Value::Bool(value) => Value::Bool(!value),
            _ => Value::Null,
        },
        ExprKind::Arithmetic { op, left, right } => arithmetic(*op, eval(left, row), eval(right, row)),
    }
}

fn without_nan(value: Value) -> Value {
    match value {
        Value::Float(number) if number.is_nan() => Value::Null,
        other => other,
    }
}

/// Kleene's: one decisive value decides, else one unknown leaves it unknown.
fn fold(all: &[Expr], decisive: bool, row: &dyn Fn(&ColumnRef) -> Value) -> Value {
    let mut unknown = false;
    for one in all {
        match eval(one, row) {
            Value::Bool(value) if value == decisive => return Value::Bool(decisive),
            Value::Bool(_) => {}
            _ => unknown = true,
        }
    }
    if unknown { Value::Null } else { Value::Bool(!decisive) }
}

fn compare(left: &Value, right: &Value) -> Option<Ordering> {
    match (left, right) {
        (Value::Bool(a), Value::Bool(b)) => Some(a.cmp(b)),
        (Value::Int(a), Value::Int(b)) | (Value::Datetime(a), Value::Datetime(b)) => Some(a.cmp(b)),
        (Value::Float(a), Value::Float(b)) => a.partial_cmp(b),
        (Value::String(a), Value::String(b)) => Some(a.as_bytes().cmp(b.as_bytes())),
        (Value::Date(a), Value::Date(b)) => Some(a.cmp(b)),
        _ => None,
    }
}

fn arithmetic(op: ArithmeticOp, left: Value, right: Value) -> Value {
    match (left, right) {
        (Value::Int(a), Value::Int(b)) => {
            let value = match op {
                ArithmeticOp::Add => a.checked_add(b),
                ArithmeticOp::Subtract => a.checked_sub(b),
                ArithmeticOp::Multiply => a.checked_mul(b),
                // A division is one of floats, and was made so when types were checked.
                ArithmeticOp::Divide => None,
            };
            value.map_or(Value::Null, Value::Int)
        }
        (Value::Float(a), Value::Float(b)) => {
            let value = match op {
                ArithmeticOp::Add => a + b,
                ArithmeticOp::Subtract => a - b,
                ArithmeticOp::Multiply => a * b,
                ArithmeticOp::Divide => a / b,
            };
            if value.is_finite() { Value::Float(value) } else { Value::Null }
        }
        _ => Value::Null,
    }
}
