//! Parts of a key: from the values of a column to codes, and from several parts to one code.

use hashbrown::HashMap;

use super::calendar::{Calendar, on_calendar};
use super::rows::{Frame, cell};
use crate::frame::{Column, Data, NULL};
use crate::key::encode;
use crate::plan::{Cut, KeyPart};
use crate::policy::NullKeys;
use crate::value::Value;

/// The codes that the rows of the data have in one part of the key: a row has as many keys as its group holds.
struct PartCodes {
    /// For each row, its group; [`NULL`] for none.
    index: Vec<u32>,
    /// Distinct codes of the keys in each group.
    groups: Vec<Vec<u32>>,
    /// The bytes of each code's key.
    keys: Vec<Vec<u8>>,
}

/// The keys of the rows that count.
pub(super) struct Keys {
    /// Rows (places in the frame), once for each key that the row has.
    pub rows: Vec<u32>,
    /// The key's code for each of them.
    pub codes: Vec<u32>,
    /// The bytes of each code's key.
    pub keys: Vec<Vec<u8>>,
}

/// A row counts under at most so many combinations of keys: what one row may take of memory must not be a row's to say.
const FAN_OUT: usize = 256;

/// The most keys of a row in each part that is split, so that all combinations stay within [`FAN_OUT`].
fn fan_out(splits: usize) -> usize {
    let fits = |most: &usize| most.checked_pow(splits as u32).is_some_and(|all| all <= FAN_OUT);
    (1..=FAN_OUT).take_while(fits).last().unwrap_or(1)
}

/// Every row with every combination of its parts' keys.
pub(super) fn keys(frame: &Frame, rows: &[u32], parts: &[KeyPart]) -> Keys {
    let mut all = Keys { rows: rows.to_vec(), codes: vec![0; rows.len()], keys: vec![Vec::new()] };
    let splits = parts.iter().filter(|part| part.split.is_some()).count();
    let most = fan_out(splits);
    for part in parts {
        let codes = part_codes(frame, part, most);
        all = combine(&all, &codes);
    }
    all
}

fn combine(all: &Keys, part: &PartCodes) -> Keys {
    let mut combined = Keys { rows: Vec::with_capacity(all.rows.len()), codes: Vec::new(), keys: Vec::new() };
    let single = all.keys.len() == 1;
    let mut known: HashMap<(u32, u32), u32> = HashMap::new();
    if single {
        combined.keys.clone_from(&part.keys);
        combined.keys.iter_mut().for_each(|key| *key = [&all.keys[0][..], key].concat());
    }
    for (&row, &before) in all.rows.iter().zip(&all.codes) {
        let group = part.index[row as usize];
        if group == NULL {
            continue;
        }
        for &code in &part.groups[group as usize] {
            let code = if single {
                code
            } else {
                *known.entry((before, code)).or_insert_with(|| {
                    combined.keys.push([&all.keys[before as usize][..], &part.keys[code as usize]].concat());
                    combined.keys.len() as u32 - 1
                })
            };
            combined.rows.push(row);
            combined.codes.push(code);
        }
    }
    combined
}

/// What a value becomes as keys of this part: none, one, or several.
struct Keyer<'a> {
    part: &'a KeyPart,
    /// The most keys that a row has in this part.
    most: usize,
    known: HashMap<Vec<u8>, u32>,
    keys: Vec<Vec<u8>>,
}

impl Keyer<'_> {
    fn group(&mut self, value: &Value) -> Vec<u32> {
        let values = match (&self.part.split, value) {
            (Some(at), Value::String(text)) => split(text, at),
            _ => vec![cut(&self.part.cut, value)],
        };
        let values = if values.is_empty() { vec![Value::Null] } else { values };
        let mut keys: Vec<Vec<u8>> = values.into_iter().filter_map(|value| self.key(value)).collect();
        // A row has each of its keys once, however often it is written, and of very many the first ones by their bytes:
        // a choice that looks at this row alone.
        keys.sort_unstable();
        keys.dedup();
        keys.truncate(self.most);
        keys.into_iter().map(|key| self.code(key)).collect()
    }

    /// The bytes of a value's key, if it has one that is allowed.
    fn key(&self, value: Value) -> Option<Vec<u8>> {
        let value = match (value, &self.part.null_keys) {
            (Value::Null, NullKeys::Drop) => return None,
            (Value::Null, NullKeys::Value(instead)) => instead.clone(),
            (value, _) => value,
        };
        let mut key = Vec::new();
        encode(&value, &mut key);
        (self.part.declared.is_none() || self.known.contains_key(&key)).then_some(key)
    }

    fn code(&mut self, key: Vec<u8>) -> u32 {
        let keys = &mut self.keys;
        *self.known.entry(key).or_insert_with_key(|key| {
            keys.push(key.clone());
            keys.len() as u32 - 1
        })
    }
}

fn part_codes(frame: &Frame, part: &KeyPart, most: usize) -> PartCodes {
    let mut keyer = Keyer { part, most, known: HashMap::new(), keys: Vec::new() };
    for value in part.declared.iter().flatten() {
        let mut key = Vec::new();
        encode(value, &mut key);
        keyer.known.insert(key.clone(), keyer.keys.len() as u32);
        keyer.keys.push(key);
    }
    let rows = frame.rows();
    let (index, groups) = match &part.column.table {
        None => match frame.column(&part.column.column) {
            Some(column) => groups(&mut keyer, column),
            None => (vec![NULL; rows], Vec::new()),
        },
        Some(table) => match frame.joined(table.as_str()) {
            Some(joined) => {
                let (of_table, mut groups) = match joined.column(&part.column.column) {
                    Some(column) => groups(&mut keyer, column),
                    None => (Vec::new(), Vec::new()),
                };
                // A row that meets no row of the table has a null there.
                let nobody = groups.len() as u32;
                groups.push(keyer.group(&Value::Null));
                let index =
                    joined.index.iter().map(|&at| of_table.get(at as usize).copied().unwrap_or(nobody));
                (index.collect(), groups)
            }
            None => (vec![NULL; rows], Vec::new()),
        },
    };
    PartCodes { index, groups, keys: keyer.keys }
}

