//! Typed columns with nulls, and how they are built row by row.

use std::sync::Arc;

use hashbrown::HashMap;

/// The code of a null in a text column.
pub const NULL: u32 = u32::MAX;

/// The values of a column; what stands at a null is arbitrary.
#[derive(Clone, Debug)]
pub enum Data {
    /// Whole numbers.
    Int(Vec<i64>),
    /// Finite numbers, and NaN for what is none.
    Float(Vec<f64>),
    /// Text by code; the code of a null is [`NULL`].
    Text {
        /// One code a row.
        codes: Vec<u32>,
        /// What the codes stand for, each text once.
        dictionary: Arc<Vec<String>>,
    },
    /// True or false.
    Bool(Vec<bool>),
    /// Days since 1970-01-01.
    Date(Vec<i64>),
    /// Microseconds since 1970-01-01 00:00 UTC.
    Datetime(Vec<i64>),
}

/// A column: values, and which of them are there.
#[derive(Clone, Debug)]
pub struct Column {
    /// The values.
    pub data: Data,
    /// Which rows are not null; absent when all are there.
    pub valid: Option<Vec<bool>>,
}

impl Column {
    /// Number of rows.
    #[must_use]
    pub fn len(&self) -> usize {
        match &self.data {
            Data::Int(values) | Data::Date(values) | Data::Datetime(values) => values.len(),
            Data::Float(values) => values.len(),
            Data::Text { codes, .. } => codes.len(),
            Data::Bool(values) => values.len(),
        }
    }

    /// Whether there are no rows.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Nothing but nulls.
    #[must_use]
    pub(crate) fn nulls(kind: Kind, rows: usize) -> Self {
        let mut builder = Builder::new(kind);
        builder.push_null();
        builder.finish().repeated(rows)
    }

    /// The first value, so many times.
    #[must_use]
    pub(crate) fn repeated(&self, rows: usize) -> Self {
        let data = match &self.data {
            Data::Int(values) => Data::Int(vec![values[0]; rows]),
            Data::Float(values) => Data::Float(vec![values[0]; rows]),
            Data::Text { codes, dictionary } => {
                Data::Text { codes: vec![codes[0]; rows], dictionary: Arc::clone(dictionary) }
            }
            Data::Bool(values) => Data::Bool(vec![values[0]; rows]),
            Data::Date(values) => Data::Date(vec![values[0]; rows]),
            Data::Datetime(values) => Data::Datetime(vec![values[0]; rows]),
        };
        Self { data, valid: self.valid.as_ref().map(|valid| vec![valid[0]; rows]) }
    }

    /// Whether the row's value is null.
    #[must_use]
    pub fn is_null(&self, row: usize) -> bool {
        self.valid.as_ref().is_some_and(|valid| !valid[row])
    }
}

/// What a column is declared to hold.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// Whole numbers.
    Int,
    /// Finite numbers.
    Float,
    /// Text.
    Text,
    /// True or false.
    Bool,
    /// A calendar day.
    Date,
    /// A moment.
    Datetime,
}

/// Builds a column; whatever does not fit the kind becomes null, by itself, whatever stands around it.
#[derive(Debug)]
pub struct Builder {
    data: Growing,
    valid: Vec<bool>,
    /// Values that were there and did not fit.
    unreadable: usize,
}

#[derive(Debug)]
enum Growing {
    Int(Vec<i64>),
    Float(Vec<f64>),
    Text { codes: Vec<u32>, dictionary: Vec<String>, known: HashMap<String, u32> },
    Bool(Vec<bool>),
    Date(Vec<i64>),
    Datetime(Vec<i64>),
}

impl Builder {
    /// An empty column of a kind.
    #[must_use]
    pub fn new(kind: Kind) -> Self {
        let data = match kind {
            Kind::Int => Growing::Int(Vec::new()),
            Kind::Float => Growing::Float(Vec::new()),
            Kind::Text => Growing::Text { codes: Vec::new(), dictionary: Vec::new(), known: HashMap::new() },
            Kind::Bool => Growing::Bool(Vec::new()),
            Kind::Date => Growing::Date(Vec::new()),
            Kind::Datetime => Growing::Datetime(Vec::new()),
        };
        Self { data, valid: Vec::new(), unreadable: 0 }
    }

