//! A source of rows: what its schema declares (public), and its columns (private, read only after the charge).

use std::fs::File;
use std::io::BufReader;
use std::panic::AssertUnwindSafe;
use std::path::Path;

use polars::prelude::{LazyFrame, PlRefPath, ScanArgsParquet, col};

use super::column::{Builder, Column, Kind};
use super::csv;
use super::decode;
use super::files::{DataFile, FileError, Files};
use super::footer;

/// Where rows come from.
#[derive(Clone)]
pub enum Source {
    /// Files on disk.
    Files(Files),
    /// A frame that is already there.
    Frame(Box<LazyFrame>),
}

/// A column that is wanted, by name and declared kind.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Wanted {
    /// Its name in the source.
    pub name: String,
    /// What it is declared to hold; for a privacy unit that the policy gives no type, what the schema says.
    pub kind: Option<Kind>,
}

/// What a schema says of a column, up to widths.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Family {
    /// Any integer.
    Int,
    /// Any floating point.
    Float,
    /// Text.
    Text,
    /// True or false.
    Bool,
    /// Days.
    Date,
    /// Moments.
    Datetime,
    /// Text of a CSV file, which becomes what the policy says.
    Written,
    /// Nothing that a column can be declared as.
    Other,
}

/// What a preflight found: the kind of every wanted column, agreed by all files.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Preflight(pub Vec<(String, Kind)>);

/// The source does not fit, by what is public of it: nothing was charged.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PreflightError {
    /// The files cannot be listed.
    #[error(transparent)]
    Files(#[from] FileError),
    /// The schema cannot be read.
    #[error("the schema of {file} cannot be read")]
    Schema {
        /// The file.
        file: String,
    },
    /// A column is not there.
    #[error("{file} has no column '{column}'")]
    NoColumn {
        /// The file.
        file: String,
        /// The column.
        column: String,
    },
    /// A column is of another type family.
    #[error("{file}: column '{column}' is {found}, which does not fit '{declared}'")]
    Type {
        /// The file.
        file: String,
        /// The column.
        column: String,
        /// What the schema says.
        found: String,
        /// What the policy says.
        declared: &'static str,
    },
    /// Two files disagree about the privacy unit.
    #[error(
        "the privacy unit '{column}' is text in one file and a number in another: one person could be two"
    )]
    TwoUnits {
        /// The column.
        column: String,
    },
}

impl Source {
    /// Looks at file names and schemas only.
    ///
    /// # Errors
    /// When a wanted column is missing or of another type family.
    pub fn preflight(&self, wanted: &[Wanted]) -> Result<Preflight, PreflightError> {
        let mut kinds: Vec<Option<Kind>> = wanted.iter().map(|wanted| wanted.kind).collect();
        let mut check = |name: &str, families: &dyn Fn(&str) -> Option<(Family, String)>| {
            for (wanted, kind) in wanted.iter().zip(&mut kinds) {
                let column = wanted.name.clone();
                let missing = || PreflightError::NoColumn { file: name.to_owned(), column: column.clone() };
                let (family, found) = families(&wanted.name).ok_or_else(missing)?;
                let unit = wanted.kind.is_none();
                let this = wanted.kind.unwrap_or_else(|| natural(family));
                if !fits(family, this) || (unit && !matches!(this, Kind::Int | Kind::Text)) {
                    let declared = if unit { "int or string" } else { kind_name(this) };
                    return Err(PreflightError::Type {
                        file: name.to_owned(),
                        column: wanted.name.clone(),
                        found,
                        declared,
                    });
                }
                if kind.is_some_and(|kind| kind != this) {
                    return Err(PreflightError::TwoUnits { column: wanted.name.clone() });
                }
                *kind = Some(this);
            }
            Ok(())
        };
        match self {
            Self::Frame(frame) => {
                let name = "the frame".to_owned();
                let schema = frame.clone().collect_schema();
                let schema = schema.map_err(|_| PreflightError::Schema { file: name.clone() })?;
                check(&name, &|column| {
                    schema.get(column).map(|dtype| (decode::family(dtype), dtype.to_string()))
                })?;
            }
            Self::Files(files) => {
                for file in &files.0 {
                    let name = file.path.display().to_string();
                    let unreadable = || PreflightError::Schema { file: name.clone() };
                    let schema = file_schema(file).ok_or_else(unreadable)?;
                    check(&name, &|column| {
                        schema.iter().find(|(known, ..)| known == column).map(|(_, f, t)| (*f, t.clone()))
                    })?;
                }
            }
        }
        let kinds =
            wanted.iter().zip(kinds).map(|(wanted, kind)| (wanted.name.clone(), kind.unwrap_or(Kind::Int)));
        Ok(Preflight(kinds.collect()))
    }

