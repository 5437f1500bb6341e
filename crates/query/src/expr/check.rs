//! Gives every name its meaning and every part its type.

use std::collections::BTreeMap;
use std::ops::Range;

use super::syntax::{Kind, Syntax};
use super::{ArithmeticOp, CompareOp, Expr, ExprError, ExprKind};
use crate::diagnostic::{Code, suggestion};
use crate::names::{ColumnRef, Name};
use crate::value::{ColumnType, Literal, Value};

/// What an expression may name.
#[derive(Clone, Copy, Debug)]
pub struct Scope<'a> {
    /// Columns and their types.
    pub columns: &'a BTreeMap<ColumnRef, ColumnType>,
    /// Parameters, their types and values.
    pub params: &'a BTreeMap<Name, (ColumnType, Value)>,
}

pub(super) fn check(syntax: &Syntax, scope: &Scope<'_>) -> Result<Expr, ExprError> {
    let span = &syntax.span;
    match &syntax.kind {
        Kind::Number(text) => number(text, span),
        Kind::String(text) => Ok(constant(Value::String(text.clone()), ColumnType::String)),
        Kind::Bool(value) => Ok(constant(Value::Bool(*value), ColumnType::Bool)),
        Kind::Time { text, whole_day } => {
            let ty = if *whole_day { ColumnType::Date } else { ColumnType::Datetime(chrono_tz::Tz::UTC) };
            literal(&Literal::String(text.clone()), ty, span)
        }
        Kind::Param(name) => param(name, span, scope),
        Kind::Column { table, column } => column_named(table.as_deref(), column, span, scope),
        Kind::Compare(op, left, right) => compare(*op, left, right, scope),
        Kind::In { operand, list, negated } => Ok(negate_if(*negated, in_list(operand, list, scope)?)),
        Kind::Between { operand, low, high, negated } => {
            let low = compare(CompareOp::GreaterOrEqual, operand, low, scope)?;
            let high = compare(CompareOp::LessOrEqual, operand, high, scope)?;
            Ok(negate_if(*negated, boolean(ExprKind::And(vec![low, high]))))
        }
        Kind::IsNull { operand, negated } => {
            let operand = check(operand, scope)?;
            Ok(negate_if(*negated, boolean(ExprKind::IsNull(Box::new(operand)))))
        }
        Kind::StartsWith { operand, prefix, negated } => {
            Ok(negate_if(*negated, starts_with(operand, prefix, scope)?))
        }
        Kind::And(all) => Ok(boolean(ExprKind::And(predicates(all, scope)?))),
        Kind::Or(all) => Ok(boolean(ExprKind::Or(predicates(all, scope)?))),
        Kind::Not(one) => Ok(boolean(ExprKind::Not(Box::new(predicate(one, scope)?)))),
        Kind::Negate(one) => negate(one, scope),
        Kind::Arithmetic(op, left, right) => {
            arithmetic(*op, (check(left, scope)?, &left.span), (check(right, scope)?, &right.span))
        }
    }
}

fn constant(value: Value, ty: ColumnType) -> Expr {
    Expr { kind: ExprKind::Constant(value), ty }
}

fn boolean(kind: ExprKind) -> Expr {
    Expr { kind, ty: ColumnType::Bool }
}

fn negate_if(negated: bool, expr: Expr) -> Expr {
    if negated { boolean(ExprKind::Not(Box::new(expr))) } else { expr }
}

fn wrong_type(span: &Range<usize>, message: impl Into<String>) -> ExprError {
    ExprError::new(span.clone(), Code::WrongType, message, None)
}

fn number(text: &str, span: &Range<usize>) -> Result<Expr, ExprError> {
    if text.bytes().all(|b| b.is_ascii_digit()) {
        return match text.parse() {
            Ok(value) => Ok(constant(Value::Int(value), ColumnType::Int)),
            Err(_) => Err(ExprError::new(span.clone(), Code::BadValue, "this does not fit 64 bits", None)),
        };
    }
    match text.parse::<f64>() {
        Ok(value) if value.is_finite() => Ok(constant(Value::Float(value), ColumnType::Float)),
        _ => Err(ExprError::new(span.clone(), Code::BadValue, "this is not a finite number", None)),
    }
}

