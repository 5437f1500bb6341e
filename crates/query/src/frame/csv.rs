//! CSV, read one physical line at a time.
//!
//! The key decision: a record is one physical line, so that a stray quote in one person's row cannot swallow the rows of
//! others. Types come from the policy, never from the data. A line with the wrong number of fields, an open quote or
//! bytes that are no UTF-8 is dropped or null by itself. So a file may be cut at any line end, and blocks of lines are
//! read by several lanes at once.

use std::fs::File;
use std::io::{BufRead, BufReader, Seek as _, SeekFrom};
use std::ops::Range;
use std::path::Path;

use super::column::{Builder, Kind};
use super::source::{FOLDER, Schema, Unreadable};
use super::stream::{Opener, Read, Reader};

/// One field of a line.
enum Field {
    /// As it stands in the line.
    Plain(Range<usize>),
    /// In quotes, with doubled ones undone.
    Quoted(Vec<u8>),
}

impl Field {
    fn bytes<'a>(&'a self, line: &'a [u8]) -> &'a [u8] {
        match self {
            Self::Plain(range) => &line[range.clone()],
            Self::Quoted(bytes) => bytes,
        }
    }
}

/// Splits one line into fields; `None` for an open quote or text behind a closed one.
fn fields(line: &[u8], fields: &mut Vec<Field>) -> Option<()> {
    fields.clear();
    let mut at = 0;
    loop {
        let rest = &line[at..];
        if let Some(quoted) = rest.strip_prefix(b"\"") {
            let (mut text, mut from) = (Vec::new(), quoted);
            loop {
                let end = from.iter().position(|&byte| byte == b'"')?;
                text.extend_from_slice(&from[..end]);
                from = &from[end + 1..];
                match from.strip_prefix(b"\"") {
                    Some(more) => {
                        text.push(b'"');
                        from = more;
                    }
                    None => break,
                }
            }
            fields.push(Field::Quoted(text));
            match from {
                [] => return Some(()),
                [b',', ..] => at = line.len() - from.len() + 1,
                _ => return None,
            }
        } else {
            match rest.iter().position(|&byte| byte == b',') {
                Some(end) => {
                    fields.push(Field::Plain(at..at + end));
                    at += end + 1;
                }
                None => {
                    fields.push(Field::Plain(at..line.len()));
                    return Some(());
                }
            }
        }
    }
}

/// The names in the header line: the only line that a preflight may see.
pub(super) fn header(reader: &mut dyn BufRead) -> std::io::Result<Option<Vec<String>>> {
    let mut line = Vec::new();
    if next_line(reader, &mut line)? == 0 {
        return Ok(Some(Vec::new()));
    }
    let line = line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&line);
    let mut names = Vec::new();
    if fields(line, &mut names).is_none() {
        return Ok(None);
    }
    Ok(names.iter().map(|name| String::from_utf8(name.bytes(line).to_vec()).ok()).collect())
}

/// Reads one line without its end; how many bytes it took, zero at the end of the file.
fn next_line(reader: &mut dyn BufRead, line: &mut Vec<u8>) -> std::io::Result<usize> {
    line.clear();
    let bytes = reader.read_until(b'\n', line)?;
    if line.last() == Some(&b'\n') {
        line.pop();
    }
    if line.last() == Some(&b'\r') {
        line.pop();
    }
    Ok(bytes)
}

/// The least bytes of a block.
const BLOCK: u64 = 1 << 20;

/// The blocks of lines of a file.
pub(super) fn openers(
    path: &Path,
    schema: &Schema,
    wanted: &[(&str, Kind)],
    lanes: usize,
) -> Result<Vec<Opener>, Unreadable> {
    let place = |(name, kind): &(&str, Kind)| {
        let place = schema.iter().position(|(known, ..)| known == name);
        place.map(|place| (place, *kind)).ok_or(Unreadable)
    };
    let places: Vec<(usize, Kind)> = wanted.iter().map(place).collect::<Result<_, _>>()?;
    let width = schema.iter().filter(|(_, _, text)| text != FOLDER).count();
    let length = std::fs::metadata(path).map_err(|_| Unreadable)?.len();
    let block = length.div_ceil(4 * lanes.max(1) as u64).max(BLOCK);
    let opener = |start: u64| -> Opener {
        let (path, places) = (path.to_owned(), places.clone());
        Box::new(move || {
            let file = File::open(path).map_err(|_| Unreadable)?;
            // What a file has grown by since belongs to the last block.
            let until = if start + block >= length { u64::MAX } else { start + block };
            let lines = Lines::open(file, start..until, width, places).map_err(|_| Unreadable)?;
            Ok(Box::new(lines))
        })
    };
    let blocks = length.div_ceil(block).max(1);
    Ok((0..blocks).map(|at| opener(at * block)).collect())
}