    /// Whether there is no file at all: an empty data set, of which no schema says anything.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        match self {
            Self::Frame(_) => false,
            Self::Files(files) => files.0.is_empty(),
        }
    }

    /// Reads the columns of a preflight, and no others.
    ///
    /// # Errors
    /// When a file cannot be read or decoded; the error says nothing of why, because the why may depend on somebody's row.
    pub fn read(&self, preflight: &Preflight) -> Result<Vec<Column>, Unreadable> {
        let (builders, _) = self.fill(preflight)?;
        Ok(builders.into_iter().map(Builder::finish).collect())
    }

    /// Reads the columns of a preflight and counts what did not fit: exact, for the curator alone.
    ///
    /// # Errors
    /// As [`Source::read`].
    pub fn examine(&self, preflight: &Preflight) -> Result<Examined, Unreadable> {
        let (builders, bad_records) = self.fill(preflight)?;
        let columns = builders.into_iter().map(|builder| {
            let unreadable = builder.unreadable();
            (builder.finish(), unreadable)
        });
        Ok(Examined { bad_records, columns: columns.collect() })
    }

    /// The filled builders, and the number of lines that are no records.
    fn fill(&self, preflight: &Preflight) -> Result<(Vec<Builder>, usize), Unreadable> {
        // The engine may panic on a damaged file; that too must say nothing but that it could not be read.
        let filled = std::panic::catch_unwind(AssertUnwindSafe(|| self.fill_builders(preflight)));
        filled.unwrap_or(Err(Unreadable))
    }

    fn fill_builders(&self, preflight: &Preflight) -> Result<(Vec<Builder>, usize), Unreadable> {
        let mut bad = 0;
        let mut builders: Vec<Builder> = preflight.0.iter().map(|(_, kind)| Builder::new(*kind)).collect();
        match self {
            Self::Frame(frame) => {
                let all: Vec<usize> = (0..builders.len()).collect();
                read_frame((**frame).clone(), preflight, &all, &mut builders)?;
            }
            Self::Files(files) => {
                for file in &files.0 {
                    bad += read_file(file, preflight, &mut builders)?;
                }
            }
        }
        Ok((builders, bad))
    }
}

/// A source that was read in whole.
#[derive(Clone, Debug)]
pub struct Examined {
    /// Lines of CSV files that are no records: they are dropped.
    pub bad_records: usize,
    /// Each wanted column, with how many of its values were there and did not fit; those are null.
    pub columns: Vec<(Column, usize)>,
}

/// A source that could not be read: no engine text, nothing from the data.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("the data source could not be read")]
pub struct Unreadable;

type Schema = Vec<(String, Family, String)>;

fn file_schema(file: &DataFile) -> Option<Schema> {
    std::panic::catch_unwind(|| read_schema(file)).ok().flatten()
}

fn read_schema(file: &DataFile) -> Option<Schema> {
    let mut schema: Schema = Vec::new();
    if file.csv {
        let mut reader = BufReader::new(File::open(&file.path).ok()?);
        let names = csv::header(&mut reader).ok()??;
        schema.extend(names.into_iter().map(|name| (name, Family::Written, "text".to_owned())));
    } else {
        footer::lies_within(&file.path)?;
        let columns = scan(&file.path)?.collect_schema().ok()?;
        schema.extend(
            columns.iter().map(|(name, dtype)| (name.to_string(), decode::family(dtype), dtype.to_string())),
        );
    }
    let folders = file.partitions.iter().filter(|(name, _)| schema.iter().all(|(known, ..)| known != name));
    let folders: Schema =
        folders.map(|(name, _)| (name.clone(), Family::Written, FOLDER.to_owned())).collect();
    schema.extend(folders);
    Some(schema)
}

