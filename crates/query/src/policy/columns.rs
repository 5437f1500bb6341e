//! Reads columns of the data and of tables.

use std::collections::BTreeMap;

use chrono_tz::Tz;

use super::{Column, Derived, Missing, Normalize, NullKeys, Table, TimeRange, typed};
use crate::diagnostic::Code;
use crate::document::{Entry, Fields, Node, Reader};
use crate::expr::{ExprText, Scope};
use crate::names::{ColumnName, ColumnRef};
use crate::value::{Bounds, ColumnType, Value};

/// The longest list of public keys.
pub const MOST_KEYS: usize = 100_000;

const COLUMN_FIELDS: [&str; 11] =
    ["type", "tz", "bounds", "from", "until", "keys", "null_keys", "normalize", "split", "on_null", "on_nan"];

pub(super) fn columns(reader: &mut Reader<'_>, node: &Node) -> Option<BTreeMap<ColumnName, Column>> {
    let mut all = Some(BTreeMap::new());
    for entry in reader.entries(node, "columns")? {
        let name = reader.entry_column(entry);
        let column =
            reader.fields(&entry.node, "a column", &COLUMN_FIELDS).and_then(|fields| column(reader, &fields));
        insert(&mut all, name, column);
    }
    all
}

pub(super) fn derived(
    reader: &mut Reader<'_>,
    node: &Node,
    listed: &BTreeMap<ColumnName, Column>,
) -> Option<BTreeMap<ColumnName, Derived>> {
    let types = listed.iter().map(|(name, column)| (ColumnRef::of_data(name.clone()), column.kind)).collect();
    let mut known = vec!["expr"];
    known.extend(COLUMN_FIELDS);
    let mut all = Some(BTreeMap::new());
    for entry in reader.entries(node, "[derive]")? {
        let name = reader.entry_column(entry);
        insert(&mut all, name, one_derived(reader, entry, &known, &types));
    }
    all
}

fn one_derived(
    reader: &mut Reader<'_>,
    entry: &Entry,
    known: &[&'static str],
    types: &BTreeMap<ColumnRef, ColumnType>,
) -> Option<Derived> {
    let fields = reader.fields(&entry.node, "a derived column", known)?;
    let column = column(reader, &fields);
    let node = fields.need(reader, "expr", "expr = \"quantity * unit_price\"")?;
    let written = reader.string(node, "expr")?;
    // No parameters: what a derived column means is the curator's to say, not the job's.
    let scope = Scope { columns: types, params: &BTreeMap::new() };
    let checked = ExprText::new(written).and_then(|text| text.resolve(&scope).map(|expr| (text, expr)));
    let (text, expr) = match checked {
        Ok(checked) => checked,
        Err(error) => {
            reader.report_within(node, error.span.clone(), (error.code, error.message, error.help));
            return None;
        }
    };
    let column = column?;
    match expr.into_type(column.kind) {
        Ok(expr) => Some(Derived { text, expr, column }),
        Err(kind) => {
            let message =
                format!("the expression is {}, and the column is {}", kind.name(), column.kind.name());
            reader.fail(node, Code::WrongType, message, format!("type = \"{}\"", kind.name()))
        }
    }
}

/// Keeps what is right, and remembers that something was wrong.
fn insert<K: Ord, V>(all: &mut Option<BTreeMap<K, V>>, key: Option<K>, value: Option<V>) {
    match (all.as_mut(), key, value) {
        (Some(map), Some(key), Some(value)) => {
            map.insert(key, value);
        }
        _ => *all = None,
    }
}

pub(super) fn table(reader: &mut Reader<'_>, node: &Node) -> Option<Table> {
    let fields = reader.fields(node, "a table", &["source", "private", "key", "columns"])?;
    let source =
        fields.need(reader, "source", "source = \"movies.parquet\"").and_then(|node| sources(reader, node));
    let private = fields.optional("private", |node| reader.boolean(node, "private"));
    let key = fields.need(reader, "key", "key = [\"movie_id\"]").and_then(|node| {
        let key = reader.distinct(node, "key", |reader, item| reader.column(item, "key"))?;
        if key.is_empty() {
            return reader.fail(node, Code::BadValue, "a table needs at least one key column", None);
        }
        Some(key)
    });
    let columns = match fields.get("columns") {
        Some(node) => columns(reader, node),
        None => Some(BTreeMap::new()),
    };
    let columns = columns?;
    for (name, column) in &columns {
        if column.bounds.is_some() && !column.kind.is_numeric() {
            let message = format!("`{name}` has bounds but is not a number");
            reader.report(node, Code::Conflict, message, None);
        }
    }
    Some(Table { source: source?, private: private?.unwrap_or(false), key: key?, columns })
}

/// A path or a list of them.
pub(super) fn sources(reader: &mut Reader<'_>, node: &Node) -> Option<Vec<String>> {
    let one = |reader: &mut Reader<'_>, node: &Node| {
        let text = reader.string(node, "source")?;
        if text.trim().is_empty() || text.chars().any(char::is_control) {
            return reader.fail(node, Code::BadValue, "source must be a path or a glob", None);
        }
        Some(text.to_owned())
    };
    if matches!(node.value, crate::document::NodeValue::String(_)) {
        return one(reader, node).map(|path| vec![path]);
    }
    let all = reader.distinct(node, "source", one)?;
    if all.is_empty() {
        return reader.fail(node, Code::BadValue, "source must name at least one path", None);
    }
    Some(all)
}

