//! No bytes make the expression's parser, its types or its meaning panic, hang or exhaust the stack.
#![no_main]

use std::collections::BTreeMap;

use flockwise_query::expr::{ExprText, Scope, eval};
use flockwise_query::names::ColumnRef;
use flockwise_query::value::{ColumnType, Value};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let name = |text: &str| text.parse::<ColumnRef>().expect("it is a name");
    let columns = BTreeMap::from([
        (name("i"), ColumnType::Int),
        (name("f"), ColumnType::Float),
        (name("s"), ColumnType::String),
        (name("b"), ColumnType::Bool),
        (name("d"), ColumnType::Date),
    ]);
    let checked = ExprText::new(text)
        .and_then(|text| text.resolve(&Scope { columns: &columns, params: &BTreeMap::new() }));
    match checked {
        Err(error) => assert!(error.span.start <= error.span.end && error.span.end <= text.len()),
        Ok(expr) => {
            for value in [Value::Null, Value::Int(i64::MIN), Value::Float(f64::NAN), Value::Bool(true)] {
                let _ = eval(&expr, &|_| value.clone());
            }
        }
    }
});
