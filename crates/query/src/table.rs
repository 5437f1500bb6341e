//! The table of a release: noisy values with their error bars. Everything in it is post-processing.

use serde::{Deserialize, Serialize};

use crate::value::Value;

/// What a column of a table holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ColumnKind {
    /// Whole numbers.
    Int,
    /// Numbers.
    Float,
    /// Text.
    String,
    /// True or false.
    Bool,
    /// Days, as `2026-11-24`.
    Date,
    /// Moments, as `2026-11-24T18:30:00Z`.
    Datetime,
}

/// Which way what bounding cuts off moves a value.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Bias {
    /// Counts: never more than the truth, on average.
    Low,
    /// Sums and means: toward the people with few keys; the direction is not known.
    Unknown,
}

/// A column of a table.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct TableColumn {
    /// Its name.
    pub name: String,
    /// What it holds.
    #[serde(rename = "type")]
    pub kind: ColumnKind,
    /// The unit of its numbers.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub unit: Option<String>,
    /// What the `_low` and `_high` columns that follow it cover.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub bars: Option<String>,
    /// Which way bounding moves it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub bias: Option<Bias>,
    /// Of a label, which was joined on after the noise: the columns of the key that it names.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub names: Vec<String>,
}

impl TableColumn {
    /// A column of a key or a label.
    #[must_use]
    pub fn key(name: &str, kind: ColumnKind) -> Self {
        Self { name: name.to_owned(), kind, unit: None, bars: None, bias: None, names: Vec::new() }
    }

    /// A label of these columns of the key.
    #[must_use]
    pub fn label(name: &str, kind: ColumnKind, names: Vec<String>) -> Self {
        Self { names, ..Self::key(name, kind) }
    }

    /// A noisy number with 95% bars: three columns.
    #[must_use]
    pub fn with_bars(name: &str, unit: &str, bias: Option<Bias>) -> [Self; 3] {
        let bar = |end: &str| Self::key(&format!("{name}_{end}"), ColumnKind::Float);
        let value = Self {
            unit: Some(unit.to_owned()),
            bars: Some("noise, 95%".to_owned()),
            bias,
            ..Self::key(name, ColumnKind::Float)
        };
        [value, bar("low"), bar("high")]
    }
}

/// A table: columns, and rows in an order that is a function of released values alone.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Table {
    /// The columns.
    pub columns: Vec<TableColumn>,
    /// The rows, a value for each column.
    pub rows: Vec<Vec<Value>>,
}

/// A noisy number with its 95% bars.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Estimate {
    /// The value.
    pub value: f64,
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

impl Estimate {
    /// A value with bars of equal length.
    #[must_use]
    pub fn new(value: f64, half_width: f64) -> Self {
        Self { value, low: value - half_width, high: value + half_width }
    }

    /// The three cells, rounded to a hundredth of the noise: more digits would be digits of noise.
    #[must_use]
    pub fn cells(self) -> [Value; 3] {
        let width = (self.high - self.low) / 4.0;
        let step = if width > 0.0 { 10.0_f64.powi((width / 100.0).log10().floor() as i32) } else { 0.0 };
        let round = |x: f64| {
            let rounded = if step > 0.0 && (x / step).abs() < 1e15 {
                (x / step).round() / (1.0 / step).round().max(1.0)
            } else {
                x
            };
            if step >= 1.0 { Value::Float((x / step).round() * step) } else { Value::Float(rounded + 0.0) }
        };
        [round(self.value), round(self.low), round(self.high)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_carry_no_digits_of_noise() {
        let cells = Estimate::new(812.437_219, 46.2).cells();
        assert_eq!(cells, [Value::Float(812.4), Value::Float(766.2), Value::Float(858.6)]);
        let cells = Estimate::new(6.123_456_78, 0.012).cells();
        assert_eq!(cells[0], Value::Float(6.123_46));
        let cells = Estimate::new(123_456_789.0, 2_000_000.0).cells();
        assert_eq!(cells[0], Value::Float(123_460_000.0));
    }
}
