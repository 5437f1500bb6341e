//! The page of a benchmark: error against budget, what the error is made of, what is found, how often bars hold.

use flockwise_chart::{
    Axis, Column, Estimate, Legend, Lines, Markup, Page, Point as Place, Scale, Series, Stack, Stacked,
    Table, Tick, figures,
};
use flockwise_query::bench::{ColumnFigures, Decomposition, Point, ReleaseReport, Report, Spread};

/// So many settings can be told apart in one picture; all are in the table.
const MOST_SETTINGS: usize = 7;
/// So many bars of parts are drawn.
const MOST_BARS: usize = 42;

/// What a benchmark found, as one page.
pub(crate) fn bench_page(report: &Report) -> String {
    let mut body = Markup::default();
    head(&mut body, report);
    for (at, release) in report.releases.iter().enumerate() {
        let settings = Settings::of(report, release);
        body.open("section", &[("id", &format!("release-{at}"))]);
        body.element("h2", &[], |h2| h2.name(&release.release));
        body.element("p", &[("class", &"soft")], |p| {
            p.name(&release.statistic);
            p.text(&format!(
                ": {} {} that somebody has; keys are {}. ",
                release.true_keys, release.of, release.keys
            ));
        });
        if settings.left > 0 {
            let text =
                format!("{} more settings are in the table below and not in the pictures.", settings.left);
            body.words("p", "soft", &text);
        }
        for column in columns(release) {
            accuracy(&mut body, &settings, &column);
        }
        found(&mut body, release, &settings);
        table(&mut body, release);
        body.close("section");
    }
    Page { title: format!("Accuracy against budget: {}", report.data), body }.html()
}

fn head(body: &mut Markup, report: &Report) {
    if report.made_up {
        body.words(
            "p",
            "mock",
            "Made-up data: the figures tell of the shape of a job, and nothing of anybody's data.",
        );
    }
    body.element("p", &[], |p| {
        p.text("Compared with the truth, which may be looked at here because: ");
        p.name(&report.reason);
        p.text(". Nothing on this page is a private release.");
    });
    let budget = report.ceiling.map_or_else(
        || "each ε spent whole, as a ceiling of its own".to_owned(),
        |ceiling| format!("each ε a part of a ceiling of {ceiling}"),
    );
    let text = format!(
        "{} trials at each point, each with fresh noise; {} accounting, δ {}, {budget}; protects {}. Bands go from the least \
         to the largest of the trials.",
        report.trials, report.accounting, report.delta, report.unit
    );
    body.words("p", "soft", &text);
    body.words(
        "p",
        "",
        "How to choose from these pictures: take the smallest ε at which the error is below what you can use. Where `bound` is \
         the largest part of the error, allow people to contribute more; where it is `noise`, spend more or bound more \
         tightly; where `dropped keys` is, ask for fewer and larger keys.",
    );
}

/// The settings of a release, each with its points by ε.
struct Settings<'a> {
    named: Vec<(String, Vec<&'a Point>)>,
    /// How many more there are.
    left: usize,
}

impl<'a> Settings<'a> {
    fn of(report: &Report, release: &'a ReleaseReport) -> Self {
        let mut named: Vec<(String, Vec<&Point>)> = Vec::new();
        for point in &release.points {
            let values = report.sweep.iter().filter_map(|axis| point.setting.get(&axis.name));
            let name = values.map(String::as_str).collect::<Vec<_>>().join(", ");
            match named.iter_mut().find(|(known, _)| *known == name) {
                Some((_, points)) => points.push(point),
                None => named.push((name, vec![point])),
            }
        }
        let left = named.len().saturating_sub(MOST_SETTINGS);
        named.truncate(MOST_SETTINGS);
        Self { named, left }
    }

    /// Whether there is one ε alone, so that settings stand along the bottom.
    fn one_epsilon(&self) -> bool {
        self.named.iter().all(|(_, points)| points.len() == 1) && self.named.len() > 1
    }

