//! What is wrong with a policy or a job, where, and the way out.
//!
//! A diagnostic is a value: it is made from the two files alone, before any data is touched, so that it can say
//! everything. Its text is what a person at a terminal sees.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use annotate_snippets::{AnnotationKind, Level, Renderer, Snippet};

/// More problems than this are not reported at once.
pub const MOST_REPORTED: usize = 20;

/// What kind of problem a diagnostic reports: stable, for programs and tests.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[non_exhaustive]
pub enum Code {
    /// Not TOML, not JSON, not an expression.
    Syntax,
    /// The file cannot be read.
    Unreadable,
    /// The file, a list or an expression is larger or deeper than is accepted.
    TooLarge,
    /// The file is of a version that is not known here.
    Version,
    /// A field that does not exist.
    UnknownField,
    /// A field that must be there.
    MissingField,
    /// Two fields that exclude each other.
    Conflict,
    /// A string where a number must be, and the like.
    WrongType,
    /// A value that has no meaning in its place.
    BadValue,
    /// A column, table, parameter, purpose or data set that does not exist for this job.
    UnknownName,
    /// Two things of one name.
    Duplicate,
    /// A value column without bounds.
    MissingBounds,
    /// What is asked does not fit the policy, or cannot be done privately.
    Unsupported,
}

impl Code {
    /// The name in messages.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Syntax => "syntax",
            Self::Unreadable => "unreadable",
            Self::TooLarge => "too-large",
            Self::Version => "version",
            Self::UnknownField => "unknown-field",
            Self::MissingField => "missing-field",
            Self::Conflict => "conflict",
            Self::WrongType => "wrong-type",
            Self::BadValue => "bad-value",
            Self::UnknownName => "unknown-name",
            Self::Duplicate => "duplicate",
            Self::MissingBounds => "missing-bounds",
            Self::Unsupported => "unsupported",
        }
    }
}

/// The name and text of a file that diagnostics point into.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SourceFile {
    name: Arc<str>,
    text: Arc<str>,
}

impl SourceFile {
    /// A file's name as it is shown, and its text.
    #[must_use]
    pub fn new(name: &str, text: &str) -> Self {
        Self { name: name.into(), text: text.into() }
    }

    /// The name as it is shown.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The text.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }
}

/// One problem.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Diagnostic {
    /// The file.
    pub file: SourceFile,
    /// Where in the text, in bytes; `None` where there is no text (a job built in code, or given as JSON).
    pub span: Option<Range<usize>>,
    /// The field, such as `release[0].by[1].column`; empty for the whole file.
    pub path: String,
    /// What kind of problem.
    pub code: Code,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub help: Option<String>,
}

impl Diagnostic {
    /// Line and column of the problem, both counted from one; the column in characters.
    #[must_use]
    pub fn line_and_column(&self) -> Option<(usize, usize)> {
        let span = self.clamped_span()?;
        let before = &self.file.text()[..span.start];
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        Some((before.matches('\n').count() + 1, before[line_start..].chars().count() + 1))
    }

    /// The span, moved inward to the text and to character boundaries.
    fn clamped_span(&self) -> Option<Range<usize>> {
        let text = self.file.text();
        let span = self.span.clone()?;
        let floor = |mut at: usize| {
            at = at.min(text.len());
            while !text.is_char_boundary(at) {
                at -= 1;
            }
            at
        };
        let start = floor(span.start);
        Some(start..floor(span.end).max(start))
    }
}

impl fmt::Display for Diagnostic {
    /// As a compiler would show it, without a newline at the end.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let title = Level::ERROR.primary_title(printable(&self.message)).id(self.code.name());
        let help = self.help.as_deref().map(printable);
        let Some(span) = self.clamped_span().filter(|_| !self.file.text().is_empty()) else {
            let place = if self.path.is_empty() { "" } else { ": " };
            write!(f, "error[{}]: {}", self.code.name(), printable(&self.message))?;
            write!(f, "\n  --> {}{place}{}", printable(self.file.name()), printable(&self.path))?;
            return help.map_or(Ok(()), |help| write!(f, "\n  = help: {help}"));
        };
        let name = printable(self.file.name());
        // One line is enough to find the place; a whole table would hide the message.
        let text = self.file.text();
        let end = text[span.clone()].find('\n').map_or(span.end, |at| span.start + at);
        let snippet = Snippet::source(text)
            .path(name.as_str())
            .annotation(AnnotationKind::Primary.span(span.start..end));
        let mut group = title.element(snippet);
        if let Some(help) = &help {
            group = group.element(Level::HELP.message(help.as_str()));
        }
        f.write_str(&Renderer::plain().render(&[group]))
    }
}

