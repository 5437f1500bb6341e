//! Typed access to a tree of values, which collects what is wrong and goes on.

use std::collections::BTreeSet;

use chrono_tz::Tz;
use flockwise_mechanisms::units::Kind;
use flockwise_mechanisms::{Quantity, Rounding};

use super::{Entry, Node, NodeValue};
use crate::diagnostic::{Code, Diagnostic, Diagnostics, SourceFile, one_of, suggestion};
use crate::names::{ColumnName, ColumnRef, Name};
use crate::value::{Bounds, Literal};

/// Problems beyond these are not collected: the first twenty are shown.
const MOST_COLLECTED: usize = 64;

/// Collects what is wrong with one file while its parts are read. A reading method returns `None` after it has
/// reported, so that independent problems are found in one pass.
pub(crate) struct Reader<'a> {
    file: &'a SourceFile,
    root: &'a Node,
    found: Vec<Diagnostic>,
}

impl<'a> Reader<'a> {
    pub fn new(file: &'a SourceFile, root: &'a Node) -> Self {
        Self { file, root, found: Vec::new() }
    }

    /// What was read, unless something was wrong.
    pub fn finish<T>(self, value: Option<T>) -> Result<T, Diagnostics> {
        match value {
            Some(value) if self.found.is_empty() => Ok(value),
            _ => Err(Diagnostics::new(self.found)),
        }
    }

    pub fn report(&mut self, node: &Node, code: Code, message: String, help: impl Into<Option<String>>) {
        self.push(node.span.clone(), node, "", code, message, help.into());
    }

    /// At the name of a field.
    pub fn report_entry(&mut self, entry: &Entry, code: Code, message: String, help: Option<String>) {
        self.push(entry.name_span.clone(), &entry.node, "", code, message, help);
    }

    /// Reports, and is `None`: for the end of a branch.
    pub fn fail<T>(
        &mut self,
        node: &Node,
        code: Code,
        message: impl Into<String>,
        help: impl Into<Option<String>>,
    ) -> Option<T> {
        self.report(node, code, message.into(), help);
        None
    }

    fn push(
        &mut self,
        span: Option<std::ops::Range<usize>>,
        node: &Node,
        below: &str,
        code: Code,
        message: String,
        help: Option<String>,
    ) {
        if self.found.len() >= MOST_COLLECTED {
            return;
        }
        let path = self.root.path_to(node).unwrap_or_default();
        let dot = if path.is_empty() || below.is_empty() { "" } else { "." };
        let path = format!("{path}{dot}{below}");
        self.found.push(Diagnostic { file: self.file.clone(), span, path, code, message, help });
    }

    /// A problem inside a string value, at a place of its own.
    pub fn report_within(
        &mut self,
        node: &Node,
        inner: std::ops::Range<usize>,
        error: (Code, String, Option<String>),
    ) {
        let places =
            super::Places::new(self.file.clone(), Node { span: node.span.clone(), value: NodeValue::Null });
        let span = places.find_within("", inner);
        let (code, message, help) = error;
        self.push(span, node, "", code, message, help);
    }

