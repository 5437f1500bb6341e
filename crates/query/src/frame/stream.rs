//! A source opened for reading: pieces of files, decoded by several lanes at once, a chunk of rows at a time.
//!
//! The key decision: nobody ever holds a whole column. A lane decodes one piece (a row group or a part of one, a block of
//! lines, a slice of a frame) and hands over chunks of at most as many rows as it is asked for; which lane gets which piece
//! is left to chance, so nothing may depend on the order of chunks.

use std::collections::VecDeque;
use std::panic::AssertUnwindSafe;
use std::sync::Mutex;

use super::column::{Builder, Column, Kind};
use super::files::DataFile;
use super::source::{FOLDER, Preflight, Schema, Source, Unreadable, file_schema};
use super::{csv, decode, parquet};

/// Some rows of a source.
#[derive(Clone, Debug)]
pub struct Chunk {
    /// How many.
    pub rows: usize,
    /// The columns of the preflight, in its order.
    pub columns: Vec<Column>,
    /// For each column how many values were there and did not fit; they are null.
    pub unreadable: Vec<usize>,
    /// Lines of CSV files that are no records: they are dropped.
    pub bad_records: usize,
}

/// What a reader of a piece hands over: the columns that are inside the file.
pub(super) struct Read {
    pub rows: usize,
    /// Each with how many of its values were there and did not fit.
    pub columns: Vec<(Column, usize)>,
    pub bad_records: usize,
}

/// Reads a piece.
pub(super) trait Reader: Send {
    /// At most so many rows more; nothing when all were read.
    fn next(&mut self, most: usize) -> Result<Option<Read>, Unreadable>;
}

/// A part of a source that one lane reads.
struct Piece {
    reader: Opener,
    /// Where each wanted column comes from.
    places: Vec<Place>,
}

/// Opens a piece: files are opened by whoever reads them.
pub(super) type Opener = Box<dyn FnOnce() -> Result<Box<dyn Reader>, Unreadable> + Send>;

/// Where a column comes from.
#[derive(Clone)]
enum Place {
    /// The file has it, at this place among those that are read of it.
    Inside(usize),
    /// A folder name says it: one cell, and whether it did not fit.
    Folder(Column, usize),
}

/// A source that is being read.
pub struct Stream {
    wanted: Vec<(String, Kind)>,
    lanes: usize,
    queue: Mutex<Queue>,
}

#[derive(Default)]
struct Queue {
    files: VecDeque<DataFile>,
    pieces: VecDeque<Piece>,
}

impl Source {
    /// Opens the columns of a preflight, and no others, for so many lanes.
    ///
    /// # Errors
    /// When a frame cannot be computed.
    pub fn open(&self, preflight: &Preflight, lanes: usize) -> Result<Stream, Unreadable> {
        let wanted = preflight.0.clone();
        let mut queue = Queue::default();
        match self {
            Self::Files(files) => queue.files.extend(files.0.iter().cloned()),
            Self::Frame(frame) => {
                let names: Vec<&str> = wanted.iter().map(|(name, _)| name.as_str()).collect();
                let kinds: Vec<Kind> = wanted.iter().map(|(_, kind)| *kind).collect();
                // The engine may panic; that too must say nothing but that it could not be read.
                let openers = std::panic::catch_unwind(AssertUnwindSafe(|| {
                    decode::of_frame((**frame).clone(), &names, &kinds, lanes)
                }));
                let places: Vec<Place> = (0..wanted.len()).map(Place::Inside).collect();
                let pieces = openers.unwrap_or(Err(Unreadable))?;
                queue
                    .pieces
                    .extend(pieces.into_iter().map(|reader| Piece { reader, places: places.clone() }));
            }
        }
        Ok(Stream { wanted, lanes, queue: Mutex::new(queue) })
    }
}

