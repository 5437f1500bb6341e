//! What a table is made of: the parts of its key with their labels, and its numbers.

use std::collections::BTreeMap;

use flockwise_chart::Estimate;
use flockwise_query::release::{BadCell, Document};
use flockwise_query::render;
use flockwise_query::table::{Bias, ColumnKind, Table};
use flockwise_query::value::Value;

/// A release as charts need it.
pub(super) struct Shape<'a> {
    /// The release.
    pub document: &'a Document,
    /// Its table.
    pub table: Table,
    /// The parts of the key.
    pub parts: Vec<Part>,
    /// The numbers that are not bars of a histogram.
    pub measures: Vec<Measure>,
    /// Histograms: bars of one distribution.
    pub histograms: Vec<Histogram>,
}

/// A part of the key.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Part {
    /// Its name.
    pub name: String,
    /// Its column.
    pub at: usize,
    /// The columns that name it.
    pub labels: Vec<usize>,
    /// What it holds.
    pub kind: ColumnKind,
}

/// A noisy number of every row.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Measure {
    /// Its name.
    pub name: String,
    /// Its column; its bar's ends are in the two behind it.
    pub at: usize,
    /// Its unit.
    pub unit: String,
    /// Which way bounding moves it.
    pub bias: Option<Bias>,
}

impl Measure {
    /// Whether it is an amount, of which nothing is a meaningful point.
    pub fn is_count(&self) -> bool {
        matches!(self.unit.as_str(), "people" | "rows")
    }

    /// Its name, with its unit where that says more.
    pub fn title(&self) -> String {
        match self.unit.as_str() {
            unit if unit == self.name => self.name.clone(),
            "ratio" | "value" | "" => self.name.clone(),
            unit => format!("{} ({unit})", self.name),
        }
    }
}

/// Numbers that are the bars of one distribution.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Histogram {
    /// What the job calls it.
    pub name: String,
    /// The lower end of each bar, and its number.
    pub bars: Vec<(String, Measure)>,
}

impl<'a> Shape<'a> {
    /// Of a release that has its rows.
    pub fn of(document: &'a Document) -> Result<Self, BadCell> {
        let table = document.table()?;
        let mut parts: Vec<Part> = Vec::new();
        let mut measures: Vec<Measure> = Vec::new();
        let mut at = 0;
        while at < table.columns.len() {
            let column = &table.columns[at];
            if column.bars.is_some() && at + 2 < table.columns.len() {
                let unit = column.unit.clone().unwrap_or_default();
                measures.push(Measure { name: column.name.clone(), at, unit, bias: column.bias });
                at += 3;
                continue;
            }
            // A label of several columns stands with the last of them.
            match column.names.last().and_then(|named| parts.iter_mut().find(|part| part.name == *named)) {
                Some(part) => part.labels.push(at),
                None => {
                    parts.push(Part { name: column.name.clone(), at, labels: Vec::new(), kind: column.kind });
                }
            }
            at += 1;
        }
        let (histograms, measures) = histograms(measures);
        Ok(Self { document, table, parts, measures, histograms })
    }

    /// A number of a row, with its bar.
    pub fn estimate(&self, row: usize, measure: &Measure) -> Option<Estimate> {
        let number = |at: usize| match self.table.rows[row][at] {
            Value::Float(number) => Some(number),
            Value::Int(number) => Some(number as f64),
            Value::Null | Value::Bool(_) | Value::String(_) | Value::Date(_) | Value::Datetime(_) => None,
        };
        let (value, low, high) = (number(measure.at)?, number(measure.at + 1)?, number(measure.at + 2)?);
        Some(Estimate { value, low, high }).filter(Estimate::is_finite)
    }

    /// A number of a row as it is written.
    pub fn written(&self, row: usize, measure: &Measure) -> String {
        render::cell(&self.table, &self.table.rows[row], measure.at)
    }

    /// What each row's part of a key is called: its label, or itself; told apart where two have one name.
    pub fn names(&self, part: &Part) -> Vec<String> {
        let own = |row: &[Value]| render::cell(&self.table, row, part.at);
        let labelled = |row: &[Value]| {
            let labels = part.labels.iter().filter(|&&at| row[at] != Value::Null);
            let labels: Vec<String> = labels.map(|&at| render::cell(&self.table, row, at)).collect();
            if labels.is_empty() { own(row) } else { labels.join(", ") }
        };
        let mut owners: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for row in &self.table.rows {
            let owners = owners.entry(labelled(row)).or_default();
            let own = own(row);
            if !owners.contains(&own) && owners.len() < 2 {
                owners.push(own);
            }
        }
        let name = |row: &Vec<Value>| {
            let name = labelled(row);
            if owners[&name].len() > 1 { format!("{name} ({})", own(row)) } else { name }
        };
        self.table.rows.iter().map(name).collect()
    }

    /// What the parts of the key are called together.
    pub fn by(&self, parts: &[&Part]) -> String {
        let name = |part: &&Part| match &part.labels[..] {
            [] => part.name.clone(),
            labels => {
                labels.iter().map(|&at| self.table.columns[at].name.as_str()).collect::<Vec<_>>().join(", ")
            }
        };
        parts.iter().map(name).collect::<Vec<_>>().join(" and ")
    }

    /// The first number that counts something.
    pub fn count(&self) -> Option<&Measure> {
        self.measures.iter().find(|measure| measure.is_count())
    }
}

/// Takes the bars of histograms out of a list of numbers.
fn histograms(measures: Vec<Measure>) -> (Vec<Histogram>, Vec<Measure>) {
    let mut found: Vec<Histogram> = Vec::new();
    let mut others = Vec::new();
    for measure in measures {
        let bar = measure.name.rsplit_once("_from_").and_then(|(name, from)| {
            let from = from.replace("minus_", "-").replace('_', ".");
            from.parse::<f64>().is_ok().then(|| (name.to_owned(), from))
        });
        match bar {
            Some((name, from)) => match found.iter_mut().find(|histogram| histogram.name == name) {
                Some(histogram) => histogram.bars.push((from, measure)),
                None => found.push(Histogram { name, bars: vec![(from, measure)] }),
            },
            None => others.push(measure),
        }
    }
    (found, others)
}

/// The distinct names of a list, in the order in which they first stand there, and which of them each is.
pub(super) fn distinct(names: &[String]) -> (Vec<String>, Vec<usize>) {
    let mut places = BTreeMap::new();
    let mut distinct = Vec::new();
    let mut of = Vec::with_capacity(names.len());
    for name in names {
        let place = *places.entry(name.as_str()).or_insert_with(|| {
            distinct.push(name.clone());
            distinct.len() - 1
        });
        of.push(place);
    }
    (distinct, of)
}