fn column(reader: &mut Reader<'_>, fields: &Fields<'_>) -> Option<Column> {
    let kind = kind(reader, fields)?;
    let name = kind.name();
    refuse_unless(reader, fields, &["bounds", "on_null", "on_nan"], kind.is_numeric(), name, "numbers");
    refuse_unless(reader, fields, &["from", "until"], kind.is_time(), name, "dates and times");
    refuse_unless(reader, fields, &["normalize", "split"], kind == ColumnType::String, name, "strings");
    let keyed = kind != ColumnType::Float;
    refuse_unless(reader, fields, &["keys", "null_keys"], keyed, name, "columns that are not floats");
    let bounds = fields.optional("bounds", |node| reader.bounds(node, "bounds"));
    let range = range(reader, fields, kind);
    let keys = fields.optional("keys", |node| keys(reader, node, kind));
    let null_keys = fields.optional("null_keys", |node| null_keys(reader, node, kind));
    let normalize = fields.optional("normalize", |node| {
        reader.distinct(node, "normalize", |reader, item| reader.word(item, "normalize", &Normalize::WORDS))
    });
    let split = fields.optional("split", |node| split(reader, node));
    check_keys(reader, fields, &keys, &normalize, &split, &null_keys);
    let bounds = bounds?;
    let on_null = fields.optional("on_null", |node| missing(reader, node, "on_null", kind, bounds));
    let on_nan = fields.optional("on_nan", |node| missing(reader, node, "on_nan", kind, bounds));
    Some(Column {
        kind,
        bounds,
        range: range?,
        keys: keys?,
        null_keys: null_keys?.unwrap_or(NullKeys::Drop),
        normalize: normalize?.unwrap_or_default(),
        split: split?,
        on_null: on_null?.unwrap_or(Missing::Drop),
        on_nan: on_nan?.unwrap_or(Missing::Drop),
    })
}

/// A key that no row can have is a mistake that would show as an empty cell, for ever.
fn check_keys(
    reader: &mut Reader<'_>,
    fields: &Fields<'_>,
    keys: &Option<Option<Vec<Value>>>,
    normalize: &Option<Option<Vec<Normalize>>>,
    split: &Option<Option<String>>,
    null_keys: &Option<Option<NullKeys>>,
) {
    let (Some(Some(keys)), Some(node)) = (keys, fields.get("keys")) else { return };
    let steps = normalize.iter().flatten().flatten();
    let texts = keys.iter().filter_map(|key| if let Value::String(text) = key { Some(text) } else { None });
    for text in texts {
        let changed = steps.clone().any(|step| step.changes(text));
        let cut = split.iter().flatten().any(|split| text.contains(split.as_str()));
        if changed || cut {
            let how = if changed { "normalize changes" } else { "split cuts" };
            let message = format!("no row can have the key `{}`: {how} it", crate::document::shortened(text));
            reader.report(node, Code::Conflict, message, "write it as it comes out".to_owned());
        }
    }
    if let (Some(Some(NullKeys::Value(value))), Some(node)) = (null_keys, fields.get("null_keys"))
        && !keys.contains(value)
    {
        let help = "add it to keys, or drop such rows".to_owned();
        reader.report(node, Code::Conflict, "what null becomes is not among the keys".to_owned(), help);
    }
}

fn refuse_unless(
    reader: &mut Reader<'_>,
    fields: &Fields<'_>,
    names: &[&str],
    fits: bool,
    kind: &str,
    what: &str,
) {
    for node in names.iter().filter(|_| !fits).filter_map(|name| fields.get(name)) {
        let message = format!("this is for {what}, and the column is {kind}");
        reader.report(node, Code::Conflict, message, "remove it".to_owned());
    }
}