    /// The fields of a table, of which no others may be there. `what` names the table in messages.
    pub fn fields<'n>(
        &mut self,
        node: &'n Node,
        what: &'static str,
        known: &[&'static str],
    ) -> Option<Fields<'n>> {
        let Some(entries) = node.entries() else {
            return self.fail(
                node,
                Code::WrongType,
                format!("{what} must be a table, not {}", node.kind()),
                None,
            );
        };
        for entry in entries.iter().filter(|entry| !known.contains(&entry.name.as_str())) {
            let message = format!("{what} has no field `{}`", shortened(&entry.name));
            let help = suggestion(&entry.name, known.iter().copied());
            self.push(
                entry.name_span.clone(),
                node,
                &shortened(&entry.name),
                Code::UnknownField,
                message,
                Some(help),
            );
        }
        Some(Fields { node, entries, what })
    }

    /// The entries of a table whose field names are free.
    pub fn entries<'n>(&mut self, node: &'n Node, what: &str) -> Option<&'n [Entry]> {
        let entries = node.entries();
        if entries.is_none() {
            self.report(node, Code::WrongType, format!("{what} must be a table, not {}", node.kind()), None);
        }
        entries
    }

    pub fn items<'n>(&mut self, node: &'n Node, what: &str) -> Option<&'n [Node]> {
        if let NodeValue::Array(items) = &node.value {
            return Some(items);
        }
        self.fail(node, Code::WrongType, format!("{what} must be a list, not {}", node.kind()), None)
    }

    pub fn string<'n>(&mut self, node: &'n Node, what: &str) -> Option<&'n str> {
        if let NodeValue::String(text) = &node.value {
            return Some(text);
        }
        self.fail(node, Code::WrongType, format!("{what} must be a string, not {}", node.kind()), None)
    }

    pub fn boolean(&mut self, node: &Node, what: &str) -> Option<bool> {
        if let NodeValue::Boolean(value) = node.value {
            return Some(value);
        }
        self.fail(node, Code::WrongType, format!("{what} must be true or false, not {}", node.kind()), None)
    }

    /// One of several words.
    pub fn word<T: Copy>(&mut self, node: &Node, what: &str, words: &[(&'static str, T)]) -> Option<T> {
        let text = self.string(node, what)?;
        if let Some(&(_, value)) = words.iter().find(|(word, _)| *word == text) {
            return Some(value);
        }
        let known = words.iter().map(|(word, _)| *word);
        let message = format!("{what} is {}, not `{}`", one_of(known.clone()), shortened(text));
        self.fail(node, Code::BadValue, message, suggestion(text, known))
    }

    pub fn name(&mut self, node: &Node, what: &str) -> Option<Name> {
        let text = self.string(node, what)?;
        match text.parse() {
            Ok(name) => Some(name),
            Err(error) => self.fail(node, Code::BadValue, format!("{what}: {error}"), None),
        }
    }

    pub fn entry_name(&mut self, entry: &Entry, what: &str) -> Option<Name> {
        let error = match entry.name.parse() {
            Ok(name) => return Some(name),
            Err(error) => format!("{what}: {error}"),
        };
        self.push(entry.name_span.clone(), &entry.node, "", Code::BadValue, error, None);
        None
    }

    pub fn entry_column(&mut self, entry: &Entry) -> Option<ColumnName> {
        let error = match entry.name.parse() {
            Ok(name) => return Some(name),
            Err(error) => format!("the name of a column: {error}"),
        };
        self.push(entry.name_span.clone(), &entry.node, "", Code::BadValue, error, None);
        None
    }

    pub fn column(&mut self, node: &Node, what: &str) -> Option<ColumnName> {
        let text = self.string(node, what)?;
        match text.parse() {
            Ok(name) => Some(name),
            Err(error) => self.fail(node, Code::BadValue, format!("{what}: {error}"), None),
        }
    }

    pub fn column_ref(&mut self, node: &Node, what: &str) -> Option<ColumnRef> {
        let text = self.string(node, what)?;
        match text.parse() {
            Ok(name) => Some(name),
            Err(error) => {
                let help = "a column is `name`, or `table.name` for a column of a table".to_owned();
                self.fail(node, Code::BadValue, format!("{what}: {error}"), help)
            }
        }
    }

    /// A whole number within limits.
    pub fn integer(&mut self, node: &Node, what: &str, least: u64, most: u64) -> Option<u64> {
        let NodeValue::Integer(text) = &node.value else {
            return self.fail(
                node,
                Code::WrongType,
                format!("{what} must be an integer, not {}", node.kind()),
                None,
            );
        };
        match text.parse() {
            Ok(value) if (least..=most).contains(&value) => Some(value),
            _ => self.fail(node, Code::BadValue, format!("{what} must be from {least} to {most}"), None),
        }
    }

    /// A finite number.
    pub fn number(&mut self, node: &Node, what: &str) -> Option<f64> {
        let (NodeValue::Integer(text) | NodeValue::Float(text)) = &node.value else {
            return self.fail(
                node,
                Code::WrongType,
                format!("{what} must be a number, not {}", node.kind()),
                None,
            );
        };
        match text.parse::<f64>() {
            Ok(value) if value.is_finite() => Some(if value == 0.0 { 0.0 } else { value }),
            _ => self.fail(node, Code::BadValue, format!("{what} must be a finite number"), None),
        }
    }

    /// An amount of privacy loss, from the very digits that were typed, rounded down: it grants.
    pub fn loss<K: Kind>(&mut self, node: &Node) -> Option<Quantity<K>> {
        let (NodeValue::Integer(text) | NodeValue::Float(text) | NodeValue::String(text)) = &node.value
        else {
            let message = format!("{} must be a number, not {}", K::NAME, node.kind());
            return self.fail(node, Code::WrongType, message, None);
        };
        match Quantity::parse(text, Rounding::Down) {
            Ok(value) => Some(value),
            Err(error) => {
                let negative = text.starts_with('-') || matches!(text.as_str(), "inf" | "nan");
                let message = if negative {
                    format!("{} must be a positive number", K::NAME)
                } else {
                    error.to_string()
                };
                self.fail(node, Code::BadValue, message, None)
            }
        }
    }

    /// `[lo, hi]`, finite, lo < hi.
    pub fn bounds(&mut self, node: &Node, what: &str) -> Option<Bounds> {
        let items = self.items(node, what)?;
        let [low, high] = items else {
            return self.fail(
                node,
                Code::BadValue,
                format!("{what} must be two numbers: [lowest, highest]"),
                None,
            );
        };
        let (low, high) = (self.number(low, what), self.number(high, what));
        match Bounds::new(low?, high?) {
            Ok(bounds) => Some(bounds),
            Err(error) => self.fail(node, Code::BadValue, format!("{what}: {error}"), None),
        }
    }

    /// A value that stands for itself; its type is checked where the column is known.
    pub fn literal(&mut self, node: &Node, what: &str) -> Option<Literal> {
        match &node.value {
            NodeValue::Boolean(value) => Some(Literal::Bool(*value)),
            NodeValue::String(text) | NodeValue::Datetime(text) => Some(Literal::String(text.clone())),
            NodeValue::Integer(text) => match text.parse() {
                Ok(value) => Some(Literal::Int(value)),
                Err(_) => self.fail(node, Code::BadValue, format!("{what} does not fit 64 bits"), None),
            },
            NodeValue::Float(_) => self.number(node, what).map(Literal::Float),
            NodeValue::Null | NodeValue::Array(_) | NodeValue::Table(_) => {
                self.fail(node, Code::WrongType, format!("{what} cannot be {}", node.kind()), None)
            }
        }
    }

    pub fn time_zone(&mut self, node: &Node) -> Option<Tz> {
        let text = self.string(node, "tz")?;
        match text.parse() {
            Ok(zone) => Some(zone),
            Err(_) => {
                let message = format!("there is no time zone `{}`", shortened(text));
                let known =
                    crate::diagnostic::nearest(text, chrono_tz::TZ_VARIANTS.iter().map(|zone| zone.name()));
                let help = known.unwrap_or("UTC or Europe/Amsterdam");
                self.fail(node, Code::BadValue, message, format!("an IANA name, such as {help}"))
            }
        }
    }

    /// A list of distinct things.
    pub fn distinct<T: Ord + Clone>(
        &mut self,
        node: &Node,
        what: &str,
        mut read: impl FnMut(&mut Self, &Node) -> Option<T>,
    ) -> Option<Vec<T>> {
        let mut seen = BTreeSet::new();
        let mut all = Some(Vec::new());
        for item in self.items(node, what)? {
            match read(self, item) {
                Some(value) if seen.insert(value.clone()) => {
                    if let Some(all) = &mut all {
                        all.push(value);
                    }
                }
                Some(_) => self.report(item, Code::Duplicate, format!("{what} names this twice"), None),
                None => all = None,
            }
        }
        all
    }
}

/// The fields of one table.
pub(crate) struct Fields<'n> {
    node: &'n Node,
    entries: &'n [Entry],
    what: &'static str,
}

