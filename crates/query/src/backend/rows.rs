//! What is read of a source, and cells of columns.

use std::sync::Arc;

use hashbrown::HashMap;
use unicode_normalization::UnicodeNormalization as _;

use super::vector::Operand;
use crate::frame::{Builder, Column, Data, Kind, NULL, Wanted};
use crate::names::ColumnName;
use crate::plan::{Join, Scan};
use crate::policy::Normalize;
use crate::value::{ColumnType, Value};

/// The kind of column that holds a type.
pub(crate) const fn kind(column: ColumnType) -> Kind {
    match column {
        ColumnType::Int => Kind::Int,
        ColumnType::Float => Kind::Float,
        ColumnType::String => Kind::Text,
        ColumnType::Bool => Kind::Bool,
        ColumnType::Date => Kind::Date,
        ColumnType::Datetime(_) => Kind::Datetime,
    }
}

/// What a preflight must find in the data.
pub(crate) fn wanted(scan: &Scan) -> Vec<Wanted> {
    let unit = Wanted { name: scan.unit.column.to_string(), kind: scan.unit.kind.map(kind) };
    let columns = scan.columns.iter().filter(|column| column.name != scan.unit.column);
    let columns =
        columns.map(|column| Wanted { name: column.name.to_string(), kind: Some(kind(column.kind)) });
    std::iter::once(unit).chain(columns).collect()
}

/// What a preflight must find in a joined table. The privacy unit is there what it is in the data.
pub(crate) fn wanted_of_table(join: &Join, unit: &ColumnName, unit_kind: Kind) -> Vec<Wanted> {
    let key = join.key.iter().map(|column| {
        let kind = if column.name == *unit { unit_kind } else { kind(column.kind) };
        Wanted { name: column.name.to_string(), kind: Some(kind) }
    });
    let others = join.columns.iter();
    key.chain(others.map(|column| Wanted { name: column.name.to_string(), kind: Some(kind(column.kind)) }))
        .collect()
}

/// One cell of a column.
pub(crate) fn cell(column: &Column, row: usize) -> Value {
    if column.is_null(row) {
        return Value::Null;
    }
    match &column.data {
        Data::Int(values) => Value::Int(values[row]),
        Data::Float(values) => Value::Float(values[row]),
        Data::Text { codes, dictionary } if codes[row] != NULL => {
            Value::String(dictionary[codes[row] as usize].clone())
        }
        Data::Text { .. } => Value::Null,
        Data::Bool(values) => Value::Bool(values[row]),
        Data::Date(values) => i32::try_from(values[row]).map_or(Value::Null, Value::Date),
        Data::Datetime(values) => Value::Datetime(values[row]),
    }
}

/// The column of a derived value, of its declared type: what does not fit is null.
pub(super) struct Derived {
    pub rows: usize,
    pub kind: ColumnType,
}

impl Derived {
    pub fn column(&self, values: Operand<'_>) -> Column {
        match values {
            Operand::Constant(value) => {
                from_values(kind(self.kind), std::iter::once(value)).repeated(self.rows)
            }
            Operand::Column(column) if is_of(&column.data, kind(self.kind)) => column.into_owned(),
            Operand::Column(column) => {
                from_values(kind(self.kind), (0..self.rows).map(|row| cell(&column, row)))
            }
        }
    }
}

const fn is_of(data: &Data, kind: Kind) -> bool {
    matches!(
        (data, kind),
        (Data::Int(_), Kind::Int)
            | (Data::Float(_), Kind::Float)
            | (Data::Text { .. }, Kind::Text)
            | (Data::Bool(_), Kind::Bool)
            | (Data::Date(_), Kind::Date)
            | (Data::Datetime(_), Kind::Datetime)
    )
}

/// A column of values, each of its kind.
pub(crate) fn from_values(kind: Kind, values: impl Iterator<Item = Value>) -> Column {
    let mut builder = Builder::new(kind);
    for value in values {
        match value {
            Value::Int(value) | Value::Datetime(value) => builder.push_int(Some(value)),
            Value::Float(value) => builder.push_float(Some(value)),
            Value::Bool(value) => builder.push_bool(Some(value)),
            Value::String(text) => builder.push_text(Some(&text)),
            Value::Date(days) => builder.push_int(Some(i64::from(days))),
            Value::Null => builder.push_null(),
        }
    }
    builder.finish()
}

/// Text, normalized: each text of the dictionary by itself.
pub(crate) fn normalized(column: Column, steps: &[Normalize]) -> Column {
    let Column { data: Data::Text { codes, dictionary }, valid } = column else { return column };
    if steps.is_empty() {
        return Column { data: Data::Text { codes, dictionary }, valid };
    }
    let mut texts: Vec<String> = Vec::new();
    let mut known: HashMap<String, u32> = HashMap::new();
    let renamed: Vec<u32> = dictionary
        .iter()
        .map(|text| {
            let text = normalize(text, steps);
            *known.entry(text).or_insert_with_key(|text| {
                texts.push(text.clone());
                texts.len() as u32 - 1
            })
        })
        .collect();
    let codes =
        codes.into_iter().map(|code| if code == NULL { NULL } else { renamed[code as usize] }).collect();
    Column { data: Data::Text { codes, dictionary: Arc::new(texts) }, valid }
}

fn normalize(text: &str, steps: &[Normalize]) -> String {
    steps.iter().fold(text.to_owned(), |text, step| match step {
        Normalize::Nfc => text.nfc().collect(),
        Normalize::Trim => text.trim().to_owned(),
        Normalize::Lower => text.to_lowercase(),
    })
}

/// What stands for a person in keyed hashes and in the table of consent.
pub(crate) fn person_name(unit: &Value) -> Option<Vec<u8>> {
    let named = matches!(unit, Value::Int(_) | Value::String(_));
    let mut name = Vec::new();
    crate::key::encode(unit, &mut name);
    named.then_some(name)
}
