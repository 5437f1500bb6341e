//! Polars series to builders.

use polars::prelude::{DataType, Series, TimeUnit};

use super::column::{Builder, Kind};
use super::source::Family;

/// The family of a Polars type.
pub(super) fn family(dtype: &DataType) -> Family {
    if dtype.is_integer() {
        Family::Int
    } else if dtype.is_float() {
        Family::Float
    } else if dtype.is_string() || dtype.is_categorical() || dtype.is_enum() {
        Family::Text
    } else if dtype.is_bool() {
        Family::Bool
    } else if dtype.is_date() {
        Family::Date
    } else if dtype.is_datetime() {
        Family::Datetime
    } else {
        Family::Other
    }
}

/// Appends a series value by value: each becomes what it is, or null, by itself.
pub(super) fn append(series: &Series, builder: &mut Builder) -> Option<()> {
    match (family(series.dtype()), builder.kind()) {
        (Family::Int, _) => {
            // What does not fit an i64 is null.
            let nulls = series.null_count();
            let series = series.cast(&DataType::Int64).ok()?;
            builder.count_unreadable(series.null_count() - nulls);
            series.i64().ok()?.iter().for_each(|value| builder.push_int(value));
        }
        (Family::Float, _) => {
            let series = series.cast(&DataType::Float64).ok()?;
            series.f64().ok()?.iter().for_each(|value| builder.push_float(value));
        }
        (Family::Text, _) => {
            let series = series.cast(&DataType::String).ok()?;
            series.str().ok()?.iter().for_each(|value| builder.push_text(value));
        }
        (Family::Bool, _) => series.bool().ok()?.iter().for_each(|value| builder.push_bool(value)),
        (Family::Date | Family::Datetime, Kind::Date) => {
            let days = series.cast(&DataType::Date).ok()?.cast(&DataType::Int64).ok()?;
            days.i64().ok()?.iter().for_each(|value| builder.push_int(value));
        }
        (Family::Date | Family::Datetime, _) => {
            let moments = series.cast(&DataType::Datetime(TimeUnit::Microseconds, None)).ok()?;
            let moments = moments.cast(&DataType::Int64).ok()?;
            moments.i64().ok()?.iter().for_each(|value| builder.push_int(value));
        }
        (Family::Written | Family::Other, _) => return None,
    }
    Some(())
}
