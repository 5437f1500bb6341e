//! A store in a file.

use alloc::vec::Vec;
use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use crate::device::store::{Store, StoreError};

/// A record in a file, replaced by renaming a finished one over it, so that a crash at any moment leaves the old record
/// or the new one. One process at a time: a lock on a file beside it, which ends with the process.
///
/// The record is text, for the person to read, and readable by its owner only.
#[derive(Debug)]
pub struct FileStore {
    path: PathBuf,
    last: Option<Vec<u8>>,
    process: u32,
    _lock: File,
}

impl FileStore {
    /// Takes the store at this path; there need not be one yet.
    ///
    /// # Errors
    /// [`StoreError::InUse`]; [`StoreError::Read`] when the file or its folder cannot be used.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, StoreError> {
        let path = path.as_ref().to_path_buf();
        let lock = private().open(beside(&path, ".lock")).map_err(|_| StoreError::Read)?;
        fs4::FileExt::try_lock(&lock).map_err(|_| StoreError::InUse)?;
        let last = read(&path)?;
        Ok(Self { path, last, process: std::process::id(), _lock: lock })
    }
}

impl Store for FileStore {
    fn load(&mut self) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.last.clone())
    }

    fn save(&mut self, record: &[u8]) -> Result<(), StoreError> {
        // A forked child shares the lock; and nothing but us may have written.
        if std::process::id() != self.process || read(&self.path)? != self.last {
            return Err(StoreError::Changed);
        }
        let next = beside(&self.path, ".next");
        replace(&self.path, &next, record).map_err(|_| StoreError::Write)?;
        self.last = Some(record.to_vec());
        Ok(())
    }
}

fn read(path: &Path) -> Result<Option<Vec<u8>>, StoreError> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(_) => Err(StoreError::Read),
    }
}

/// Write beside, flush to disk, rename, flush the folder.
fn replace(path: &Path, next: &Path, record: &[u8]) -> std::io::Result<()> {
    let mut file = private().truncate(true).open(next)?;
    file.write_all(record)?;
    file.sync_all()?;
    drop(file);
    fs::rename(next, path)?;
    sync_folder(path)
}

#[cfg(unix)]
fn sync_folder(path: &Path) -> std::io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
}

/// Elsewhere a folder cannot be opened as a file, and the rename is what the system offers.
#[cfg(not(unix))]
fn sync_folder(_path: &Path) -> std::io::Result<()> {
    Ok(())
}

fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(suffix);
    PathBuf::from(name)
}
