//! Parts of a key: from the values of a column to codes.

use hashbrown::HashMap;

use super::batch::{Batch, Selection};
use super::calendar::{Calendar, on_calendar};
use super::people::Texts;
use super::rows::cell;
use crate::frame::{Column, Data, NULL};
use crate::key::encode;
use crate::plan::{Cut, KeyPart};
use crate::policy::NullKeys;
use crate::value::Value;

/// A row counts under at most so many combinations of keys: what one row may take of memory must not be a row's to say.
const FAN_OUT: usize = 256;

/// The most keys of a row in each part that is split, so that all combinations stay within [`FAN_OUT`].
pub(super) fn fan_out(splits: usize) -> usize {
    let fits = |most: &usize| most.checked_pow(splits as u32).is_some_and(|all| all <= FAN_OUT);
    (1..=FAN_OUT).take_while(fits).last().unwrap_or(1)
}

/// What the values of a column become as keys of one part: none, one, or several. What a value becomes is found out once.
pub(super) struct PartKeyer<'p> {
    part: &'p KeyPart,
    /// The most keys that a row has in this part.
    most: usize,
    /// Codes by the bytes of their keys, where several values may become one key.
    known: Option<HashMap<Vec<u8>, u32>>,
    /// The keys of the last codes.
    keys: Vec<Vec<u8>>,
    /// How many codes there are.
    count: u32,
    groups: Groups,
    memo: Memo,
    /// The group of nulls.
    null: u32,
    /// The group of each row of the joined table that has the column.
    table: Option<Vec<u32>>,
}

/// The codes of each group: what a value becomes.
enum Groups {
    /// At most one; [`NULL`] for none.
    One(Vec<u32>),
    /// Distinct ones, by where they end.
    Many { ends: Vec<u32>, codes: Vec<u32> },
}

impl Groups {
    fn push(&mut self, own: &[u32]) -> u32 {
        match self {
            Self::One(codes) => {
                codes.push(own.first().copied().unwrap_or(NULL));
                codes.len() as u32 - 1
            }
            Self::Many { ends, codes } => {
                codes.extend(own);
                ends.push(codes.len() as u32);
                ends.len() as u32 - 1
            }
        }
    }
}

/// The groups of values that were met.
#[derive(Default)]
struct Memo {
    /// Of small whole numbers, days and moments; [`NULL`] for what was not met.
    small: Vec<u32>,
    /// Of others, and of other numbers by their bits.
    others: HashMap<i64, u32>,
    /// Of the minutes of moments all of which are in one window.
    minutes: HashMap<i64, u32>,
    texts: Texts,
    /// Of texts by their code.
    of_texts: Vec<u32>,
}

/// Whole numbers below this are looked up by place.
const SMALL: i64 = 1 << 22;

impl Memo {
    fn get(&self, value: i64) -> Option<u32> {
        if (0..SMALL).contains(&value) {
            self.small.get(value as usize).copied().filter(|&group| group != NULL)
        } else {
            self.others.get(&value).copied()
        }
    }

    fn keep(&mut self, value: i64, group: u32) {
        if (0..SMALL).contains(&value) {
            let at = value as usize;
            if at >= self.small.len() {
                self.small.resize((at + 1).next_power_of_two(), NULL);
            }
            self.small[at] = group;
        } else {
            self.others.insert(value, group);
        }
    }
}

/// The codes of some rows in one part.
pub(super) enum PartCodes<'k> {
    /// At most one each; [`NULL`] for none.
    One(Vec<u32>),
    /// Several: the group of each row, and the codes of each group.
    Many(Vec<u32>, &'k [u32], &'k [u32]),
}

impl<'p> PartKeyer<'p> {
    /// For a part of which rows have at most so many keys. `table` is the joined column that it is about, if it is about one.
    pub fn new(part: &'p KeyPart, most: usize, table: Option<&Column>) -> Self {
        let whole = part.split.is_none() && part.declared.is_none() && matches!(part.cut, Cut::Whole);
        let split = part.split.is_some();
        let groups = if split {
            Groups::Many { ends: Vec::new(), codes: Vec::new() }
        } else {
            Groups::One(Vec::new())
        };
        let mut keyer = Self {
            part,
            most,
            known: (!whole).then(HashMap::new),
            keys: Vec::new(),
            count: 0,
            groups,
            memo: Memo::default(),
            null: 0,
            table: None,
        };
        for value in part.declared.iter().flatten() {
            let mut key = Vec::new();
            encode(value, &mut key);
            keyer.declare(key);
        }
        keyer.null = keyer.group(&Value::Null);
        keyer.table = table.map(|column| keyer.groups_of(column, &None, column.len()));
        keyer
    }

