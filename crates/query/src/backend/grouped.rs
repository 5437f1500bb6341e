//! From rows to contributions: the rows that count, their keys and values, by person.

use flockwise_mechanisms::Key;
use hashbrown::HashMap;

use super::parts::{Keys, keys};
use super::rows::{Frame, cell};
use crate::frame::{Column, Data, NULL};
use crate::kernel::{Contributions, Gather, Layout, Rows, Settings, SpillError, keyed_hash};
use crate::plan::{BoughtRange, Grouping, KeyPart, RowPlan, ValuePlan};
use crate::policy::Missing;
use crate::statistics::activity_buckets;
use crate::value::Value;

/// Contributions by key.
pub(super) struct Grouped {
    pub contributions: Contributions,
    pub keys: Vec<Key>,
    codes: HashMap<Key, u32>,
}

impl Grouped {
    /// Groups the rows that count by some parts of their keys.
    pub fn new(
        frame: &Frame,
        rows: &[u32],
        plan: &RowPlan,
        parts: &[KeyPart],
        secret: [u8; 16],
    ) -> Result<Self, SpillError> {
        let keyed = match &plan.grouping {
            Grouping::Rows => keys(frame, rows, parts),
            Grouping::InOrder(column) => {
                let there = frame.column(column);
                let timed = |row: &&u32| there.is_some_and(|column| !column.is_null(**row as usize));
                keys(frame, &rows.iter().filter(timed).copied().collect::<Vec<_>>(), parts)
            }
            Grouping::Activity(buckets) => activity(frame, rows, *buckets),
            Grouping::FirstOfPerson => first_of_person(frame, rows, parts),
        };
        Self::of_keys(frame, keyed, plan, secret)
    }

    fn of_keys(frame: &Frame, mut keyed: Keys, plan: &RowPlan, secret: [u8; 16]) -> Result<Self, SpillError> {
        let (mut channels, mut bins) = (Vec::new(), Vec::new());
        if let Some(value) = &plan.value {
            let numbers = values(frame, value);
            let there: Vec<bool> = keyed.rows.iter().map(|&row| numbers[row as usize].is_some()).collect();
            let mut kept = there.iter().copied();
            keyed.rows.retain(|_| kept.next() == Some(true));
            let mut kept = there.iter().copied();
            keyed.codes.retain(|_| kept.next() == Some(true));
            let mut numbers: Vec<f64> = keyed.rows.iter().filter_map(|&row| numbers[row as usize]).collect();
            let mut first: Vec<i32> = numbers.iter().map(|&number| value.channel.grid(number)).collect();
            if value.averaged {
                first = averaged(frame, &mut keyed, &first);
                numbers = first.iter().map(|&x| value.channel.value(x)).collect();
            }
            if value.squares {
                channels.push(first.iter().map(|&x| value.channel.square(x)).collect());
            }
            channels.insert(0, first);
            let binned = value.bins.iter().map(|grid| {
                let bins = numbers.iter().map(|&number| grid.bin(value.channel.clamp(number)));
                (grid.spread, bins.collect::<Vec<_>>())
            });
            bins.extend(binned);
        }
        let people = keyed.rows.iter().map(|&row| u64::from(frame.people.codes[row as usize])).collect();
        let person_hashes: Vec<u64> =
            frame.people.names.iter().map(|name| keyed_hash(secret, name)).collect();
        let key_hashes = keyed.keys.iter().map(|key| keyed_hash(secret, key)).collect();
        let column = match &plan.grouping {
            Grouping::InOrder(column) => frame.column(column),
            Grouping::Rows | Grouping::Activity(_) | Grouping::FirstOfPerson => None,
        };
        let moments = column.map_or_else(Vec::new, |column| moments(&keyed, column));
        let (spreads, bins) = bins.into_iter().unzip();
        let layout = Layout { channels: channels.len(), spreads, ordered: column.is_some(), activity: None };
        let gather = Gather::new(layout, &Settings::default());
        gather.push(&Rows { people, keys: keyed.codes, channels, bins, moments })?;
        let of_person = move |person: u64| person_hashes[person as usize];
        let contributions = gather.finish(Box::new(of_person), key_hashes, ranks(&keyed.keys))?;
        let codes = (0..).zip(&keyed.keys).map(|(code, key)| (key.clone(), code)).collect();
        Ok(Self { contributions, keys: keyed.keys, codes })
    }

    /// Where each code's key stands in `keys`; keys that nobody has stand nowhere.
    pub fn kept(&self, keys: &[Key]) -> Vec<u32> {
        let mut kept = vec![NULL; self.keys.len()];
        for (place, key) in (0..).zip(keys) {
            if let Some(&code) = self.codes.get(key) {
                kept[code as usize] = place;
            }
        }
        kept
    }
}

/// One row for each person and key, with the average of all that there were, rounded toward zero: a function of that
/// person's values on the grid alone, in whatever order they come.
fn averaged(frame: &Frame, keyed: &mut Keys, values: &[i32]) -> Vec<i32> {
    let person = |at: usize| frame.people.codes[keyed.rows[at] as usize];
    let mut order: Vec<(u32, u32, usize)> =
        (0..values.len()).map(|at| (person(at), keyed.codes[at], at)).collect();
    order.sort_unstable();
    let (mut rows, mut codes, mut averages) = (Vec::new(), Vec::new(), Vec::new());
    for run in order.chunk_by(|one, other| (one.0, one.1) == (other.0, other.1)) {
        let sum: i64 = run.iter().map(|&(_, _, at)| i64::from(values[at])).sum();
        rows.push(keyed.rows[run[0].2]);
        codes.push(run[0].1);
        averages.push(i32::try_from(sum / run.len() as i64).expect("an average lies among its values"));
    }
    (keyed.rows, keyed.codes) = (rows, codes);
    averages
}