    fn names(&self) -> Vec<String> {
        if self.one_epsilon() {
            Vec::new()
        } else {
            self.named.iter().map(|(name, _)| name.clone()).collect()
        }
    }

    /// A figure of every point, as lines.
    fn lines(&self, figure: &dyn Fn(&Point) -> Option<Spread>, shown: &dyn Fn(f64) -> String) -> Vec<Series> {
        let place = |x: f64, name: &str, spread: Spread| Place {
            x,
            y: Estimate { value: spread.mean, low: spread.least, high: spread.most },
            says: format!(
                "{name}: {} ({} to {})",
                shown(spread.mean),
                shown(spread.least),
                shown(spread.most)
            ),
        };
        if self.one_epsilon() {
            let points =
                self.named.iter().enumerate().filter_map(|(at, (name, points))| {
                    Some(place(at as f64, name, figure(points.first()?)?))
                });
            return vec![Series { look: 0, points: points.collect() }];
        }
        let line = |(look, (name, points)): (usize, &(String, Vec<&Point>))| {
            let points = points.iter().filter_map(|point| {
                let name = format!("ε {}{}{name}", point.epsilon, if name.is_empty() { "" } else { ", " });
                Some(place(point.epsilon, &name, figure(point)?))
            });
            Series { look, points: points.collect() }
        };
        self.named.iter().enumerate().map(line).collect()
    }

    /// Along the bottom: ε, or the settings where there is one ε alone.
    fn axis(&self) -> Axis {
        if self.one_epsilon() {
            let last = self.named.len() as f64 - 1.0;
            let names: Vec<(f64, String)> =
                self.named.iter().enumerate().map(|(at, (name, _))| (at as f64, short(name))).collect();
            return Axis::named(Scale::Linear { from: -0.3, to: last + 0.3 }, "setting", &names);
        }
        let epsilons: Vec<f64> =
            self.named.iter().flat_map(|(_, points)| points.iter().map(|point| point.epsilon)).collect();
        let mut marks: Vec<f64> = epsilons.clone();
        marks.sort_by(f64::total_cmp);
        marks.dedup();
        let scale = Scale::log(epsilons);
        if marks.len() > 6 {
            return Axis::new(scale, "ε");
        }
        let ticks = marks.into_iter().map(|at| Tick { at, text: figures(at, 3), minor: false });
        Axis { scale, ticks: ticks.collect(), of: "ε".to_owned() }
    }
}

/// Without the name of the kind: `norm:8` is 8 beside `norm:16`.
fn short(name: &str) -> String {
    name.strip_prefix("norm:").unwrap_or(name).to_owned()
}

/// The computed columns of a release, by name.
fn columns(release: &ReleaseReport) -> Vec<ColumnFigures> {
    release.points.first().map(|point| point.columns.clone()).unwrap_or_default()
}

fn of<'a>(point: &'a Point, column: &ColumnFigures) -> Option<&'a ColumnFigures> {
    point.columns.iter().find(|known| known.column == column.column)
}

