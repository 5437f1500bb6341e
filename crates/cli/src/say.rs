//! Standard output that may be closed early: `flockwise budget policy.toml | head` is no failure.

use std::io::{self, Write as _};

/// Prints a line on standard output; when whoever reads it has gone, the program ends quietly.
macro_rules! say {
    ($($part:tt)*) => { $crate::say::line(format_args!($($part)*)) };
}
pub(crate) use say;

pub(crate) fn line(text: std::fmt::Arguments<'_>) {
    let mut out = io::stdout().lock();
    let written = writeln!(out, "{text}").and_then(|()| out.flush());
    if let Err(error) = written {
        // Nothing is lost: what is printed can be printed again.
        std::process::exit(if closed(&error) { 0 } else { 5 });
    }
}

/// Whether whoever reads standard output has gone.
pub(crate) fn closed(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::BrokenPipe
}
