//! Releases on standard output and in folders: always from the stored documents.

use std::fs::File;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use flockwise_query::release::Document;
use flockwise_query::render;

use crate::args::Format;
use crate::failure::Failure;

fn invalid(error: impl std::error::Error + Send + Sync + 'static) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, error)
}

/// Prints releases on standard output; that whoever reads it has gone is no failure.
pub(crate) fn print(releases: &[Document], format: Format) -> io::Result<()> {
    match written(releases, format) {
        Err(error) if crate::say::closed(&error) => Ok(()),
        result => result,
    }
}

fn written(releases: &[Document], format: Format) -> io::Result<()> {
    let mut out = io::stdout().lock();
    match format {
        Format::Json => {
            for document in releases {
                serde_json::to_writer(&mut out, document)?;
                out.write_all(b"\n")?;
            }
        }
        Format::Table => {
            for (at, document) in releases.iter().enumerate() {
                let text = render::for_people(document).map_err(invalid)?;
                write!(out, "{}{text}", if at == 0 { "" } else { "\n" })?;
            }
        }
        Format::Csv | Format::Parquet => {
            for document in releases {
                out.write_all(render::csv(document).map_err(invalid)?.as_bytes())?;
            }
        }
    }
    out.flush()
}

/// A folder for releases: files appear whole, `_SUCCESS` last.
pub(crate) struct Folder {
    path: PathBuf,
}

const SUCCESS: &str = "_SUCCESS";

impl Folder {
    /// Makes the folder, and takes back an earlier `_SUCCESS`: nothing is charged yet.
    pub fn prepare(path: &Path) -> Result<Self, Failure> {
        let failed = |source| Failure::Out { path: path.to_owned(), source };
        std::fs::create_dir_all(path).map_err(failed)?;
        match std::fs::remove_file(path.join(SUCCESS)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed(error)),
            _ => {}
        }
        // A folder that cannot be written is found out now.
        let probe = path.join(".flockwise-probe");
        File::create(&probe).and_then(|_| std::fs::remove_file(&probe)).map_err(failed)?;
        Ok(Self { path: path.to_owned() })
    }

    /// Writes every release.
    pub fn write(&self, releases: &[Document], format: Format) -> io::Result<()> {
        for document in releases {
            self.release(document, format)?;
        }
        self.whole(SUCCESS, b"")?;
        File::open(&self.path)?.sync_all()
    }

    fn release(&self, document: &Document, format: Format) -> io::Result<()> {
        let name = document.file_name();
        self.clear_another(document)?;
        match format {
            Format::Json => return self.json(document),
            Format::Table => {
                let text = render::whole_for_people(document).map_err(invalid)?;
                self.whole(&format!("{name}.txt"), text.as_bytes())?;
                return self.json(document);
            }
            Format::Csv => {
                let text = render::csv(document).map_err(invalid)?;
                self.whole(&format!("{name}.csv"), text.as_bytes())?;
            }
            Format::Parquet => {
                let file = self.path.join(format!(".{name}.parquet.part"));
                render::parquet(document, &file)?;
                std::fs::rename(file, self.path.join(format!("{name}.parquet")))?;
            }
        }
        // The table stands in its own file; everything else beside it.
        self.json(&Document { rows: None, ..document.clone() })
    }

    /// Removes what another request left under the name of a release: one `_SUCCESS` must not stand for two.
    fn clear_another(&self, document: &Document) -> io::Result<()> {
        let name = document.file_name();
        let before = std::fs::read(self.path.join(format!("{name}.json"))).ok();
        let before = before.and_then(|bytes| serde_json::from_slice::<Document>(&bytes).ok());
        if before.is_some_and(|before| before.receipt == document.receipt) {
            return Ok(());
        }
        for ending in ["txt", "csv", "parquet", "json"] {
            match std::fs::remove_file(self.path.join(format!("{name}.{ending}"))) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        Ok(())
    }

    fn json(&self, document: &Document) -> io::Result<()> {
        let mut bytes = serde_json::to_vec(document).map_err(invalid)?;
        bytes.push(b'\n');
        self.whole(&format!("{}.json", document.file_name()), &bytes)
    }

    /// A file that appears whole, or not at all.
    fn whole(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        let part = self.path.join(format!(".{name}.part"));
        let mut file = File::create(&part)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        std::fs::rename(part, self.path.join(name))
    }
}
