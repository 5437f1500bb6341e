//! CSV, read one physical line at a time.
//!
//! The key decision: a record is one physical line, so that a stray quote in one person's row cannot swallow the rows of
//! others. Types come from the policy, never from the data. A line with the wrong number of fields, an open quote or
//! bytes that are no UTF-8 is dropped or null by itself.

use std::io::BufRead;

use super::column::Builder;

/// Splits one line into fields; `None` for an open quote or text behind a closed one.
fn fields<'a>(line: &'a [u8], fields: &mut Vec<std::borrow::Cow<'a, [u8]>>) -> Option<()> {
    use std::borrow::Cow;
    fields.clear();
    let mut rest = line;
    loop {
        if let Some(quoted) = rest.strip_prefix(b"\"") {
            let mut text = Vec::new();
            let mut from = quoted;
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
            fields.push(Cow::Owned(text));
            match from {
                [] => return Some(()),
                [b',', more @ ..] => rest = more,
                _ => return None,
            }
        } else {
            match rest.iter().position(|&byte| byte == b',') {
                Some(end) => {
                    fields.push(Cow::Borrowed(&rest[..end]));
                    rest = &rest[end + 1..];
                }
                None => {
                    fields.push(Cow::Borrowed(rest));
                    return Some(());
                }
            }
        }
    }
}

/// The names in the header line: the only line that a preflight may see.
pub(super) fn header(reader: &mut dyn BufRead) -> std::io::Result<Option<Vec<String>>> {
    let mut line = Vec::new();
    if !next_line(reader, &mut line)? {
        return Ok(Some(Vec::new()));
    }
    let line = line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&line);
    let mut names = Vec::new();
    if fields(line, &mut names).is_none() {
        return Ok(None);
    }
    Ok(names.iter().map(|name| String::from_utf8(name.to_vec()).ok()).collect())
}

/// Reads one line without its end; false at the end of the file.
fn next_line(reader: &mut dyn BufRead, line: &mut Vec<u8>) -> std::io::Result<bool> {
    line.clear();
    if reader.read_until(b'\n', line)? == 0 {
        return Ok(false);
    }
    if line.last() == Some(&b'\n') {
        line.pop();
    }
    if line.last() == Some(&b'\r') {
        line.pop();
    }
    Ok(true)
}

/// Appends every record of `width` fields: `places` says which field goes to which builder. The number of records,
/// and of lines that are none.
pub(super) fn read(
    reader: &mut dyn BufRead,
    width: usize,
    places: &[(usize, usize)],
    builders: &mut [Builder],
) -> std::io::Result<(usize, usize)> {
    let mut line = Vec::new();
    let (mut records, mut bad) = (0, 0);
    next_line(reader, &mut line)?;
    while next_line(reader, &mut line)? {
        let mut record = Vec::with_capacity(width);
        if fields(&line, &mut record).is_none() || record.len() != width {
            bad += 1;
            continue;
        }
        records += 1;
        for &(place, builder) in places {
            builders[builder].push_written(std::str::from_utf8(&record[place]).ok());
        }
    }
    Ok((records, bad))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::column::{Data, Kind};

    fn column(text: &[u8]) -> Vec<Option<i64>> {
        let mut builders = [Builder::new(Kind::Int)];
        read(&mut &text[..], 2, &[(0, 0)], &mut builders).unwrap();
        let column = builders.into_iter().next().unwrap().finish();
        let Data::Int(values) = &column.data else { unreachable!() };
        (0..values.len()).map(|row| (!column.is_null(row)).then(|| values[row])).collect()
    }

    #[test]
    fn p3_a_bad_record_never_swallows_its_neighbours() {
        assert_eq!(column(b"a,b\n1,x\n2,y\n3,z\n"), [Some(1), Some(2), Some(3)]);
        for bad in [&b"\"2,y"[..], b"2", b"2,y,z", b"2,\"y", b"2,\"y\"z", b""] {
            let text = [b"a,b\r\n1,x\r\n", bad, b"\r\n3,z\r\n"].concat();
            assert_eq!(column(&text), [Some(1), Some(3)], "{}", String::from_utf8_lossy(bad));
        }
        for null in [&b"\xff,y"[..], b"x,y", b",y", b"1e400,y", b"2.5,y", b"9223372036854775808,y"] {
            let text = [b"a,b\n1,x\n", null, b"\n3,z"].concat();
            assert_eq!(column(&text), [Some(1), None, Some(3)], "{}", String::from_utf8_lossy(null));
        }
    }

    #[test]
    fn quoted_fields_are_read() {
        let mut builders = [Builder::new(Kind::Text)];
        read(&mut &b"a,b\n\"1,\"\"x\"\"\",y\n"[..], 2, &[(0, 0)], &mut builders).unwrap();
        let Data::Text { dictionary, .. } = builders.into_iter().next().unwrap().finish().data else {
            unreachable!()
        };
        assert_eq!(*dictionary, ["1,\"x\""]);
    }
}