/// Every person under the power of two that the number of their rows reaches.
fn activity(frame: &Frame, rows: &[u32], buckets: u32) -> Keys {
    let mut counts = vec![(0_u32, 0_u64); frame.people.names.len()];
    for &row in rows {
        let (last, count) = &mut counts[frame.people.codes[row as usize] as usize];
        (*last, *count) = (row, *count + 1);
    }
    let reached = counts.iter().filter(|(_, count)| *count > 0);
    // One row stands for the person.
    let (rows, codes) = reached.map(|(row, count)| (*row, count.ilog2().min(buckets - 1))).unzip();
    Keys { rows, codes, keys: activity_buckets(buckets) }
}

/// Every row under its person's smallest first part, with the row's own other parts.
fn first_of_person(frame: &Frame, rows: &[u32], parts: &[KeyPart]) -> Keys {
    let Some((first, others)) = parts.split_first() else { return keys(frame, rows, parts) };
    let firsts = keys(frame, rows, std::slice::from_ref(first));
    let mut smallest = vec![NULL; frame.people.names.len()];
    for (&row, &code) in firsts.rows.iter().zip(&firsts.codes) {
        let kept = &mut smallest[frame.people.codes[row as usize] as usize];
        if *kept == NULL || firsts.keys[code as usize] < firsts.keys[*kept as usize] {
            *kept = code;
        }
    }
    let rest = keys(frame, rows, others);
    let mut known: HashMap<(u32, u32), u32> = HashMap::new();
    let mut whole = Keys { rows: Vec::new(), codes: Vec::new(), keys: Vec::new() };
    for (&row, &code) in rest.rows.iter().zip(&rest.codes) {
        let first = smallest[frame.people.codes[row as usize] as usize];
        if first == NULL {
            continue;
        }
        let code = *known.entry((first, code)).or_insert_with(|| {
            whole.keys.push([&firsts.keys[first as usize][..], &rest.keys[code as usize]].concat());
            whole.keys.len() as u32 - 1
        });
        whole.rows.push(row);
        whole.codes.push(code);
    }
    whole
}

/// Where each key stands in order of its bytes.
fn ranks(keys: &[Key]) -> Vec<u32> {
    let mut order: Vec<u32> = (0..keys.len() as u32).collect();
    order.sort_by(|&one, &other| keys[one as usize].cmp(&keys[other as usize]));
    let mut ranks = vec![0; order.len()];
    for (rank, &code) in (0..).zip(&order) {
        ranks[code as usize] = rank;
    }
    ranks
}

/// When each row was, by a column of times or numbers.
fn moments(keyed: &Keys, column: &Column) -> Vec<i64> {
    let moment = |row: u32| match &column.data {
        Data::Int(values) | Data::Date(values) | Data::Datetime(values) => values[row as usize],
        Data::Float(_) | Data::Bool(_) | Data::Text { .. } => 0,
    };
    keyed.rows.iter().map(|&row| moment(row)).collect()
}

/// The least and the largest value of each person who has any, as integers.
pub(super) fn extremes(frame: &Frame, plan: &RowPlan, range: &BoughtRange) -> (Vec<i64>, Vec<i64>) {
    let Some(value) = &plan.value else { return (Vec::new(), Vec::new()) };
    let numbers = values(frame, value);
    let (low, high) = range.within.unwrap_or((f64::MIN, f64::MAX));
    let mut ends: Vec<Option<(i64, i64)>> = vec![None; frame.people.names.len()];
    for row in frame.counting(plan.filter.as_ref()) {
        let Some(number) = numbers.get(row as usize).copied().flatten() else { continue };
        // Saturates at the ends of the integers, as the largest bucket does.
        let integer = (number.max(low).min(high) * range.steps).round() as i64;
        let end = &mut ends[frame.people.codes[row as usize] as usize];
        *end = Some(end.map_or((integer, integer), |(least, most)| (least.min(integer), most.max(integer))));
    }
    ends.into_iter().flatten().unzip()
}

/// The value of each row; none where the row takes no part.
fn values(frame: &Frame, plan: &ValuePlan) -> Vec<Option<f64>> {
    let missing = |what: Missing| match what {
        Missing::Drop => None,
        Missing::Value(instead) => Some(instead),
    };
    let number = |value: Value| match value {
        Value::Int(value) => Some(value as f64),
        Value::Float(value) if value.is_nan() => missing(plan.on_nan),
        Value::Float(value) => Some(value),
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
        (0..rows).map(|row| number(at(row))).collect()
    };
    match &plan.column.table {
        None => frame.column(&plan.column.column).map(|column| by_rows(column, None)),
        Some(table) => frame.joined(table.as_str()).and_then(|joined| {
            joined.column(&plan.column.column).map(|column| by_rows(column, Some(&joined.index)))
        }),
    }
    .unwrap_or_else(|| vec![None; frame.rows()])
}
