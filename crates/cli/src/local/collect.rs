//! `flockwise local collect`.

use std::borrow::Cow;
use std::io::Write;

use flockwise_local::collector::{Estimate, Intake, heavy_hitters, shuffle, simplex};
use serde::Deserialize;
use serde_json::{Value, json};

use super::collection::{Answers, CollectionFile};
use super::{Cell, CollectArgs, Format, LocalError, Parquet, lines, write_table};

/// Standard deviations of a 95% bar.
const BAR: f64 = 1.959_963_984_540_054;
/// Probability that some item is called certain though nobody holds it.
const DOUBT: f64 = 0.05;

pub(super) fn run(args: &CollectArgs, parquet: &dyn Parquet, out: &mut dyn Write) -> Result<(), LocalError> {
    if !(args.delta > 1e-15 && args.delta < 1.0) {
        return Err(LocalError::Arguments("--delta must be between 1e-15 and 1"));
    }
    let collection = CollectionFile::read(&args.collection)?;
    let mut intake = Intake::new(collection.scheme().clone());
    if args.reports.is_empty() {
        read_lines(&collection, None, &mut intake).map_err(lines::unreadable(None))?;
    }
    for path in &args.reports {
        let columnar = path.extension().is_some_and(|end| end == "parquet");
        let read = if columnar {
            parquet.each(path, &mut |cell| match cell {
                Cell::Bytes(report) => intake.report(report),
                Cell::Hex(report) => intake.hex(report.as_bytes()),
                Cell::Null => intake.malformed(),
            })
        } else {
            read_lines(&collection, Some(path), &mut intake)
        };
        read.map_err(lines::unreadable(Some(path)))?;
    }
    let found = Found::of(&collection, &intake, args);
    match args.format {
        Format::Table => found.table(out),
        Format::Json => found.json(out),
        Format::Csv => found.csv(out),
    }
}

/// A line of a file of reports; other fields are not read.
#[derive(Deserialize)]
struct Line<'a> {
    #[serde(borrow, default)]
    collection: Option<Cow<'a, str>>,
    #[serde(borrow)]
    report: Cow<'a, str>,
}

fn read_lines(
    collection: &CollectionFile,
    path: Option<&std::path::Path>,
    intake: &mut Intake,
) -> std::io::Result<()> {
    let mut input = lines::open(path)?;
    lines::each(&mut *input, |line| {
        let Some(line) = line else { return intake.malformed() };
        if line.is_empty() {
            return;
        }
        match serde_json::from_slice::<Line<'_>>(line) {
            Ok(line) if line.collection.as_ref().is_none_or(|name| name == collection.name()) => {
                intake.hex(line.report.as_bytes());
            }
            Ok(_) | Err(_) => intake.malformed(),
        }
    })
}

/// What was collected, ready to print.
struct Found<'a> {
    collection: &'a CollectionFile,
    intake: &'a Intake,
    rows: Vec<Row>,
    mean: Option<(Estimate, u8)>,
    shuffled: Option<f64>,
    delta: f64,
}

struct Row {
    item: String,
    count: Estimate,
    /// After projection to counts that could be real.
    share: f64,
    certain: bool,
}

impl<'a> Found<'a> {
    fn of(collection: &'a CollectionFile, intake: &'a Intake, args: &CollectArgs) -> Self {
        let tally = intake.tally();
        let reports = tally.reports();
        let counts = tally.counts();
        let mut rows = Vec::new();
        let mut mean = None;
        match collection.answers() {
            Answers::Items { names, .. } if reports > 0 => {
                let values: Vec<f64> = counts.iter().map(|count| count.value).collect();
                let shares = simplex(&values, reports as f64);
                let mut certain = vec![false; counts.len()];
                heavy_hitters(&counts, DOUBT).into_iter().for_each(|item| certain[item] = true);
                let row = |(at, item): (usize, &String)| Row {
                    item: item.clone(),
                    count: counts[at],
                    share: shares[at] / reports as f64,
                    certain: certain[at],
                };
                rows = names.iter().enumerate().map(row).collect();
                rows.sort_by(|a, b| b.count.value.total_cmp(&a.count.value));
                rows.truncate(args.top.unwrap_or(usize::MAX));
            }
            Answers::Items { .. } => {}
            Answers::Numbers { decimals } => mean = tally.mean().map(|mean| (mean, *decimals)),
        }
        let shuffled = shuffle::epsilon(collection.scheme(), reports, args.delta);
        Self { collection, intake, rows, mean, shuffled, delta: args.delta }
    }

