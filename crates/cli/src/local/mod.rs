//! `flockwise local`: on-device randomizers and the collector's estimators, on files.
//!
//! A collection is a JSON file that devices and collector share:
//!
//! ```json
//! {"version": 1, "collection": "genres-2026", "epsilon": "1", "items": ["Drama", "Comedy", "Horror"]}
//! ```
//!
//! `items` may also be a number (items are then named 0, 1, …); `scheme` names a scheme, by default it is chosen;
//! `most_bytes` limits the length of a report; `sketch` gives the shape of a sketch; for a mean, `numbers` takes the place
//! of `items`: `{"low": "0", "high": "10", "decimals": 1}`.
//!
//! A report is a JSON object on a line, `{"collection": "genres-2026", "report": "1f03"}`, its bytes in hexadecimal. What
//! else is in the object is not read.

mod collect;
mod collection;
mod lines;
mod randomize;
mod simulate;

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand, ValueEnum};
use flockwise_local::{BadScheme, Epsilon, Kind, NoEntropy};

pub use collection::{Answers, CollectionFile};

/// Arguments of `flockwise local`.
#[derive(Args, Debug)]
pub struct LocalArgs {
    #[command(subcommand)]
    command: LocalCommand,
}

#[derive(Subcommand, Debug)]
enum LocalCommand {
    /// Try the schemes on a made-up or given crowd and compare their errors with theory
    #[command(after_help = "Example:\n  flockwise local simulate --items 1000 --epsilon 1 --people 100000")]
    Simulate(SimulateArgs),
    /// Turn values, one person a line, into reports: what devices do
    #[command(after_help = "Example:\n  flockwise local randomize genres.json < values.txt > reports.jsonl")]
    Randomize(RandomizeArgs),
    /// Turn reports into estimates with error bars
    #[command(after_help = "Example:\n  flockwise local collect genres.json reports.jsonl --top 20")]
    Collect(CollectArgs),
}

#[derive(Args, Debug)]
struct SimulateArgs {
    /// How many items there are
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(2..))]
    items: u32,
    /// Privacy loss of one report
    #[arg(long, default_value = "1")]
    epsilon: Epsilon,
    /// How many people report
    #[arg(long, default_value_t = 100_000, value_parser = clap::value_parser!(u32).range(1..))]
    people: u32,
    /// Item number r is held in proportion to 1/r^ZIPF
    #[arg(long, default_value_t = 1.0)]
    zipf: f64,
    /// Take what people hold from this file instead, one value a line; the items are the values in it
    #[arg(long, conflicts_with_all = ["items", "people", "zipf"])]
    values: Option<PathBuf>,
    /// Only this scheme; sketches are tried only when named
    #[arg(long)]
    scheme: Option<Kind>,
    /// How often to repeat
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..))]
    trials: u32,
    /// The longest report, in bytes
    #[arg(long)]
    most_bytes: Option<usize>,
    /// How to print
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,
}

#[derive(Args, Debug)]
struct RandomizeArgs {
    /// The collection
    collection: PathBuf,
    /// Values, one person a line; an empty line is no answer; standard input by default
    values: Option<PathBuf>,
}

#[derive(Args, Debug)]
struct CollectArgs {
    /// The collection
    collection: PathBuf,
    /// Files of reports, JSON lines or Parquet; standard input by default
    reports: Vec<PathBuf>,
    /// Print only so many items, the largest first
    #[arg(long)]
    top: Option<usize>,
    /// δ at which the line about a trusted shuffler is computed
    #[arg(long, default_value_t = 1e-6)]
    delta: f64,
    /// How to print
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,
}

/// How results are printed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
enum Format {
    /// For people.
    Table,
    /// One JSON object.
    Json,
    /// Comma-separated values.
    Csv,
}

/// Why a local command failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LocalError {
    /// The collection file is wrong.
    #[error("{path}: {reason}", path = path.display())]
    Collection {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The arguments name an impossible scheme.
    #[error(transparent)]
    Scheme(#[from] BadScheme),
    /// Arguments that do not go together.
    #[error("{0}")]
    Arguments(&'static str),
    /// A file could not be opened or read.
    #[error("{path}: {source}", path = path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The reason.
        source: io::Error,
    },
    /// The output could not be written.
    #[error("the output could not be written: {0}")]
    Write(#[from] io::Error),
    /// The operating system has no entropy.
    #[error(transparent)]
    NoEntropy(#[from] NoEntropy),
}

impl LocalError {
    /// The exit code: 2 for wrong arguments or a wrong collection, 5 for files that cannot be used, 1 otherwise.
    #[must_use]
    pub const fn exit_code(&self) -> u8 {
        match self {
            Self::Collection { .. } | Self::Scheme(_) | Self::Arguments(_) => 2,
            Self::Read { .. } | Self::Write(_) => 5,
            Self::NoEntropy(_) => 1,
        }
    }
}

/// One cell of a column of reports.
#[derive(Clone, Copy, Debug)]
pub enum Cell<'a> {
    /// A report as bytes.
    Bytes(&'a [u8]),
    /// A report in hexadecimal.
    Hex(&'a str),
    /// Null.
    Null,
}

/// Reads the column `report` of a Parquet file, batch after batch, and hands over each cell. Text goes over as
/// [`Cell::Hex`], binary as [`Cell::Bytes`].
pub trait Parquet {
    /// Hands each cell over, in any order.
    ///
    /// # Errors
    /// When the file cannot be read or has no such column.
    fn each(&self, path: &Path, cell: &mut dyn FnMut(Cell<'_>)) -> io::Result<()>;
}

/// Reads no Parquet file.
#[derive(Clone, Copy, Debug)]
pub struct NoParquet;

impl Parquet for NoParquet {
    fn each(&self, _: &Path, _: &mut dyn FnMut(Cell<'_>)) -> io::Result<()> {
        Err(io::Error::new(io::ErrorKind::Unsupported, "this build does not read Parquet; give JSON lines"))
    }
}

/// Runs a local command.
///
/// # Errors
/// [`LocalError`].
pub fn run(args: &LocalArgs, parquet: &dyn Parquet, out: &mut dyn Write) -> Result<(), LocalError> {
    match &args.command {
        LocalCommand::Simulate(args) => simulate::run(args, out),
        LocalCommand::Randomize(args) => randomize::run(args, out),
        LocalCommand::Collect(args) => collect::run(args, parquet, out),
    }
}

/// Right-aligned columns, the first left-aligned.
fn write_table(out: &mut dyn Write, head: &[&str], rows: &[Vec<String>]) -> io::Result<()> {
    let width = |column: usize| {
        let cells = rows.iter().map(|row| row[column].chars().count());
        cells.chain([head[column].chars().count()]).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..head.len()).map(width).collect();
    let mut line = |cells: &mut dyn Iterator<Item = &str>| {
        let padded = cells.zip(&widths).enumerate().map(|(column, (cell, width))| match column {
            0 => format!("{cell:width$}"),
            _ => format!("{cell:>width$}"),
        });
        let text = padded.collect::<Vec<_>>().join("  ");
        writeln!(out, "{}", text.trim_end())
    };
    line(&mut head.iter().copied())?;
    rows.iter().try_for_each(|row| line(&mut row.iter().map(String::as_str)))
}