/// Error, its parts, and how often bars hold.
fn accuracy(body: &mut Markup, settings: &Settings<'_>, column: &ColumnFigures) {
    body.open("figure", &[]);
    body.element("h3", &[], |h3| h3.name(&column.column));
    legend(body, settings);
    let unit = if column.unit == column.column {
        column.unit.clone()
    } else {
        format!("{}, in {}", column.column, column.unit)
    };
    body.open("div", &[("class", &"panels")]);
    let rmse = |point: &Point| of(point, column)?.rmse;
    curve(body, settings, &format!("Root mean square error of {unit}"), &rmse, Kind::Amount);
    for (at, relative) in column.relative.iter().enumerate() {
        let leading = relative.top.map_or("all keys".to_owned(), |top| format!("the top {top}"));
        let figure = |point: &Point| of(point, column)?.relative.get(at)?.error;
        curve(body, settings, &format!("Relative error over {leading}"), &figure, Kind::Part);
    }
    let exact = |share: f64| Spread { mean: share, sd: 0.0, least: share, most: share, trials: 1 };
    let bounded = |point: &Point| of(point, column)?.coverage.bounded.map(exact);
    let unbounded = |point: &Point| of(point, column)?.coverage.unbounded.map(exact);
    curve(body, settings, "95% bars that hold the bounded truth", &bounded, Kind::Coverage);
    curve(body, settings, "95% bars that hold the unbounded truth", &unbounded, Kind::Coverage);
    for (at, recall) in column.recall.iter().enumerate() {
        let figure = |point: &Point| of(point, column)?.recall.get(at)?.share;
        curve(body, settings, &format!("Recall of the true top {}", recall.top), &figure, Kind::Share);
    }
    body.close("div");
    parts(body, settings, column);
    body.close("figure");
}

fn legend(body: &mut Markup, settings: &Settings<'_>) {
    let names = settings.names();
    if names.len() > 1 {
        Legend::of_lines(&names).draw(body);
    }
}

/// What a figure is, which decides its scale.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// In a unit of its own, on a logarithmic scale.
    Amount,
    /// A part of something, on a logarithmic scale.
    Part,
    /// A share, from nothing to all.
    Share,
    /// A share that should be 95%.
    Coverage,
}

fn curve(
    body: &mut Markup,
    settings: &Settings<'_>,
    title: &str,
    figure: &dyn Fn(&Point) -> Option<Spread>,
    kind: Kind,
) {
    let percent = |share: f64| format!("{}%", figures(100.0 * share, 3));
    let amount = |number: f64| figures(number, 3);
    let shown: &dyn Fn(f64) -> String = if kind == Kind::Amount { &amount } else { &percent };
    let mut series = settings.lines(figure, shown);
    let logarithmic = matches!(kind, Kind::Amount | Kind::Part);
    if logarithmic {
        // Nothing has no place on a logarithmic scale.
        series.iter_mut().for_each(|series| series.points.retain(|point| point.y.value > 0.0));
    }
    let ends: Vec<f64> = series
        .iter()
        .flat_map(|series| &series.points)
        .flat_map(|point| [point.y.low, point.y.value, point.y.high])
        .collect();
    if ends.is_empty() {
        return;
    }
    let scale = match kind {
        Kind::Amount | Kind::Part => Scale::log(ends),
        Kind::Share => Scale::Linear { from: 0.0, to: 1.0 },
        Kind::Coverage => {
            let least = ends.iter().copied().fold(0.9, f64::min);
            Scale::Linear { from: (least - 0.02).max(0.0), to: 1.0 }
        }
    };
    let mut y = Axis::new(scale, "");
    if kind != Kind::Amount {
        y.ticks.iter_mut().for_each(|tick| tick.text = percent(tick.at));
    }
    let says = series.iter().flat_map(|series| &series.points).map(|point| point.says.as_str());
    let says = says.take(24).collect::<Vec<_>>().join("; ");
    body.open("div", &[]);
    body.element("h4", &[], |h4| h4.name(title));
    let even = (kind == Kind::Coverage).then_some(0.95);
    let says = format!("{title}: {says}. The numbers are in the table.");
    Lines { says, x: settings.axis(), y, series, even }.draw(body);
    body.close("div");
}