/// Control characters would let a file repaint the terminal of whoever reads the message, and marks of direction would
/// let it say one thing and show another.
fn printable(text: &str) -> String {
    let hidden = |c: char| {
        let direction =
            matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        (c.is_control() && c != '\n') || direction || c == '\u{feff}'
    };
    text.chars().map(|c| if hidden(c) { '\u{fffd}' } else { c }).collect()
}

/// Everything that is wrong with a file, or with a job under a policy: at least one problem.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{}", self.render())]
pub struct Diagnostics(Vec<Diagnostic>);

impl Diagnostics {
    pub(crate) fn new(mut all: Vec<Diagnostic>) -> Self {
        assert!(!all.is_empty(), "an error says what is wrong");
        all.sort_by_key(|d| d.span.as_ref().map_or(usize::MAX, |span| span.start));
        all.dedup();
        all.truncate(MOST_REPORTED);
        Self(all)
    }

    /// The problems, in the order of the file.
    #[must_use]
    pub fn all(&self) -> &[Diagnostic] {
        &self.0
    }

    fn render(&self) -> String {
        self.0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n\n")
    }
}

/// The known name that is nearest to what was typed, if one is near.
#[must_use]
pub fn nearest<'a>(typed: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    // A hostile name may be as long as the file; edit distance is quadratic.
    if typed.len() > 128 {
        return None;
    }
    let allowed = (typed.chars().count() / 3).clamp(1, 3);
    let folded = typed.to_lowercase();
    known
        .into_iter()
        .filter(|name| name.len() <= 256)
        .map(|name| (strsim::osa_distance(&folded, &name.to_lowercase()), name))
        .filter(|&(distance, _)| distance <= allowed)
        .min()
        .map(|(_, name)| name)
}

/// Words as an enumeration: `a, b or c`.
#[must_use]
pub(crate) fn one_of<'a>(words: impl IntoIterator<Item = &'a str>) -> String {
    let words: Vec<String> = words.into_iter().take(12).map(|word| format!("`{word}`")).collect();
    match words.split_last() {
        None => "nothing".to_owned(),
        Some((last, [])) => last.clone(),
        Some((last, rest)) => format!("{} or {last}", rest.join(", ")),
    }
}

/// `did you mean …`, else what there is.
pub(crate) fn suggestion<'a>(typed: &str, known: impl IntoIterator<Item = &'a str> + Clone) -> String {
    match nearest(typed, known.clone()) {
        Some(name) => format!("did you mean `{name}`?"),
        None => format!("there is {}", one_of(known)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn diagnostic(span: Option<Range<usize>>) -> Diagnostic {
        Diagnostic {
            file: SourceFile::new("job.toml", "version = 1\ndata = \"films\"\nmäh = 2\n"),
            span,
            path: "mäh".to_owned(),
            code: Code::UnknownField,
            message: "there is no field `m\u{1b}\u{202e}h`".to_owned(),
            help: Some("remove it".to_owned()),
        }
    }

    #[test]
    fn shows_file_line_column_caret_and_the_way_out() {
        let shown = diagnostic(Some(27..31)).to_string();
        for part in ["error[unknown-field]", "job.toml:3:1", "mäh = 2", "^^^", "help: remove it"] {
            assert!(shown.contains(part), "{part} in\n{shown}");
        }
        assert!(!shown.contains(['\u{1b}', '\u{202e}']));
        assert_eq!(diagnostic(Some(27..31)).line_and_column(), Some((3, 1)));
    }

    #[test]
    fn any_span_can_be_shown() {
        for start in 0..50 {
            for end in 0..50 {
                assert!(!diagnostic(Some(start..end)).to_string().is_empty());
            }
        }
        assert!(diagnostic(None).to_string().contains("job.toml: mäh"));
    }

    #[test]
    fn nearest_names_are_near() {
        assert_eq!(nearest("statistik", ["statistic", "share"]), Some("statistic"));
        assert_eq!(nearest("zebra", ["statistic", "share"]), None);
        assert_eq!(nearest("Rating", ["rating", "ratings"]), Some("rating"));
    }
}
