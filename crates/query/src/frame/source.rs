//! A source of rows: what its schema declares (public), and its columns (private, read only after the charge).

use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use polars::prelude::{LazyFrame, PlRefPath, ScanArgsParquet};

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

    /// Reads the columns of a preflight, and no others, in whole and in order.
    ///
    /// # Errors
    /// When a file cannot be read or decoded; the error says nothing of why, because the why may depend on somebody's row.
    pub fn read(&self, preflight: &Preflight) -> Result<Vec<Column>, Unreadable> {
        Ok(self.examine(preflight)?.columns.into_iter().map(|(column, _)| column).collect())
    }

    /// Reads the columns of a preflight and counts what did not fit: exact, for the curator alone.
    ///
    /// # Errors
    /// As [`Source::read`].
    pub fn examine(&self, preflight: &Preflight) -> Result<Examined, Unreadable> {
        let stream = self.open(preflight, 1)?;
        let mut lane = stream.lane();
        let mut builders: Vec<Builder> = preflight.0.iter().map(|(_, kind)| Builder::new(*kind)).collect();
        let mut bad_records = 0;
        while let Some(chunk) = lane.next(CHUNK)? {
            bad_records += chunk.bad_records;
            let columns = chunk.columns.into_iter().zip(chunk.unreadable);
            for (builder, (column, unreadable)) in builders.iter_mut().zip(columns) {
                builder.append(column, unreadable);
            }
        }
        let columns = builders.into_iter().map(|builder| {
            let unreadable = builder.unreadable();
            (builder.finish(), unreadable)
        });
        Ok(Examined { bad_records, columns: columns.collect() })
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

pub(super) type Schema = Vec<(String, Family, String)>;

pub(super) fn file_schema(file: &DataFile) -> Option<Schema> {
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

/// Rows that are decoded at once where a source is read in whole.
const CHUNK: usize = 1 << 16;
/// How a schema describes a column that a folder name declares.
pub(super) const FOLDER: &str = "a folder name";
