//! A report as text for people, and as one flat table for files.

use std::fmt::Write as _;
use std::path::Path;

use unicode_width::UnicodeWidthStr as _;

use super::report::{ColumnFigures, Decomposition, Point, ReleaseReport, Report, Spread};
use crate::table::{ColumnKind, Table, TableColumn};
use crate::value::Value;

/// Columns of one release that are shown as text; a histogram has many more.
const MOST_COLUMNS: usize = 8;

impl Report {
    /// For people.
    #[must_use]
    pub fn to_text(&self) -> String {
        let mut text = String::new();
        if self.made_up {
            text.push_str(
                "MADE-UP DATA in the shape of the policy: these figures say nothing about anybody's data\n\n",
            );
        }
        let of = match self.ceiling {
            Some(ceiling) => format!("of a ceiling of epsilon {}", short(ceiling)),
            None => "each epsilon spent whole by this job".to_owned(),
        };
        let trials = if self.trials == 1 { "trial" } else { "trials" };
        let _ = writeln!(
            text,
            "{}: {} {trials} a line; {} accounting, delta {}; {of}\nmay be looked at: {}",
            self.data, self.trials, self.accounting, self.delta, self.reason
        );
        for release in &self.releases {
            self.release(release, &mut text);
        }
        text.push_str(LEGEND);
        text
    }

    fn release(&self, release: &ReleaseReport, text: &mut String) {
        let _ = writeln!(
            text,
            "\n{} · {} · {} {} {} that somebody has",
            release.release,
            release.statistic,
            grouped(release.true_keys),
            release.keys,
            release.of
        );
        let axes = axes(release);
        let mut lines = vec![head(&axes, &["bound", "rows", "found", "share", "of people", "nobody's"])];
        for point in &release.points {
            let keys = &point.keys;
            lines.push(line(
                &axes,
                point,
                [
                    bounds(point),
                    around(&keys.rows),
                    around(&keys.found),
                    percent(keys.share.mean),
                    percent(keys.mass.mean),
                    short(keys.nobodys.mean),
                ],
            ));
        }
        aligned(&lines, axes.len() + 2, text);
        let columns = release.points.first().map_or(0, |point| point.columns.len());
        for at in 0..columns.min(MOST_COLUMNS) {
            Self::column(release, &axes, at, text);
        }
        if columns > MOST_COLUMNS {
            let _ = writeln!(text, "\n  and {} columns more: --format json or csv", columns - MOST_COLUMNS);
        }
    }

    fn column(release: &ReleaseReport, axes: &[String], at: usize, text: &mut String) {
        let Some(first) = release.points.first().map(|point| &point.columns[at]) else { return };
        let dropped = release.points.iter().any(|point| point.columns[at].error.dropped.is_some());
        let _ = writeln!(text, "\n  {} ({})", first.column, first.unit);
        let mut names: Vec<String> = ["rmse", "±", "median", "95%"].map(str::to_owned).to_vec();
        names.extend(
            first
                .relative
                .iter()
                .map(|relative| relative.top.map_or("rel. all".to_owned(), |top| format!("rel. top {top}"))),
        );
        names.extend(first.recall.iter().map(|recall| format!("recall {}", recall.top)));
        names.extend(["bars", "of truth", "= clamp", "+ bound"].map(str::to_owned));
        names.extend(dropped.then(|| "+ dropped".to_owned()));
        names.push("+ noise".to_owned());
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let mut lines = vec![head(axes, &names)];
        for point in &release.points {
            let column = &point.columns[at];
            let mut cells = vec![
                mean(column.rmse),
                column.rmse.map_or("-".to_owned(), |rmse| two(rmse.sd)),
                mean(column.median),
                mean(column.p95),
            ];
            cells.extend(column.relative.iter().map(|relative| share(relative.error)));
            cells.extend(first.recall.iter().map(|recall| {
                share(
                    column.recall.iter().find(|known| known.top == recall.top).and_then(|known| known.share),
                )
            }));
            let coverage = column.coverage;
            cells.push(coverage.bounded.map_or("-".to_owned(), percent));
            cells.push(coverage.unbounded.map_or("-".to_owned(), percent));
            cells.extend([mean(column.error.clamp), mean(column.error.contribution)]);
            cells.extend(dropped.then(|| mean(column.error.dropped)));
            cells.push(mean(column.error.noise));
            lines.push(line(axes, point, cells));
        }
        aligned(&lines, axes.len(), text);
    }

