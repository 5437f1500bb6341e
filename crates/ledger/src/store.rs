//! SQLite as a store that keeps its word: what is committed is on disk, and what is opened is what we made.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, Transaction, TransactionBehavior};

use crate::error::Error;

/// How long to wait for another process's lock before giving up.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// A kind of file: its marks, and its schema, statement by statement as SQLite keeps them.
pub(crate) struct Format {
    pub kind: &'static str,
    /// `application_id` in the header.
    pub application: u32,
    /// `user_version` in the header.
    pub version: u32,
    /// `(name, sql)` in the order of their names.
    pub schema: &'static [(&'static str, &'static str)],
}

impl Format {
    /// Makes the file, whole or not at all: it is written under another name, made durable, and then renamed to a name
    /// that must be free.
    pub fn create(
        &self,
        path: &Path,
        fill: impl FnOnce(&Transaction<'_>) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let exists = |path: &Path| path.symlink_metadata().is_ok();
        // A journal without its database would be rolled back into the new file.
        if exists(path) || exists(&beside(path, "-journal")) {
            return Err(Error::Exists { path: path.to_owned() });
        }
        crate::place::refuse_network(path)?;
        let temporary = beside(path, &format!(".new-{}", hex(&random::<8>()?)));
        let made = self.write(&temporary, fill).and_then(|()| crate::place::publish(&temporary, path));
        if made.is_err() {
            // Best effort: a left-over under this name is never read.
            for name in [temporary.clone(), beside(&temporary, "-journal")] {
                std::fs::remove_file(name).ok();
            }
        }
        made
    }

    fn write(
        &self,
        path: &Path,
        fill: impl FnOnce(&Transaction<'_>) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let mut conn = connect(path, OpenFlags::SQLITE_OPEN_CREATE)?;
        let tx = conn.transaction_with_behavior(TransactionBehavior::Exclusive)?;
        tx.pragma_update(None, "application_id", self.application)?;
        tx.pragma_update(None, "user_version", self.version)?;
        for (_, statement) in self.schema {
            tx.execute_batch(statement)?;
        }
        fill(&tx)?;
        tx.commit()?;
        conn.close().map_err(|(_, error)| error.into())
    }

    /// Opens a file and checks that it is of this kind, with this schema and nothing more.
    pub fn open(&self, path: &Path) -> Result<Connection, Error> {
        match path.metadata() {
            Ok(_) => (),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Err(Error::Missing { path: path.to_owned() });
            }
            Err(error) => return Err(Error::file(path, error)),
        }
        crate::place::refuse_network(path)?;
        crate::place::refuse_links(path)?;
        let conn = connect(path, OpenFlags::empty())?;
        self.check(&conn, path)?;
        Ok(conn)
    }

    fn check(&self, conn: &Connection, path: &Path) -> Result<(), Error> {
        let header = |name| conn.pragma_query_value(None, name, |row| row.get::<_, u32>(0));
        if header("application_id")? != self.application {
            return Err(Error::NotOurs { path: path.to_owned(), kind: self.kind });
        }
        let found = header("user_version")?;
        if found > self.version {
            return Err(Error::Newer { path: path.to_owned(), found, known: self.version });
        }
        let mut statement =
            conn.prepare("SELECT name, sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY name")?;
        let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
        let schema = rows.collect::<Result<Vec<(String, String)>, _>>()?;
        let known = self.schema.iter().map(|(name, sql)| ((*name).to_owned(), (*sql).to_owned()));
        if found != self.version || !schema.into_iter().eq(known) {
            return Err(Error::damaged(None, "its tables are not those that `init` made"));
        }
        Ok(())
    }
}

/// Opens a connection whose commits are durable: rollback journal, and the directory is synced too when the journal is
/// gone (`synchronous = EXTRA`), so that a power cut after a commit cannot bring it back.
pub(crate) fn connect(path: &Path, create: OpenFlags) -> Result<Connection, Error> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX | create;
    let conn = Connection::open_with_flags(path, flags).map_err(|error| match error.sqlite_error_code() {
        Some(rusqlite::ErrorCode::CannotOpen) => Error::Storage { source: error },
        _ => error.into(),
    })?;
    conn.busy_timeout(PATIENCE)?;
    // A hostile file must not run code of its own: no triggers or views are expected, none are trusted.
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_TRIGGER, false)?;
    let mode: String = conn.pragma_update_and_check(None, "journal_mode", "DELETE", |row| row.get(0))?;
    conn.pragma_update(None, "synchronous", "EXTRA")?;
    conn.pragma_update(None, "fullfsync", true)?;
    conn.pragma_update(None, "cell_size_check", true)?;
    conn.pragma_update(None, "temp_store", "MEMORY")?;
    let synchronous: i64 = conn.pragma_query_value(None, "synchronous", |row| row.get(0))?;
    if mode != "delete" || synchronous != 3 {
        return Err(Error::damaged(None, "its journal mode cannot be set"));
    }
    Ok(conn)
}

/// Refuses a file that was renamed, deleted or replaced since it was opened: what is written into it would be lost.
#[cfg(unix)]
pub(crate) fn refuse_moved(conn: &Connection) -> Result<(), Error> {
    let mut moved = 0;
    conn.file_control(Some("main"), rusqlite::FileControl::HasMoved(&mut moved))?;
    if moved == 0 {
        return Ok(());
    }
    Err(Error::damaged(None, "its file was moved or replaced while it was open"))
}

/// An open file cannot be moved or replaced on this platform.
#[cfg(not(unix))]
pub(crate) fn refuse_moved(_: &Connection) -> Result<(), Error> {
    Ok(())
}

/// Tries again while another process holds the lock, every millisecond, for as long as told.
///
/// SQLite's own waiting grows to a tenth of a second a time, so that whoever came last is served first and the longest
/// waiting starve. With one short pause for all, everybody who waits has the same chance.
pub(crate) fn patiently<T>(
    conn: &Connection,
    patience: Duration,
    mut attempt: impl FnMut() -> Result<T, Error>,
) -> Result<T, Error> {
    let start = Instant::now();
    conn.busy_timeout(Duration::ZERO)?;
    let result = loop {
        match attempt() {
            Err(Error::Busy) if start.elapsed() < patience => std::thread::sleep(Duration::from_millis(1)),
            result => break result,
        }
    };
    conn.busy_timeout(patience)?;
    result
}

/// The path with something added to its last name.
pub(crate) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

/// Random bytes from the operating system.
pub(crate) fn random<const N: usize>() -> Result<[u8; N], Error> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(Error::Random)?;
    Ok(bytes)
}

/// In hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
