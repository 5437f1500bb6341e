//! Plain values to columns: each becomes what it is, or null, by itself, in one sweep over a chunk.
//!
//! Values come without their nulls, as files store them; `valid` says which rows have one, and is absent where all have.

use std::sync::Arc;

use hashbrown::HashMap;

use super::column::{Column, Data, Kind, NULL};

/// Beyond this not every whole number is a float of its own.
const EXACT: f64 = 9_007_199_254_740_992.0;
const MICROS_OF_DAY: i64 = 86_400_000_000;

/// What moments are counted in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Unit {
    Milli,
    Micro,
    Nano,
}

/// A column, and how many values were there and did not fit.
pub(super) type Fitted = (Column, usize);

/// Puts values where they belong; what stands at a null is the default.
fn spread<T: Copy + Default>(values: Vec<T>, valid: Option<&[bool]>) -> Vec<T> {
    let Some(valid) = valid else { return values };
    let mut next = values.into_iter();
    valid.iter().map(|&there| if there { next.next().unwrap_or_default() } else { T::default() }).collect()
}

/// Nulls more, where a value does not fit; how many.
fn fitting<T: Copy>(values: &[T], valid: &mut Option<Vec<bool>>, fits: impl Fn(T) -> bool) -> usize {
    if values.iter().all(|&value| fits(value)) {
        return 0;
    }
    let valid = valid.get_or_insert_with(|| vec![true; values.len()]);
    let mut misfits = 0;
    for (there, &value) in valid.iter_mut().zip(values) {
        if *there && !fits(value) {
            *there = false;
            misfits += 1;
        }
    }
    misfits
}

/// Nulls alone: values were there and are of another kind.
fn misfits(kind: Kind, rows: usize, there: usize) -> Fitted {
    (Column::nulls(kind, rows), there)
}

fn column(data: Data, valid: Option<Vec<bool>>, misfits: usize) -> Fitted {
    let valid = valid.filter(|valid| valid.iter().any(|&there| !there));
    (Column { data, valid }, misfits)
}

/// Whole numbers.
pub(super) fn ints(values: Vec<i64>, valid: Option<Vec<bool>>, kind: Kind) -> Fitted {
    let there = values.len();
    let values = spread(values, valid.as_deref());
    match kind {
        Kind::Int => column(Data::Int(values), valid, 0),
        Kind::Float => column(Data::Float(values.iter().map(|&value| value as f64).collect()), valid, 0),
        Kind::Date => column(Data::Date(values), valid, 0),
        Kind::Datetime => column(Data::Datetime(values), valid, 0),
        Kind::Text | Kind::Bool => misfits(kind, values.len(), there),
    }
}

/// Whole numbers without a sign: those beyond the largest signed one do not fit.
pub(super) fn unsigned(values: Vec<i64>, valid: Option<Vec<bool>>, kind: Kind) -> Fitted {
    let values = spread(values, valid.as_deref());
    let mut valid = valid;
    let beyond = fitting(&values, &mut valid, |value| value >= 0);
    // What stands at a null is arbitrary.
    let (mut fitted, misfits) = match kind {
        Kind::Float => column(Data::Float(values.iter().map(|&value| value as f64).collect()), None, 0),
        Kind::Int | Kind::Text | Kind::Bool | Kind::Date | Kind::Datetime => ints(values, None, kind),
    };
    fitted.valid = valid.or(fitted.valid);
    (fitted, misfits.max(beyond))
}

/// Numbers: infinities become NaN, which is no number wherever one is asked.
pub(super) fn floats(values: Vec<f64>, valid: Option<Vec<bool>>, kind: Kind) -> Fitted {
    let there = values.len();
    let mut values = spread(values, valid.as_deref());
    let mut valid = valid;
    match kind {
        Kind::Float => {
            values.iter_mut().filter(|value| value.is_infinite()).for_each(|value| *value = f64::NAN);
            column(Data::Float(values), valid, 0)
        }
        Kind::Int => {
            let whole = |value: f64| value.trunc().eq(&value) && value.abs() < EXACT;
            let misfits = fitting(&values, &mut valid, whole);
            column(Data::Int(values.iter().map(|&value| value as i64).collect()), valid, misfits)
        }
        Kind::Text | Kind::Bool | Kind::Date | Kind::Datetime => misfits(kind, values.len(), there),
    }
}

