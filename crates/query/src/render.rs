//! A release as text for people, as CSV, and as Parquet: all from the stored document.

use std::fmt::Write as _;
use std::io;
use std::path::Path;

use unicode_width::UnicodeWidthStr as _;

use crate::release::{BadCell, Document, Renewed, text};
use crate::table::{Bias, ColumnKind, Table, TableColumn};
use crate::value::Value;

/// Rows of a table that are printed for people; the rest is in the files.
pub const PRINTED_ROWS: usize = 30;

/// The table with error bars, and under it the guarantee in one sentence of plain words: the first
/// [`PRINTED_ROWS`] rows.
///
/// # Errors
/// When a cell does not fit its column: the document was not made here.
pub fn for_people(document: &Document) -> Result<String, BadCell> {
    with_rows(document, PRINTED_ROWS)
}

/// As [`for_people`], with every row.
///
/// # Errors
/// As [`for_people`].
pub fn whole_for_people(document: &Document) -> Result<String, BadCell> {
    with_rows(document, usize::MAX)
}

fn with_rows(document: &Document, most: usize) -> Result<String, BadCell> {
    let table = document.table()?;
    let window = document.window.as_ref().map_or_else(String::new, |window| format!(" in {window}"));
    let mut out = format!("{} · {} of {}{window}\n", document.release, document.statistic, document.data);
    if let Some(mock) = &document.mock {
        let _ = writeln!(out, "{mock}");
    }
    let columns = shown(&table);
    let header: Vec<String> = columns.iter().map(|&at| table.columns[at].name.clone()).collect();
    let body: Vec<Vec<String>> = table
        .rows
        .iter()
        .take(most)
        .map(|row| columns.iter().map(|&at| cell(&table, row, at)).collect())
        .collect();
    let numeric: Vec<bool> = columns.iter().map(|&at| is_number(&table.columns[at])).collect();
    align(&mut out, &header, &body, &numeric);
    let more = table.rows.len().saturating_sub(most);
    if more > 0 {
        let _ = writeln!(out, "… and {more} more rows: the same --request-id with --out DIR has all, free");
    }
    if table.rows.is_empty() {
        let _ = writeln!(out, "(no key was common enough to appear)");
    }
    out.push('\n');
    out.push_str(&guarantee(document));
    Ok(out)
}

/// Every column but the ends of error bars, which stand beside their value.
#[must_use]
pub fn shown(table: &Table) -> Vec<usize> {
    let mut columns = Vec::new();
    let mut at = 0;
    while at < table.columns.len() {
        columns.push(at);
        at += if table.columns[at].bars.is_some() { 3 } else { 1 };
    }
    columns
}

const fn is_number(column: &TableColumn) -> bool {
    matches!(column.kind, ColumnKind::Int | ColumnKind::Float)
}

/// A cell as people read it: with its error bar, where it has one, and no digits of noise.
#[must_use]
pub fn cell(table: &Table, row: &[Value], at: usize) -> String {
    if table.columns[at].bars.is_none() {
        return if row[at] == Value::Null { "(none)".to_owned() } else { plain(&row[at]) };
    }
    let (Value::Float(value), Some(Value::Float(low)), Some(Value::Float(high))) =
        (&row[at], row.get(at + 1), row.get(at + 2))
    else {
        return "unknown".to_owned();
    };
    let width = (high - low) / 2.0;
    if width <= 0.0 {
        // A whole number that the noise leaves no doubt about.
        return format!("{value} ± 0");
    }
    let decimals = if width >= 10.0 {
        0
    } else if width >= 1.0 {
        1
    } else {
        (1.0 - width.max(1e-9).log10().floor()) as usize
    };
    // Of a long bar three figures: more would be digits of noise.
    let step = if width >= 1000.0 { 10.0_f64.powi(width.log10().floor() as i32 - 2) } else { 0.0 };
    let figures = |x: f64| {
        let x = if step > 0.0 { (x / step).round() * step } else { x };
        let text = format!("{x:.decimals$}");
        if text.trim_start_matches('-').bytes().all(|b| b == b'0' || b == b'.') {
            text.trim_start_matches('-').to_owned()
        } else {
            text
        }
    };
    if ((high - value) - (value - low)).abs() <= 0.06 * width {
        format!("{} ± {}", figures(*value), figures(width))
    } else {
        format!("{} ({} to {})", figures(*value), figures(*low), figures(*high))
    }
}

/// Text on one line, without what could move a terminal's cursor.
fn plain(value: &Value) -> String {
    let text = text(value);
    let shown: String = text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).take(60).collect();
    if text.chars().count() > 60 { shown + "…" } else { shown }
}

fn align(out: &mut String, header: &[String], body: &[Vec<String>], numeric: &[bool]) {
    let width = |at: usize| {
        let cells = body.iter().map(|row| row[at].width());
        cells.chain([header[at].width()]).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..header.len()).map(width).collect();
    let mut line = |cells: &[String]| {
        let mut text = String::new();
        for ((cell, &width), &number) in cells.iter().zip(&widths).zip(numeric) {
            let pad = " ".repeat(width - cell.width());
            let _ = if number { write!(text, "  {pad}{cell}") } else { write!(text, "  {cell}{pad}") };
        }
        out.push_str(text.trim_end());
        out.push('\n');
    };
    line(header);
    line(&widths.iter().map(|&width| "─".repeat(width)).collect::<Vec<_>>());
    body.iter().for_each(|row| line(row));
}