    /// The kind of the column.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        match &self.data {
            Growing::Int(_) => Kind::Int,
            Growing::Float(_) => Kind::Float,
            Growing::Text { .. } => Kind::Text,
            Growing::Bool(_) => Kind::Bool,
            Growing::Date(_) => Kind::Date,
            Growing::Datetime(_) => Kind::Datetime,
        }
    }

    /// How many values were there and did not fit: exact, for the curator alone.
    #[must_use]
    pub const fn unreadable(&self) -> usize {
        self.unreadable
    }

    /// Appends a column of the same kind, of which so many values were there and did not fit.
    ///
    /// # Panics
    /// When it is of another kind: a bug of the caller.
    pub fn append(&mut self, column: Column, unreadable: usize) {
        let rows = column.len();
        match (&mut self.data, column.data) {
            (Growing::Int(all), Data::Int(values))
            | (Growing::Date(all), Data::Date(values))
            | (Growing::Datetime(all), Data::Datetime(values)) => all.extend(values),
            (Growing::Float(all), Data::Float(values)) => all.extend(values),
            (Growing::Bool(all), Data::Bool(values)) => all.extend(values),
            (Growing::Text { codes, dictionary, known }, Data::Text { codes: own, dictionary: texts }) => {
                let code = |text: &String| {
                    let next = dictionary.len() as u32;
                    let code = *known.entry_ref(text.as_str()).or_insert(next);
                    if code == next {
                        dictionary.push(text.clone());
                    }
                    code
                };
                let here: Vec<u32> = texts.iter().map(code).collect();
                codes.extend(own.iter().map(|&code| here.get(code as usize).copied().unwrap_or(NULL)));
            }
            _ => panic!("chunks of one column are of one kind"),
        }
        match column.valid {
            Some(valid) => self.valid.extend(valid),
            None => self.valid.resize(self.valid.len() + rows, true),
        }
        self.unreadable += unreadable;
    }

    /// A value that does not fit, or none.
    fn push_misfit(&mut self, there: bool) {
        self.unreadable += usize::from(there);
        self.push_null();
    }

    /// A null.
    pub fn push_null(&mut self) {
        self.valid.push(false);
        match &mut self.data {
            Growing::Int(values) | Growing::Date(values) | Growing::Datetime(values) => values.push(0),
            Growing::Float(values) => values.push(0.0),
            Growing::Text { codes, .. } => codes.push(NULL),
            Growing::Bool(values) => values.push(false),
        }
    }

    /// A whole number: also a number for a float column; in a date or datetime column its own unit.
    pub fn push_int(&mut self, value: Option<i64>) {
        match (&mut self.data, value) {
            (Growing::Int(values) | Growing::Date(values) | Growing::Datetime(values), Some(value)) => {
                values.push(value)
            }
            (Growing::Float(values), Some(value)) => values.push(value as f64),
            (_, value) => return self.push_misfit(value.is_some()),
        }
        self.valid.push(true);
    }

    /// A number: infinities become NaN, which is no number wherever one is asked; in a column of whole numbers, what is
    /// not exactly one is null.
    pub fn push_float(&mut self, value: Option<f64>) {
        const EXACT: f64 = 9_007_199_254_740_992.0;
        match (&mut self.data, value) {
            (Growing::Float(values), Some(value)) => {
                values.push(if value.is_finite() { value } else { f64::NAN })
            }
            (Growing::Int(values), Some(value)) if value.trunc().eq(&value) && value.abs() < EXACT => {
                values.push(value as i64);
            }
            (_, value) => return self.push_misfit(value.is_some()),
        }
        self.valid.push(true);
    }

    /// True or false.
    pub fn push_bool(&mut self, value: Option<bool>) {
        match (&mut self.data, value) {
            (Growing::Bool(values), Some(value)) => values.push(value),
            (_, value) => return self.push_misfit(value.is_some()),
        }
        self.valid.push(true);
    }

    /// Text of a text column.
    pub fn push_text(&mut self, value: Option<&str>) {
        match (&mut self.data, value) {
            (Growing::Text { codes, dictionary, known }, Some(text)) => {
                let next = dictionary.len() as u32;
                let code = *known.entry_ref(text).or_insert(next);
                if code == next {
                    dictionary.push(text.to_owned());
                }
                codes.push(code);
            }
            (_, value) => return self.push_misfit(value.is_some()),
        }
        self.valid.push(true);
    }

    /// Written text, of a CSV cell or a folder name, read as the kind of the column; empty or unreadable text is null.
    pub fn push_written(&mut self, text: Option<&str>) {
        let Some(text) = text.filter(|text| !text.is_empty()) else { return self.push_null() };
        let before = self.unreadable;
        self.push_readable(text);
        let misfit = self.valid.last() == Some(&false);
        self.unreadable = before + usize::from(misfit);
    }

    fn push_readable(&mut self, text: &str) {
        match self.kind() {
            Kind::Text => self.push_text(Some(text)),
            Kind::Int => match text.trim().parse() {
                Ok(value) => self.push_int(Some(value)),
                Err(_) => self.push_float(text.trim().parse().ok()),
            },
            Kind::Float => self.push_float(text.trim().parse().ok()),
            Kind::Bool => self.push_bool(match text.trim() {
                "true" | "True" | "TRUE" | "1" => Some(true),
                "false" | "False" | "FALSE" | "0" => Some(false),
                _ => None,
            }),
            Kind::Date => self.push_int(crate::value::date(text.trim()).ok().map(i64::from)),
            Kind::Datetime => self.push_int(crate::value::datetime(text.trim(), chrono_tz::UTC).ok()),
        }
    }

    /// The column.
    #[must_use]
    pub fn finish(self) -> Column {
        let data = match self.data {
            Growing::Int(values) => Data::Int(values),
            Growing::Float(values) => Data::Float(values),
            Growing::Text { codes, dictionary, .. } => Data::Text { codes, dictionary: Arc::new(dictionary) },
            Growing::Bool(values) => Data::Bool(values),
            Growing::Date(values) => Data::Date(values),
            Growing::Datetime(values) => Data::Datetime(values),
        };
        let valid = (!self.valid.iter().all(|&valid| valid)).then_some(self.valid);
        Column { data, valid }
    }
}