/// True or false.
pub(super) fn truths(values: Vec<bool>, valid: Option<Vec<bool>>, kind: Kind) -> Fitted {
    let there = values.len();
    let values = spread(values, valid.as_deref());
    match kind {
        Kind::Bool => column(Data::Bool(values), valid, 0),
        Kind::Int | Kind::Float | Kind::Text | Kind::Date | Kind::Datetime => {
            misfits(kind, values.len(), there)
        }
    }
}

/// Days since 1970-01-01.
pub(super) fn days(values: Vec<i64>, valid: Option<Vec<bool>>, kind: Kind) -> Fitted {
    let there = values.len();
    let values = spread(values, valid.as_deref());
    let mut valid = valid;
    match kind {
        Kind::Date => column(Data::Date(values), valid, 0),
        Kind::Datetime => {
            // Days beyond what microseconds can count are null: no value was misread.
            fitting(&values, &mut valid, |day| day.checked_mul(MICROS_OF_DAY).is_some());
            let micros = values.iter().map(|&day| day.wrapping_mul(MICROS_OF_DAY)).collect();
            column(Data::Datetime(micros), valid, 0)
        }
        Kind::Int | Kind::Float | Kind::Text | Kind::Bool => misfits(kind, values.len(), there),
    }
}

/// Moments since 1970-01-01 00:00 UTC.
pub(super) fn moments(values: Vec<i64>, valid: Option<Vec<bool>>, kind: Kind, unit: Unit) -> Fitted {
    let there = values.len();
    let mut values = spread(values, valid.as_deref());
    let mut valid = valid;
    match (kind, unit) {
        (Kind::Datetime, Unit::Micro) => {}
        (Kind::Datetime, Unit::Nano) => values.iter_mut().for_each(|value| *value = value.div_euclid(1_000)),
        (Kind::Datetime, Unit::Milli) => {
            fitting(&values, &mut valid, |value| value.checked_mul(1_000).is_some());
            values.iter_mut().for_each(|value| *value = value.wrapping_mul(1_000));
        }
        (Kind::Date, unit) => {
            let of_day = match unit {
                Unit::Milli => MICROS_OF_DAY / 1_000,
                Unit::Micro => MICROS_OF_DAY,
                Unit::Nano => MICROS_OF_DAY * 1_000,
            };
            values.iter_mut().for_each(|value| *value = value.div_euclid(of_day));
            fitting(&values, &mut valid, |day| i32::try_from(day).is_ok());
            return column(Data::Date(values), valid, 0);
        }
        (Kind::Int | Kind::Float | Kind::Text | Kind::Bool, _) => return misfits(kind, values.len(), there),
    }
    column(Data::Datetime(values), valid, 0)
}

/// Text; bytes that are no UTF-8 do not fit.
pub(super) fn texts<'a>(
    values: impl ExactSizeIterator<Item = &'a [u8]>,
    valid: Option<Vec<bool>>,
    kind: Kind,
) -> Fitted {
    let there = values.len();
    let rows = valid.as_ref().map_or(there, Vec::len);
    if kind != Kind::Text {
        return misfits(kind, rows, there);
    }
    let (mut dictionary, mut unreadable): (Vec<String>, usize) = (Vec::new(), 0);
    let mut known: HashMap<&[u8], u32> = HashMap::new();
    // A dictionary of the file hands out the same bytes again and again: where they stand tells them apart sooner.
    let mut places: HashMap<(usize, usize), u32> = HashMap::new();
    let mut code = |bytes: &'a [u8]| {
        let place = (bytes.as_ptr() as usize, bytes.len());
        let code = *places.entry(place).or_insert_with(|| {
            *known.entry(bytes).or_insert_with(|| match std::str::from_utf8(bytes) {
                Ok(text) => {
                    dictionary.push(text.to_owned());
                    dictionary.len() as u32 - 1
                }
                Err(_) => NULL,
            })
        });
        unreadable += usize::from(code == NULL);
        code
    };
    let mut values = values;
    let codes: Vec<u32> = match &valid {
        None => values.map(&mut code).collect(),
        Some(valid) => {
            let next = |there: &bool| if *there { values.next().map_or(NULL, &mut code) } else { NULL };
            valid.iter().map(next).collect()
        }
    };
    let valid = (unreadable > 0 || valid.is_some()).then(|| codes.iter().map(|&code| code != NULL).collect());
    column(Data::Text { codes, dictionary: Arc::new(dictionary) }, valid, unreadable)
}
