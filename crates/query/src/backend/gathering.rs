//! One release's part in a scan: what each lane drafts of the chunks it reads, and what all drafts are gathered into.

use std::sync::Arc;

use flockwise_mechanisms::Key;

use super::batch::{Batch, Selection};
use super::dimension::Dimension;
use super::grouped::{Averages, Ends, Firsts, Keys, Table};
use super::keyer::{Keyed, Keyer};
use super::people::settle;
use super::values::{Numbers, put};
use crate::frame::{Column, Data};
use crate::kernel::{Gather, Layout, Rows, Settings, SpillError};
use crate::plan::{BoughtRange, Grouping, KeyPart, RowPlan};

/// What a release wants of a scan.
pub(super) struct Task<'p> {
    pub plan: &'p RowPlan,
    /// How many parts of the key, the first ones, come from the data.
    pub from_data: usize,
    pub what: What,
}

/// What is gathered.
#[derive(Clone)]
pub(super) enum What {
    /// Contributions.
    Groups,
    /// Contributions of people who have one value of the key's first part.
    GroupsBy(Arc<Firsts>),
    /// That value.
    Firsts,
    /// The ends of each person's values.
    Ends(BoughtRange),
}

/// What was gathered.
pub(super) enum Found {
    Groups(Box<Tables>),
    Firsts(Firsts),
    Ends(Ends),
}

/// Contributions yet to be grouped.
pub(super) struct Tables {
    /// By whole keys.
    pub whole: Table,
    /// By the parts of a key that come from the data, where others are declared.
    pub selected: Option<Table>,
    /// By a person's first part of the key, where there is one for each person.
    pub first: Option<Table>,
}

/// The groupings of a task: the parts of the key of each.
fn groupings<'p>(task: &Task<'p>) -> [Option<&'p [KeyPart]>; 3] {
    let keys: &'p [KeyPart] = &task.plan.keys;
    let mixed = task.from_data > 0 && task.from_data < keys.len();
    match &task.what {
        What::Groups if matches!(task.plan.grouping, Grouping::Activity(_)) => [Some(&[]), None, None],
        What::Groups => [Some(keys), mixed.then(|| &keys[..task.from_data]), None],
        // The first part is a person's own, and comes before the others.
        What::GroupsBy(_) => {
            [Some(keys.get(1..).unwrap_or_default()), mixed.then(|| &keys[1..task.from_data]), Some(&[])]
        }
        What::Firsts => [Some(keys.get(..1).unwrap_or_default()), None, None],
        What::Ends(_) => [None, None, None],
    }
}

/// What one lane makes of its chunks.
pub(super) struct Draft<'p> {
    task: &'p Task<'p>,
    groupings: [Option<Drafted<'p>>; 3],
    /// For ends: whose value, and the value.
    ends: (Vec<u64>, Vec<i64>),
}

struct Drafted<'p> {
    keyer: Keyer<'p>,
    rows: Rows,
    /// What a code of this lane is for all.
    codes: Vec<u32>,
}