impl<'n> Fields<'n> {
    /// The table itself.
    pub fn node(&self) -> &'n Node {
        self.node
    }

    pub fn entry(&self, name: &str) -> Option<&'n Entry> {
        self.entries.iter().find(|entry| entry.name == name)
    }

    pub fn get(&self, name: &str) -> Option<&'n Node> {
        self.entry(name).map(|entry| &entry.node)
    }

    /// A field that must be there.
    pub fn need(&self, reader: &mut Reader<'_>, name: &str, example: &str) -> Option<&'n Node> {
        let found = self.get(name);
        if found.is_none() {
            let message = format!("{} needs `{name}`", self.what);
            reader.report(self.node, Code::MissingField, message, format!("add {example}"));
        }
        found
    }

    /// A field with a default: `None` only when it is there and wrong.
    pub fn optional<T>(&self, name: &str, read: impl FnOnce(&'n Node) -> Option<T>) -> Option<Option<T>> {
        match self.get(name) {
            None => Some(None),
            Some(node) => read(node).map(Some),
        }
    }
}

/// A name from the file, short enough for a message.
pub(crate) fn shortened(text: &str) -> String {
    if text.chars().count() <= 60 {
        return text.to_owned();
    }
    text.chars().take(57).chain("...".chars()).collect()
}