/// What the error is made of: over all keys where that has a meaning, else over those that came out.
fn parts(body: &mut Markup, settings: &Settings<'_>, column: &ColumnFigures) {
    let over_all = column.error_over_all.is_some();
    let mut bars = Vec::new();
    for (name, points) in &settings.named {
        for point in points {
            let Some(figures) = of(point, column) else { continue };
            let error = figures.error_over_all.unwrap_or(figures.error);
            let epsilon = format!("ε {}", point.epsilon);
            let name = if name.is_empty() { epsilon } else { format!("{name} · {epsilon}") };
            bars.extend(stacked(name, &error));
        }
    }
    if bars.is_empty() {
        return;
    }
    bars.truncate(MOST_BARS);
    let over = if over_all { "over all keys that somebody has" } else { "over the rows that came out" };
    body.element("h4", &[], |h4| h4.text(&format!("What the error is made of, {over}")));
    let says = bars
        .iter()
        .take(12)
        .map(|bar: &Stacked| format!("{}: {}", bar.name, bar.text))
        .collect::<Vec<_>>()
        .join("; ");
    let stack = Stack {
        says: format!("Parts of the error of {}: {says}. The numbers are in the table.", column.column),
        of: "root mean square error".to_owned(),
        parts: ["noise", "bound", "clamp and rows per key", "dropped keys"].map(str::to_owned).to_vec(),
        bars,
    };
    stack.draw(body);
    body.words(
        "figcaption",
        "",
        "The length of a bar is the root mean square error; its parts are shares of the mean square, which is what adds up. \
         Move the contribution bound where `bound` is large, the column's bounds or max_rows_per_key where `clamp` is, ε or a \
         smaller bound where `noise` is.",
    );
}

fn stacked(name: String, error: &Decomposition) -> Option<Stacked> {
    let total = error.total?.mean;
    let part = |spread: Option<Spread>| spread.map_or(0.0, |spread| spread.mean.powi(2));
    let squares = [part(error.noise), part(error.contribution), part(error.clamp), part(error.dropped)];
    let sum: f64 = squares.iter().sum();
    let length = |square: &f64| if sum > 0.0 { total * square / sum } else { 0.0 };
    Some(Stacked { name, parts: squares.iter().map(length).collect(), text: figures(total, 3) })
}

/// Which keys came out.
fn found(body: &mut Markup, release: &ReleaseReport, settings: &Settings<'_>) {
    if release.keys == "public" {
        return;
    }
    body.open("figure", &[]);
    body.element("h3", &[], |h3| {
        h3.text("Which ");
        h3.name(&release.of);
        h3.text(" come out");
    });
    legend(body, settings);
    body.open("div", &[("class", &"panels")]);
    let of = &release.of;
    curve(body, settings, &format!("Share of all {of}"), &|point| Some(point.keys.share), Kind::Part);
    curve(
        body,
        settings,
        &format!("Share of what is under the {of}"),
        &|point| Some(point.keys.mass),
        Kind::Share,
    );
    body.close("div");
    body.close("figure");
}