impl<'p> Draft<'p> {
    pub fn new(task: &'p Task<'p>, tables: &[Dimension]) -> Self {
        let firsts = match &task.what {
            What::GroupsBy(firsts) => Some(firsts),
            What::Groups | What::Firsts | What::Ends(_) => None,
        };
        let layout = layout(task);
        let drafted = |parts: Option<&'p [KeyPart]>| {
            parts.map(|parts| Drafted {
                keyer: Keyer::new(parts, tables, firsts.cloned()),
                rows: Rows {
                    channels: vec![Vec::new(); layout.channels],
                    bins: vec![Vec::new(); layout.spreads.len()],
                    ..Rows::default()
                },
                codes: Vec::new(),
            })
        };
        Self { task, groupings: groupings(task).map(drafted), ends: (Vec::new(), Vec::new()) }
    }

    /// Takes the rows of a chunk that count.
    pub fn take(&mut self, batch: &Batch<'_>) {
        let plan = self.task.plan;
        let rows = batch.counting(plan.filter.as_ref());
        if let What::Ends(range) = &self.task.what {
            return self.take_ends(batch, rows, range);
        }
        let moments = match &plan.grouping {
            Grouping::InOrder(column) => match batch.column(column) {
                Some(column) => Some(column),
                None => return,
            },
            Grouping::Rows | Grouping::Activity(_) | Grouping::FirstOfPerson => None,
        };
        let timed = match moments {
            Some(column) => there(batch, rows.clone(), column),
            None => rows.clone(),
        };
        let [whole, selected, first] = &mut self.groupings;
        let Some(whole) = whole else { return };
        let keyed = whole.keyer.keyed(batch, &timed);
        if let Some(selected) = selected {
            // A row whose declared parts are not on their lists is dropped before bounding, in the selection too.
            let mut with_key = keyed.rows.clone();
            if let Some(rows) = &mut with_key {
                rows.dedup();
            }
            let keyed = selected.keyer.keyed(batch, &with_key);
            selected.append(batch, plan, keyed, moments);
        }
        whole.append(batch, plan, keyed, moments);
        if let Some(first) = first {
            let keyed = first.keyer.keyed(batch, &rows);
            first.append(batch, plan, keyed, moments);
        }
    }

    fn take_ends(&mut self, batch: &Batch<'_>, mut rows: Selection, range: &BoughtRange) {
        let Some(value) = &self.task.plan.value else { return };
        let (low, high) = range.within.unwrap_or((f64::MIN, f64::MAX));
        let mut ignored = Vec::new();
        let numbers = Numbers::new(batch, value, &rows).keep(&mut ignored, &mut rows);
        // Saturates at the ends of the integers, as the largest bucket does.
        let integers = numbers.iter().map(|number| (number.max(low).min(high) * range.steps).round() as i64);
        self.ends.1.extend(integers);
        extend_ids(&mut self.ends.0, &batch.people.ids, &rows);
    }
}

/// The rows that have a moment.
fn there(batch: &Batch<'_>, rows: Selection, column: &Column) -> Selection {
    if column.valid.is_none() {
        return rows;
    }
    let all = rows.unwrap_or_else(|| (0..batch.rows as u32).collect());
    Some(all.into_iter().filter(|&row| !column.is_null(row as usize)).collect())
}

fn extend_ids(into: &mut Vec<u64>, ids: &[u64], rows: &Selection) {
    match rows {
        None => into.extend_from_slice(ids),
        Some(rows) => into.extend(rows.iter().map(|&row| ids[row as usize])),
    }
}

impl Drafted<'_> {
    fn append(&mut self, batch: &Batch<'_>, plan: &RowPlan, keyed: Keyed, moments: Option<&Column>) {
        let Keyed { mut rows, mut codes } = keyed;
        if let Some(value) = &plan.value {
            let numbers = Numbers::new(batch, value, &rows).keep(&mut codes, &mut rows);
            if value.averaged {
                self.rows.channels[0].extend(numbers.iter().map(|&number| value.channel.grid(number)));
            } else {
                put(&numbers, value, &mut self.rows);
            }
        }
        extend_ids(&mut self.rows.people, &batch.people.ids, &rows);
        self.rows.keys.append(&mut codes);
        if let Some(column) = moments {
            let moment = |row: usize| match &column.data {
                Data::Int(values) | Data::Date(values) | Data::Datetime(values) => values[row],
                Data::Float(_) | Data::Bool(_) | Data::Text { .. } => 0,
            };
            match &rows {
                None => self.rows.moments.extend((0..batch.rows).map(moment)),
                Some(rows) => self.rows.moments.extend(rows.iter().map(|&row| moment(row as usize))),
            }
        }
    }

    /// Replaces preliminary people and the lane's own codes.
    fn settle(&mut self, welcomed: &[u64], keys: &mut Keys) {
        settle(&mut self.rows.people, welcomed);
        self.codes.extend(self.keyer.take_keys().into_iter().map(|key: Key| keys.code(key)));
        self.rows.keys.iter_mut().for_each(|code| *code = self.codes[*code as usize]);
    }

    fn clear(&mut self) {
        self.rows.people.clear();
        self.rows.keys.clear();
        self.rows.channels.iter_mut().for_each(Vec::clear);
        self.rows.bins.iter_mut().for_each(Vec::clear);
        self.rows.moments.clear();
    }
}