    /// One row for each release, setting, ε and column: for a CSV or Parquet file.
    #[must_use]
    pub fn to_table(&self) -> Table {
        let axes: Vec<&str> = self.sweep.iter().map(|axis| axis.name.as_str()).collect();
        let column = |name: &str, kind| TableColumn::key(name, kind);
        let mut columns: Vec<TableColumn> =
            ["release", "statistic", "column", "unit"].map(|name| column(name, ColumnKind::String)).to_vec();
        columns.extend(axes.iter().map(|name| column(name, ColumnKind::String)));
        columns.push(column("mechanism", ColumnKind::String));
        columns.push(column("bound", ColumnKind::String));
        columns.push(column("trials", ColumnKind::Int));
        let mut rows = Vec::new();
        let mut names: Vec<String> = Vec::new();
        for release in &self.releases {
            for point in &release.points {
                for figures in &point.columns {
                    let text = |text: &str| Value::String(text.to_owned());
                    let mut row: Vec<Value> =
                        [&release.release, &release.statistic, &figures.column, &figures.unit]
                            .map(|word| text(word))
                            .to_vec();
                    row.extend(
                        axes.iter().map(|axis| point.setting.get(*axis).map_or(Value::Null, |v| text(v))),
                    );
                    row.push(text(&point.how.mechanism));
                    row.push(text(&bounds(point)));
                    row.push(Value::Int(i64::from(self.trials)));
                    let flat = flat(point, figures);
                    row.extend(flat.iter().map(|(_, figure)| figure.map_or(Value::Null, Value::Float)));
                    names = flat.into_iter().map(|(name, _)| name).collect();
                    rows.push(row);
                }
            }
        }
        columns.extend(names.iter().map(|name| column(name, ColumnKind::Float)));
        Table { columns, rows }
    }

    /// [`Report::to_table`] as CSV.
    #[must_use]
    pub fn to_csv(&self) -> String {
        crate::render::csv_of(&self.to_table())
    }

    /// [`Report::to_table`] as a Parquet file.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write_parquet(&self, path: &Path) -> std::io::Result<()> {
        crate::frame::write_parquet(&self.to_table(), path)
    }
}

const LEGEND: &str = "
rows: of the table; found: keys that somebody has; of people: their part of all people under all keys
rmse, median, 95%: of the error against the unbounded truth; ±: how far single trials are from it
rel.: mean relative error over the keys of the most people; recall: of the true leading keys
bars: how often the 95% bars hold the bounded truth (they promise 95%); of truth: the unbounded one
error = clamp (rows and values limited) + bound (keys limited) + noise, as root mean squares
";

/// The figures of a row, by name: the same names for every column.
fn flat(point: &Point, figures: &ColumnFigures) -> Vec<(String, Option<f64>)> {
    let mut flat: Vec<(String, Option<f64>)> = Vec::new();
    let mut add = |name: &str, figure: Option<f64>| flat.push((name.to_owned(), figure));
    add("epsilon", Some(point.epsilon));
    add("epsilon_alone", Some(point.alone.epsilon));
    let keys = &point.keys;
    for (name, spread) in [
        ("rows", keys.rows),
        ("keys_found", keys.found),
        ("keys_share", keys.share),
        ("keys_mass", keys.mass),
        ("keys_nobodys", keys.nobodys),
    ] {
        add(name, Some(spread.mean));
        add(&format!("{name}_sd"), Some(spread.sd));
    }
    let mut spread = |name: &str, spread: Option<Spread>| {
        add(name, spread.map(|spread| spread.mean));
        add(&format!("{name}_sd"), spread.map(|spread| spread.sd));
    };
    spread("rmse", figures.rmse);
    spread("median", figures.median);
    spread("p95", figures.p95);
    for top in [Some(10), Some(100), None] {
        let relative = figures.relative.iter().find(|relative| relative.top == top);
        let name = top.map_or("relative_all".to_owned(), |top| format!("relative_top_{top}"));
        spread(&name, relative.and_then(|relative| relative.error));
    }
    for top in [10, 100] {
        let recall = figures.recall.iter().find(|recall| recall.top == top);
        spread(&format!("recall_{top}"), recall.and_then(|recall| recall.share));
    }
    let asked = figures.recall.iter().find(|recall| ![10, 100].contains(&recall.top));
    spread("recall_k", asked.and_then(|recall| recall.share));
    let mut parts = |name: &str, parts: Option<&Decomposition>| {
        let part = |of: fn(&Decomposition) -> Option<Spread>| parts.and_then(of);
        spread(&format!("{name}_total"), part(|parts| parts.total));
        spread(&format!("{name}_clamp"), part(|parts| parts.clamp));
        spread(&format!("{name}_contribution"), part(|parts| parts.contribution));
        spread(&format!("{name}_dropped"), part(|parts| parts.dropped));
        spread(&format!("{name}_noise"), part(|parts| parts.noise));
    };
    parts("error", Some(&figures.error));
    parts("error_over_all", figures.error_over_all.as_ref());
    add("cells", Some(figures.coverage.cells as f64));
    add("coverage_bounded", figures.coverage.bounded);
    add("coverage_unbounded", figures.coverage.unbounded);
    flat
}

/// The settings that a release has.
fn axes(release: &ReleaseReport) -> Vec<String> {
    release.points.first().map_or_else(Vec::new, |point| point.setting.keys().cloned().collect())
}

fn head(axes: &[String], names: &[&str]) -> Vec<String> {
    let axes = axes.iter().map(String::as_str).chain(["epsilon"]);
    axes.chain(names.iter().copied()).map(str::to_owned).collect()
}

