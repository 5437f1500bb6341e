//! Whose each row is.

use std::hash::BuildHasher as _;

use hashbrown::{DefaultHashBuilder, HashTable};

use super::consent::Consents;
use super::rows::person_name;
use crate::frame::{Column, Data, NULL};
use crate::value::Value;

/// The rows of a chunk by person.
pub(super) struct Identified {
    /// What stands for the person of each row; where there is none, anything.
    pub ids: Vec<u64>,
    /// Which rows are somebody's who takes part; absent where all are.
    pub somebody: Option<Vec<bool>>,
}

/// The mark of an id that holds within one wave of chunks, in one lane: the place of a new text among those of the lane.
const NEW: u64 = 1 << 63;

/// Texts by code: each once.
#[derive(Default)]
pub(super) struct Texts {
    bytes: String,
    /// Where each text ends.
    ends: Vec<usize>,
    codes: HashTable<u32>,
    hasher: DefaultHashBuilder,
}

impl Texts {
    pub const fn len(&self) -> usize {
        self.ends.len()
    }

    pub fn get(&self, code: u32) -> &str {
        let code = code as usize;
        let start = if code == 0 { 0 } else { self.ends[code - 1] };
        &self.bytes[start..self.ends[code]]
    }

    pub fn find(&self, text: &str) -> Option<u32> {
        self.codes.find(self.hasher.hash_one(text), |&code| self.get(code) == text).copied()
    }

    /// The code of a text, a new one where it has none.
    pub fn code(&mut self, text: &str) -> u32 {
        if let Some(code) = self.find(text) {
            return code;
        }
        let code = self.ends.len() as u32;
        self.bytes.push_str(text);
        self.ends.push(self.bytes.len());
        let Self { bytes, ends, codes, hasher } = self;
        let of = |code: u32| {
            let start = if code == 0 { 0 } else { ends[code as usize - 1] };
            &bytes[start..ends[code as usize]]
        };
        codes.insert_unique(hasher.hash_one(text), code, |&code| hasher.hash_one(of(code)));
        code
    }

    fn clear(&mut self) {
        self.bytes.clear();
        self.ends.clear();
        self.codes.clear();
    }
}

/// The people of a data set, so far as they must be told apart by more than their own value: those whose privacy unit is
/// text. A whole number is its own identity.
#[derive(Default)]
pub(super) struct People {
    known: Texts,
}

impl People {
    /// Who is who in a chunk. Texts that nobody had before go to `new`, and their ids are preliminary until
    /// [`People::welcome`].
    pub fn identify(&self, unit: &Column, consents: Option<&Consents>, new: &mut Texts) -> Identified {
        match &unit.data {
            Data::Int(values) => {
                let ids = values.iter().map(|value| value.cast_unsigned()).collect();
                let all = unit.valid.is_none() && consents.is_none();
                let takes_part = |person: i64| consents.is_none_or(|all| all.takes_number(person));
                let somebody = |row: usize| !unit.is_null(row) && takes_part(values[row]);
                Identified { ids, somebody: (!all).then(|| (0..values.len()).map(somebody).collect()) }
            }
            Data::Text { codes, dictionary } => {
                let id = |text: &String| match self.known.find(text) {
                    Some(code) => u64::from(code),
                    None => NEW | u64::from(new.code(text)),
                };
                let takes_part = |text: &String| consents.is_none_or(|all| all.takes_text(text));
                let takes_part: Vec<bool> = dictionary.iter().map(takes_part).collect();
                let of: Vec<u64> = dictionary.iter().map(id).collect();
                let ids = codes.iter().map(|&code| of.get(code as usize).copied().unwrap_or(0)).collect();
                let all = takes_part.iter().all(|&takes_part| takes_part) && !codes.contains(&NULL);
                let somebody = |&code: &u32| takes_part.get(code as usize).copied().unwrap_or(false);
                Identified { ids, somebody: (!all).then(|| codes.iter().map(somebody).collect()) }
            }
            Data::Float(_) | Data::Bool(_) | Data::Date(_) | Data::Datetime(_) => {
                unreachable!("a preflight lets a privacy unit be int or text")
            }
        }
    }

    /// Makes the new texts of a lane known: what stands for each of them from now on.
    pub fn welcome(&mut self, new: &mut Texts) -> Vec<u64> {
        let codes = (0..new.len() as u32).map(|at| u64::from(self.known.code(new.get(at)))).collect();
        new.clear();
        codes
    }

    /// The name of a person in keyed hashes.
    pub fn name(&self, of: Naming, id: u64) -> Vec<u8> {
        let value = match of {
            Naming::Number => Value::Int(id.cast_signed()),
            Naming::Text => Value::String(self.known.get(id as u32).to_owned()),
        };
        person_name(&value).expect("a privacy unit is a number or text")
    }
}

/// What ids stand for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Naming {
    /// The whole number itself.
    Number,
    /// A text by its code.
    Text,
}

/// Replaces preliminary ids.
pub(super) fn settle(ids: &mut [u64], welcomed: &[u64]) {
    if welcomed.is_empty() {
        return;
    }
    for id in ids.iter_mut().filter(|id| **id & NEW != 0) {
        *id = welcomed[(*id & !NEW) as usize];
    }
}