    fn declare(&mut self, key: Vec<u8>) {
        let Some(known) = &mut self.known else { return };
        known.insert(key.clone(), self.count);
        self.keys.push(key);
        self.count += 1;
    }

    /// What a value becomes, as a new group.
    fn group(&mut self, value: &Value) -> u32 {
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
        let codes: Vec<u32> = keys.into_iter().map(|key| self.code(key)).collect();
        self.groups.push(&codes)
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
        let known = |known: &HashMap<Vec<u8>, u32>| known.contains_key(&key);
        (self.part.declared.is_none() || self.known.as_ref().is_some_and(known)).then_some(key)
    }

    fn code(&mut self, key: Vec<u8>) -> u32 {
        if let Some(&code) = self.known.as_ref().and_then(|known| known.get(&key)) {
            return code;
        }
        if let Some(known) = &mut self.known {
            known.insert(key.clone(), self.count);
        }
        self.keys.push(key);
        self.count += 1;
        self.count - 1
    }

    /// The bytes of all codes' keys, unless some were taken.
    pub fn keys(&self) -> &[Vec<u8>] {
        &self.keys
    }

    /// The keys of the codes since this was last called.
    pub fn take_keys(&mut self) -> Vec<Vec<u8>> {
        std::mem::take(&mut self.keys)
    }

