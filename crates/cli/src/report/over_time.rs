//! Numbers over time, with bands: a panel for each of the other keys.

use flockwise_chart::{Axis, Lines, Markup, Point, Scale, Series};
use flockwise_query::release;
use flockwise_query::table::ColumnKind;
use flockwise_query::value::Value;

use super::shape::{Measure, Part, Shape, distinct};

/// So many panels are drawn; all series are in the table.
const MOST_PANELS: usize = 12;

/// Every number over the windows of `time`.
pub(super) fn series(out: &mut Markup, shape: &Shape<'_>, time: &Part, others: &[&Part]) {
    let parts: Vec<Vec<String>> = others.iter().map(|part| shape.names(part)).collect();
    let joined: Vec<String> = (0..shape.table.rows.len())
        .map(|row| parts.iter().map(|names| names[row].as_str()).collect::<Vec<_>>().join(" · "))
        .collect();
    let (named, of) = distinct(&joined);
    let windows = Windows::of(shape, time);
    let Some(windows) = windows else {
        return super::ranked::by_name(out, shape, &[&[time], others].concat());
    };
    for measure in &shape.measures {
        out.open("figure", &[]);
        out.element("h3", &[], |h3| {
            h3.name(&measure.title());
            h3.text(" by ");
            h3.name(&shape.by(&[&[time], others].concat()));
        });
        panels(out, shape, measure, &windows, (&named, &of));
        let left = named.len().saturating_sub(MOST_PANELS);
        let mut text = "The band is the 95% bar of the noise. ".to_owned();
        if left > 0 {
            text.push_str(&format!("{left} more series, with smaller peaks, are in the table. "));
        }
        text.push_str(super::words::bias(measure));
        out.words("figcaption", "", text.trim());
        out.close("figure");
    }
}

/// The panels share one scale, the largest peak first.
fn panels(
    out: &mut Markup,
    shape: &Shape<'_>,
    measure: &Measure,
    windows: &Windows,
    (named, of): (&[String], &[usize]),
) {
    let mut all: Vec<(usize, Series)> =
        (0..named.len()).map(|one| (one, line(shape, measure, windows, |row| of[row] == one))).collect();
    let peak =
        |series: &Series| series.points.iter().map(|point| point.y.value).fold(f64::NEG_INFINITY, f64::max);
    all.sort_by(|one, other| peak(&other.1).total_cmp(&peak(&one.1)));
    all.truncate(MOST_PANELS);
    let y = Lines::axis_for(all.iter().map(|(_, series)| series), &measure.title(), measure.is_count());
    let single = all.len() == 1;
    out.open("div", &[("class", &if single { "tall" } else { "panels" })]);
    for (one, series) in all {
        out.open("div", &[]);
        let name = &named[one];
        if !name.is_empty() {
            out.element("h4", &[], |h4| h4.name(name));
        }
        let ends = series.points.first().zip(series.points.last());
        let ends =
            ends.map_or(String::new(), |(first, last)| format!(", from {} to {}", first.says, last.says));
        let of = if name.is_empty() { String::new() } else { format!(" of {name}") };
        let lines = Lines {
            says: format!("{}{of} over time{ends}. The numbers are in the table.", measure.title()),
            x: windows.axis(single),
            y: Axis { of: if single { y.of.clone() } else { String::new() }, ..y.clone() },
            series: vec![series],
            even: None,
        };
        lines.draw(out);
        out.close("div");
    }
    out.close("div");
}

fn line(shape: &Shape<'_>, measure: &Measure, windows: &Windows, belongs: impl Fn(usize) -> bool) -> Series {
    let mut points: Vec<Point> = (0..shape.table.rows.len())
        .filter(|&row| belongs(row))
        .filter_map(|row| {
            let (x, name) = windows.rows[row].clone()?;
            let y = shape.estimate(row, measure)?;
            Some(Point { x, y, says: format!("{name}: {}", shape.written(row, measure)) })
        })
        .collect();
    points.sort_by(|one, other| one.x.total_cmp(&other.x));
    Series { look: 0, points }
}

/// Names of windows without what says nothing; other names as they are.
pub(super) fn short(mut names: Vec<String>, kind: ColumnKind) -> Vec<String> {
    if matches!(kind, ColumnKind::Date | ColumnKind::Datetime) {
        shorten(names.iter_mut().collect());
    }
    names
}

/// Takes off what all have in common at their end: months need no days.
fn shorten(mut names: Vec<&mut String>) {
    for end in ["T00:00:00Z", "-01", "-01"] {
        if names.iter().all(|name| name.ends_with(end)) {
            names.iter_mut().for_each(|name| name.truncate(name.len() - end.len()));
        }
    }
}

/// The windows of a table: where each row's begins, and what it is called.
struct Windows {
    rows: Vec<Option<(f64, String)>>,
    name: String,
}

impl Windows {
    /// `None` where a table has fewer than two.
    fn of(shape: &Shape<'_>, time: &Part) -> Option<Self> {
        let text = |value: &Value| match value {
            Value::Date(days) => Some((f64::from(*days), release::text(value))),
            Value::Datetime(moment) => Some((*moment as f64, release::text(value))),
            Value::Null | Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::String(_) => None,
        };
        let mut rows: Vec<Option<(f64, String)>> =
            shape.table.rows.iter().map(|row| text(&row[time.at])).collect();
        shorten(rows.iter_mut().flatten().map(|(_, name)| name).collect());
        let distinct: std::collections::BTreeSet<&str> =
            rows.iter().flatten().map(|(_, name)| name.as_str()).collect();
        (distinct.len() > 1).then(|| Self { rows: rows.clone(), name: time.name.clone() })
    }

    fn axis(&self, named: bool) -> Axis {
        let mut windows: Vec<(f64, String)> = self.rows.iter().flatten().cloned().collect();
        windows.sort_by(|one, other| one.0.total_cmp(&other.0));
        windows.dedup_by(|one, other| one.1 == other.1);
        let (first, last) = (windows.first().map_or(0.0, |w| w.0), windows.last().map_or(1.0, |w| w.0));
        // A little room, so that the first and the last mark stand within the frame.
        let room = 0.03 * (last - first);
        let scale = Scale::Linear { from: first - room, to: last + room };
        let of = if named { self.name.as_str() } else { "" };
        let mut axis = Axis::named(scale, of, &windows);
        if !named {
            // A panel is a third of the page: half of the names.
            axis.ticks.retain(|tick| !tick.minor);
        }
        axis
    }
}
