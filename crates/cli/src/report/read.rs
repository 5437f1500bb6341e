//! The releases of a folder, of a file of JSON lines, or of standard input.

use std::io::Read as _;
use std::path::Path;

use flockwise_query::release::Document;

use crate::failure::Failure;

/// Reads every release below `path`: the `.json` files of a folder by name, or a file (`-`: standard input) that holds
/// one document a line.
pub(super) fn documents(path: &Path) -> Result<Vec<Document>, Failure> {
    let cannot = |what: &Path, why: &dyn std::fmt::Display| {
        Failure::Arguments(format!("{} cannot be read as a release: {why}", what.display()))
    };
    if !path.is_dir() {
        let text = if path.as_os_str() == "-" {
            let mut text = String::new();
            std::io::stdin().lock().read_to_string(&mut text).map(|_| text)
        } else {
            std::fs::read_to_string(path)
        };
        let text = text.map_err(|error| cannot(path, &error))?;
        let documents = serde_json::Deserializer::from_str(&text).into_iter::<Document>();
        let documents = documents.collect::<Result<Vec<_>, _>>().map_err(|error| cannot(path, &error))?;
        return some(documents, path);
    }
    let mut files = Vec::new();
    for entry in std::fs::read_dir(path).map_err(|error| cannot(path, &error))? {
        let file = entry.map_err(|error| cannot(path, &error))?.path();
        let hidden = file.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
        if file.extension().is_some_and(|ending| ending == "json") && !hidden {
            files.push(file);
        }
    }
    // One page of one folder, whatever order the file system has.
    files.sort();
    let mut documents = Vec::new();
    for file in &files {
        let text = std::fs::read_to_string(file).map_err(|error| cannot(file, &error))?;
        // Other JSON may stand in the folder: only what says that it is a release has to be one.
        let value: serde_json::Value = serde_json::from_str(&text).map_err(|error| cannot(file, &error))?;
        if !value["schema"].as_str().is_some_and(|schema| schema.starts_with("flockwise.release/")) {
            continue;
        }
        let mut document: Document = serde_json::from_value(value).map_err(|error| cannot(file, &error))?;
        if document.rows.is_none() {
            document.rows =
                beside(&document, &file.with_extension("csv")).map_err(|why| cannot(file, &why))?;
        }
        documents.push(document);
    }
    // In the order of the job, where the ledger's entry is one; by name within a request of one entry.
    documents.sort_by_key(|document| document.receipt.as_ref().map(|receipt| receipt.entry));
    some(documents, path)
}

fn some(documents: Vec<Document>, path: &Path) -> Result<Vec<Document>, Failure> {
    if documents.is_empty() {
        let message = format!(
            "{} holds no releases: `flockwise run job.toml --format json --out DIR` writes them",
            path.display()
        );
        return Err(Failure::Arguments(message));
    }
    Ok(documents)
}

/// The table that stands beside a document as CSV, where it does.
fn beside(document: &Document, file: &Path) -> Result<Option<Vec<Vec<serde_json::Value>>>, String> {
    let Ok(text) = std::fs::read_to_string(file) else { return Ok(None) };
    let mut lines = records(&text).into_iter();
    let names: Vec<&str> = document.columns.iter().map(|column| column.name.as_str()).collect();
    if lines.next().is_none_or(|header| header != names) {
        return Err(format!("{} has other columns", file.display()));
    }
    let rows = lines.map(|cells| {
        let row = cells.iter().zip(&document.columns).map(|(cell, column)| column.kind.cell(cell));
        row.collect::<Option<Vec<_>>>().filter(|row| row.len() == document.columns.len())
    });
    let rows: Option<Vec<_>> = rows.collect();
    rows.map(Some).ok_or_else(|| format!("{} holds a cell of another type", file.display()))
}

/// The records of a CSV file (RFC 4180), as this program writes them.
fn records(text: &str) -> Vec<Vec<String>> {
    let (mut records, mut record, mut cell) = (Vec::new(), Vec::new(), String::new());
    let (mut quoted, mut signs) = (false, text.chars().peekable());
    while let Some(sign) = signs.next() {
        match (sign, quoted) {
            ('"', true) if signs.peek() == Some(&'"') => {
                signs.next();
                cell.push('"');
            }
            ('"', _) => quoted = !quoted,
            (',', false) => record.push(std::mem::take(&mut cell)),
            ('\r', false) => {}
            ('\n', false) => {
                record.push(std::mem::take(&mut cell));
                records.push(std::mem::take(&mut record));
            }
            (sign, _) => cell.push(sign),
        }
    }
    records
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quoted_cells_are_read_as_they_were_written() {
        let text = "a,b\r\n\"x, \"\"y\"\"\",1\r\n\"two\nlines\",\r\n";
        assert_eq!(records(text), [["a", "b"], ["x, \"y\"", "1"], ["two\nlines", ""]]);
    }
}