fn kind(reader: &mut Reader<'_>, fields: &Fields<'_>) -> Option<ColumnType> {
    let words = [
        ("int", ColumnType::Int),
        ("float", ColumnType::Float),
        ("string", ColumnType::String),
        ("bool", ColumnType::Bool),
        ("date", ColumnType::Date),
        ("datetime", ColumnType::Datetime(Tz::UTC)),
    ];
    let kind = fields
        .need(reader, "type", "type = \"int\", \"float\", \"string\", \"bool\", \"date\" or \"datetime\"")
        .and_then(|node| reader.word(node, "type", &words));
    let zone = fields.optional("tz", |node| reader.time_zone(node));
    match (kind?, zone?) {
        (ColumnType::Datetime(_), zone) => Some(ColumnType::Datetime(zone.unwrap_or(Tz::UTC))),
        (kind, None) => Some(kind),
        (kind, Some(_)) => {
            let node = fields.get("tz").unwrap_or_else(|| fields.node());
            reader.fail(
                node,
                Code::Conflict,
                format!("tz is for datetime columns, and this is {}", kind.name()),
                None,
            )
        }
    }
}

fn keys(reader: &mut Reader<'_>, node: &Node, kind: ColumnType) -> Option<Vec<Value>> {
    let items = reader.items(node, "keys")?;
    if items.is_empty() || items.len() > MOST_KEYS {
        return reader.fail(node, Code::BadValue, format!("keys must name from 1 to {MOST_KEYS} keys"), None);
    }
    let mut seen = std::collections::BTreeSet::new();
    let mut all = Some(Vec::with_capacity(items.len()));
    for item in items {
        match value(reader, item, kind, "a key") {
            Some(value) if seen.insert(format!("{value:?}")) => {
                if let Some(all) = &mut all {
                    all.push(value);
                }
            }
            Some(_) => reader.report(item, Code::Duplicate, "keys names this twice".to_owned(), None),
            None => all = None,
        }
    }
    all
}

/// A literal that fits a column's type.
pub(super) fn value(reader: &mut Reader<'_>, node: &Node, kind: ColumnType, what: &str) -> Option<Value> {
    let literal = reader.literal(node, what)?;
    match typed(&literal, kind) {
        Ok(value) => Some(value),
        Err(error) => reader.fail(node, Code::WrongType, error, None),
    }
}

fn null_keys(reader: &mut Reader<'_>, node: &Node, kind: ColumnType) -> Option<NullKeys> {
    if node.entries().is_some() {
        let fields = reader.fields(node, "null_keys", &["value"])?;
        let node = fields.need(reader, "value", "value = \"unknown\"")?;
        return value(reader, node, kind, "null_keys").map(NullKeys::Value);
    }
    reader
        .word(node, "null_keys", &[("drop", false), ("keep", true)])
        .map(|keep| if keep { NullKeys::Keep } else { NullKeys::Drop })
}

fn missing(
    reader: &mut Reader<'_>,
    node: &Node,
    what: &str,
    kind: ColumnType,
    bounds: Option<Bounds>,
) -> Option<Missing> {
    if node.entries().is_none() {
        return reader.word(node, what, &[("drop", Missing::Drop)]);
    }
    let fields = reader.fields(node, "a replacement", &["value"])?;
    let node = fields.need(reader, "value", "value = 0")?;
    let number = reader.number(node, what)?;
    if kind == ColumnType::Int && number.fract() != 0.0 {
        return reader.fail(
            node,
            Code::WrongType,
            format!("{what} must be an integer, as the column is"),
            None,
        );
    }
    if bounds.is_some_and(|bounds| number < bounds.low() || number > bounds.high()) {
        return reader.fail(node, Code::BadValue, format!("{what} must lie within the bounds"), None);
    }
    Some(Missing::Value(number))
}

fn split(reader: &mut Reader<'_>, node: &Node) -> Option<String> {
    let text = reader.string(node, "split")?;
    if text.is_empty() || text.len() > 16 {
        return reader.fail(node, Code::BadValue, "split must be from 1 to 16 bytes", None);
    }
    Some(text.to_owned())
}

fn range(reader: &mut Reader<'_>, fields: &Fields<'_>, kind: ColumnType) -> Option<Option<TimeRange>> {
    if !kind.is_time() {
        return Some(None);
    }
    let from = fields.optional("from", |node| value(reader, node, kind, "from"));
    let until = fields.optional("until", |node| value(reader, node, kind, "until"));
    match (from?, until?) {
        (None, None) => Some(None),
        (Some(from), Some(until)) if TimeRange::ordered(&from, &until) => {
            Some(Some(TimeRange { from, until }))
        }
        (Some(_), Some(_)) => {
            reader.fail(fields.get("until")?, Code::BadValue, "until must be later than from", None)
        }
        _ => reader.fail(fields.node(), Code::MissingField, "from and until go together", None),
    }
}

impl TimeRange {
    /// Whether two moments of one kind are in order and distinct.
    pub(crate) fn ordered(from: &Value, until: &Value) -> bool {
        match (from, until) {
            (Value::Date(from), Value::Date(until)) => from < until,
            (Value::Datetime(from), Value::Datetime(until)) => from < until,
            _ => false,
        }
    }
}
