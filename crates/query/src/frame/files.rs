//! The list of files behind a source: public by definition.

use std::path::{Path, PathBuf};

/// One file, with the columns that its folder names declare (`year=2026`).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DataFile {
    /// Where it is.
    pub path: PathBuf,
    /// Columns named by Hive-style folders.
    pub partitions: Vec<(String, String)>,
    /// Whether it is CSV; else Parquet.
    pub csv: bool,
}

/// The files of a source, in order of their paths.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Files(pub Vec<DataFile>);

/// A source that cannot be listed.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FileError {
    /// A path without wildcards that does not exist.
    #[error("the source {0} does not exist")]
    Missing(String),
    /// A pattern that is none.
    #[error("{0} is no file pattern")]
    Pattern(String),
    /// Neither `.parquet` nor `.csv`.
    #[error("{0} is neither a .parquet nor a .csv file")]
    Format(String),
    /// The folder cannot be listed.
    #[error("{0} cannot be listed")]
    Unreadable(String),
}

impl Files {
    /// Lists a path, a pattern, or a folder of Hive partitions, below `base`. A pattern that matches nothing, or an empty
    /// folder, is an empty data set.
    ///
    /// # Errors
    /// When a named file is missing, or of no format that is read.
    pub fn list(base: &Path, sources: &[String]) -> Result<Self, FileError> {
        let mut files = Vec::new();
        for source in sources {
            let path = base.join(source);
            if source.contains(['*', '?', '[']) {
                let pattern = path.to_str().ok_or_else(|| FileError::Pattern(source.clone()))?;
                let matches = glob::glob(pattern).map_err(|_| FileError::Pattern(source.clone()))?;
                for path in matches {
                    let path = path.map_err(|_| FileError::Unreadable(source.clone()))?;
                    if path.is_file() {
                        files.push(file(path, Vec::new(), source)?);
                    }
                }
            } else if path.is_dir() {
                folder(&path, &mut Vec::new(), source, &mut files)?;
            } else if path.is_file() {
                files.push(file(path, Vec::new(), source)?);
            } else {
                return Err(FileError::Missing(source.clone()));
            }
        }
        files.sort_by(|one, other| one.path.cmp(&other.path));
        files.dedup();
        Ok(Self(files))
    }
}

fn file(path: PathBuf, partitions: Vec<(String, String)>, source: &str) -> Result<DataFile, FileError> {
    let csv = match path.extension().and_then(|extension| extension.to_str()) {
        Some("parquet" | "pq") => false,
        Some("csv") => true,
        _ => return Err(FileError::Format(source.to_owned())),
    };
    Ok(DataFile { path, partitions, csv })
}

fn folder(
    path: &Path,
    partitions: &mut Vec<(String, String)>,
    source: &str,
    files: &mut Vec<DataFile>,
) -> Result<(), FileError> {
    let unreadable = |_| FileError::Unreadable(source.to_owned());
    for entry in std::fs::read_dir(path).map_err(unreadable)? {
        let entry = entry.map_err(unreadable)?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.starts_with(['.', '_']) {
            continue;
        }
        if entry.path().is_dir() {
            let named = name.split_once('=').map(|(column, value)| (column.to_owned(), value.to_owned()));
            let depth = partitions.len();
            partitions.extend(named);
            folder(&entry.path(), partitions, source, files)?;
            partitions.truncate(depth);
        } else {
            files.push(file(entry.path(), partitions.clone(), source)?);
        }
    }
    Ok(())
}
