//! Loading the columns of a plan, joining tables, and evaluating what is derived.

use std::path::Path;
use std::sync::Arc;

use flockwise_mechanisms::Source as NoiseSource;
use hashbrown::HashMap;
use unicode_normalization::UnicodeNormalization as _;

use super::join::{Joined, join};
use crate::expr::{Expr, eval};
use crate::frame::{Column, Data, Kind, NULL, Preflight, Source, Unreadable, Wanted};
use crate::names::{ColumnName, ColumnRef};
use crate::plan::{Join, Scan};
use crate::policy::Normalize;
use crate::value::{ColumnType, Value};

/// The rows of a data set, with what the plan needs: columns, joined tables, and which rows count.
pub struct Frame {
    /// Columns of the data and derived ones.
    columns: Vec<(ColumnName, Column)>,
    /// Joined tables.
    joined: Vec<Joined>,
    /// The person of each row.
    pub(super) people: People,
}

/// People by code.
pub(super) struct People {
    /// The person of each row; [`NULL`] for none.
    pub codes: Vec<u32>,
    /// What stands for a person in keyed hashes, by code.
    pub names: Vec<Vec<u8>>,
    /// What the privacy unit is.
    pub kind: Kind,
}

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

/// Reads what a scan reads. `base` is the folder of the policy, to which tables' paths are relative; `noise` decides by
/// chance who takes part of those who allow less than the job spends.
///
/// # Errors
/// When a source cannot be read.
pub fn load(
    scan: &Scan,
    source: &Source,
    preflight: &Preflight,
    base: &Path,
    noise: &mut dyn NoiseSource,
) -> Result<Frame, Unreadable> {
    let mut read = source.read(preflight)?.into_iter();
    let unit = normalized(read.next().ok_or(Unreadable)?, &scan.unit.normalize);
    let wanted = scan.columns.iter().filter(|column| column.name != scan.unit.column).zip(read);
    let mut columns: Vec<(ColumnName, Column)> =
        wanted.map(|(wanted, column)| (wanted.name.clone(), normalized(column, &wanted.normalize))).collect();
    let mut people = people(&unit);
    if let Some(consent) = &scan.consent {
        super::consent::remove(&mut people, consent, &scan.unit.normalize, base, noise)?;
    }
    columns.push((scan.unit.column.clone(), unit));
    let mut frame = Frame { columns, joined: Vec::new(), people };
    for table in &scan.joins {
        let joined = join(table, &frame, &scan.unit.column, base)?;
        frame.joined.push(joined);
    }
    for made in &scan.derived {
        let values = (0..frame.rows()).map(|row| eval(&made.expr, &|column| frame.value(column, row)));
        let column = from_values(kind(made.kind), values);
        frame.columns.push((made.name.clone(), column));
    }
    Ok(frame)
}

impl Frame {
    /// Number of rows, those that do not count included.
    pub(super) fn rows(&self) -> usize {
        self.people.codes.len()
    }

    /// The rows that somebody has, and for which the filter is true.
    pub(super) fn counting(&self, filter: Option<&Expr>) -> Vec<u32> {
        let somebody = (0..self.rows() as u32).filter(|&row| self.people.codes[row as usize] != NULL);
        match filter {
            None => somebody.collect(),
            Some(filter) => {
                let holds = |row: &u32| {
                    eval(filter, &|column| self.value(column, *row as usize)) == Value::Bool(true)
                };
                somebody.filter(holds).collect()
            }
        }
    }

    /// A column of the data, or a derived one.
    pub(super) fn column(&self, name: &ColumnName) -> Option<&Column> {
        self.columns.iter().find(|(known, _)| known == name).map(|(_, column)| column)
    }

    /// A joined table.
    pub(super) fn joined(&self, table: &str) -> Option<&Joined> {
        self.joined.iter().find(|joined| joined.table.as_str() == table)
    }

    /// The value of a row in a column; a column that was not read is null.
    fn value(&self, column: &ColumnRef, row: usize) -> Value {
        match &column.table {
            None => self.column(&column.column).map_or(Value::Null, |values| cell(values, row)),
            Some(table) => {
                self.joined(table.as_str()).map_or(Value::Null, |joined| joined.value(&column.column, row))
            }
        }
    }
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

/// A column of values, each of its kind.
pub(crate) fn from_values(kind: Kind, values: impl Iterator<Item = Value>) -> Column {
    let mut builder = crate::frame::Builder::new(kind);
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

/// Codes of the people: one for each distinct value of the privacy unit.
fn people(unit: &Column) -> People {
    let name = |value: Value| person_name(&value).expect("a privacy unit is a number or text");
    match &unit.data {
        Data::Text { codes, dictionary } => {
            let names = dictionary.iter().map(|text| name(Value::String(text.clone()))).collect();
            People { codes: codes.clone(), names, kind: Kind::Text }
        }
        Data::Int(values) => {
            let mut known: HashMap<i64, u32> = HashMap::new();
            let mut names = Vec::new();
            let mut code = |value: i64| {
                *known.entry(value).or_insert_with(|| {
                    names.push(name(Value::Int(value)));
                    names.len() as u32 - 1
                })
            };
            let codes = (0..values.len()).map(|row| if unit.is_null(row) { NULL } else { code(values[row]) });
            People { codes: codes.collect(), names, kind: Kind::Int }
        }
        Data::Float(_) | Data::Bool(_) | Data::Date(_) | Data::Datetime(_) => {
            unreachable!("a preflight lets a privacy unit be int or text")
        }
    }
}