/// The group of each row of a column: one group for each distinct value.
fn groups(keyer: &mut Keyer<'_>, column: &Column) -> (Vec<u32>, Vec<Vec<u32>>) {
    let mut groups = vec![keyer.group(&Value::Null)];
    let index = match &column.data {
        Data::Text { codes, dictionary } => {
            groups.extend(dictionary.iter().map(|text| keyer.group(&Value::String(text.clone()))));
            codes.iter().map(|&code| code.wrapping_add(1)).collect()
        }
        Data::Int(values) | Data::Date(values) | Data::Datetime(values) => {
            let mut known: HashMap<i64, u32> = HashMap::new();
            let mut index = Vec::with_capacity(values.len());
            for (row, &value) in values.iter().enumerate() {
                let group = if column.is_null(row) {
                    0
                } else {
                    *known.entry(value).or_insert_with(|| {
                        groups.push(keyer.group(&cell(column, row)));
                        groups.len() as u32 - 1
                    })
                };
                index.push(group);
            }
            index
        }
        Data::Float(_) | Data::Bool(_) => {
            let mut known: HashMap<Vec<u8>, u32> = HashMap::new();
            let mut index = Vec::with_capacity(column.len());
            for row in 0..column.len() {
                let value = cut(&keyer.part.cut, &cell(column, row));
                let mut key = Vec::new();
                encode(&value, &mut key);
                let group = *known.entry(key).or_insert_with(|| {
                    groups.push(keyer.group(&cell(column, row)));
                    groups.len() as u32 - 1
                });
                index.push(group);
            }
            index
        }
    };
    (index, groups)
}

/// A value as a key.
fn cut(cut: &Cut, value: &Value) -> Value {
    match (cut, value) {
        (_, Value::Float(number)) if number.is_nan() => Value::Null,
        (Cut::Whole, value) if !on_calendar(value) => Value::Null,
        (Cut::Whole, value) => value.clone(),
        (Cut::Window { count, unit, starts, tz }, value) => {
            Calendar { count: *count, unit: *unit, starts: *starts, tz: *tz }.window(value)
        }
        (Cut::Bins { width, bounds }, Value::Int(number)) => bin(*number as f64, *width, *bounds),
        (Cut::Bins { width, bounds }, Value::Float(number)) => bin(*number, *width, *bounds),
        (Cut::Bins { .. }, _) => Value::Null,
    }
}

/// The lower end of the bin of a number.
pub(crate) fn bin(number: f64, width: f64, bounds: Option<crate::value::Bounds>) -> Value {
    let index = (number / width).floor();
    let index = match bounds {
        None => index,
        Some(bounds) => {
            let (first, last) = bin_range(width, bounds);
            index.max(first).min(last)
        }
    };
    Value::Float(index * width + 0.0)
}

/// The first and last bin that bounds meet.
pub(crate) fn bin_range(width: f64, bounds: crate::value::Bounds) -> (f64, f64) {
    let first = (bounds.low() / width).floor();
    (first, ((bounds.high() / width).ceil() - 1.0).max(first))
}

/// The texts that a split text holds.
pub(crate) fn split(text: &str, at: &str) -> Vec<Value> {
    let parts = text.split(at).map(str::trim).filter(|part| !part.is_empty());
    parts.map(|part| Value::String(part.to_owned())).collect()
}

/// Every distinct key of a column of a public table.
pub(crate) fn text_keys(
    column: Column,
    normalize: &[crate::policy::Normalize],
    at: Option<&str>,
) -> Vec<Value> {
    let column = super::rows::normalized(column, normalize);
    let mut keys = std::collections::BTreeMap::new();
    for row in 0..column.len() {
        let values = match (cell(&column, row), at) {
            (Value::Null, _) => Vec::new(),
            (Value::String(text), Some(at)) => split(&text, at),
            (value, _) => vec![value],
        };
        for value in values {
            let mut key = Vec::new();
            encode(&value, &mut key);
            keys.insert(key, value);
        }
    }
    keys.into_values().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_row_fans_out_to_is_bounded_and_its_own() {
        for splits in 0..=16 {
            assert!(fan_out(splits).pow(splits as u32) <= FAN_OUT, "{splits} parts");
        }
        assert_eq!((fan_out(1), fan_out(2)), (FAN_OUT, 16));
        let part = KeyPart {
            column: "tags".parse().unwrap(),
            kind: crate::value::ColumnType::String,
            split: Some("|".to_owned()),
            null_keys: NullKeys::Drop,
            cut: Cut::Whole,
            declared: None,
            name: "tags".to_owned(),
        };
        let kept = |before: &[&str]| {
            let mut keyer = Keyer { part: &part, most: 3, known: HashMap::new(), keys: Vec::new() };
            before.iter().for_each(|text| drop(keyer.group(&Value::String((*text).to_owned()))));
            let group = keyer.group(&Value::String("e|d|c|b|a|a".to_owned()));
            let mut keys: Vec<Vec<u8>> =
                group.iter().map(|&code| keyer.keys[code as usize].clone()).collect();
            keys.sort();
            keys
        };
        assert_eq!(kept(&[]).len(), 3);
        assert_eq!(kept(&[]), kept(&["e", "d|x"]), "whatever other rows hold");
    }
}
