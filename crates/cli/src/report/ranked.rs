//! Names and their numbers, the largest first.

use flockwise_chart::{Mark, Markup, Row, Rows};

use super::shape::{Measure, Part, Shape, distinct};

/// So many names are drawn; all are in the table.
const MOST_NAMES: usize = 25;
/// So many of a segment, and so many segments.
const MOST_IN_SEGMENT: usize = 10;
const MOST_SEGMENTS: usize = 12;

/// Every number by the names of the key.
pub(super) fn by_name(out: &mut Markup, shape: &Shape<'_>, parts: &[&Part]) {
    let names = names(shape, parts);
    let all: Vec<usize> = (0..shape.table.rows.len()).collect();
    // Every chart has the same names: those that count most.
    let leading = shape.count().or(shape.measures.first());
    let mut chosen = all;
    if let Some(leading) = leading {
        by_value(shape, leading, &mut chosen);
    }
    let cut = chosen.len().saturating_sub(MOST_NAMES);
    chosen.truncate(MOST_NAMES);
    for measure in &shape.measures {
        let mut rows = chosen.clone();
        by_value(shape, measure, &mut rows);
        out.open("figure", &[]);
        out.element("h3", &[], |h3| {
            h3.name(&measure.title());
            if !parts.is_empty() {
                h3.text(" by ");
                h3.name(&shape.by(parts));
            }
        });
        draw(out, shape, measure, &rows, &names);
        let leads = leading.map_or("", |leading| leading.name.as_str());
        caption(out, cut, leads, measure);
        out.close("figure");
    }
}

/// The leading items of each segment.
pub(super) fn in_segments(out: &mut Markup, shape: &Shape<'_>, item: &Part, segments: &[&Part]) {
    let items: Vec<Vec<String>> = shape.names(item).into_iter().map(|name| vec![name]).collect();
    let joined: Vec<String> = names(shape, segments).iter().map(|name| name.join(" · ")).collect();
    let (named, of) = distinct(&joined);
    let Some(measure) = shape.measures.first() else { return };
    out.open("figure", &[]);
    out.element("h3", &[], |h3| {
        h3.text("Leading ");
        h3.name(&item.name);
        h3.text(" by ");
        h3.name(&shape.by(segments));
    });
    out.open("div", &[("class", &"panels")]);
    for (segment, name) in named.iter().enumerate().take(MOST_SEGMENTS) {
        let rows = (0..of.len()).filter(|&row| of[row] == segment).take(MOST_IN_SEGMENT);
        out.open("div", &[]);
        out.element("h4", &[], |h4| h4.name(name));
        draw(out, shape, measure, &rows.collect::<Vec<_>>(), &items);
        out.close("div");
    }
    out.close("div");
    let left = named.len().saturating_sub(MOST_SEGMENTS);
    if left > 0 {
        out.words("figcaption", "", &format!("{left} more segments are in the table."));
    }
    out.close("figure");
}

/// The leading pairs, each once.
pub(super) fn pairs(
    out: &mut Markup,
    shape: &Shape<'_>,
    (one, other): (&Part, &Part),
    between: &'static str,
) {
    let Some(measure) = shape.measures.first() else { return };
    let (ones, others) = (shape.names(one), shape.names(other));
    let mut seen = std::collections::BTreeSet::new();
    let mut rows: Vec<usize> = (0..ones.len()).collect();
    // Pairs without a direction may stand in both.
    if between == " with " {
        rows.retain(|&row| {
            let (a, b) = (&ones[row], &others[row]);
            seen.insert(if a < b { (a, b) } else { (b, a) })
        });
    }
    by_value(shape, measure, &mut rows);
    let cut = rows.len().saturating_sub(MOST_NAMES);
    rows.truncate(MOST_NAMES);
    let names: Vec<Vec<String>> = ones
        .iter()
        .zip(&others)
        .map(|(a, b)| vec![format!("\u{2068}{a}\u{2069}{between}\u{2068}{b}\u{2069}")])
        .collect();
    out.open("figure", &[]);
    out.element("h3", &[], |h3| {
        h3.text("Leading ");
        h3.text(if between == " with " { "pairs by " } else { "steps by " });
        h3.name(&measure.title());
    });
    draw(out, shape, measure, &rows, &names);
    caption(out, cut, &measure.name, measure);
    out.close("figure");
}

/// The names of every row, part by part.
fn names(shape: &Shape<'_>, parts: &[&Part]) -> Vec<Vec<String>> {
    let parts: Vec<Vec<String>> = parts.iter().map(|part| shape.names(part)).collect();
    let of = |row: usize| {
        if parts.is_empty() {
            vec!["everybody".to_owned()]
        } else {
            parts.iter().map(|names| names[row].clone()).collect()
        }
    };
    (0..shape.table.rows.len()).map(of).collect()
}

/// The largest first; ties, and what is not known, as they stand in the table.
fn by_value(shape: &Shape<'_>, measure: &Measure, rows: &mut [usize]) {
    let value =
        |row: usize| shape.estimate(row, measure).map_or(f64::NEG_INFINITY, |estimate| estimate.value);
    rows.sort_by(|&one, &other| value(other).total_cmp(&value(one)));
}

fn draw(out: &mut Markup, shape: &Shape<'_>, measure: &Measure, rows: &[usize], names: &[Vec<String>]) {
    let drawn = |&row: &usize| Row {
        name: names[row].clone(),
        value: shape.estimate(row, measure),
        text: shape.written(row, measure),
    };
    let first = rows.first().map_or(String::new(), |&row| {
        format!(": from {} for {}", shape.written(row, measure), names[row].join(", "))
    });
    let last = rows.last().filter(|_| rows.len() > 1).map_or(String::new(), |&row| {
        format!(" to {} for {}", shape.written(row, measure), names[row].join(", "))
    });
    let chart = Rows {
        says: format!(
            "{} of {} names{first}{last}. The numbers are in the table.",
            measure.title(),
            rows.len()
        ),
        of: measure.title(),
        mark: if measure.is_count() { Mark::Bar } else { Mark::Point },
        rows: rows.iter().map(drawn).collect(),
        even: matches!(measure.name.as_str(), "lift" | "affinity").then_some(1.0),
    };
    chart.draw(out);
}

fn caption(out: &mut Markup, cut: usize, leads: &str, measure: &Measure) {
    let mut text = String::new();
    if cut > 0 {
        text = format!("The {MOST_NAMES} with the largest {leads}, and {cut} more in the table. ");
    }
    text.push_str(super::words::bias(measure));
    if !text.trim().is_empty() {
        out.words("figcaption", "", text.trim());
    }
}
