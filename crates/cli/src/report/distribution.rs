//! Distributions: bars of a histogram, people by bins, activity.

use flockwise_chart::{Bar, Columns, Markup, compact};
use flockwise_query::value::Value;

use super::shape::{Histogram, Measure, Part, Shape, distinct};

/// So many distributions are drawn; all are in the table.
const MOST_PANELS: usize = 12;

/// A histogram of each row.
pub(super) fn histogram(out: &mut Markup, shape: &Shape<'_>, histogram: &Histogram) {
    let Some((_, first)) = histogram.bars.first() else { return };
    let parts: Vec<Vec<String>> = shape.parts.iter().map(|part| shape.names(part)).collect();
    let name = |row: usize| parts.iter().map(|names| names[row].as_str()).collect::<Vec<_>>().join(" · ");
    let panel = |row: usize| {
        let bars = histogram.bars.iter().map(|(from, measure)| bar(shape, row, measure, from.clone()));
        (name(row), bars.collect::<Vec<_>>())
    };
    let count = shape.table.rows.len();
    let panels: Vec<(String, Vec<Bar>)> = (0..count.min(MOST_PANELS)).map(panel).collect();
    let of = format!("{}, from", histogram.name);
    figure(out, (&histogram.name, &of), first, panels, count.saturating_sub(MOST_PANELS));
}

/// People by bins of numbers: a panel for each of the other keys.
pub(super) fn bins(out: &mut Markup, shape: &Shape<'_>, bin: &Part, others: &[&Part]) {
    let parts: Vec<Vec<String>> = others.iter().map(|part| shape.names(part)).collect();
    let joined: Vec<String> = (0..shape.table.rows.len())
        .map(|row| parts.iter().map(|names| names[row].as_str()).collect::<Vec<_>>().join(" · "))
        .collect();
    let (named, of) = distinct(&joined);
    for measure in &shape.measures {
        let panel = |one: usize| {
            let mut rows: Vec<usize> = (0..of.len()).filter(|&row| of[row] == one).collect();
            rows.sort_by(|&a, &b| start(shape, bin, a).total_cmp(&start(shape, bin, b)));
            let bars = rows.iter().map(|&row| bar(shape, row, measure, compact(start(shape, bin, row))));
            (named[one].clone(), bars.collect::<Vec<_>>())
        };
        let panels = (0..named.len().min(MOST_PANELS)).map(panel).collect();
        let from = format!("{}, from", bin.name);
        figure(out, (&bin.name, &from), measure, panels, named.len().saturating_sub(MOST_PANELS));
    }
}

/// How many people have how many rows.
pub(super) fn buckets(out: &mut Markup, shape: &Shape<'_>, rows: &Part) {
    let Some(measure) = shape.measures.first() else { return };
    let count = shape.table.rows.len();
    // Behind the last bucket that stands out of the noise nothing is to be seen.
    let clear = |row: usize| shape.estimate(row, measure).is_some_and(|estimate| estimate.low > 0.0);
    let last = (0..count).rev().find(|&row| clear(row)).map_or(count, |row| (row + 2).min(count));
    let bars = (0..last).map(|row| bar(shape, row, measure, compact(start(shape, rows, row)))).collect();
    figure(out, ("activity", "rows of a person, from"), measure, vec![(String::new(), bars)], 0);
}

/// The lower end of a row's bin.
fn start(shape: &Shape<'_>, part: &Part, row: usize) -> f64 {
    match shape.table.rows[row][part.at] {
        Value::Float(number) => number,
        Value::Int(number) => number as f64,
        Value::Null | Value::Bool(_) | Value::String(_) | Value::Date(_) | Value::Datetime(_) => {
            f64::NEG_INFINITY
        }
    }
}

fn bar(shape: &Shape<'_>, row: usize, measure: &Measure, name: String) -> Bar {
    let says = format!("from {name}: {}", shape.written(row, measure));
    Bar { name, value: shape.estimate(row, measure), says }
}

fn figure(
    out: &mut Markup,
    (name, of): (&str, &str),
    measure: &Measure,
    panels: Vec<(String, Vec<Bar>)>,
    left: usize,
) {
    let y = Columns::axis_for(panels.iter().flat_map(|(_, bars)| bars), &measure.unit);
    let single = panels.len() == 1;
    out.open("figure", &[]);
    out.element("h3", &[], |h3| {
        h3.text("Distribution of ");
        h3.name(name);
    });
    out.open("div", &[("class", &if single { "tall" } else { "panels" })]);
    for (panel, bars) in panels {
        out.open("div", &[]);
        if !panel.is_empty() {
            out.element("h4", &[], |h4| h4.name(&panel));
        }
        let says = bars.iter().map(|bar| bar.says.as_str()).take(12).collect::<Vec<_>>().join("; ");
        let says = format!("Distribution of {name} {panel}: {says}. The numbers are in the table.");
        Columns { says, y: y.clone(), of: of.to_owned(), bars }.draw(out);
        out.close("div");
    }
    out.close("div");
    let mut text = "Whiskers are the 95% bar of the noise. ".to_owned();
    if left > 0 {
        text.push_str(&format!("{left} more distributions are in the table. "));
    }
    text.push_str(super::words::bias(measure));
    out.words("figcaption", "", text.trim());
    out.close("figure");
}
