//! Which charts fit a release.

use flockwise_chart::Markup;
use flockwise_query::table::ColumnKind;

use super::shape::{Part, Shape};
use super::{distribution, grid, over_time, ranked};

/// A release's charts.
pub(super) fn figures(out: &mut Markup, shape: &Shape<'_>) {
    if shape.table.rows.is_empty() {
        out.words("p", "", "No key was common enough to appear.");
        return;
    }
    match (shape.document.statistic.as_str(), &shape.parts[..]) {
        ("co_occurrence", [one, other]) => {
            ranked::pairs(out, shape, (one, other), " with ");
            grid::pairs(out, shape, (one, other));
        }
        ("transitions", [from, to]) => {
            ranked::pairs(out, shape, (from, to), " → ");
            grid::pairs(out, shape, (from, to));
        }
        ("affinity" | "retention", [segments @ .., last]) if !segments.is_empty() => {
            grid::crossed(out, shape, segments, last);
        }
        ("activity", [rows]) => distribution::buckets(out, shape, rows),
        (_, parts) => by_key(out, shape, parts),
    }
    for histogram in &shape.histograms {
        distribution::histogram(out, shape, histogram);
    }
}

/// Over time where a part of the key is a time, a distribution where one is a bin, else by name.
fn by_key(out: &mut Markup, shape: &Shape<'_>, parts: &[Part]) {
    let split = |at: usize| {
        let others: Vec<&Part> =
            parts.iter().enumerate().filter(|(other, _)| *other != at).map(|(_, part)| part).collect();
        (&parts[at], others)
    };
    let of = |kind: fn(ColumnKind) -> bool| {
        parts.iter().position(|part| part.labels.is_empty() && kind(part.kind))
    };
    let times = of(|kind| matches!(kind, ColumnKind::Date | ColumnKind::Datetime));
    let bins = of(|kind| kind == ColumnKind::Float);
    if let Some(at) = times {
        let (time, others) = split(at);
        over_time::series(out, shape, time, &others);
    } else if let Some(at) = bins {
        let (bin, others) = split(at);
        distribution::bins(out, shape, bin, &others);
    } else if shape.document.statistic == "top_k" && parts.len() > 1 {
        let (item, segments) = split(parts.len() - 1);
        ranked::in_segments(out, shape, item, &segments);
    } else {
        ranked::by_name(out, shape, &parts.iter().collect::<Vec<_>>());
    }
}