/// The records of the lines that start in a range of a file.
struct Lines<R> {
    reader: R,
    /// Bytes that may still start a line.
    left: u64,
    width: usize,
    /// Which field goes where, and as what.
    places: Vec<(usize, Kind)>,
}

impl Lines<BufReader<File>> {
    fn open(
        mut file: File,
        range: Range<u64>,
        width: usize,
        places: Vec<(usize, Kind)>,
    ) -> std::io::Result<Self> {
        // The line that holds the last byte before the range is another's; of the first range it is the header.
        let from = range.start.saturating_sub(1);
        file.seek(SeekFrom::Start(from))?;
        let mut reader = BufReader::with_capacity(1 << 18, file);
        let skipped = next_line(&mut reader, &mut Vec::new())? as u64;
        let left = range.end.saturating_sub(from + skipped);
        Ok(Self { reader, left, width, places })
    }
}

impl<R: BufRead + Send> Lines<R> {
    /// At most so many records.
    fn read(&mut self, most: usize) -> std::io::Result<Read> {
        let mut builders: Vec<Builder> = self.places.iter().map(|(_, kind)| Builder::new(*kind)).collect();
        let (mut line, mut record) = (Vec::new(), Vec::new());
        let (mut rows, mut bad_records) = (0, 0);
        while rows < most && self.left > 0 {
            let bytes = next_line(&mut self.reader, &mut line)? as u64;
            self.left = if bytes == 0 { 0 } else { self.left.saturating_sub(bytes) };
            if bytes == 0 {
                break;
            }
            if fields(&line, &mut record).is_none() || record.len() != self.width {
                bad_records += 1;
                continue;
            }
            rows += 1;
            for (builder, (place, _)) in builders.iter_mut().zip(&self.places) {
                builder.push_written(std::str::from_utf8(record[*place].bytes(&line)).ok());
            }
        }
        let columns = builders.into_iter().map(|builder| {
            let unreadable = builder.unreadable();
            (builder.finish(), unreadable)
        });
        Ok(Read { rows, columns: columns.collect(), bad_records })
    }
}

impl<R: BufRead + Send> Reader for Lines<R> {
    fn next(&mut self, most: usize) -> Result<Option<Read>, Unreadable> {
        let read = self.read(most).map_err(|_| Unreadable)?;
        Ok((read.rows > 0 || read.bad_records > 0).then_some(read))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::column::{Column, Data};

    /// The first of two fields as whole numbers, read in blocks of so many bytes.
    fn column(text: &[u8], block: u64) -> Vec<Option<i64>> {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        std::io::Write::write_all(&mut file, text).unwrap();
        let mut cells = Vec::new();
        for start in (0..text.len() as u64).step_by(block as usize) {
            let range = start..start + block;
            let mut lines =
                Lines::open(File::open(file.path()).unwrap(), range, 2, vec![(0, Kind::Int)]).unwrap();
            while let Some(read) = lines.next(2).unwrap() {
                let (Column { data: Data::Int(values), valid }, _) = &read.columns[0] else { unreachable!() };
                let there = |row: usize| valid.as_ref().is_none_or(|valid| valid[row]);
                cells.extend((0..read.rows).map(|row| there(row).then(|| values[row])));
            }
        }
        cells
    }

    #[test]
    fn p3_a_bad_record_never_swallows_its_neighbours() {
        for block in [1, 2, 3, 5, 1000] {
            assert_eq!(column(b"a,b\n1,x\n2,y\n3,z\n", block), [Some(1), Some(2), Some(3)]);
            for bad in [&b"\"2,y"[..], b"2", b"2,y,z", b"2,\"y", b"2,\"y\"z", b""] {
                let text = [b"a,b\r\n1,x\r\n", bad, b"\r\n3,z\r\n"].concat();
                assert_eq!(column(&text, block), [Some(1), Some(3)], "{}", String::from_utf8_lossy(bad));
            }
            for null in [&b"\xff,y"[..], b"x,y", b",y", b"1e400,y", b"2.5,y", b"9223372036854775808,y"] {
                let text = [b"a,b\n1,x\n", null, b"\n3,z"].concat();
                assert_eq!(
                    column(&text, block),
                    [Some(1), None, Some(3)],
                    "{}",
                    String::from_utf8_lossy(null)
                );
            }
        }
    }

    #[test]
    fn quoted_fields_are_read() {
        let text = &b"\"1,\"\"x\"\"\",y\n"[..];
        let mut lines = Lines { reader: text, left: u64::MAX, width: 2, places: vec![(0, Kind::Text)] };
        let read = lines.read(10).unwrap();
        let Data::Text { dictionary, .. } = &read.columns[0].0.data else { unreachable!() };
        assert_eq!(**dictionary, ["1,\"x\""]);
    }
}
