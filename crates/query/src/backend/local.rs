//! The backend on this machine.

use flockwise_mechanisms::{Key, Private};
use hashbrown::HashMap;

use super::parts::keys;
use super::rows::{Frame, cell};
use crate::engine::{Backend, Failed};
use crate::frame::{Column, NULL};
use crate::kernel::{Bound, Contributions, Moment, Rows, keyed_hash};
use crate::plan::{KeyPart, RowPlan, ValuePlan};
use crate::policy::Missing;
use crate::value::Value;

/// Bounded aggregates over rows in memory.
pub struct LocalBackend {
    /// By whole keys.
    whole: Grouped,
    /// By the parts of a key that come from the data, where others are declared.
    selected: Option<Grouped>,
}

struct Grouped {
    contributions: Contributions,
    keys: Vec<Key>,
    codes: HashMap<Key, u32>,
}

impl LocalBackend {
    /// Prepares the contributions of a plan's rows. `from_data` is how many parts of the key, the first ones, come from
    /// the data; `secret` keys the hash by which a person's kept keys are chosen.
    #[must_use]
    pub fn new(frame: &Frame, plan: &RowPlan, from_data: usize, secret: [u8; 16]) -> Self {
        let mixed = from_data > 0 && from_data < plan.keys.len();
        let value = plan.value.as_ref();
        let rows = frame.counting(plan.filter.as_ref());
        let whole = Grouped::new(frame, &rows, &plan.keys, value, secret);
        // A row whose declared parts are not on their lists is dropped before bounding, in the selection too.
        let selected = mixed.then(|| {
            let mut rows = keys(frame, &rows, &plan.keys).rows;
            rows.dedup();
            Grouped::new(frame, &rows, &plan.keys[..from_data], value, secret)
        });
        Self { whole, selected }
    }
}

impl Grouped {
    fn new(
        frame: &Frame,
        rows: &[u32],
        parts: &[KeyPart],
        value: Option<&ValuePlan>,
        secret: [u8; 16],
    ) -> Self {
        let mut keys = keys(frame, rows, parts);
        let mut channels = Vec::new();
        if let Some(value) = value {
            let grid = values(frame, value);
            let there: Vec<bool> = keys.rows.iter().map(|&row| grid[row as usize].is_some()).collect();
            let mut kept = there.iter().copied();
            keys.rows.retain(|_| kept.next() == Some(true));
            let mut kept = there.iter().copied();
            keys.codes.retain(|_| kept.next() == Some(true));
            let first: Vec<i32> = keys.rows.iter().filter_map(|&row| grid[row as usize]).collect();
            if value.squares {
                channels.push(first.iter().map(|&x| value.channel.square(x)).collect());
            }
            channels.insert(0, first);
        }
        let people = keys.rows.iter().map(|&row| frame.people.codes[row as usize]).collect();
        let person_hashes = frame.people.names.iter().map(|name| keyed_hash(secret, name)).collect();
        let key_hashes = keys.keys.iter().map(|key| keyed_hash(secret, key)).collect();
        let rows = Rows { people, keys: keys.codes, channels };
        let contributions = Contributions::new(&rows, person_hashes, key_hashes);
        let codes = (0..).zip(&keys.keys).map(|(code, key)| (key.clone(), code)).collect();
        Self { contributions, keys: keys.keys, codes }
    }

    /// Where each code's key stands in `keys`; keys that nobody has stand nowhere.
    fn kept(&self, keys: &[Key]) -> Vec<u32> {
        let mut kept = vec![NULL; self.keys.len()];
        for (place, key) in (0..).zip(keys) {
            if let Some(&code) = self.codes.get(key) {
                kept[code as usize] = place;
            }
        }
        kept
    }
}

impl Backend for LocalBackend {
    fn candidates(&mut self, bound: Bound) -> Result<Private<Vec<(Key, i128)>>, Failed> {
        let grouped = self.selected.as_ref().unwrap_or(&self.whole);
        let weights = grouped.contributions.candidates(bound);
        let mut named: Vec<(Key, i128)> =
            weights.into_iter().map(|(code, weight)| (grouped.keys[code as usize].clone(), weight)).collect();
        named.sort_unstable();
        Ok(Private::new(named))
    }

    fn activity(&mut self, keys: &[Key], buckets: usize) -> Result<Private<Vec<i128>>, Failed> {
        let kept = self.whole.kept(keys);
        Ok(Private::new(self.whole.contributions.activity(Some(&kept), buckets)))
    }

    fn moments(
        &mut self,
        keys: &[Key],
        bound: Bound,
        moments: &[Moment],
    ) -> Result<Vec<Private<Vec<i128>>>, Failed> {
        let kept = self.whole.kept(keys);
        let sums = self.whole.contributions.moments(bound, moments, Some(&kept), keys.len());
        Ok(sums.into_iter().map(Private::new).collect())
    }
}

/// The value of each row on its grid; none where the row takes no part.
fn values(frame: &Frame, plan: &ValuePlan) -> Vec<Option<i32>> {
    let missing = |what: Missing| match what {
        Missing::Drop => None,
        Missing::Value(instead) => Some(plan.channel.grid(instead)),
    };
    let on_grid = |value: Value| match value {
        Value::Int(value) => Some(plan.channel.grid(value as f64)),
        Value::Float(value) if value.is_nan() => missing(plan.on_nan),
        Value::Float(value) => Some(plan.channel.grid(value)),
        Value::Null | Value::Bool(_) | Value::String(_) | Value::Date(_) | Value::Datetime(_) => {
            missing(plan.on_null)
        }
    };
    let by_rows = |column: &Column, index: Option<&[u32]>| {
        let rows = frame.rows();
        let at = |row: usize| match index.map(|index| index[row]) {
            None => cell(column, row),
            Some(NULL) => Value::Null,
            Some(at) => cell(column, at as usize),
        };
        (0..rows).map(|row| on_grid(at(row))).collect()
    };
    match &plan.column.table {
        None => frame.column(&plan.column.column).map(|column| by_rows(column, None)),
        Some(table) => frame.joined(table.as_str()).and_then(|joined| {
            joined.column(&plan.column.column).map(|column| by_rows(column, Some(&joined.index)))
        }),
    }
    .unwrap_or_default()
}