    fn table(&self, out: &mut dyn Write) -> Result<(), LocalError> {
        let row = |row: &Row| {
            let certain = if row.certain { "yes" } else { "" };
            vec![
                row.item.clone(),
                format!("{:.0}", row.count.value),
                format!("{:.0}", row.count.value - BAR * row.count.sd),
                format!("{:.0}", row.count.value + BAR * row.count.sd),
                format!("{:.2}%", 100.0 * row.share),
                certain.to_owned(),
            ]
        };
        let rows: Vec<_> = self.rows.iter().map(row).collect();
        if !rows.is_empty() {
            write_table(out, &["item", "people", "low", "high", "share", "certain"], &rows)?;
            writeln!(out)?;
        }
        if let Some((mean, low, high)) = self.mean() {
            writeln!(out, "mean {mean} (95%: {low} to {high})\n")?;
        }
        let (scheme, skipped) = (self.collection.scheme(), self.intake.skipped());
        writeln!(out, "{} reports counted; {scheme}, {} bytes each", self.reports(), scheme.report_bytes())?;
        if let Some(why) = self.collection.why() {
            writeln!(out, "scheme: {why}")?;
        }
        if skipped.total() > 0 {
            writeln!(
                out,
                "{} skipped: {} malformed, {} of the wrong length, {} that no device sends",
                skipped.total(),
                skipped.malformed,
                skipped.wrong_length,
                skipped.impossible
            )?;
        }
        writeln!(
            out,
            "Each report is epsilon {}-private whoever sees it. People and bars hold noise alone; shares are projected \
             to add up to 100%; certain: all such items are held by someone, with 95% confidence.",
            scheme.epsilon()
        )?;
        if let Some(shuffled) = self.shuffled {
            writeln!(
                out,
                "Only if a trusted shuffler hid who sent which report, and each person sent exactly one with fresh noise \
                 (no remembered answer, no device id or seed): epsilon {} at delta {:e}.",
                rounded_up(shuffled),
                self.delta
            )?;
        }
        Ok(())
    }

    fn json(&self, out: &mut dyn Write) -> Result<(), LocalError> {
        let (scheme, skipped) = (self.collection.scheme(), self.intake.skipped());
        let row = |row: &Row| {
            json!({"item": row.item, "people": row.count.value, "people_low": row.count.value - BAR * row.count.sd,
                "people_high": row.count.value + BAR * row.count.sd, "share": row.share, "certain": row.certain})
        };
        let mean = self.mean.map(|(mean, decimals)| {
            let unit = 10_f64.powi(-i32::from(decimals));
            json!({"mean": mean.value * unit, "mean_low": (mean.value - BAR * mean.sd) * unit,
                "mean_high": (mean.value + BAR * mean.sd) * unit})
        });
        let shuffled = self.shuffled.map(|epsilon| {
            json!({"epsilon": rounded_up(epsilon), "delta": self.delta,
                "only_if": "a trusted shuffler mixed the reports, one per person, with fresh noise, no device id or seed"})
        });
        let all = json!({
            "schema": "flockwise.local/1", "collection": self.collection.name(), "scheme": scheme.kind().name(),
            "why": self.collection.why(), "epsilon": scheme.epsilon().to_string(), "reports": self.reports(),
            "skipped": {"malformed": skipped.malformed, "wrong_length": skipped.wrong_length,
                "impossible": skipped.impossible},
            "mean": mean.unwrap_or(Value::Null),
            "items": self.rows.iter().map(row).collect::<Vec<_>>(),
            "shuffled": shuffled.unwrap_or(Value::Null),
        });
        Ok(writeln!(out, "{all}")?)
    }

    fn csv(&self, out: &mut dyn Write) -> Result<(), LocalError> {
        if let Some((mean, low, high)) = self.mean() {
            return Ok(writeln!(out, "mean,mean_low,mean_high\n{mean},{low},{high}")?);
        }
        writeln!(out, "item,people,people_low,people_high,share,certain")?;
        for row in &self.rows {
            let (low, high) = (row.count.value - BAR * row.count.sd, row.count.value + BAR * row.count.sd);
            let item = quoted(&row.item);
            writeln!(out, "{item},{},{low},{high},{},{}", row.count.value, row.share, row.certain)?;
        }
        Ok(())
    }

    fn reports(&self) -> u64 {
        self.intake.tally().reports()
    }

    /// Mean and bars as text, with two digits more than the numbers had.
    fn mean(&self) -> Option<(String, String, String)> {
        let (mean, decimals) = self.mean?;
        let unit = 10_f64.powi(-i32::from(decimals));
        let text = |value: f64| format!("{:.*}", usize::from(decimals) + 2, value * unit);
        Some((text(mean.value), text(mean.value - BAR * mean.sd), text(mean.value + BAR * mean.sd)))
    }
}

/// To four decimals, up: a loss is never shown smaller than it is.
fn rounded_up(epsilon: f64) -> f64 {
    (epsilon * 1e4).ceil() / 1e4
}

fn quoted(text: &str) -> Cow<'_, str> {
    if text.contains([',', '"', '\n', '\r']) {
        Cow::Owned(format!("\"{}\"", text.replace('"', "\"\"")))
    } else {
        Cow::Borrowed(text)
    }
}