/// What a release guarantees, in one sentence of plain words.
#[must_use]
pub fn promise(document: &Document) -> String {
    let privacy = &document.privacy;
    let epsilon = privacy.alone.epsilon;
    if document.mock.is_some() {
        return format!(
            "A release of real data under this plan would protect {} at epsilon {epsilon}.",
            privacy.unit
        );
    }
    let mut out = format!(
        "Protects {}: with or without everything about any one of them, no table becomes more than {:.2} times as likely \
         (epsilon {})",
        privacy.unit,
        epsilon.exp(),
        rounded_up(&epsilon.to_string())
    );
    if privacy.alone.at_delta != "0" {
        let _ = write!(out, ", but for a chance of {}", rounded_up(&privacy.alone.at_delta));
    }
    out.push('.');
    out
}

/// What protects the people in the table, and what bars and numbers leave out, in plain words.
fn guarantee(document: &Document) -> String {
    let Document { privacy, columns, .. } = document;
    let mut out = promise(document);
    if document.mock.is_some() {
        out.push('\n');
        return out;
    }
    out.push_str("\n± is a 95% bar for the noise alone.");
    if columns.iter().any(|column| column.bias == Some(Bias::Low)) {
        out.push_str(" Counts lean low: what people contribute is bounded.");
    }
    for sentence in &document.how.after {
        out.push(' ');
        out.push_str(sentence);
    }
    if document.how.sampling.is_some() {
        out.push_str(
            " Whoever allows less than this job's epsilon takes part by chance: counts and sums lean low, means toward \
             everybody else's.",
        );
    }
    if let Some(renewal) = &privacy.renewal {
        out.push_str(&over_life(renewal));
    }
    if let (Some(receipt), Some(after)) = (&document.receipt, &privacy.ledger_after) {
        let of = document.window.as_ref().map_or_else(String::new, |window| format!(" of {window}"));
        let _ = write!(
            out,
            "\nLedger entry {}: {:.1}% of the budget{of} of epsilon {} is used.",
            receipt.entry,
            after.used * 100.0,
            after.ceiling
        );
    }
    out.push('\n');
    out
}

/// What a budget that renews means for a whole life.
fn over_life(renewal: &Renewed) -> String {
    let every = &renewal.every;
    let charged = match renewal.charged.as_slice() {
        few if few.len() <= 3 => few.join(" and "),
        many => format!("each of {} {every}s", many.len()),
    };
    let mut out = format!(
        "\nThe budget renews: one person in another {every} counts as another. The job was charged in full for {charged}."
    );
    if let Some(life) = &renewal.whole_life {
        let _ = write!(
            out,
            " Whoever is there in {} {every}s is protected at epsilon {} over all of them, but for a chance of {}; {}.",
            life.windows,
            rounded_up(&life.epsilon.to_string()),
            rounded_up(&life.at_delta),
            renewal.grows
        );
    }
    out
}

/// The table as CSV (RFC 4180).
///
/// # Errors
/// When a cell does not fit its column.
pub fn csv(document: &Document) -> Result<String, BadCell> {
    document.table().map(|table| csv_of(&table))
}

/// A table as CSV with a header.
pub(crate) fn csv_of(table: &Table) -> String {
    let mut out = String::new();
    let quote = |text: &str| {
        if text.contains(['"', ',', '\n', '\r']) {
            format!("\"{}\"", text.replace('"', "\"\""))
        } else {
            text.to_owned()
        }
    };
    let mut line = |cells: Vec<String>| {
        out.push_str(&cells.join(","));
        out.push_str("\r\n");
    };
    line(table.columns.iter().map(|column| quote(&column.name)).collect());
    table.rows.iter().for_each(|row| line(row.iter().map(|value| quote(&text(value))).collect()));
    out
}

/// Writes the table as a Parquet file.
///
/// # Errors
/// When a cell does not fit its column, or the file cannot be written.
pub fn parquet(document: &Document, path: &Path) -> io::Result<()> {
    let table = document.table().map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
    crate::frame::write_parquet(&table, path)
}

/// Three figures of a decimal, rounded up: a chance is never shown smaller than it is.
#[must_use]
pub fn rounded_up(decimal: &str) -> String {
    let Ok(exact) = decimal.parse::<f64>() else { return decimal.to_owned() };
    if exact <= 0.0 {
        return decimal.to_owned();
    }
    let exponent = exact.log10().floor() as i32;
    let figures = (exact * 10.0_f64.powi(2 - exponent) - 1e-6).ceil();
    if (-3..3).contains(&exponent) {
        let decimals = usize::try_from(2 - exponent).unwrap_or(0);
        let text = format!("{:.decimals$}", figures * 10.0_f64.powi(exponent - 2));
        return if text.contains('.') {
            text.trim_end_matches('0').trim_end_matches('.').to_owned()
        } else {
            text
        };
    }
    format!("{}e{exponent}", figures / 100.0)
}