fn line(axes: &[String], point: &Point, cells: impl IntoIterator<Item = String>) -> Vec<String> {
    let settings = axes.iter().map(|axis| point.setting.get(axis).cloned().unwrap_or_default());
    settings.chain([short(point.epsilon)]).chain(cells).collect()
}

/// Lines of cells, aligned: the first `left` to the left, the others to the right.
fn aligned(lines: &[Vec<String>], left: usize, text: &mut String) {
    let width = |at: usize| lines.iter().map(|line| line[at].width()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..lines[0].len()).map(width).collect();
    for line in lines {
        let mut whole = "  ".to_owned();
        for (at, (cell, width)) in line.iter().zip(&widths).enumerate() {
            let space = " ".repeat(width - cell.width());
            let gap = if at == 0 { "" } else { "  " };
            let padded = if at < left { format!("{cell}{space}") } else { format!("{space}{cell}") };
            let _ = write!(whole, "{gap}{padded}");
        }
        let _ = writeln!(text, "{}", whole.trim_end());
    }
}

/// The bound that most trials had, and how many others.
fn bounds(point: &Point) -> String {
    let Some(first) = point.how.bounds.first() else { return String::new() };
    let name = first.contribution.as_object().and_then(|fields| fields.iter().next());
    let name = name.map_or_else(String::new, |(rule, size)| {
        format!("{} {}", rule.replace('_', " "), size.as_f64().map_or_else(|| size.to_string(), short))
    });
    let others = point.how.bounds.len() - 1;
    if others == 0 { name } else { format!("{name} (and {others} more)") }
}

fn mean(spread: Option<Spread>) -> String {
    spread.map_or("-".to_owned(), |spread| short(spread.mean))
}

fn share(spread: Option<Spread>) -> String {
    spread.map_or("-".to_owned(), |spread| percent(spread.mean))
}

fn percent(share: f64) -> String {
    let percent = 100.0 * share;
    let decimals = if percent >= 99.95 || percent == 0.0 {
        0
    } else if percent >= 1.0 {
        1
    } else {
        2
    };
    if percent >= 1000.0 { format!("{}%", short(percent)) } else { format!("{percent:.decimals$}%") }
}

/// A mean with its spread.
fn around(spread: &Spread) -> String {
    if spread.sd == 0.0 {
        short(spread.mean)
    } else {
        format!("{} ±{}", short(spread.mean), short(spread.sd))
    }
}

/// Three figures: more would be read as precision.
fn short(number: f64) -> String {
    figures(number, 3)
}

/// Two figures: of a spread.
fn two(number: f64) -> String {
    figures(number, 2)
}

fn figures(number: f64, figures: i32) -> String {
    let size = number.abs();
    if size == 0.0 {
        return "0".to_owned();
    }
    if !(1e-4..1e15).contains(&size) {
        return format!("{number:.2e}");
    }
    let decimals = (f64::from(figures - 1) - size.log10().floor()).max(0.0) as usize;
    let text = format!("{number:.decimals$}");
    let text = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
    match text.split_once('.') {
        None if size >= 10_000.0 => {
            let digits = text.trim_start_matches('-').parse().map_or_else(|_| text.to_owned(), grouped);
            if number < 0.0 { format!("-{digits}") } else { digits }
        }
        _ => text.to_owned(),
    }
}

/// Digits in groups of three.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short() {
        let cases = [
            (0.0, "0"),
            (1.0, "1"),
            (0.3, "0.3"),
            (12.345, "12.3"),
            (1234.5, "1234"),
            (-12_345.6, "-12,346"),
            (0.012_34, "0.0123"),
            (0.000_012, "1.20e-5"),
        ];
        for (number, text) in cases {
            assert_eq!(short(number), text);
        }
        assert_eq!(
            (percent(0.0), percent(1.0), percent(0.9514), percent(0.0067)),
            ("0%".into(), "100%".into(), "95.1%".into(), "0.67%".into())
        );
        assert_eq!(grouped(1_234_567), "1,234,567");
    }

    #[test]
    fn every_release_and_column_is_in_the_text_and_the_table() {
        let report: Report = serde_json::from_str(include_str!("../../tests/bench/sample.json")).unwrap();
        let text = report.to_text();
        for word in [
            "popular · popularity",
            "liked · summary",
            "rows (rows)",
            "mean (value)",
            "norm:16",
            "may be looked at",
        ] {
            assert!(text.contains(word), "{word}\n{text}");
        }
        assert!(text.lines().all(|line| line.width() <= 160), "{text}");
        let table = report.to_table();
        let figures: usize = report.releases.iter().flat_map(|r| &r.points).map(|p| p.columns.len()).sum();
        assert_eq!(table.rows.len(), figures);
        assert!(table.rows.iter().all(|row| row.len() == table.columns.len()));
        let csv = report.to_csv();
        assert_eq!(csv.lines().count(), figures + 1);
    }
}
