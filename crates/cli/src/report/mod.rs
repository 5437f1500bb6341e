//! `flockwise report`: releases as one self-contained page with charts. Post-processing of what was released.

mod bench;
mod choose;
mod distribution;
mod grid;
mod over_time;
mod ranked;
mod read;
mod shape;
mod words;

use std::io::Write as _;
use std::path::{Path, PathBuf};

use flockwise_chart::{Column, Markup, Page, Table};
use flockwise_query::release::{BadCell, Document};
use flockwise_query::render;
use flockwise_query::table::ColumnKind;

use crate::args::Report;
use crate::failure::Failure;
use crate::say::note;
pub(crate) use bench::bench_page;
use shape::Shape;

/// So many rows stand in a table of the page; all of them are in the release.
const MOST_ROWS: usize = 500;

pub(crate) fn report(args: &Report, quiet: bool) -> Result<(), Failure> {
    let documents = read::documents(&args.releases)?;
    let page = page(&documents).map_err(|error| Failure::Arguments(error.to_string()))?;
    let to = match &args.out {
        Some(out) => Some(out.clone()),
        None if args.releases.is_dir() => Some(args.releases.join("report.html")),
        None => None,
    };
    match to.filter(|to| to.as_os_str() != "-") {
        None => match std::io::stdout().lock().write_all(page.as_bytes()) {
            Err(error) if !crate::say::closed(&error) => {
                Err(Failure::Page { path: PathBuf::from("-"), source: error })
            }
            _ => Ok(()),
        },
        Some(to) => {
            whole(&to, page.as_bytes()).map_err(|source| Failure::Page { path: to.clone(), source })?;
            if !quiet {
                note!("written to {}", to.display());
            }
            Ok(())
        }
    }
}

/// Writes a file that appears whole, or not at all.
pub(crate) fn whole(to: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let mut name = std::ffi::OsString::from(".");
    name.push(to.file_name().unwrap_or_default());
    name.push(".part");
    let part = to.with_file_name(name);
    std::fs::write(&part, bytes)?;
    std::fs::rename(&part, to)
}

/// Releases as one page.
///
/// # Errors
/// When a cell does not fit its column.
pub(crate) fn page(documents: &[Document]) -> Result<String, BadCell> {
    let mut body = Markup::default();
    let mut data: Vec<&str> = documents.iter().map(|document| document.data.as_str()).collect();
    data.sort_unstable();
    data.dedup();
    if documents.iter().any(|document| document.mock.is_some()) {
        body.words("p", "mock", "Some of this is a mock: made-up numbers that say nothing about anybody.");
    }
    if documents.len() > 1 {
        body.open("ul", &[("class", &"contents")]);
        for (at, document) in documents.iter().enumerate() {
            body.open("li", &[]);
            body.element("a", &[("href", &format!("#release-{at}"))], |a| a.name(&document.file_name()));
            body.close("li");
        }
        body.close("ul");
    }
    for (at, document) in documents.iter().enumerate() {
        section(&mut body, at, document)?;
    }
    words::how_to_read(&mut body);
    let title = format!("Releases of {}", data.join(", "));
    Ok(Page { title, body }.html())
}

fn section(body: &mut Markup, at: usize, document: &Document) -> Result<(), BadCell> {
    let class = if document.mock.is_some() { "made-up" } else { "" };
    body.open("section", &[("id", &format!("release-{at}")), ("class", &class)]);
    let window = document.window.as_ref().map_or_else(String::new, |window| format!(", {window}"));
    body.element("h2", &[], |h2| h2.name(&format!("{}{window}", document.release)));
    words::heading(body, document);
    if let Some(mock) = &document.mock {
        body.words("p", "mock", mock);
    }
    if document.rows.is_some() {
        let shape = Shape::of(document)?;
        choose::figures(body, &shape);
        words::notes(body, document);
        table(body, &shape);
    } else {
        body.words(
            "p",
            "",
            "The table stands in a file of its own beside this release, and was not there to be drawn.",
        );
    }
    words::promise(body, document);
    words::receipt(body, document);
    body.close("section");
    Ok(())
}

/// The numbers themselves: at once where they are few, on demand where they are many.
fn table(body: &mut Markup, shape: &Shape<'_>) {
    let shown = render::shown(&shape.table);
    let columns = shown.iter().map(|&at| {
        let column = &shape.table.columns[at];
        let unit =
            column.unit.as_deref().filter(|unit| *unit != column.name).map(|unit| format!("in {unit}"));
        let bars = column.bars.as_deref().map(|bars| format!("± {bars}"));
        Column {
            name: column.name.clone(),
            note: unit.into_iter().chain(bars).collect::<Vec<_>>().join("; "),
            number: matches!(column.kind, ColumnKind::Int | ColumnKind::Float),
        }
    });
    let rows = shape.table.rows.iter().take(MOST_ROWS);
    let count = shape.table.rows.len();
    let table = Table {
        caption: format!("{} as a table", shape.document.release),
        columns: columns.collect(),
        rows: rows.map(|row| shown.iter().map(|&at| render::cell(&shape.table, row, at)).collect()).collect(),
    };
    if count == 0 {
        return;
    }
    body.open("details", &[]);
    let plural = if count == 1 { "" } else { "s" };
    let cut = if count > MOST_ROWS {
        format!(", of which the first {MOST_ROWS} stand here")
    } else {
        String::new()
    };
    body.words("summary", "", &format!("The table: {count} row{plural}{cut}"));
    table.draw(body);
    body.close("details");
}

#[cfg(test)]
mod tests;
