//! Every expression over a chunk against the reference, row by row.

use proptest::prelude::*;

use super::super::batch::Batch;
use super::super::people::Identified;
use super::super::rows::{Derived, cell};
use super::*;
use crate::names::{ColumnName, ColumnRef};
use crate::value::ColumnType;

const ROWS: usize = 12;
const TYPES: [ColumnType; 6] = [
    ColumnType::Int,
    ColumnType::Float,
    ColumnType::String,
    ColumnType::Bool,
    ColumnType::Date,
    ColumnType::Datetime(chrono_tz::Tz::UTC),
];

fn value(ty: ColumnType) -> BoxedStrategy<Value> {
    let odd = prop_oneof![Just(f64::MAX), Just(-0.0), Just(0.0), Just(5e-324), -3.0..3.0_f64];
    match ty {
        ColumnType::Int => {
            prop_oneof![Just(i64::MAX), Just(i64::MIN), -3..4_i64].prop_map(Value::Int).boxed()
        }
        ColumnType::Float => odd.prop_map(Value::Float).boxed(),
        ColumnType::String => "[ab]{0,2}".prop_map(Value::String).boxed(),
        ColumnType::Bool => any::<bool>().prop_map(Value::Bool).boxed(),
        ColumnType::Date => (-2..3).prop_map(Value::Date).boxed(),
        ColumnType::Datetime(_) => (-2..3_i64).prop_map(Value::Datetime).boxed(),
    }
}

/// A cell of a column: also null, and NaN among numbers.
fn any_cell(ty: ColumnType) -> BoxedStrategy<Value> {
    let nan = if ty == ColumnType::Float { Value::Float(f64::NAN) } else { Value::Null };
    prop_oneof![1 => Just(Value::Null), 1 => Just(nan), 6 => value(ty)].boxed()
}

fn name(ty: ColumnType) -> ColumnName {
    ty.name().parse().unwrap()
}

fn column(ty: ColumnType) -> Expr {
    let column: ColumnRef = ty.name().parse().unwrap();
    Expr { kind: ExprKind::Column(column), ty }
}

/// A column, or a constant, or a column that was not read.
fn leaf(ty: ColumnType) -> BoxedStrategy<Expr> {
    let missing: ColumnRef = "missing".parse().unwrap();
    prop_oneof![
        6 => Just(column(ty)),
        3 => value(ty).prop_map(move |value| Expr { kind: ExprKind::Constant(value), ty }),
        1 => Just(Expr { kind: ExprKind::Column(missing), ty }),
    ]
    .boxed()
}

fn number(ty: ColumnType) -> BoxedStrategy<Expr> {
    let ops = prop_oneof![
        Just(ArithmeticOp::Add),
        Just(ArithmeticOp::Subtract),
        Just(ArithmeticOp::Multiply),
        Just(ArithmeticOp::Divide)
    ];
    let sum = move |(op, left, right): (ArithmeticOp, Expr, Expr)| Expr {
        kind: ExprKind::Arithmetic { op, left: Box::new(left), right: Box::new(right) },
        ty,
    };
    let sums = leaf(ty)
        .prop_recursive(2, 6, 2, move |inner| (ops.clone(), inner.clone(), inner).prop_map(sum).boxed());
    match ty {
        ColumnType::Float => {
            let widened = number(ColumnType::Int)
                .prop_map(|one| Expr { kind: ExprKind::ToFloat(Box::new(one)), ty: ColumnType::Float });
            prop_oneof![3 => sums, 1 => widened].boxed()
        }
        ColumnType::Int
        | ColumnType::String
        | ColumnType::Bool
        | ColumnType::Date
        | ColumnType::Datetime(_) => sums.boxed(),
    }
}

fn operand(ty: ColumnType) -> BoxedStrategy<Expr> {
    if ty.is_numeric() { number(ty) } else { leaf(ty) }
}

