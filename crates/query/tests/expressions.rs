//! The meaning of row expressions.

use std::collections::BTreeMap;

use flockwise_query::expr::{Expr, ExprError, ExprText, Scope, eval};
use flockwise_query::names::{ColumnRef, Name};
use flockwise_query::value::{ColumnType, Value};
use proptest::prelude::*;

fn columns() -> BTreeMap<ColumnRef, ColumnType> {
    let amsterdam = "Europe/Amsterdam".parse().unwrap();
    [
        ("i", ColumnType::Int),
        ("j", ColumnType::Int),
        ("f", ColumnType::Float),
        ("s", ColumnType::String),
        ("b", ColumnType::Bool),
        ("d", ColumnType::Date),
        ("t", ColumnType::Datetime(amsterdam)),
        ("movies.genre", ColumnType::String),
        ("order-date", ColumnType::Date),
    ]
    .into_iter()
    .map(|(name, ty)| (name.parse().unwrap(), ty))
    .collect()
}

fn checked(text: &str) -> Result<Expr, ExprError> {
    let params: BTreeMap<Name, (ColumnType, Value)> =
        [("day".parse().unwrap(), (ColumnType::Date, Value::Date(0)))].into();
    ExprText::new(text)?.resolve(&Scope { columns: &columns(), params: &params })
}

fn value(text: &str, row: &[(&str, Value)]) -> Value {
    let expr = checked(text).unwrap_or_else(|error| panic!("{text}: {error}"));
    let lookup = |name: &ColumnRef| {
        row.iter()
            .find(|(known, _)| *known == name.to_string())
            .map_or(Value::Null, |(_, value)| value.clone())
    };
    eval(&expr, &lookup)
}

#[test]
fn comparisons_and_arithmetic_mean_what_they_say() {
    let row = [
        ("i", Value::Int(7)),
        ("f", Value::Float(2.5)),
        ("s", Value::String("Drama".to_owned())),
        ("b", Value::Bool(true)),
    ];
    for text in [
        "i = 7",
        "i == 7",
        "i != 8",
        "i >= 7 and i <= 7",
        "7 = i",
        "i > f",
        "i / 2 = 3.5",
        "i * 2 - 4 / 2 = 12",
        "-i = -7",
        "- -i = 7",
        "(i + 1) * 2 = 16",
        "i in (1, 7)",
        "i not in (1, 2)",
        "i in (7.0)",
        "f in (2.5, 3)",
        "i between 7 and 8",
        "i not between 8 and 9",
        "s starts_with 'Dr'",
        "starts_with(s, 'Dra')",
        "s not starts_with 'X'",
        "s = \"Drama\"",
        "s < 'E' AND NOT s < 'D'",
        "b",
        "b = true",
        "not (b = false)",
        "i = 8 or s in ('Drama')",
        "movies.genre is null",
        "s is not null",
        "i = 0 or i = 1 or i = 7",
        "not b or i = 7 and b",
        "1e3 = 1000",
        ".5 < 1",
        "-9223372036854775808 < i",
    ] {
        assert_eq!(value(text, &row), Value::Bool(true), "{text}");
    }
}

#[test]
fn null_is_unknown() {
    let row = [("b", Value::Bool(true)), ("f", Value::Float(f64::NAN))];
    for (text, expected) in [
        ("i = i", Value::Null),
        ("i = 1 or b", Value::Bool(true)),
        ("i = 1 and b", Value::Null),
        ("i = 1 and not b", Value::Bool(false)),
        ("not (i = 1)", Value::Null),
        ("i in (1)", Value::Null),
        ("i not in (1)", Value::Null),
        ("s starts_with ''", Value::Null),
        ("f = f", Value::Null),
        ("f is null", Value::Bool(true)),
        ("i is null", Value::Bool(true)),
        ("(i + 1) is null", Value::Bool(true)),
        ("i between 1 and 2", Value::Null),
    ] {
        assert_eq!(value(text, &row), expected, "{text}");
    }
}

