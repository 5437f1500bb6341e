//! Lines of any length from files of any size.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

use super::LocalError;

/// The longest line that is looked at; a longer one is malformed.
const LONGEST: usize = 1 << 20;
const BUFFER: usize = 1 << 20;

/// The file, or standard input.
pub(super) fn open(path: Option<&Path>) -> io::Result<Box<dyn BufRead>> {
    let input: Box<dyn Read> = match path {
        Some(path) => Box::new(File::open(path)?),
        None => Box::new(io::stdin()),
    };
    Ok(Box::new(BufReader::with_capacity(BUFFER, input)))
}

/// The error of reading this file, or standard input.
pub(super) fn unreadable(path: Option<&Path>) -> impl Fn(io::Error) -> LocalError {
    let path = path.unwrap_or(Path::new("standard input")).to_path_buf();
    move |source| LocalError::Read { path: path.clone(), source }
}

/// Hands over each line without its end; `None` for one that is longer than any line should be, of which no more than
/// the limit is held in memory.
pub(super) fn each(input: &mut dyn BufRead, mut line: impl FnMut(Option<&[u8]>)) -> io::Result<()> {
    let mut held = Vec::new();
    let mut long = false;
    loop {
        let buffer = input.fill_buf()?;
        if buffer.is_empty() {
            break;
        }
        let end = buffer.iter().position(|byte| *byte == b'\n');
        let part = &buffer[..end.unwrap_or(buffer.len())];
        // The usual line lies whole in the buffer: no copy.
        if end.is_some() && held.is_empty() && !long {
            line(Some(without_return(part)));
        } else {
            long |= held.len() + part.len() > LONGEST;
            if long {
                held.clear();
            } else {
                held.extend_from_slice(part);
            }
            if end.is_some() {
                line((!long).then(|| without_return(&held)));
                held.clear();
                long = false;
            }
        }
        let used = end.map_or(buffer.len(), |end| end + 1);
        input.consume(used);
    }
    if long || !held.is_empty() {
        line((!long).then(|| without_return(&held)));
    }
    Ok(())
}

fn without_return(line: &[u8]) -> &[u8] {
    line.strip_suffix(b"\r").unwrap_or(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_any_length_come_whole_or_not_at_all() {
        let long = vec![b'x'; LONGEST + 1];
        let text = [b"one\r\n\ntwo\n".as_slice(), &long, b"\nthree\n", &long[1..], b"\nlast"].concat();
        for capacity in [1, 3, 1 << 16] {
            let mut seen = Vec::new();
            let mut input = BufReader::with_capacity(capacity, text.as_slice());
            each(&mut input, |line| seen.push(line.map(<[u8]>::len))).unwrap();
            assert_eq!(seen, [Some(3), Some(0), Some(3), None, Some(5), Some(LONGEST), Some(4)]);
        }
    }
}
