//! Keys that are declared: their lists, and the grid of all their combinations.

use std::path::Path;

use chrono_tz::Tz;
use flockwise_mechanisms::Key;

use super::planner::PlanError;
use super::rows::KeyPart;
use crate::backend::{Calendar, bin_range, text_keys};
use crate::frame::{Files, Source, Wanted};
use crate::key::encode;
use crate::policy::{NullKeys, Policy};
use crate::resolve::{Domain, MOST_CELLS, Shape};
use crate::value::Value;

/// Every key of a domain, sorted by its bytes; `None` for private keys. A public table is read for its keys: it holds
/// nobody's data.
pub(super) fn declared(
    part: &crate::resolve::Key,
    policy: &Policy,
    base: &Path,
) -> Result<Option<Vec<Value>>, PlanError> {
    let too_many = || PlanError::TooManyCells { most: MOST_CELLS };
    let mut values = match (&part.domain, &part.shape) {
        (Domain::Private, _) => return Ok(None),
        (Domain::Listed(values), _) => values.clone(),
        (Domain::Table { table, column }, _) => {
            of_table(part, policy, base, table.as_str(), column.as_str())?
        }
        (Domain::Windows { from, until }, Shape::Window { every, starts, tz }) => {
            let calendar = Calendar {
                count: every.count.get(),
                unit: every.unit,
                starts: *starts,
                tz: tz.unwrap_or(Tz::UTC),
            };
            calendar.windows(from, until, MOST_CELLS as usize).ok_or_else(too_many)?
        }
        (Domain::Bins(bounds), Shape::Bin { width }) => {
            let (first, last) = bin_range(*width, *bounds);
            if last - first >= MOST_CELLS as f64 {
                return Err(too_many());
            }
            (0..=(last - first) as u64)
                .map(|step| Value::Float((first + step as f64) * width + 0.0))
                .collect()
        }
        (Domain::Windows { .. } | Domain::Bins(_), _) => {
            return Err(PlanError::Internal("a domain without its shape"));
        }
    };
    match &part.null_keys {
        NullKeys::Drop => {}
        NullKeys::Keep => values.push(Value::Null),
        NullKeys::Value(instead) => values.push(instead.clone()),
    }
    let mut keyed: Vec<(Key, Value)> = values.into_iter().map(|value| (bytes(&value), value)).collect();
    keyed.sort_by(|(one, _), (other, _)| one.cmp(other));
    keyed.dedup_by(|(one, _), (other, _)| one == other);
    Ok(Some(keyed.into_iter().map(|(_, value)| value).collect()))
}

fn bytes(value: &Value) -> Key {
    let mut key = Key::new();
    encode(value, &mut key);
    key
}

fn of_table(
    part: &crate::resolve::Key,
    policy: &Policy,
    base: &Path,
    table: &str,
    column: &str,
) -> Result<Vec<Value>, PlanError> {
    let unreadable = || PlanError::Table { table: table.to_owned() };
    let definition = policy.tables.get(table).ok_or_else(unreadable)?;
    let source = Source::Files(Files::list(base, &definition.source).map_err(|_| unreadable())?);
    let wanted = Wanted { name: column.to_owned(), kind: Some(crate::backend::kind(part.column_type)) };
    let preflight = source.preflight(&[wanted]).map_err(|_| unreadable())?;
    let read = source.read(&preflight).map_err(|_| unreadable())?.swap_remove(0);
    Ok(text_keys(read, &part.normalize, part.split.as_deref()))
}

/// Every combination of declared parts, in order of their bytes.
pub(super) fn grid(parts: &[KeyPart]) -> Result<Vec<Key>, PlanError> {
    let cells = parts
        .iter()
        .map(|part| part.declared.as_ref().map_or(0, Vec::len) as u64)
        .try_fold(1_u64, u64::checked_mul);
    if cells.is_none_or(|cells| cells > MOST_CELLS) {
        return Err(PlanError::TooManyCells { most: MOST_CELLS });
    }
    let mut keys = vec![Key::new()];
    for part in parts {
        let values: Vec<Key> = part.declared.iter().flatten().map(bytes).collect();
        keys =
            keys.iter().flat_map(|key| values.iter().map(move |value| [&key[..], value].concat())).collect();
    }
    Ok(keys)
}
