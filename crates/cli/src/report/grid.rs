//! Which with which: shaded grids of numbers.

use std::collections::BTreeMap;

use flockwise_chart::{Cell, Estimate, Heat, Markup, Shade, compact, figures};

use super::over_time;
use super::shape::{Measure, Part, Shape, distinct};

/// So many names down a side.
const MOST_PAIRED: usize = 12;
const MOST_CROSSED: usize = 16;

/// The leading keys with each other.
pub(super) fn pairs(out: &mut Markup, shape: &Shape<'_>, (one, other): (&Part, &Part)) {
    let (ones, others) = (shape.names(one), shape.names(other));
    let Some(first) = shape.measures.first() else { return };
    // Of the largest pairs: what they are pairs of.
    let mut rows: Vec<usize> = (0..ones.len()).collect();
    let value = |row: usize| shape.estimate(row, first).map_or(f64::NEG_INFINITY, |estimate| estimate.value);
    rows.sort_by(|&a, &b| value(b).total_cmp(&value(a)));
    let mut names: Vec<String> = Vec::new();
    for row in rows {
        let new = [&ones[row], &others[row]].into_iter().filter(|name| !names.contains(name));
        let new: Vec<String> = new.cloned().collect();
        if names.len() + new.len() > MOST_PAIRED {
            break;
        }
        names.extend(new);
    }
    let mut places: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for row in 0..ones.len() {
        places.insert((&ones[row], &others[row]), row);
    }
    let directed = shape.document.statistic == "transitions";
    for measure in &shape.measures {
        let row_of = |down: &str, along: &str| {
            let there = places.get(&(down, along));
            // Pairs without a direction stand once; what has one, such as a conditional, stands in both.
            if directed || measure.name == "conditional" {
                there.copied()
            } else {
                there.or(places.get(&(along, down))).copied()
            }
        };
        let title = match (directed, measure.name.as_str()) {
            (true, _) => "from the row to the column".to_owned(),
            (false, "conditional") => "of the people of the row, the share with the column".to_owned(),
            (false, _) => format!("{} and {}", one.name, other.name),
        };
        heat(out, shape, measure, &title, (&names, &names), &row_of);
    }
}

/// Segments down the side, the last part of the key along the top.
pub(super) fn crossed(out: &mut Markup, shape: &Shape<'_>, segments: &[Part], last: &Part) {
    let parts: Vec<Vec<String>> =
        segments.iter().map(|part| over_time::short(shape.names(part), part.kind)).collect();
    let down: Vec<String> = (0..shape.table.rows.len())
        .map(|row| parts.iter().map(|names| names[row].as_str()).collect::<Vec<_>>().join(" · "))
        .collect();
    let along = over_time::short(shape.names(last), last.kind);
    let mut places: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for row in 0..down.len() {
        places.insert((&down[row], &along[row]), row);
    }
    let (mut rows, mut columns) = (distinct(&down).0, distinct(&along).0);
    // Periods stand in order; what has no order stays as the table has it.
    if shape.document.statistic == "retention" {
        columns.sort();
    }
    rows.truncate(MOST_CROSSED);
    columns.truncate(MOST_CROSSED);
    let mut measures: Vec<&Measure> = shape.measures.iter().collect();
    // What the statistic is for comes first.
    measures.sort_by_key(|measure| measure.is_count());
    for measure in measures {
        let row_of = |down: &str, along: &str| places.get(&(down, along)).copied();
        let by = [
            segments.iter().map(|part| part.name.as_str()).collect::<Vec<_>>().join(" and "),
            last.name.clone(),
        ];
        heat(out, shape, measure, &by.join(" by "), (&rows, &columns), &row_of);
    }
}

fn heat(
    out: &mut Markup,
    shape: &Shape<'_>,
    measure: &Measure,
    title: &str,
    (rows, columns): (&[String], &[String]),
    row_of: &dyn Fn(&str, &str) -> Option<usize>,
) {
    // Of pairs both sides are the same, and titles are long; periods and categories are short.
    let numbered = rows == columns && shape.document.statistic != "retention";
    let balance = matches!(measure.name.as_str(), "lift" | "affinity");
    let known = |down: &String, along: &String| {
        let row = row_of(down, along)?;
        Some((row, shape.estimate(row, measure)?))
    };
    let values: Vec<Estimate> = rows
        .iter()
        .flat_map(|down| columns.iter().filter_map(move |along| known(down, along)).map(|(_, value)| value))
        .collect();
    let most = values.iter().map(|value| weight(value.value, balance).abs()).fold(1e-9, f64::max);
    let cell = |down: &String, along: &String| {
        let (row, value) = known(down, along)?;
        let even = if balance { 1.0 } else { 0.0 };
        Some(Cell {
            depth: weight(value.value, balance) / most,
            text: short(measure, &value),
            says: format!("{down}, {along}: {}", shape.written(row, measure)),
            sure: !(value.low <= even && even <= value.high),
        })
    };
    let heat = Heat {
        caption: format!("{}: {title}", measure.title()),
        shade: if balance { Shade::Balance } else { Shade::Amount },
        rows: rows.to_vec(),
        columns: columns.to_vec(),
        cells: rows.iter().map(|down| columns.iter().map(|along| cell(down, along)).collect()).collect(),
        numbered,
    };
    out.open("figure", &[]);
    out.element("h3", &[], |h3| {
        h3.name(&measure.title());
        h3.text(": ");
        h3.name(title);
    });
    heat.draw(out);
    let doubt = if balance {
        "Orange is more than one would expect, blue is less; hatched where the bar holds 1, so that it may be either. "
    } else {
        "Deeper is more; hatched where the bar reaches nothing, so that there may be none. "
    };
    out.words("figcaption", "", &format!("{doubt}{}", super::words::bias(measure)));
    out.close("figure");
}

/// How deep a number is: of a ratio its logarithm, so that twice and half are as deep.
fn weight(value: f64, balance: bool) -> f64 {
    if balance { value.clamp(0.02, 50.0).ln() } else { value.max(0.0) }
}

/// A number in the room of a cell: no more figures than its bar leaves it.
fn short(measure: &Measure, value: &Estimate) -> String {
    if measure.is_count() {
        return compact(value.value.round());
    }
    let half = ((value.high - value.low) / 2.0).max(1e-9);
    let before = value.value.abs().max(1e-9);
    let count = ((before.log10().floor() - half.log10().floor()) as i32 + 1).clamp(1, 3);
    figures(value.value, count)
}
