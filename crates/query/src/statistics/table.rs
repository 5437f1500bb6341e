//! From noisy measures to a table with error bars: post-processing.

use flockwise_mechanisms::Noise;

use crate::engine::Measured;
use crate::kernel::Moment;
use crate::key::decode;
use crate::plan::{Channel, Formula, Order, ReleasePlan};
use crate::table::{Bias, Estimate, Table, TableColumn};
use crate::value::Value;

/// 95% of a normal lie within so many standard deviations.
const Z: f64 = 1.959_963_984_540_054;

/// A row on its way into a table: the place of its key, its first computed value, its cells.
type Row = (usize, f64, Vec<Value>);

/// The table of a release.
#[must_use]
pub fn table(plan: &ReleasePlan, measured: &Measured) -> Table {
    let mut rows: Vec<Row> = Vec::new();
    for (at, key) in measured.keys.iter().enumerate() {
        let parts = decode(key);
        let mut row: Vec<Value> = plan.keys.iter().map(|(place, _)| parts[*place].clone()).collect();
        let mut first = f64::NEG_INFINITY;
        for (column, output) in plan.outputs.iter().enumerate() {
            let estimate = estimate(plan, measured, output.formula, at);
            if column == 0 {
                first = estimate.value;
            }
            row.extend(estimate.cells());
        }
        rows.push((at, first, row));
    }
    order(plan, measured, &mut rows);
    Table { columns: columns(plan), rows: rows.into_iter().map(|(_, _, row)| row).collect() }
}

fn columns(plan: &ReleasePlan) -> Vec<TableColumn> {
    let mut columns: Vec<TableColumn> = plan.keys.iter().map(|(_, column)| column.clone()).collect();
    for output in &plan.outputs {
        let (unit, bias) = match output.formula {
            Formula::Count(place) if plan.stages.measures[place].moment == Moment::People => {
                ("people", Bias::Low)
            }
            Formula::Count(_) => ("rows", Bias::Low),
            Formula::Sum { .. } | Formula::Mean { .. } | Formula::Variance { .. } => ("value", Bias::Unknown),
        };
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

/// One noisy measure at one key, in its natural unit, with the standard deviation of its noise.
struct Noisy {
    value: f64,
    sd: f64,
    noise: Noise,
    unit: f64,
}

fn noisy(plan: &ReleasePlan, measured: &Measured, place: usize, at: usize) -> Noisy {
    let noise = measured.noises[place];
    let bound = match plan.stages.selection() {
        Some(selection) if plan.stages.is_reused(plan.stages.measures[place].moment) => selection.bound,
        _ => measured.bound,
    };
    let unit = match plan.stages.measures[place].moment {
        Moment::People | Moment::Rows { .. } => f64::from(bound.unit()),
        Moment::Value { channel: 0, .. } => plan.stages.channels[0].steps,
        Moment::Value { .. } => 1.0 / plan.stages.channels[0].square_unit(),
    };
    Noisy {
        value: measured.values[place][at] as f64 / unit,
        sd: noise.standard_deviation() / unit,
        noise,
        unit,
    }
}

fn estimate(plan: &ReleasePlan, measured: &Measured, formula: Formula, at: usize) -> Estimate {
    let measure = |place| noisy(plan, measured, place, at);
    let channel = || &plan.stages.channels[0];
    match formula {
        Formula::Count(place) => {
            let count = measure(place);
            Estimate::new(count.value, count.noise.half_width(0.95) / count.unit)
        }
        Formula::Sum { value, count: None } => {
            let sum = measure(value);
            Estimate::new(sum.value, sum.noise.half_width(0.95) / sum.unit)
        }
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
    }
}

/// A ratio of two noisy numbers and its 95% set by Fieller's theorem (1954): all r for which S − rN is within 1.96 of its
/// standard deviations of 0. Where N is too noisy that set has no end, and the range that is known holds it.
fn ratio(sum: &Noisy, count: &Noisy, range: (f64, f64)) -> Estimate {
    let clamp = |x: f64| x.max(range.0).min(range.1);
    let middle = f64::midpoint(range.0, range.1);
    let value = if count.value > 0.0 { clamp(sum.value / count.value) } else { clamp(middle) };
    let z2 = Z * Z;
    let a = count.value.mul_add(count.value, -z2 * count.sd * count.sd);
    let b = sum.value * count.value;
    let c = sum.value.mul_add(sum.value, -z2 * sum.sd * sum.sd);
    let root = b.mul_add(b, -a * c);
    if a <= 0.0 || root < 0.0 || count.value <= 0.0 {
        return Estimate { value, low: range.0, high: range.1 };
    }
    let (low, high) = ((b - root.sqrt()) / a, (b + root.sqrt()) / a);
    Estimate { value, low: clamp(low).min(value), high: clamp(high).max(value) }
}

fn mean(sum: &Noisy, count: &Noisy, channel: &Channel) -> Estimate {
    let reach = f64::from(channel.radius) / channel.steps;
    let range = ((channel.low - channel.centre).max(-reach), (channel.high - channel.centre).min(reach));
    let centred = ratio(sum, count, range);
    Estimate {
        value: centred.value + channel.centre,
        low: centred.low + channel.centre,
        high: centred.high + channel.centre,
    }
}

/// E(v − c)² − (E(v − c))², each a ratio, at most R². The bars add the ends of both parts: at least 90% by the union
/// bound of two 95% sets, and wider than either.
fn variance(sum: &Noisy, square: &Noisy, count: &Noisy, channel: &Channel) -> Estimate {
    let reach = f64::from(channel.radius) / channel.steps;
    let half = reach * reach / 2.0;
    let second = ratio(square, count, (-half, half));
    let first = ratio(sum, count, (-reach, reach));
    let clamp = |x: f64| x.max(0.0).min(reach * reach);
    let squares = [first.low * first.low, first.high * first.high];
    let least = if first.low <= 0.0 && first.high >= 0.0 { 0.0 } else { squares[0].min(squares[1]) };
    let value = clamp(second.value + half - first.value * first.value);
    let (low, high) =
        (clamp(second.low + half - squares[0].max(squares[1])), clamp(second.high + half - least));
    Estimate { value, low: low.min(value), high: high.max(value) }
}
