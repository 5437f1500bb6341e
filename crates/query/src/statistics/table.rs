//! From noisy measures to a table with error bars: post-processing.

use super::consistent::Consistent;
use super::estimate::{Z, deviation, mean, noisy, variance};
use super::finish::finished;
use super::proportion::Proportions;
use super::quantile::Reader;
use crate::engine::Measured;
use crate::kernel::Moment;
use crate::key::decode;
use crate::plan::{Formula, Order, Output, ReleasePlan};
use crate::table::{Bias, Estimate, Table, TableColumn};
use crate::value::Value;

/// A row on its way into a table.
pub(crate) struct Row {
    /// The place of its key.
    pub at: usize,
    /// Whether a pair is read from its second to its first.
    pub reversed: bool,
    /// Its computed values, in the order of the plan's outputs.
    pub estimates: Vec<Estimate>,
}

impl Row {
    /// What rows are ordered by.
    fn first(&self) -> f64 {
        self.estimates.first().map_or(f64::NEG_INFINITY, |estimate| estimate.value)
    }

    /// The values of its keys, in the order of the table's columns.
    pub fn keys(&self, plan: &ReleasePlan, measured: &Measured) -> Vec<Value> {
        let parts = decode(&measured.keys[self.at]);
        let last = plan.keys.len().saturating_sub(1);
        let part = |place: usize| if self.reversed { last - place } else { place };
        plan.keys.iter().map(|(place, _)| parts[part(*place)].clone()).collect()
    }
}

/// The table of a release.
#[must_use]
pub fn table(plan: &ReleasePlan, measured: &Measured) -> Table {
    let cells = |row: Row| {
        let mut cells = row.keys(plan, measured);
        cells.extend(row.estimates.iter().flat_map(|estimate| estimate.cells()));
        cells
    };
    Table { columns: columns(plan), rows: rows(plan, measured).into_iter().map(cells).collect() }
}

/// The rows of a release's table, in their order.
pub(crate) fn rows(plan: &ReleasePlan, measured: &Measured) -> Vec<Row> {
    let formulas = Formulas::new(plan, measured);
    let ways = if plan.both_ways { &[false, true][..] } else { &[false] };
    let mut rows = Vec::with_capacity(measured.keys.len() * ways.len());
    for at in 0..measured.keys.len() {
        rows.extend(ways.iter().map(|&reversed| {
            let estimate = |output: &Output| formulas.estimate(output.formula, at, reversed);
            Row { at, reversed, estimates: plan.outputs.iter().map(estimate).collect() }
        }));
    }
    order(plan, measured, &mut rows);
    if let (Some(minimum), Some(people)) = (plan.finish.minimum, plan.people()) {
        // After the ranks: a place in them is a function of what was released, shown or not.
        let least = f64::from(minimum.get());
        rows.retain(|row| formulas.estimate(people, row.at, row.reversed).value >= least);
    }
    for row in &mut rows {
        for (estimate, output) in row.estimates.iter_mut().zip(&plan.outputs) {
            *estimate = finished(&plan.finish, output.formula, *estimate);
        }
    }
    rows
}

/// The columns of a release's table: keys, then each computed column with its bars.
pub(crate) fn columns(plan: &ReleasePlan) -> Vec<TableColumn> {
    let mut columns: Vec<TableColumn> = plan.keys.iter().map(|(_, column)| column.clone()).collect();
    for output in &plan.outputs {
        let (unit, mut bias) = match output.formula {
            Formula::Total(_) => ("people", Bias::Low),
            Formula::Count(place) if plan.stages.measures[place].moment == Moment::People => {
                ("people", Bias::Low)
            }
            Formula::Count(_) => ("rows", Bias::Low),
            Formula::Bar { nodes, .. } => match plan.stages.measures[nodes].moment {
                Moment::Nodes { limit: 1, .. } => ("people", Bias::Low),
                Moment::People | Moment::Rows { .. } | Moment::Value { .. } | Moment::Nodes { .. } => {
                    ("rows", Bias::Low)
                }
            },
            Formula::Sum { .. }
            | Formula::Mean { .. }
            | Formula::Variance { .. }
            | Formula::Deviation { .. }
            | Formula::Quantile { .. } => ("value", Bias::Unknown),
            Formula::Lift(_)
            | Formula::Cosine(_)
            | Formula::Conditional(_)
            | Formula::OverIndex(_)
            | Formula::Retained { .. } => ("ratio", Bias::Unknown),
        };
        if plan.finish.non_negative && output.formula.is_count() {
            // Low by the bound, high by the clamp.
            bias = Bias::Unknown;
        }
        columns.extend(TableColumn::with_bars(&output.name, unit, Some(bias)));
    }
    columns
}