fn literal(literal: &Literal, ty: ColumnType, span: &Range<usize>) -> Result<Expr, ExprError> {
    match literal.typed(ty) {
        Ok(value) => Ok(constant(value, ty)),
        Err(error) => Err(wrong_type(span, error.to_string())),
    }
}

fn param(name: &str, span: &Range<usize>, scope: &Scope<'_>) -> Result<Expr, ExprError> {
    if let Some((ty, value)) = scope.params.get(name) {
        return Ok(constant(value.clone(), *ty));
    }
    let help = suggestion(name, scope.params.keys().map(Name::as_str));
    let message = format!("there is no parameter `${name}`");
    Err(ExprError::new(
        span.clone(),
        Code::UnknownName,
        message,
        Some(format!("{help}; [params] declares them")),
    ))
}

fn column_named(
    table: Option<&str>,
    column: &str,
    span: &Range<usize>,
    scope: &Scope<'_>,
) -> Result<Expr, ExprError> {
    let full = table.map_or_else(|| column.to_owned(), |table| format!("{table}.{column}"));
    let known = full.parse::<ColumnRef>().ok().and_then(|name| scope.columns.get_key_value(&name));
    if let Some((name, ty)) = known {
        return Ok(Expr { kind: ExprKind::Column(name.clone()), ty: *ty });
    }
    let names: Vec<String> = scope.columns.keys().map(ToString::to_string).collect();
    let help = suggestion(&full, names.iter().map(String::as_str));
    let message = format!("there is no column `{full}` here");
    Err(ExprError::new(span.clone(), Code::UnknownName, message, Some(help)))
}

fn predicate(syntax: &Syntax, scope: &Scope<'_>) -> Result<Expr, ExprError> {
    let expr = check(syntax, scope)?;
    if expr.ty == ColumnType::Bool {
        return Ok(expr);
    }
    Err(wrong_type(&syntax.span, format!("this is {}, where true or false must be", expr.ty.name())))
}

fn predicates(all: &[Syntax], scope: &Scope<'_>) -> Result<Vec<Expr>, ExprError> {
    all.iter().map(|one| predicate(one, scope)).collect()
}

pub(super) fn to_float(expr: Expr) -> Expr {
    match (expr.ty, expr.kind) {
        (ColumnType::Int, ExprKind::Constant(Value::Int(value))) => {
            constant(Value::Float(value as f64), ColumnType::Float)
        }
        (ColumnType::Int, kind) => {
            let inner = Box::new(Expr { kind, ty: ColumnType::Int });
            Expr { kind: ExprKind::ToFloat(inner), ty: ColumnType::Float }
        }
        (ty, kind) => Expr { kind, ty },
    }
}

/// A constant as the type it is compared with: a text as a date, a date as the midnight it begins with.
fn coerced(expr: Expr, wanted: ColumnType, span: &Range<usize>) -> Result<Expr, ExprError> {
    match (&expr.kind, wanted) {
        (ExprKind::Constant(Value::String(text)), ColumnType::Date | ColumnType::Datetime(_)) => {
            literal(&Literal::String(text.clone()), wanted, span)
        }
        (ExprKind::Constant(Value::Date(days)), ColumnType::Datetime(_)) => {
            let text = crate::value::date_text(*days);
            literal(&Literal::String(text), wanted, span)
        }
        _ => Ok(expr),
    }
}