fn layout(task: &Task<'_>) -> Layout {
    let plan = task.plan;
    if let (What::Groups, Grouping::Activity(buckets)) = (&task.what, &plan.grouping) {
        return Layout { activity: Some(*buckets), ..Layout::values(0) };
    }
    let value = plan.value.as_ref().filter(|_| matches!(task.what, What::Groups | What::GroupsBy(_)));
    Layout {
        channels: value.map_or(0, |value| 1 + usize::from(value.squares)),
        spreads: value.map_or_else(Vec::new, |value| value.bins.iter().map(|grid| grid.spread).collect()),
        ordered: matches!(plan.grouping, Grouping::InOrder(_)),
        activity: None,
    }
}

/// Whether a person's rows in a key are one row with their average.
fn averaged(task: &Task<'_>) -> bool {
    let groups = matches!(task.what, What::Groups | What::GroupsBy(_));
    groups && task.plan.value.as_ref().is_some_and(|value| value.averaged)
}

/// What the drafts of a task are gathered into.
pub(super) struct Gathering {
    tables: [Option<Table>; 3],
    firsts: Firsts,
    ends: Ends,
}

impl Gathering {
    pub fn new(task: &Task<'_>, settings: &Settings) -> Self {
        let layout = layout(task);
        let table = |_: &[KeyPart]| Table {
            gather: Gather::new(layout.clone(), settings),
            keys: Keys::default(),
            activity: layout.activity,
            ordered: layout.ordered,
            averages: averaged(task).then(Averages::default),
        };
        Self {
            tables: groupings(task).map(|parts| parts.map(table)),
            firsts: Firsts::default(),
            ends: Ends::default(),
        }
    }

    /// Takes what a lane has drafted; `welcomed` is what stands for its preliminary people.
    ///
    /// # Errors
    /// When what does not fit into memory cannot be kept on disk.
    pub fn take(&mut self, draft: &mut Draft<'_>, welcomed: &[u64]) -> Result<(), SpillError> {
        let firsts = matches!(draft.task.what, What::Firsts);
        for (table, drafted) in self.tables.iter_mut().flatten().zip(draft.groupings.iter_mut().flatten()) {
            drafted.settle(welcomed, &mut table.keys);
            if firsts {
                self.firsts.take(&drafted.rows.people, &drafted.rows.keys, &table.keys);
            } else if let Some(averages) = &mut table.averages {
                averages.take(&drafted.rows);
            } else if !drafted.rows.people.is_empty() {
                table.gather.push(&drafted.rows)?;
            }
            drafted.clear();
        }
        let (ids, values) = &mut draft.ends;
        settle(ids, welcomed);
        self.ends.take(ids, values);
        ids.clear();
        values.clear();
        Ok(())
    }

    /// # Errors
    /// When what does not fit into memory cannot be kept on disk.
    pub fn finish(mut self, task: &Task<'_>) -> Result<Found, SpillError> {
        for table in self.tables.iter_mut().flatten() {
            if let (Some(averages), Some(value)) = (table.averages.take(), &task.plan.value) {
                averages.push(value, &table.gather)?;
            }
        }
        let [whole, selected, first] = self.tables;
        Ok(match (&task.what, whole) {
            (What::Groups | What::GroupsBy(_), Some(whole)) => {
                Found::Groups(Box::new(Tables { whole, selected, first }))
            }
            (What::Firsts, Some(whole)) => Found::Firsts(Firsts { of: self.firsts.of, keys: whole.keys.all }),
            (What::Groups | What::GroupsBy(_) | What::Firsts | What::Ends(_), _) => Found::Ends(self.ends),
        })
    }
}