/// Sorts, and keeps the leading ones of each segment: by released values, ties by the bytes of the key.
fn order(plan: &ReleasePlan, measured: &Measured, rows: &mut Vec<Row>) {
    let key = |row: &Row| &measured.keys[row.at];
    match plan.order {
        Order::Key => rows.sort_by(|one, other| key(one).cmp(key(other))),
        Order::Largest => rows.sort_by(|one, other| {
            other.first().total_cmp(&one.first()).then_with(|| key(one).cmp(key(other)))
        }),
        Order::Leading(most) => {
            let keyed = rows.drain(..).map(|row| (segment(plan, &row.keys(plan, measured)), row));
            let mut keyed: Vec<(Vec<u8>, Row)> = keyed.collect();
            keyed.sort_by(|(here, one), (there, other)| {
                here.cmp(there)
                    .then(other.first().total_cmp(&one.first()))
                    .then_with(|| key(one).cmp(key(other)))
            });
            let mut last: Option<Vec<u8>> = None;
            let mut seen = 0;
            for (segment, row) in keyed {
                seen = if last.as_ref() == Some(&segment) { seen + 1 } else { 1 };
                last = Some(segment);
                if seen <= most {
                    rows.push(row);
                }
            }
        }
    }
}

/// The bytes of a row's segment: all parts of its key but the last, in the order of the table's columns.
pub(crate) fn segment(plan: &ReleasePlan, keys: &[Value]) -> Vec<u8> {
    let mut bytes = Vec::new();
    keys[..plan.keys.len().saturating_sub(1)].iter().for_each(|part| crate::key::encode(part, &mut bytes));
    bytes
}

/// Computes the columns of a release.
struct Formulas<'a> {
    plan: &'a ReleasePlan,
    measured: &'a Measured,
    proportions: Proportions,
    /// Counts that add up, where that is asked.
    consistent: Option<Consistent>,
    /// For each measure that is a tree, how quantiles are read from it.
    readers: Vec<Option<Reader>>,
}

impl<'a> Formulas<'a> {
    fn new(plan: &'a ReleasePlan, measured: &'a Measured) -> Self {
        let readers =
            (0..plan.stages.measures.len()).map(|place| Reader::new(plan, measured, place)).collect();
        let proportions = Proportions::new(plan, measured);
        Self { plan, measured, proportions, consistent: Consistent::new(plan, measured), readers }
    }

    /// One cell; `reversed` where a pair is read from its second to its first.
    fn estimate(&self, formula: Formula, at: usize, reversed: bool) -> Estimate {
        let measure = |place| noisy(self.plan, self.measured, place, at);
        let channel = || &self.plan.stages.channels[0];
        match formula {
            Formula::Count(place) => match &self.consistent {
                Some(consistent) => consistent.cell(at),
                None => measure(place).estimate(),
            },
            Formula::Total(margin) => {
                self.consistent.as_ref().expect("totals were measured").total(margin, at)
            }
            Formula::Sum { value, count: None } => measure(value).estimate(),
            Formula::Sum { value, count: Some(count) } => {
                let (sum, count, centre) = (measure(value), measure(count), channel().centre);
                Estimate::new(
                    sum.value + centre * count.value,
                    Z * (sum.sd.powi(2) + (centre * count.sd).powi(2)).sqrt(),
                )
            }
            Formula::Mean { value, count } => mean(&measure(value), &measure(count), channel()),
            Formula::Variance { value, square, count } => {
                variance(&measure(value), &measure(square), &measure(count), channel())
            }
            Formula::Deviation { value, square, count } => {
                deviation(variance(&measure(value), &measure(square), &measure(count), channel()))
            }
            Formula::Quantile { nodes, millionths } => self.readers[nodes]
                .as_ref()
                .expect("a quantile is read from a tree")
                .quantile(&self.measured.values[nodes], at, millionths),
            Formula::Bar { nodes, bar } => {
                let bars = self.plan.stages.measures[nodes].moment.width();
                noisy(self.plan, self.measured, nodes, at * bars + bar as usize).estimate()
            }
            Formula::Lift(pair) => self.proportions.lift(self.plan, self.measured, pair, at),
            Formula::Cosine(pair) => self.proportions.cosine(self.plan, self.measured, pair, at),
            Formula::Conditional(pair) => {
                self.proportions.conditional(self.plan, self.measured, pair, (at, reversed))
            }
            Formula::OverIndex(place) => self.proportions.over_index(measure(place), at),
            Formula::Retained { count, margin } => {
                self.proportions.retained(self.measured, measure(count), (margin, at))
            }
        }
    }
}