#[test]
fn what_has_no_value_is_null() {
    let row = [("i", Value::Int(i64::MAX)), ("j", Value::Int(0)), ("f", Value::Float(1e300))];
    for text in [
        "i + 1",
        "i * 2",
        "-1 - i - 2",
        "i / j",
        "j / j",
        "f * f",
        "-(f * f)",
        "f / 0",
        "f / 0.0",
        "i + 1 - 1",
    ] {
        assert_eq!(value(text, &row), Value::Null, "{text}");
    }
    // A row of other types than were declared is null, not a panic.
    assert_eq!(value("i + 1", &[("i", Value::String("x".to_owned()))]), Value::Null);
    assert_eq!(value("f = 1", &[("f", Value::Int(1))]), Value::Null);
    assert_eq!(value("f = 0.0", &[("f", Value::Float(-0.0))]), Value::Bool(true));
}

#[test]
fn dates_and_times_are_typed_by_what_they_stand_beside() {
    // Midnight in Amsterdam, in winter, is an hour before midnight UTC.
    let midnight = ("t", Value::Datetime(-3_600_000_000));
    assert_eq!(value("t = '1970-01-01'", std::slice::from_ref(&midnight)), Value::Bool(true));
    assert_eq!(value("t = $day", std::slice::from_ref(&midnight)), Value::Bool(true));
    assert_eq!(value("t = date '1970-01-01'", std::slice::from_ref(&midnight)), Value::Bool(true));
    assert_eq!(
        value("t = datetime '1969-12-31T23:00:00Z'", std::slice::from_ref(&midnight)),
        Value::Bool(true)
    );
    assert_eq!(
        value("t in ('1970-01-01', '1970-01-02')", std::slice::from_ref(&midnight)),
        Value::Bool(true)
    );
    assert_eq!(value("d between '1970-01-01' and '1970-01-03'", &[("d", Value::Date(2))]), Value::Bool(true));
    assert_eq!(
        value("`order-date` > date '1969-12-31'", &[("order-date", Value::Date(0))]),
        Value::Bool(true)
    );
}

#[test]
fn what_does_not_fit_is_refused_where_it_stands() {
    for (text, fragment, at) in [
        ("", "ends where a value must come", 0),
        ("i =", "ends where a value must come", 3),
        ("i = 1 i", "is `and` missing?", 6),
        ("i = 1 && b", "written `and`", 6),
        ("i <> 1", "written `!=`", 2),
        ("1 < i < 3", "do not chain", 6),
        ("i is 3", "`null` or `not null`", 5),
        ("i = null", "never true", 4),
        ("s = 'a", "closing quote", 4),
        ("i = 12abc", "neither a number", 4),
        ("i # 2", "no meaning", 2),
        ("(i = 1", "`)` is missing", 6),
        ("i between 1", "two ends", 11),
        ("i in ()", "missing before this", 6),
        ("lower(s) = 'a'", "no functions", 5),
        ("random() < 1", "no functions", 6),
        ("movies.", "column of the table", 7),
        ("$ = 1", "$ and its name", 0),
        ("in = 1", "missing before this", 0),
        ("i = 'a'", "int cannot be compared with string", 0),
        ("s > 3", "string cannot be compared with int", 0),
        ("b > true", "have no order", 0),
        ("i and b", "where true or false must be", 0),
        ("not i", "where true or false must be", 4),
        ("s + 'a' = 'b'", "where a number must be", 0),
        ("d > '2026-13-01'", "not a date", 4),
        ("d > '2026-1-1'", "not a date", 4),
        ("t > '2026-03-29T02:30:00'", "no such local time", 4),
        ("d = t", "date cannot be compared with datetime", 0),
        ("i in (j)", "values, not columns", 6),
        ("i starts_with 'a'", "for strings", 0),
        ("s starts_with s", "string in quotes", 14),
        ("x = 1", "no column `x`", 0),
        ("movies.title = 'a'", "no column `movies.title`", 0),
        ("i = $dya", "no parameter `$dya`", 4),
        ("i = 99999999999999999999", "64 bits", 4),
        ("f = 1e999", "finite", 4),
    ] {
        let error = checked(text).expect_err(text);
        assert!(error.message.contains(fragment), "{text}: {}", error.message);
        assert_eq!(error.span.start, at, "{text}: {}", error.message);
    }
}

