//! Who consents to a purpose, and how much of it.

use std::path::Path;

use flockwise_mechanisms::{Source as NoiseSource, TakesPart};
use hashbrown::HashMap;

use super::rows::{cell, normalized, person_name};
use crate::frame::{Column, Files, Kind, Preflight, PreflightError, Source, Unreadable, Wanted};
use crate::key::decode;
use crate::names::ColumnName;
use crate::plan::Consented;
use crate::policy::Normalize;
use crate::value::Value;

/// The table of consent and the columns that are read of it. A person's own ε may be a number, or written as text.
pub(crate) fn preflight(
    consent: &Consented,
    unit: Kind,
    base: &Path,
) -> Result<(Source, Preflight), PreflightError> {
    let source = Source::Files(Files::list(base, &consent.source)?);
    let written = source.preflight(&wanted(consent, unit, Kind::Text));
    let found = match written {
        Ok(found) => found,
        Err(_) => source.preflight(&wanted(consent, unit, Kind::Float))?,
    };
    Ok((source, found))
}

fn wanted(consent: &Consented, unit: Kind, limit: Kind) -> Vec<Wanted> {
    let column = |name: &ColumnName, kind| Wanted { name: name.to_string(), kind: Some(kind) };
    let fixed = [
        column(&consent.person, unit),
        column(&consent.purpose, Kind::Text),
        column(&consent.granted, Kind::Bool),
    ];
    fixed.into_iter().chain(consent.limit.as_ref().map(|own| column(&own.column, limit))).collect()
}

/// What one person decided about the job's purpose.
#[derive(Clone, Copy)]
struct Decision {
    grants: bool,
    /// The most ε of one job; infinite where none is set.
    limit: f64,
}

/// Who takes part in the job.
pub(super) struct Consents {
    /// Whether people of whom the table says nothing do.
    default: bool,
    /// Those of whom it says something.
    numbers: HashMap<i64, bool>,
    texts: HashMap<String, bool>,
}

impl Consents {
    /// Decides who consents to a purpose, and by chance who takes part of those who allow less than the job spends.
    ///
    /// One person's rows of consent decide about that person's rows and no others: of several, a denial wins, and one that
    /// is neither granted nor denied is a denial; the least ε wins, and one that is no number is none. So data sets that
    /// differ in all rows of one person, those of consent among them, differ after this in that person's rows alone, for any
    /// outcome of everybody else's draws. One draw a person is shared by all releases and scans of the job: it is made
    /// here, once, for everybody in the table, whether the data know them or not.
    pub fn decide(
        consent: &Consented,
        unit: Kind,
        steps: &[Normalize],
        base: &Path,
        noise: &mut dyn NoiseSource,
    ) -> Result<Self, Unreadable> {
        let (source, preflight) = preflight(consent, unit, base).map_err(|_| Unreadable)?;
        let mut columns = source.read(&preflight)?.into_iter();
        let (Some(person), Some(purpose), Some(granted)) = (columns.next(), columns.next(), columns.next())
        else {
            return Err(Unreadable);
        };
        let own = columns.next();
        let person = normalized(person, steps);
        let mut decided: HashMap<Vec<u8>, Decision> = HashMap::new();
        for row in 0..person.len() {
            if cell(&purpose, row) != Value::String(consent.wanted.to_string()) {
                continue;
            }
            let Some(name) = person_name(&cell(&person, row)) else { continue };
            let grants = cell(&granted, row) == Value::Bool(true);
            let limit = own.as_ref().map_or(f64::INFINITY, |own| limit(own, row));
            decided
                .entry(name)
                .and_modify(|before| {
                    *before = Decision { grants: before.grants && grants, limit: before.limit.min(limit) };
                })
                .or_insert(Decision { grants, limit });
        }
        let mut takes_part = |Decision { grants, limit }| {
            grants && consent.limit.as_ref().is_none_or(|own| TakesPart::within(limit, own.job).draw(noise))
        };
        let mut all = Self { default: consent.default, numbers: HashMap::new(), texts: HashMap::new() };
        for (name, decision) in decided {
            let part = takes_part(decision);
            match decode(&name).pop() {
                Some(Value::Int(person)) => _ = all.numbers.insert(person, part),
                Some(Value::String(person)) => _ = all.texts.insert(person, part),
                Some(
                    Value::Null | Value::Bool(_) | Value::Float(_) | Value::Date(_) | Value::Datetime(_),
                )
                | None => {}
            }
        }
        Ok(all)
    }

    /// Whether the person of a whole number takes part.
    pub fn takes_number(&self, person: i64) -> bool {
        self.numbers.get(&person).copied().unwrap_or(self.default)
    }

    /// Whether the person of a text takes part.
    pub fn takes_text(&self, person: &str) -> bool {
        self.texts.get(person).copied().unwrap_or(self.default)
    }
}

/// The ε in a cell: no limit where the cell is empty, nothing at all where it is no number.
fn limit(own: &Column, row: usize) -> f64 {
    let number = match cell(own, row) {
        Value::Null => return f64::INFINITY,
        Value::Float(number) => number,
        Value::String(text) if text.trim().is_empty() => return f64::INFINITY,
        Value::String(text) => text.trim().parse().unwrap_or(0.0),
        Value::Int(_) | Value::Bool(_) | Value::Date(_) | Value::Datetime(_) => 0.0,
    };
    if number.is_nan() { 0.0 } else { number }
}