impl Stream {
    /// A lane: to be read until it has no more, at the same time as the others.
    #[must_use]
    pub const fn lane(&self) -> Lane<'_> {
        Lane { stream: self, open: None }
    }

    fn next_piece(&self) -> Result<Option<Piece>, Unreadable> {
        let mut queue = self.queue.lock().map_err(|_| Unreadable)?;
        loop {
            if let Some(piece) = queue.pieces.pop_front() {
                return Ok(Some(piece));
            }
            let Some(file) = queue.files.pop_front() else { return Ok(None) };
            let pieces = self.pieces(&file)?;
            queue.pieces.extend(pieces);
        }
    }

    /// The pieces of a file.
    fn pieces(&self, file: &DataFile) -> Result<Vec<Piece>, Unreadable> {
        let schema = file_schema(file).ok_or(Unreadable)?;
        let (mut inside, mut places) = (Vec::new(), Vec::new());
        for (name, kind) in &self.wanted {
            places.push(match folder(file, &schema, name) {
                Some(text) => {
                    let mut builder = Builder::new(*kind);
                    builder.push_written(Some(text));
                    let unreadable = builder.unreadable();
                    Place::Folder(builder.finish(), unreadable)
                }
                None => {
                    inside.push((name.as_str(), *kind));
                    Place::Inside(inside.len() - 1)
                }
            });
        }
        let readers = if file.csv {
            csv::openers(&file.path, &schema, &inside, self.lanes)?
        } else {
            match parquet::openers(&file.path, &schema, &inside, self.lanes) {
                Some(readers) => readers,
                None => decode::of_file(&file.path, &inside, self.lanes)?,
            }
        };
        Ok(readers.into_iter().map(|reader| Piece { reader, places: places.clone() }).collect())
    }
}

/// What a folder name says of a column, where the file itself does not have it.
fn folder<'a>(file: &'a DataFile, schema: &Schema, name: &str) -> Option<&'a str> {
    let value = file.partitions.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str());
    value.filter(|_| schema.iter().any(|(known, _, text)| known == name && text == FOLDER))
}

/// One of the readers of a stream.
pub struct Lane<'a> {
    stream: &'a Stream,
    open: Option<(Box<dyn Reader>, Vec<Place>)>,
}

impl Lane<'_> {
    /// At most so many rows more; nothing when all pieces of the stream were taken.
    ///
    /// # Errors
    /// When a file cannot be read or decoded; the error says nothing of why, because the why may depend on somebody's row.
    pub fn next(&mut self, most: usize) -> Result<Option<Chunk>, Unreadable> {
        // A decoder may panic on a damaged file; that too must say nothing but that it could not be read.
        let read = std::panic::catch_unwind(AssertUnwindSafe(|| self.read(most)));
        read.unwrap_or(Err(Unreadable))
    }

    fn read(&mut self, most: usize) -> Result<Option<Chunk>, Unreadable> {
        loop {
            if let Some((reader, places)) = &mut self.open {
                if let Some(read) = reader.next(most.max(1))? {
                    return Ok(Some(chunk(read, places)));
                }
                self.open = None;
            }
            let Some(Piece { reader, places }) = self.stream.next_piece()? else { return Ok(None) };
            self.open = Some((reader()?, places));
        }
    }
}

/// The columns that were read and those that a folder names.
fn chunk(read: Read, places: &[Place]) -> Chunk {
    let rows = read.rows;
    let mut inside: Vec<Option<(Column, usize)>> = read.columns.into_iter().map(Some).collect();
    let take = |place: &Place| match place {
        Place::Inside(at) => inside[*at].take().expect("each column is taken once"),
        Place::Folder(cell, unreadable) => (cell.repeated(rows), unreadable * rows),
    };
    let (columns, unreadable) = places.iter().map(take).unzip();
    Chunk { rows, columns, unreadable, bad_records: read.bad_records }
}

/// How many rows a piece has, so that every lane gets several pieces of the whole, and none so small that opening it costs
/// more than reading it.
pub(super) fn rows_per_piece(rows: usize, lanes: usize) -> usize {
    const LEAST: usize = 1 << 17;
    rows.div_ceil(4 * lanes.max(1)).max(LEAST)
}