#[test]
fn hostile_nesting_is_refused_and_long_chains_are_not() {
    for hostile in [
        "(".repeat(10_000),
        "not ".repeat(400) + "b",
        "-".repeat(400) + "i = 1",
        format!("{}b{}", "(".repeat(100), ")".repeat(100)),
        "i = 1 or ".repeat(1000) + "b",
        "x".repeat(100_000),
        format!("s = '{}'", "y".repeat(100_000)),
    ] {
        assert!(checked(&hostile).is_err());
    }
    assert!(checked(&("i + ".repeat(200) + "1 > 0")).is_ok());
    assert!(checked(&("i = 1 or ".repeat(100) + "b")).is_ok());
    assert!(checked(&format!("{}b{}", "(".repeat(40), ")".repeat(40))).is_ok());
}

fn any_value(ty: ColumnType) -> BoxedStrategy<Value> {
    let some = match ty {
        ColumnType::Int => any::<i64>().prop_map(Value::Int).boxed(),
        ColumnType::Float => any::<f64>().prop_map(Value::Float).boxed(),
        ColumnType::String => ".{0,4}".prop_map(Value::String).boxed(),
        ColumnType::Bool => any::<bool>().prop_map(Value::Bool).boxed(),
        ColumnType::Date => any::<i32>().prop_map(Value::Date).boxed(),
        ColumnType::Datetime(_) => any::<i64>().prop_map(Value::Datetime).boxed(),
    };
    prop_oneof![1 => Just(Value::Null), 4 => some].boxed()
}

/// Texts of expressions, most of them well typed.
fn any_text() -> impl Strategy<Value = String> {
    let number = prop_oneof![
        Just("i".to_owned()),
        Just("j".to_owned()),
        Just("f".to_owned()),
        Just("0".to_owned()),
        Just("2.5".to_owned()),
        Just("9223372036854775807".to_owned())
    ]
    .prop_recursive(3, 12, 2, |inner| {
        (inner.clone(), prop::sample::select(vec!["+", "-", "*", "/"]), inner)
            .prop_map(|(a, op, b)| format!("({a} {op} {b})"))
    });
    let op = prop::sample::select(vec!["=", "!=", "<", "<=", ">", ">="]);
    let leaf = prop_oneof![
        (number.clone(), op, number.clone()).prop_map(|(a, op, b)| format!("{a} {op} {b}")),
        number.clone().prop_map(|a| format!("{a} in (0, 1, 2.5)")),
        number.prop_map(|a| format!("{a} is null")),
        Just("s starts_with 'a'".to_owned()),
        Just("b".to_owned()),
        Just("t >= '2026-01-01'".to_owned()),
    ];
    leaf.prop_recursive(4, 24, 2, |inner| {
        prop_oneof![
            (inner.clone(), prop::sample::select(vec!["and", "or"]), inner.clone())
                .prop_map(|(a, op, b)| format!("({a} {op} {b})")),
            inner.prop_map(|a| format!("not ({a})")),
        ]
    })
}

proptest! {
    #[test]
    fn s5_every_expression_is_total_and_depends_on_its_row_alone(
        text in any_text(),
        i in any_value(ColumnType::Int), j in any_value(ColumnType::Int), f in any_value(ColumnType::Float),
        s in any_value(ColumnType::String), b in any_value(ColumnType::Bool),
        t in any_value(ColumnType::Datetime(chrono_tz_utc())),
    ) {
        let row = [("i", i), ("j", j), ("f", f), ("s", s), ("b", b), ("t", t)];
        let first = value(&text, &row);
        prop_assert!(matches!(first, Value::Bool(_) | Value::Null));
        // Nothing but the row goes in: another evaluation in between changes nothing.
        value(&text, &[]);
        prop_assert_eq!(value(&text, &row), first);
    }

    #[test]
    fn any_text_is_an_expression_or_an_error_within_it(text in ".{0,60}") {
        if let Err(error) = checked(&text) {
            prop_assert!(error.span.start <= error.span.end && error.span.end <= text.len());
        }
    }
}

fn chrono_tz_utc() -> chrono_tz::Tz {
    chrono_tz::Tz::UTC
}