fn truth() -> BoxedStrategy<Expr> {
    let boolean = |kind| Expr { kind, ty: ColumnType::Bool };
    let ops = prop_oneof![
        Just(CompareOp::Equal),
        Just(CompareOp::NotEqual),
        Just(CompareOp::Less),
        Just(CompareOp::LessOrEqual),
        Just(CompareOp::Greater),
        Just(CompareOp::GreaterOrEqual)
    ];
    let of_type = (0..TYPES.len()).prop_map(|at| TYPES[at]);
    // Now and then two types that no checker lets through.
    let pair = (of_type.clone(), of_type.clone(), 0..8)
        .prop_flat_map(|(one, other, odd)| (operand(one), operand(if odd == 0 { other } else { one })));
    let compared = (ops, pair).prop_map(move |(op, (left, right))| {
        boolean(ExprKind::Compare { op, left: Box::new(left), right: Box::new(right) })
    });
    let listed = of_type.clone().prop_flat_map(|ty| (operand(ty), prop::collection::vec(value(ty), 0..3)));
    let among =
        listed.prop_map(move |(operand, list)| boolean(ExprKind::In { operand: Box::new(operand), list }));
    let null = of_type.prop_flat_map(operand).prop_map(move |one| boolean(ExprKind::IsNull(Box::new(one))));
    let starts = (leaf(ColumnType::String), "[ab]{0,1}").prop_map(move |(operand, prefix)| {
        boolean(ExprKind::StartsWith { operand: Box::new(operand), prefix })
    });
    let simple = prop_oneof![compared, among, null, starts, leaf(ColumnType::Bool)].boxed();
    simple
        .prop_recursive(3, 12, 3, move |inner| {
            let all = prop::collection::vec(inner.clone(), 1..4);
            prop_oneof![
                all.clone().prop_map(move |all| boolean(ExprKind::And(all))),
                all.prop_map(move |all| boolean(ExprKind::Or(all))),
                inner.prop_map(move |one| boolean(ExprKind::Not(Box::new(one)))),
            ]
        })
        .boxed()
}

fn cells() -> impl Strategy<Value = Vec<Vec<Value>>> {
    let column = |ty| prop::collection::vec(any_cell(ty), ROWS);
    TYPES.map(column).into_iter().collect::<Vec<_>>()
}

/// A column as a file gives it.
fn stored(ty: ColumnType, cells: &[Value]) -> Column {
    let mut builder = crate::frame::Builder::new(super::super::rows::kind(ty));
    for value in cells {
        match value {
            Value::Null => builder.push_null(),
            Value::Bool(value) => builder.push_bool(Some(*value)),
            Value::Int(value) | Value::Datetime(value) => builder.push_int(Some(*value)),
            Value::Float(value) => builder.push_float(Some(*value)),
            Value::String(text) => builder.push_text(Some(text)),
            Value::Date(days) => builder.push_int(Some(i64::from(*days))),
        }
    }
    builder.finish()
}

fn same(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Float(one), Value::Float(other)) => one.to_bits() == other.to_bits(),
        _ => one == other,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, ..ProptestConfig::default() })]

    #[test]
    fn a_chunk_means_what_its_rows_mean(
        cells in cells(),
        exprs in prop::collection::vec(
            prop_oneof![2 => truth(), 1 => number(ColumnType::Int), 1 => number(ColumnType::Float)],
            4,
        ),
    ) {
        let names = TYPES.map(name);
        let columns = names.iter().zip(TYPES).zip(&cells);
        let columns = columns.map(|((name, ty), cells)| (name, stored(ty, cells))).collect();
        let people = Identified { ids: vec![0; ROWS], somebody: None };
        let batch = Batch::new(ROWS, columns, people, &[], &[]);
        for expr in &exprs {
            let derived = Derived { rows: ROWS, kind: expr.ty }.column(evaluate(expr, &batch));
            let counting = batch.counting(Some(expr)).unwrap_or_else(|| (0..ROWS as u32).collect());
            for row in 0..ROWS {
                let reference = eval(expr, &|column| batch.value(column, row));
                let own = cell(&derived, row);
                prop_assert!(same(&own, &reference), "row {}: {:?} is not {:?} of {:?}", row, own, reference, expr);
                let counts = counting.contains(&(row as u32));
                prop_assert_eq!(counts, reference == Value::Bool(true), "row {} of {:?}", row, expr);
            }
        }
    }
}
