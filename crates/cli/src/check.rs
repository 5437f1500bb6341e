//! `flockwise check`: exact rates, on the curator's terminal alone.

use flockwise_query::Session;
use flockwise_query::session::{CheckedColumn, CheckedSource};

use crate::args::{Check, PlanFormat};
use crate::failure::Failure;
use crate::say::say;

pub(crate) fn check(args: &Check, quiet: bool) -> Result<(), Failure> {
    let check = Session::open(&args.policy)?.check()?;
    match args.format {
        PlanFormat::Table => check.sources.iter().for_each(print),
        PlanFormat::Json => say!("{}", serde_json::json!(check)),
    }
    if !quiet {
        let recorded =
            if check.recorded { "its log says that this check ran" } else { "there is no ledger yet" };
        eprintln!("These figures are exact and not private: keep them from analysts. Ledger: {recorded}.");
    }
    Ok(())
}

fn print(source: &CheckedSource) {
    say!("{}: {} row(s) in {} file(s)", source.name, source.rows, source.files);
    let line = |count: Option<usize>, what: &str| {
        if let Some(count) = count {
            say!("  {count} {what}");
        }
    };
    line(source.people, "people");
    line(Some(source.bad_records).filter(|&bad| bad > 0), "line(s) that are no records are dropped");
    line(source.repeated_keys.filter(|&rows| rows > 0), "row(s) with a key that another row has");
    line(
        source.unknown_purposes.filter(|&rows| rows > 0),
        "row(s) for a purpose that the policy does not declare",
    );
    let width = source.columns.iter().map(|column| column.name.chars().count()).max().unwrap_or(0);
    for column in &source.columns {
        say!("  {:width$}  {}", column.name, rates(column, source.rows));
    }
}

fn rates(column: &CheckedColumn, rows: usize) -> String {
    let parts = [
        (column.null, "null"),
        (column.unreadable, "not of the type"),
        (column.not_finite, "not finite"),
        (column.below, "below the bounds"),
        (column.above, "above the bounds"),
        (column.not_declared, "not declared"),
    ];
    let rate =
        |(count, what): (usize, &str)| format!("{count} ({:.2}%) {what}", 100.0 * count as f64 / rows as f64);
    let found: Vec<String> = parts.into_iter().filter(|(count, _)| *count > 0).map(rate).collect();
    if found.is_empty() { "fits".to_owned() } else { found.join(", ") }
}
