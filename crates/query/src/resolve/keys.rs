//! Where each key comes from: the policy, a public table, the job's own text, or noise; never people's rows.

use std::collections::BTreeSet;

use super::{Checker, Domain, Key, MOST_CELLS, Shape};
use crate::diagnostic::Code;
use crate::job::{By, EveryUnit, KeyRequest, NullKeyRequest, Weekday, Window};
use crate::names::{ColumnName, Name};
use crate::policy::{Column, NullKeys, TimeRange, typed};
use crate::value::{Bounds, ColumnType, Literal, Value};

/// The longest list of keys of a job.
const MOST_KEYS: usize = 100_000;

impl Checker<'_> {
    /// One part of a key; `path` is its field in the job.
    pub(super) fn key(&mut self, path: &str, by: &By, joins: &mut BTreeSet<Name>) -> Option<Key> {
        let inner = |field: &str| format!("{path}.{field}");
        let column_path = if self.is_table_field(path) { inner("column") } else { path.to_owned() };
        let column = self.column(&column_path, &by.column)?;
        let shape = self.shape(path, &column_path, by, column)?;
        let null_keys = self.null_keys(&inner("null_keys"), by, column);
        let domain = self.domain(path, by, column, &shape)?;
        let null_keys = null_keys?;
        if let (Domain::Listed(list), NullKeys::Value(value)) = (&domain, &null_keys)
            && !list.contains(value)
        {
            let help = "add it to keys, or drop such rows".to_owned();
            return self.fail(path, Code::Conflict, "what null becomes is not among the keys", help);
        }
        self.read(&by.column, joins);
        Some(Key {
            column: by.column.clone(),
            column_type: column.kind,
            normalize: column.normalize.clone(),
            split: column.split.clone(),
            null_keys,
            shape,
            domain,
            name: by.alias.clone().unwrap_or_else(|| by.column.column.clone()),
        })
    }

    /// Whether a field of the job's file is a table: then its fields have places of their own.
    fn is_table_field(&self, path: &str) -> bool {
        self.places.has(&format!("{path}.column"))
    }

    fn shape(&mut self, path: &str, column_path: &str, by: &By, column: &Column) -> Option<Shape> {
        let kind = column.kind;
        if let Some(window) = &by.window {
            return self.window_shape(path, window, kind);
        }
        if let Some(bins) = by.bins {
            if !kind.is_numeric() {
                let message = format!("width cuts numbers, and `{}` is {}", by.column, kind.name());
                return self.fail(&format!("{path}.width"), Code::WrongType, message, None);
            }
            return Some(Shape::Bin { width: bins.width });
        }
        match kind {
            ColumnType::Float => {
                let help = format!("cut it into bins: {{ column = \"{}\", width = 1 }}", by.column);
                self.fail(
                    column_path,
                    Code::WrongType,
                    format!("`{}` is float, which is no key", by.column),
                    help,
                )
            }
            ColumnType::Datetime(_) => {
                let help = format!("cut it into windows: {{ column = \"{}\", every = \"1d\" }}", by.column);
                self.fail(
                    column_path,
                    Code::WrongType,
                    format!("`{}` is datetime, which is no key", by.column),
                    help,
                )
            }
            ColumnType::Int | ColumnType::String | ColumnType::Bool | ColumnType::Date => Some(Shape::AsIs),
        }
    }

    fn window_shape(&mut self, path: &str, window: &Window, kind: ColumnType) -> Option<Shape> {
        let starts = window.starts.unwrap_or(Weekday::Monday);
        let every = window.every;
        match kind {
            ColumnType::Datetime(zone) => {
                Some(Shape::Window { every, starts, tz: Some(window.tz.unwrap_or(zone)) })
            }
            ColumnType::Date if window.tz.is_some() => self.fail(
                &format!("{path}.tz"),
                Code::Conflict,
                "a date has no time zone",
                "remove tz".to_owned(),
            ),
            ColumnType::Date if every.unit < EveryUnit::Day => {
                let help = "every = \"1d\" or longer".to_owned();
                self.fail(&format!("{path}.every"), Code::Conflict, "a date has no hours", help)
            }
            ColumnType::Date => Some(Shape::Window { every, starts, tz: None }),
            ColumnType::Int | ColumnType::Float | ColumnType::String | ColumnType::Bool => {
                let message = format!("every cuts dates and times, and this column is {}", kind.name());
                self.fail(&format!("{path}.every"), Code::WrongType, message, None)
            }
        }
    }

    fn null_keys(&mut self, path: &str, by: &By, column: &Column) -> Option<NullKeys> {
        match &by.null_keys {
            None => Some(column.null_keys.clone()),
            Some(NullKeyRequest::Drop) => Some(NullKeys::Drop),
            Some(NullKeyRequest::Keep) => Some(NullKeys::Keep),
            Some(NullKeyRequest::Value(literal)) => {
                self.literal(path, literal, column.kind).map(NullKeys::Value)
            }
        }
    }

    fn literal(&mut self, path: &str, literal: &Literal, kind: ColumnType) -> Option<Value> {
        match typed(literal, kind) {
            Ok(value) => Some(value),
            Err(error) => self.fail(path, Code::WrongType, error, None),
        }
    }

    fn domain(&mut self, path: &str, by: &By, column: &Column, shape: &Shape) -> Option<Domain> {
        let keys_path = format!("{path}.keys");
        match (&by.keys, shape) {
            (Some(KeyRequest::Private), _) => Some(Domain::Private),
            (_, Shape::Window { .. }) => self.windows(path, by, column),
            (_, Shape::Bin { width }) => self.bins(path, by, column, *width),
            (None, Shape::AsIs) => Some(match (&column.keys, column.kind) {
                (Some(list), _) => Domain::Listed(list.clone()),
                (None, ColumnType::Bool) => Domain::Listed(vec![Value::Bool(false), Value::Bool(true)]),
                (None, _) => Domain::Private,
            }),
            (Some(KeyRequest::Policy), Shape::AsIs) => match &column.keys {
                Some(list) => Some(Domain::Listed(list.clone())),
                None => {
                    let message = format!("the policy declares no keys for `{}`", by.column);
                    let help =
                        "name them here, or leave it out: they are then selected with noise".to_owned();
                    self.fail(&keys_path, Code::Unsupported, message, help)
                }
            },
            (Some(KeyRequest::List(list)), Shape::AsIs) => self.listed(&keys_path, list, column.kind),
            (Some(KeyRequest::Table(table)), Shape::AsIs) => self.table_keys(&keys_path, by, table.as_ref()),
        }
    }

    fn listed(&mut self, path: &str, list: &[Literal], kind: ColumnType) -> Option<Domain> {
        if list.len() > MOST_KEYS {
            return self.fail(path, Code::TooLarge, format!("keys names more than {MOST_KEYS}"), None);
        }
        let mut values = Vec::with_capacity(list.len());
        let mut seen = BTreeSet::new();
        for (index, literal) in list.iter().enumerate() {
            let value = self.literal(&format!("{path}[{index}]"), literal, kind)?;
            // Two texts may be one moment.
            if !seen.insert(format!("{value:?}")) {
                return self.fail(
                    &format!("{path}[{index}]"),
                    Code::Duplicate,
                    "keys names this twice",
                    None,
                );
            }
            values.push(value);
        }
        Some(Domain::Listed(values))
    }

    /// Every key of a public table: the column's own, or the one that is joined on this column alone.
    fn table_keys(&mut self, path: &str, by: &By, asked: Option<&Name>) -> Option<Domain> {
        let wanted = &by.column.column;
        let own = by.column.table.as_ref();
        let name = match (own, asked) {
            (Some(own), Some(asked)) if own != asked => {
                let message = format!("`{}` is not a column of `{asked}`", by.column);
                return self.fail(path, Code::Conflict, message, None);
            }
            (Some(own), _) => own.clone(),
            (None, Some(asked)) => asked.clone(),
            (None, None) => self.only_table(path, wanted)?,
        };
        let table = self.table(path, &name)?;
        if table.private {
            let message = format!("the table `{name}` is private: its keys are people's");
            let help = "leave keys out: they are then selected with noise; or name them".to_owned();
            return self.fail(path, Code::Unsupported, message, help);
        }
        if own.is_none() && table.key != [wanted.clone()] {
            let message = format!("the table `{name}` is not joined on `{wanted}` alone");
            return self.fail(path, Code::Unsupported, message, None);
        }
        self.read_table(&name, wanted);
        Some(Domain::Table { table: name, column: wanted.clone() })
    }

    fn only_table(&mut self, path: &str, column: &ColumnName) -> Option<Name> {
        let policy = self.policy;
        let mut fitting =
            policy.tables.iter().filter(|(_, table)| !table.private && table.key == [column.clone()]);
        match (fitting.next(), fitting.next()) {
            (Some((name, _)), None) => Some(name.clone()),
            (None, _) => {
                let message = format!("no public table is joined on `{column}` alone");
                self.fail(path, Code::Unsupported, message, None)
            }
            (Some(_), Some(_)) => {
                let message = format!("several public tables are joined on `{column}`");
                self.fail(path, Code::Conflict, message, "keys = { table = \"...\" }".to_owned())
            }
        }
    }

    fn windows(&mut self, path: &str, by: &By, column: &Column) -> Option<Domain> {
        let range = match by.window.as_ref().and_then(|window| window.range.as_ref()) {
            Some((from, until)) => {
                let from = self.literal(&format!("{path}.from"), from, column.kind);
                let until = self.literal(&format!("{path}.until"), until, column.kind);
                Some(TimeRange { from: from?, until: until? })
            }
            None => column.range.clone(),
        };
        let Some(range) = range else { return Some(Domain::Private) };
        if !TimeRange::ordered(&range.from, &range.until) {
            return self.fail(
                &format!("{path}.until"),
                Code::BadValue,
                "until must be later than from",
                None,
            );
        }
        Some(Domain::Windows { from: range.from, until: range.until })
    }

    fn bins(&mut self, path: &str, by: &By, column: &Column, width: f64) -> Option<Domain> {
        let Some(bounds) = by.bins.and_then(|bins| bins.bounds).or(column.bounds) else {
            return Some(Domain::Private);
        };
        if bin_count(bounds, width).is_none_or(|count| count > MOST_CELLS) {
            let message = format!("these are more than {MOST_CELLS} bins");
            return self.fail(
                &format!("{path}.width"),
                Code::TooLarge,
                message,
                "make width larger".to_owned(),
            );
        }
        Some(Domain::Bins(bounds))
    }

    /// A grid of public keys must be one that can be written down.
    pub(super) fn check_cells(&mut self, path: &str, keys: &[Key]) {
        let cells = keys.iter().try_fold(1_u64, |cells, key| cells.checked_mul(key.known_count().max(1)));
        if cells.is_none_or(|cells| cells > MOST_CELLS) {
            let message = format!("the public keys make a grid of more than {MOST_CELLS} cells");
            self.report(
                path,
                Code::TooLarge,
                message,
                "make windows or bins longer, or key lists shorter".to_owned(),
            );
        }
    }
}