fn compare(op: CompareOp, left: &Syntax, right: &Syntax, scope: &Scope<'_>) -> Result<Expr, ExprError> {
    let whole = left.span.start.min(right.span.start)..left.span.end.max(right.span.end);
    let (left_expr, right_expr) = (check(left, scope)?, check(right, scope)?);
    let left_expr = coerced(left_expr, right_expr.ty, &left.span)?;
    let right_expr = coerced(right_expr, left_expr.ty, &right.span)?;
    let (a, b) = (left_expr.ty, right_expr.ty);
    if !a.compares_with(b) {
        return Err(wrong_type(&whole, format!("{} cannot be compared with {}", a.name(), b.name())));
    }
    if a == ColumnType::Bool && !matches!(op, CompareOp::Equal | CompareOp::NotEqual) {
        return Err(wrong_type(&whole, "true and false have no order: use = or !="));
    }
    let mixed = a.is_numeric() && a != b;
    let [left, right] =
        [left_expr, right_expr].map(|side| Box::new(if mixed { to_float(side) } else { side }));
    Ok(boolean(ExprKind::Compare { op, left, right }))
}

fn in_list(operand: &Syntax, list: &[Syntax], scope: &Scope<'_>) -> Result<Expr, ExprError> {
    let mut operand_expr = check(operand, scope)?;
    let mut items = Vec::with_capacity(list.len());
    for item in list {
        let expr = coerced(check(item, scope)?, operand_expr.ty, &item.span)?;
        if !operand_expr.ty.compares_with(expr.ty) {
            let message = format!("{} is never among {}", operand_expr.ty.name(), expr.ty.name());
            return Err(wrong_type(&item.span, message));
        }
        items.push((expr, item));
    }
    let floats =
        operand_expr.ty == ColumnType::Float || items.iter().any(|(item, _)| item.ty == ColumnType::Float);
    if floats {
        operand_expr = to_float(operand_expr);
    }
    let list = items
        .into_iter()
        .map(|(item, syntax)| {
            let ExprKind::Constant(value) = (if floats { to_float(item) } else { item }).kind else {
                let message = "a list holds values, not columns";
                return Err(ExprError::new(syntax.span.clone(), Code::Unsupported, message, None));
            };
            Ok(value)
        })
        .collect::<Result<_, _>>()?;
    Ok(boolean(ExprKind::In { operand: Box::new(operand_expr), list }))
}

fn starts_with(operand: &Syntax, prefix: &Syntax, scope: &Scope<'_>) -> Result<Expr, ExprError> {
    let expr = check(operand, scope)?;
    if expr.ty != ColumnType::String {
        return Err(wrong_type(
            &operand.span,
            format!("starts_with is for strings, and this is {}", expr.ty.name()),
        ));
    }
    let ExprKind::Constant(Value::String(prefix)) = check(prefix, scope)?.kind else {
        return Err(wrong_type(&prefix.span, "starts_with needs a string in quotes, or a parameter"));
    };
    Ok(boolean(ExprKind::StartsWith { operand: Box::new(expr), prefix }))
}

fn negate(one: &Syntax, scope: &Scope<'_>) -> Result<Expr, ExprError> {
    // The lowest integer has no positive twin: read its digits with the sign.
    if let Kind::Number(text) = &one.kind
        && let Ok(value) = format!("-{text}").parse::<i64>()
    {
        return Ok(constant(Value::Int(value), ColumnType::Int));
    }
    let operand = check(one, scope)?;
    if let ExprKind::Constant(Value::Float(value)) = operand.kind {
        return Ok(constant(Value::Float(-value), ColumnType::Float));
    }
    let zero = constant(Value::Int(0), ColumnType::Int);
    arithmetic(ArithmeticOp::Subtract, (zero, &one.span), (operand, &one.span))
}

fn arithmetic(
    op: ArithmeticOp,
    (left, left_span): (Expr, &Range<usize>),
    (right, right_span): (Expr, &Range<usize>),
) -> Result<Expr, ExprError> {
    for (side, span) in [(&left, left_span), (&right, right_span)] {
        if !side.ty.is_numeric() {
            return Err(wrong_type(span, format!("this is {}, where a number must be", side.ty.name())));
        }
    }
    let ints = left.ty == ColumnType::Int && right.ty == ColumnType::Int && op != ArithmeticOp::Divide;
    let ty = if ints { ColumnType::Int } else { ColumnType::Float };
    let [left, right] = [left, right].map(|side| Box::new(if ints { side } else { to_float(side) }));
    Ok(Expr { kind: ExprKind::Arithmetic { op, left, right }, ty })
}
