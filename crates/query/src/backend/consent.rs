//! Who consents to a purpose.

use std::path::Path;

use hashbrown::HashMap;

use super::rows::{People, cell, normalized, person_name};
use crate::frame::{Column, Files, Kind, NULL, Source, Unreadable, Wanted};
use crate::plan::Consented;
use crate::policy::Normalize;
use crate::value::Value;

/// What a preflight must find in the table of consent.
pub(crate) fn wanted(consent: &Consented, unit: Kind) -> Vec<Wanted> {
    let column = |name: &crate::names::ColumnName, kind| Wanted { name: name.to_string(), kind: Some(kind) };
    vec![
        column(&consent.person, unit),
        column(&consent.purpose, Kind::Text),
        column(&consent.granted, Kind::Bool),
    ]
}

/// Removes the people who do not consent. One person's rows of consent decide about that person's rows and no others:
/// of several, a denial wins, and one that is neither granted nor denied is a denial.
pub(super) fn remove(
    people: &mut People,
    consent: &Consented,
    steps: &[Normalize],
    base: &Path,
) -> Result<(), Unreadable> {
    let source = Source::Files(Files::list(base, &consent.source).map_err(|_| Unreadable)?);
    let preflight = source.preflight(&wanted(consent, people.kind)).map_err(|_| Unreadable)?;
    let columns = source.read(&preflight)?;
    let Ok([person, purpose, granted]) = <[Column; 3]>::try_from(columns) else { return Err(Unreadable) };
    let person = normalized(person, steps);
    let mut decided: HashMap<Vec<u8>, bool> = HashMap::new();
    for row in 0..person.len() {
        if cell(&purpose, row) != Value::String(consent.wanted.to_string()) {
            continue;
        }
        let Some(name) = person_name(&cell(&person, row)) else { continue };
        let grants = cell(&granted, row) == Value::Bool(true);
        decided.entry(name).and_modify(|before| *before &= grants).or_insert(grants);
    }
    let consents: Vec<bool> =
        people.names.iter().map(|name| decided.get(name).copied().unwrap_or(consent.default)).collect();
    for code in &mut people.codes {
        if *code != NULL && !consents[*code as usize] {
            *code = NULL;
        }
    }
    Ok(())
}