fn scan(path: &Path) -> Option<LazyFrame> {
    let args = ScanArgsParquet { glob: false, ..ScanArgsParquet::default() };
    LazyFrame::scan_parquet(PlRefPath::try_from_path(path).ok()?, args).ok()
}

/// Appends a file; the number of lines that are no records.
fn read_file(file: &DataFile, preflight: &Preflight, builders: &mut [Builder]) -> Result<usize, Unreadable> {
    let schema = file_schema(file).ok_or(Unreadable)?;
    let folder = |name: &str| {
        let value = file.partitions.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str());
        value.filter(|_| schema.iter().any(|(known, _, text)| known == name && text == FOLDER))
    };
    let inside: Vec<usize> = (0..builders.len()).filter(|&at| folder(&preflight.0[at].0).is_none()).collect();
    let (rows, bad) = if file.csv {
        let place = |&at: &usize| {
            let name = &preflight.0[at].0;
            schema.iter().position(|(known, ..)| known == name).map(|place| (place, at)).ok_or(Unreadable)
        };
        let places = inside.iter().map(place).collect::<Result<Vec<_>, _>>()?;
        let width = schema.iter().filter(|(_, _, text)| text != FOLDER).count();
        let mut reader = BufReader::with_capacity(1 << 20, File::open(&file.path).map_err(|_| Unreadable)?);
        csv::read(&mut reader, width, &places, builders).map_err(|_| Unreadable)?
    } else {
        (read_frame(scan(&file.path).ok_or(Unreadable)?, preflight, &inside, builders)?, 0)
    };
    for (builder, (name, _)) in builders.iter_mut().zip(&preflight.0) {
        if let Some(value) = folder(name) {
            (0..rows).for_each(|_| builder.push_written(Some(value)));
        }
    }
    Ok(bad)
}

/// Appends the columns at `inside` to their builders; the number of rows.
fn read_frame(
    frame: LazyFrame,
    preflight: &Preflight,
    inside: &[usize],
    builders: &mut [Builder],
) -> Result<usize, Unreadable> {
    let names: Vec<_> = inside.iter().map(|&at| col(preflight.0[at].0.as_str())).collect();
    let frame = frame.select(names).collect().map_err(|_| Unreadable)?;
    for (&at, column) in inside.iter().zip(frame.columns()) {
        decode::append(column.as_materialized_series(), &mut builders[at]).ok_or(Unreadable)?;
    }
    Ok(frame.height())
}

const fn natural(family: Family) -> Kind {
    match family {
        Family::Int | Family::Float => Kind::Int,
        Family::Text | Family::Written => Kind::Text,
        Family::Bool => Kind::Bool,
        Family::Date => Kind::Date,
        Family::Datetime | Family::Other => Kind::Datetime,
    }
}

const fn fits(family: Family, kind: Kind) -> bool {
    match kind {
        Kind::Int | Kind::Float => matches!(family, Family::Int | Family::Float | Family::Written),
        Kind::Text => matches!(family, Family::Text | Family::Written),
        Kind::Bool => matches!(family, Family::Bool | Family::Written),
        Kind::Date | Kind::Datetime => matches!(family, Family::Date | Family::Datetime | Family::Written),
    }
}

const fn kind_name(kind: Kind) -> &'static str {
    match kind {
        Kind::Int => "int",
        Kind::Float => "float",
        Kind::Text => "string",
        Kind::Bool => "bool",
        Kind::Date => "date",
        Kind::Datetime => "datetime",
    }
}

/// How a schema describes a column that a folder name declares.
const FOLDER: &str = "a folder name";
