//! From several parts of a key to one code.

use std::sync::Arc;

use flockwise_mechanisms::Key;
use hashbrown::HashMap;

use super::batch::{Batch, Selection};
use super::dimension::Dimension;
use super::grouped::Firsts;
use super::parts::{PartCodes, PartKeyer, fan_out};
use crate::frame::NULL;
use crate::plan::KeyPart;

/// The keys of some rows of a chunk.
pub(super) struct Keyed {
    /// The rows, once for each key that the row has.
    pub rows: Selection,
    /// The key's code for each of them.
    pub codes: Vec<u32>,
}

/// Gives rows the codes of their keys: every combination of the keys of their parts.
pub(super) struct Keyer<'p> {
    /// A person's first part comes before the others, where there is one for each person.
    firsts: Option<Arc<Firsts>>,
    parts: Vec<PartKeyer<'p>>,
    /// Codes of combinations: for each part but the first what it makes of a code before it and its own.
    combined: Vec<Combined>,
    /// Whether the keys of the first codes have been taken.
    began: bool,
}

#[derive(Default)]
struct Combined {
    known: HashMap<(u32, u32), u32>,
    /// The bytes of the last codes' keys.
    keys: Vec<Key>,
}

impl<'p> Keyer<'p> {
    /// For some parts, over these tables.
    pub fn new(parts: &'p [KeyPart], tables: &[Dimension], firsts: Option<Arc<Firsts>>) -> Self {
        let most = fan_out(parts.iter().filter(|part| part.split.is_some()).count());
        let of_part = |part: &'p KeyPart| {
            let table = part.column.table.as_ref();
            let table = table.and_then(|table| tables.iter().find(|known| known.table == *table));
            PartKeyer::new(part, most, table.and_then(|table| table.column(&part.column.column)))
        };
        let combined = parts.len() - usize::from(firsts.is_none() && !parts.is_empty());
        Self {
            parts: parts.iter().map(of_part).collect(),
            combined: std::iter::repeat_with(Combined::default).take(combined).collect(),
            firsts,
            began: false,
        }
    }

    /// The keys of the selected rows of a chunk.
    pub fn keyed(&mut self, batch: &Batch<'_>, rows: &Selection) -> Keyed {
        let mut keyed = match &self.firsts {
            Some(firsts) => {
                let first = |row: &u32| firsts.of(batch.people.ids[*row as usize]);
                let all: Vec<u32> = rows.clone().unwrap_or_else(|| (0..batch.rows as u32).collect());
                let there: Vec<u32> = all.into_iter().filter(|row| first(row).is_some()).collect();
                let codes = there.iter().filter_map(first).collect();
                Keyed { rows: Some(there), codes }
            }
            None => Keyed { rows: rows.clone(), codes: Vec::new() },
        };
        let mut combined = self.combined.iter_mut();
        let mut before: Option<&[Key]> = self.firsts.as_ref().map(|firsts| &firsts.keys[..]);
        for part in &mut self.parts {
            let codes = part.codes(batch, &keyed.rows);
            match before {
                None => {
                    keyed = first_part(keyed.rows, codes);
                    before = Some(part.keys());
                }
                Some(keys) => {
                    let next = combined.next().expect("one for each part behind another");
                    let (rows, own) = paired(keyed, codes);
                    keyed = Keyed { rows: Some(rows), codes: next.codes(&own, keys, part.keys()) };
                    before = Some(&next.keys);
                }
            }
        }
        if before.is_none() {
            let length = keyed.rows.as_ref().map_or(batch.rows, Vec::len);
            keyed.codes = vec![0; length];
        }
        keyed
    }

    /// The bytes of the keys whose codes are new since this was last called, in the order of their codes.
    pub fn take_keys(&mut self) -> Vec<Key> {
        let first = !std::mem::replace(&mut self.began, true);
        match (self.combined.last_mut(), self.parts.first_mut(), &self.firsts) {
            (Some(combined), ..) => combined.take_keys(),
            (None, Some(part), _) => part.take_keys(),
            (None, None, Some(firsts)) if first => firsts.keys.clone(),
            (None, None, None) if first => vec![Key::new()],
            (None, None, _) => Vec::new(),
        }
    }
}

impl Combined {
    /// The codes of combinations.
    fn codes(&mut self, pairs: &[(u32, u32)], before: &[Key], own: &[Key]) -> Vec<u32> {
        let Self { known, keys } = self;
        let code = |&(one, other): &(u32, u32)| {
            let next = known.len() as u32;
            *known.entry((one, other)).or_insert_with(|| {
                keys.push([&before[one as usize][..], &own[other as usize]].concat());
                next
            })
        };
        pairs.iter().map(code).collect()
    }

    fn take_keys(&mut self) -> Vec<Key> {
        std::mem::take(&mut self.keys)
    }
}

/// The rows that have a key in the first part.
fn first_part(rows: Selection, codes: PartCodes<'_>) -> Keyed {
    match codes {
        PartCodes::One(codes) if !codes.contains(&NULL) => Keyed { rows, codes },
        PartCodes::One(codes) => {
            let there = |at: &usize| codes[*at] != NULL;
            let row = |at: usize| rows.as_ref().map_or(at as u32, |rows| rows[at]);
            let rows = (0..codes.len()).filter(there).map(row).collect();
            Keyed { rows: Some(rows), codes: codes.into_iter().filter(|&code| code != NULL).collect() }
        }
        PartCodes::Many(groups, ends, codes) => {
            let (mut kept, mut own) = (Vec::with_capacity(groups.len()), Vec::with_capacity(groups.len()));
            for (at, &group) in groups.iter().enumerate() {
                let row = rows.as_ref().map_or(at as u32, |rows| rows[at]);
                for &code in of_group(group, ends, codes) {
                    kept.push(row);
                    own.push(code);
                }
            }
            Keyed { rows: Some(kept), codes: own }
        }
    }
}

/// The rows that have a key in the next part too, with the codes before and in it.
fn paired(keyed: Keyed, codes: PartCodes<'_>) -> (Vec<u32>, Vec<(u32, u32)>) {
    let (mut kept, mut pairs) =
        (Vec::with_capacity(keyed.codes.len()), Vec::with_capacity(keyed.codes.len()));
    for (at, &before) in keyed.codes.iter().enumerate() {
        let row = keyed.rows.as_ref().map_or(at as u32, |rows| rows[at]);
        let mut push = |code: u32| {
            kept.push(row);
            pairs.push((before, code));
        };
        match &codes {
            PartCodes::One(codes) => {
                if codes[at] != NULL {
                    push(codes[at]);
                }
            }
            PartCodes::Many(groups, ends, codes) => {
                of_group(groups[at], ends, codes).iter().for_each(|&code| push(code));
            }
        }
    }
    (kept, pairs)
}

fn of_group<'k>(group: u32, ends: &[u32], codes: &'k [u32]) -> &'k [u32] {
    let start = if group == 0 { 0 } else { ends[group as usize - 1] };
    &codes[start as usize..ends[group as usize] as usize]
}