impl Key {
    /// About how many public keys there are, at most; 1 for what is not known here.
    fn known_count(&self) -> u64 {
        match (&self.domain, &self.shape) {
            (Domain::Listed(list), _) => list.len() as u64,
            (Domain::Bins(bounds), Shape::Bin { width }) => bin_count(*bounds, *width).unwrap_or(u64::MAX),
            (Domain::Windows { from, until }, Shape::Window { every, .. }) => {
                let seconds = |value: &Value| match value {
                    Value::Date(days) => i128::from(*days) * 86_400,
                    Value::Datetime(micros) => i128::from(*micros) / 1_000_000,
                    Value::Null | Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::String(_) => 0,
                };
                let length = u64::from(every.count.get()) * every.unit.least_seconds();
                let whole = u64::try_from(seconds(until) - seconds(from)).unwrap_or(u64::MAX);
                (whole / length).saturating_add(2)
            }
            _ => 1,
        }
    }
}

/// How many bins of a width touch a range; `None` when too many to count.
pub(super) fn bin_count(bounds: Bounds, width: f64) -> Option<u64> {
    let count = (bounds.high() / width).floor() - (bounds.low() / width).floor() + 1.0;
    // Below 2^53 a float counts exactly.
    (count < Bounds::LARGEST).then_some(count as u64)
}
