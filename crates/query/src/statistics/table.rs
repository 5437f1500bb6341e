//! From noisy measures to a table with error bars: post-processing.

use super::consistent::Consistent;
use super::estimate::{Z, deviation, mean, noisy, variance};
use super::finish::finished;
use super::proportion::Proportions;
use super::quantile::Reader;
use crate::engine::Measured;
use crate::kernel::Moment;
use crate::key::decode;
use crate::plan::{Formula, Order, ReleasePlan};
use crate::table::{Bias, Estimate, Table, TableColumn};
use crate::value::Value;

/// A row on its way into a table: the place of its key, its first computed value, its cells.
type Row = (usize, f64, Vec<Value>);

/// The table of a release.
#[must_use]
pub fn table(plan: &ReleasePlan, measured: &Measured) -> Table {
    let mut rows: Vec<Row> = Vec::new();
    let formulas = Formulas::new(plan, measured);
    for (at, key) in measured.keys.iter().enumerate() {
        let parts = decode(key);
        let ways = if plan.both_ways { &[false, true][..] } else { &[false] };
        for &reversed in ways {
            let keys = plan.keys.len();
            let part = |place: usize| if reversed { keys - 1 - place } else { place };
            let mut row: Vec<Value> =
                plan.keys.iter().map(|(place, _)| parts[part(*place)].clone()).collect();
            let mut first = f64::NEG_INFINITY;
            for (column, output) in plan.outputs.iter().enumerate() {
                let estimate = formulas.estimate(output.formula, at, reversed);
                if column == 0 {
                    first = estimate.value;
                }
                row.extend(finished(&plan.finish, output.formula, estimate).cells());
            }
            rows.push((at, first, row));
        }
    }
    order(plan, measured, &mut rows);
    if let (Some(minimum), Some(people)) = (plan.finish.minimum, plan.people()) {
        // After the ranks: a place in them is a function of what was released, shown or not.
        let least = f64::from(minimum.get());
        rows.retain(|(at, ..)| formulas.estimate(people, *at, false).value >= least);
    }
    Table { columns: columns(plan), rows: rows.into_iter().map(|(_, _, row)| row).collect() }
}

fn columns(plan: &ReleasePlan) -> Vec<TableColumn> {
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
    let key = |at: usize| &measured.keys[at];
    match plan.order {
        Order::Key => rows.sort_by(|one, other| key(one.0).cmp(key(other.0))),
        Order::Largest => {
            rows.sort_by(|one, other| other.1.total_cmp(&one.1).then_with(|| key(one.0).cmp(key(other.0))))
        }
        Order::Leading(most) => {
            let segments = plan.keys.len().saturating_sub(1);
            let segment = |row: &[Value]| {
                let mut bytes = Vec::new();
                row[..segments].iter().for_each(|part| crate::key::encode(part, &mut bytes));
                bytes
            };
            let mut keyed: Vec<(Vec<u8>, Row)> = rows.drain(..).map(|row| (segment(&row.2), row)).collect();
            keyed.sort_by(|(here, one), (there, other)| {
                here.cmp(there).then(other.1.total_cmp(&one.1)).then_with(|| key(one.0).cmp(key(other.0)))
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