/// Every point and column.
fn table(body: &mut Markup, release: &ReleaseReport) {
    let number = |spread: Option<Spread>| {
        spread.map_or("—".to_owned(), |spread| {
            format!("{} ± {}", figures(spread.mean, 3), figures(spread.sd, 2))
        })
    };
    let share = |share: Option<f64>| share.map_or("—".to_owned(), |share| format!("{:.1}%", 100.0 * share));
    let mut rows = Vec::new();
    for point in &release.points {
        for column in &point.columns {
            let setting = point.setting.values().cloned().collect::<Vec<_>>().join(", ");
            let bounds = point.how.bounds.iter().map(|bound| {
                let text = bound.contribution.to_string();
                text.replace(['{', '}', '"'], "").replace(':', " ")
            });
            let recall = column.recall.iter().map(|recall| {
                let found =
                    recall.share.map_or("—".to_owned(), |found| format!("{:.0}%", 100.0 * found.mean));
                format!("{found} of {}", recall.top)
            });
            rows.push(vec![
                column.column.clone(),
                figures(point.epsilon, 3),
                setting,
                bounds.take(3).collect::<Vec<_>>().join(", "),
                number(Some(point.keys.found)),
                number(column.rmse),
                number(column.median),
                number(column.p95),
                number(column.error.noise),
                number(column.error.contribution),
                number(column.error.clamp),
                share(column.coverage.bounded),
                share(column.coverage.unbounded),
                recall.collect::<Vec<_>>().join(", "),
            ]);
        }
    }
    let heads = [
        ("column", ""),
        ("ε", "of the job"),
        ("setting", ""),
        ("bound", "the most frequent"),
        ("keys", "± sd over trials"),
        ("RMSE", "± sd"),
        ("median error", "± sd"),
        ("95% of errors below", "± sd"),
        ("noise", "± sd"),
        ("bound's part", "± sd"),
        ("clamp's part", "± sd"),
        ("bars hold, bounded", "95% promised"),
        ("bars hold, unbounded", ""),
        ("recall", ""),
    ];
    let columns = heads.iter().enumerate().map(|(at, (name, note))| Column {
        name: (*name).to_owned(),
        note: (*note).to_owned(),
        number: at == 1 || (4..13).contains(&at),
    });
    let table =
        Table { caption: format!("{} as a table", release.release), columns: columns.collect(), rows };
    body.open("details", &[]);
    body.words("summary", "", &format!("The table: {} rows", table.rows.len()));
    table.draw(body);
    body.close("details");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Report {
        let text = include_str!("../../../query/tests/bench/sample.json");
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn every_column_has_its_pictures_and_every_point_its_row() {
        let report = sample();
        let page = bench_page(&report);
        for release in &report.releases {
            for column in &release.points[0].columns {
                let title = format!("aria-label=\"Root mean square error of {}", column.column);
                assert!(page.contains(&title), "{title}");
                assert!(page.contains(&format!("aria-label=\"Parts of the error of {}:", column.column)));
            }
        }
        let cells: usize =
            report.releases.iter().flat_map(|release| &release.points).map(|point| point.columns.len()).sum();
        let rows =
            page.split("<table class=\"data\">").skip(1).map(|table| table.matches("<tr>").count() - 1);
        assert_eq!(rows.sum::<usize>(), cells);
    }

    #[test]
    fn parts_of_a_bar_add_up_to_the_error() {
        let spread = |mean| Some(Spread { mean, sd: 0.0, least: mean, most: mean, trials: 1 });
        let error = Decomposition {
            total: spread(50.0),
            clamp: spread(0.0),
            contribution: spread(30.0),
            noise: spread(40.0),
            dropped: None,
        };
        let bar = stacked("a".to_owned(), &error).unwrap();
        // 40² and 30² of 50².
        assert_eq!(bar.parts, [32.0, 18.0, 0.0, 0.0]);
    }

    #[test]
    fn hostile_names_are_text_and_missing_figures_are_missing() {
        let mut report = sample();
        report.reason = "</p><script>alert(1)</script>".to_owned();
        report.data = "<img src=x>".to_owned();
        for release in &mut report.releases {
            release.release = "<b>\u{202e}".to_owned();
            for column in release.points.iter_mut().flat_map(|point| &mut point.columns) {
                column.column = "\"><svg onload=x>".to_owned();
                (column.rmse, column.coverage.unbounded) = (None, None);
                column.error.total = None;
                column.error_over_all = None;
            }
        }
        let page = bench_page(&report);
        for markup in ["<script", "<img", "<b>", "<svg onload"] {
            assert!(!page.contains(markup), "{markup}");
        }
        assert!(!page.contains("NaN"));
    }

    #[test]
    fn one_budget_puts_the_settings_along_the_bottom() {
        let mut report = sample();
        report.epsilons.truncate(1);
        for release in &mut report.releases {
            let first = release.points[0].epsilon;
            release.points.retain(|point| point.epsilon.total_cmp(&first).is_eq());
        }
        let page = bench_page(&report);
        assert!(page.contains("<bdi>setting</bdi>") && !page.contains("<bdi>ε</bdi></div>"));
    }
}