    /// The codes of the rows of a chunk that are selected.
    pub fn codes(&mut self, batch: &Batch<'_>, rows: &Selection) -> PartCodes<'_> {
        let length = rows.as_ref().map_or(batch.rows, Vec::len);
        let groups = match &self.part.column.table {
            None => match batch.column(&self.part.column.column) {
                Some(column) => self.groups_of(column, rows, batch.rows),
                None => return PartCodes::One(vec![NULL; length]),
            },
            Some(table) => match (&self.table, batch.joined(table.as_str())) {
                // A row that meets no row of the table has a null there.
                (Some(of_table), Some((_, index))) => {
                    let group = |row: usize| of_table.get(index[row] as usize).copied().unwrap_or(self.null);
                    each(rows, batch.rows, group)
                }
                _ => return PartCodes::One(vec![NULL; length]),
            },
        };
        match &self.groups {
            Groups::One(codes) => {
                PartCodes::One(groups.into_iter().map(|group| codes[group as usize]).collect())
            }
            Groups::Many { ends, codes } => PartCodes::Many(groups, ends, codes),
        }
    }

    /// The groups of the selected ones of so many rows.
    fn groups_of(&mut self, column: &Column, rows: &Selection, all: usize) -> Vec<u32> {
        let null = self.null;
        match &column.data {
            Data::Text { codes, dictionary } => {
                let of: Vec<u32> = dictionary.iter().map(|text| self.of_text(text)).collect();
                each(rows, all, |row| of.get(codes[row] as usize).copied().unwrap_or(null))
            }
            Data::Datetime(values) if matches!(self.part.cut, Cut::Window { .. }) => {
                each(rows, all, |row| if column.is_null(row) { null } else { self.of_moment(values[row]) })
            }
            Data::Int(values) | Data::Date(values) | Data::Datetime(values) => match &column.valid {
                None => each(rows, all, |row| match self.memo.get(values[row]) {
                    Some(group) => group,
                    None => self.of_integer(values[row], &cell(column, row)),
                }),
                Some(valid) => each(rows, all, |row| match (valid[row], self.memo.get(values[row])) {
                    (false, _) => null,
                    (true, Some(group)) => group,
                    (true, None) => self.of_integer(values[row], &cell(column, row)),
                }),
            },
            Data::Float(values) => each(rows, all, |row| match cut(&self.part.cut, &cell(column, row)) {
                Value::Float(number) => {
                    // −0.0 is 0.0.
                    let bits = (number + 0.0).to_bits().cast_signed();
                    match self.memo.others.get(&bits) {
                        Some(&group) => group,
                        None => {
                            let group = self.group(&Value::Float(values[row]));
                            self.memo.others.insert(bits, group);
                            group
                        }
                    }
                }
                Value::Null
                | Value::Bool(_)
                | Value::Int(_)
                | Value::String(_)
                | Value::Date(_)
                | Value::Datetime(_) => null,
            }),
            Data::Bool(values) => each(rows, all, |row| match column.is_null(row) {
                true => null,
                false => match self.memo.get(i64::from(values[row])) {
                    Some(group) => group,
                    None => self.of_integer(i64::from(values[row]), &Value::Bool(values[row])),
                },
            }),
        }
    }

    fn of_integer(&mut self, value: i64, cell: &Value) -> u32 {
        let group = self.group(cell);
        self.memo.keep(value, group);
        group
    }

    fn of_text(&mut self, text: &str) -> u32 {
        let code = self.memo.texts.code(text) as usize;
        if code == self.memo.of_texts.len() {
            let group = self.group(&Value::String(text.to_owned()));
            self.memo.of_texts.push(group);
        }
        self.memo.of_texts[code]
    }

    /// A minute whose first and last moment are in one window lies in it: clocks are not put forward and back again within
    /// one. So the memo grows with the time that passes, and not with the rows.
    fn of_moment(&mut self, moment: i64) -> u32 {
        const MINUTE: i64 = 60_000_000;
        let minute = moment.div_euclid(MINUTE);
        if let Some(&group) = self.memo.minutes.get(&minute) {
            return group;
        }
        let ends = minute
            .checked_mul(MINUTE)
            .and_then(|first| first.checked_add(MINUTE - 1).map(|last| (first, last)));
        let window = |moment: i64| cut(&self.part.cut, &Value::Datetime(moment));
        if ends.is_some_and(|(first, last)| window(first) == window(last)) {
            let group = self.group(&Value::Datetime(moment));
            self.memo.minutes.insert(minute, group);
            return group;
        }
        match self.memo.get(moment) {
            Some(group) => group,
            None => self.of_integer(moment, &Value::Datetime(moment)),
        }
    }
}

/// Something of each selected row.
fn each(rows: &Selection, all: usize, mut of: impl FnMut(usize) -> u32) -> Vec<u32> {
    match rows {
        None => (0..all).map(of).collect(),
        Some(rows) => rows.iter().map(|&row| of(row as usize)).collect(),
    }
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

    fn part(split: Option<&str>, cut: Cut) -> KeyPart {
        KeyPart {
            column: "tags".parse().unwrap(),
            kind: crate::value::ColumnType::String,
            split: split.map(str::to_owned),
            null_keys: NullKeys::Drop,
            cut,
            declared: None,
            name: "tags".to_owned(),
        }
    }

    #[test]
    fn what_a_row_fans_out_to_is_bounded_and_its_own() {
        for splits in 0..=16 {
            assert!(fan_out(splits).pow(splits as u32) <= FAN_OUT, "{splits} parts");
        }
        assert_eq!((fan_out(1), fan_out(2)), (FAN_OUT, 16));
        let part = part(Some("|"), Cut::Whole);
        let kept = |before: &[&str]| {
            let mut keyer = PartKeyer::new(&part, 3, None);
            for text in before {
                keyer.group(&Value::String((*text).to_owned()));
            }
            let group = keyer.group(&Value::String("e|d|c|b|a|a".to_owned()));
            let Groups::Many { ends, codes } = &keyer.groups else { unreachable!() };
            let own = &codes[ends[group as usize - 1] as usize..ends[group as usize] as usize];
            let mut keys: Vec<Vec<u8>> = own.iter().map(|&code| keyer.keys[code as usize].clone()).collect();
            keys.sort();
            keys
        };
        assert_eq!(kept(&[]).len(), 3);
        assert_eq!(kept(&[]), kept(&["e", "d|x"]), "whatever other rows hold");
    }

    #[test]
    fn moments_are_in_the_windows_of_the_calendar_whichever_came_first() {
        use crate::job::{EveryUnit, Weekday};
        // Amsterdam's clocks stood 19 minutes and 32 seconds apart from UTC until 1937.
        let amsterdam = chrono_tz::Tz::Europe__Amsterdam;
        for unit in [EveryUnit::Minute, EveryUnit::Hour, EveryUnit::Day, EveryUnit::Week] {
            let cut = Cut::Window { count: 1, unit, starts: Weekday::Monday, tz: amsterdam };
            let part = part(None, cut.clone());
            let mut keyer = PartKeyer::new(&part, 1, None);
            let changes = [-1_693_700_400, 1_774_745_999, 1_774_746_000, 1_792_888_200, -1_025_740_800];
            for seconds in changes.iter().flat_map(|at| (-4000..4000_i64).step_by(7).map(move |by| at + by)) {
                for micros in [0, 999_999] {
                    let moment = seconds * 1_000_000 + micros;
                    let group = keyer.of_moment(moment);
                    let Groups::One(codes) = &keyer.groups else { unreachable!() };
                    let key = keyer.keys[codes[group as usize] as usize].clone();
                    let mut window = Vec::new();
                    encode(&super::cut(&cut, &Value::Datetime(moment)), &mut window);
                    assert_eq!(key, window, "{unit:?} {moment}");
                }
            }
        }
    }
}
