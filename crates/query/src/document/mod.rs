//! A file as a tree of values with their places, whether it was TOML or JSON.
//!
//! Numbers stay the text that was typed: `0.1` is one tenth, and becomes a float only where a float is meant.

mod reader;

use std::fs::File;
use std::io::Read;
use std::ops::Range;
use std::path::Path;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::diagnostic::{Code, Diagnostic, Diagnostics, SourceFile};

pub(crate) use reader::{Fields, Reader, shortened};

/// Files larger than this are refused before they are parsed.
pub const LARGEST_FILE: usize = 1 << 20;

/// A value and where it stands.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Node {
    pub span: Option<Range<usize>>,
    pub value: NodeValue,
}

#[derive(Clone, PartialEq, Debug)]
pub(crate) enum NodeValue {
    Null,
    Boolean(bool),
    Integer(String),
    Float(String),
    String(String),
    Datetime(String),
    Array(Vec<Node>),
    Table(Vec<Entry>),
}

/// A field of a table.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Entry {
    pub name: String,
    pub name_span: Option<Range<usize>>,
    pub node: Node,
}

impl Node {
    pub fn from_json(value: serde_json::Value) -> Self {
        Self::deserialize(value).expect("every JSON value is a tree: its fields are distinct")
    }

    /// The kind of value, as messages name it.
    pub fn kind(&self) -> &'static str {
        match &self.value {
            NodeValue::Null => "null",
            NodeValue::Boolean(_) => "a boolean",
            NodeValue::Integer(_) => "an integer",
            NodeValue::Float(_) => "a float",
            NodeValue::String(_) => "a string",
            NodeValue::Datetime(_) => "a date or time",
            NodeValue::Array(_) => "a list",
            NodeValue::Table(_) => "a table",
        }
    }

    pub fn entries(&self) -> Option<&[Entry]> {
        if let NodeValue::Table(entries) = &self.value { Some(entries) } else { None }
    }

    fn get(&self, step: Step<'_>) -> Option<(&Self, &Option<Range<usize>>)> {
        match (&self.value, step) {
            (NodeValue::Table(entries), Step::Field(name)) => {
                let entry = entries.iter().find(|entry| entry.name == name)?;
                Some((&entry.node, &entry.name_span))
            }
            (NodeValue::Array(items), Step::Item(index)) => {
                let item = items.get(index)?;
                Some((item, &item.span))
            }
            (NodeValue::Array(_) | NodeValue::Table(_), _) => None,
            (
                NodeValue::Null
                | NodeValue::Boolean(_)
                | NodeValue::Integer(_)
                | NodeValue::Float(_)
                | NodeValue::String(_)
                | NodeValue::Datetime(_),
                _,
            ) => None,
        }
    }

    /// The path of a node of this tree, by identity: only looked for when there is something to report.
    fn path_to(&self, wanted: &Self) -> Option<String> {
        if std::ptr::eq(self, wanted) {
            return Some(String::new());
        }
        // Put together on the way back, so that only the steps to the node itself are written.
        let join = |step: String, rest: String| {
            let dot = if rest.is_empty() || rest.starts_with('[') { "" } else { "." };
            format!("{step}{dot}{rest}")
        };
        match &self.value {
            NodeValue::Table(entries) => entries
                .iter()
                .find_map(|entry| entry.node.path_to(wanted).map(|rest| join(entry.name.clone(), rest))),
            NodeValue::Array(items) => items
                .iter()
                .enumerate()
                .find_map(|(index, item)| item.path_to(wanted).map(|rest| join(format!("[{index}]"), rest))),
            NodeValue::Null
            | NodeValue::Boolean(_)
            | NodeValue::Integer(_)
            | NodeValue::Float(_)
            | NodeValue::String(_)
            | NodeValue::Datetime(_) => None,
        }
    }
}

#[derive(Clone, Copy)]
enum Step<'a> {
    Field(&'a str),
    Item(usize),
}

/// Where the fields of a job or policy stand in its file: used for messages only.
///
/// A job that was built in code has no file: [`Places::nowhere`].
#[derive(Clone, PartialEq, Debug)]
pub struct Places {
    file: SourceFile,
    root: Option<Node>,
}

impl Places {
    /// For what was built in code; `name` is shown in place of a file's name.
    #[must_use]
    pub fn nowhere(name: &str) -> Self {
        Self { file: SourceFile::new(name, ""), root: None }
    }

    pub(crate) fn new(file: SourceFile, root: Node) -> Self {
        Self { file, root: Some(root) }
    }

    /// The file.
    #[must_use]
    pub fn file(&self) -> &SourceFile {
        &self.file
    }

    /// Where the field at a path (`release[0].by[1].column`) stands, or the nearest table around it.
    #[must_use]
    pub fn find(&self, path: &str) -> Option<Range<usize>> {
        let mut node = self.root.as_ref()?;
        let mut span = &node.span;
        for step in steps(path) {
            let Some((next, place)) = node.get(step) else { break };
            // A table's own span may be a header far above its fields: point at the value where it is a leaf.
            span = if next.entries().is_some() { place } else { &next.span };
            node = next;
        }
        span.clone()
    }

    /// Whether the file has a field at this path.
    #[must_use]
    pub(crate) fn has(&self, path: &str) -> bool {
        let mut node = self.root.as_ref();
        for step in steps(path) {
            node = node.and_then(|node| node.get(step)).map(|(next, _)| next);
        }
        node.is_some()
    }

    /// The place inside a string value: an expression's own span moved to where the string stands.
    #[must_use]
    pub fn find_within(&self, path: &str, inner: Range<usize>) -> Option<Range<usize>> {
        let outer = self.find(path)?;
        let raw = self.file.text().get(outer.clone())?;
        // Only a plain one-line string maps byte for byte; in any other, point at the whole.
        let plain = raw.len() >= 2
            && !raw.starts_with("\"\"\"")
            && !raw.starts_with("'''")
            && (raw.starts_with('\'') || (raw.starts_with('"') && !raw.contains('\\')));
        if !plain {
            return Some(outer);
        }
        let last = outer.end - 1;
        let start = (outer.start + 1 + inner.start).min(last);
        Some(start..(outer.start + 1 + inner.end).clamp(start, last))
    }

    /// A diagnostic about the field at a path.
    #[must_use]
    pub fn diagnostic(&self, path: &str, code: Code, message: String, help: Option<String>) -> Diagnostic {
        Diagnostic {
            file: self.file.clone(),
            span: self.find(path),
            path: path.to_owned(),
            code,
            message,
            help,
        }
    }
}

fn steps(path: &str) -> impl Iterator<Item = Step<'_>> {
    path.split(['.', '[']).filter(|part| !part.is_empty()).map(|part| match part.strip_suffix(']') {
        Some(index) => index.parse().map_or(Step::Field(part), Step::Item),
        None => Step::Field(part),
    })
}

/// Reads TOML.
pub(crate) fn parse_toml(file: &SourceFile) -> Result<Node, Diagnostics> {
    let text = file.text();
    refuse_large(file)?;
    let (root, errors) = DeTable::parse_recoverable(text);
    if errors.is_empty() {
        let span = root.span();
        return Ok(Node { span: Some(span), value: NodeValue::Table(entries(root.into_inner())) });
    }
    let report = |error: &toml::de::Error| Diagnostic {
        file: file.clone(),
        span: Some(error.span().unwrap_or(0..0)),
        path: String::new(),
        code: Code::Syntax,
        message: error.message().to_owned(),
        help: None,
    };
    Err(Diagnostics::new(errors.iter().take(5).map(report).collect()))
}

/// The text of a file; what goes wrong is a diagnostic like any other.
pub(crate) fn read_file(path: &Path) -> Result<String, Diagnostics> {
    let failed = |message: String| {
        Diagnostics::new(vec![Diagnostic {
            file: SourceFile::new(&path.display().to_string(), ""),
            span: None,
            path: String::new(),
            code: Code::Unreadable,
            message,
            help: None,
        }])
    };
    let file = File::open(path).map_err(|error| failed(format!("cannot open the file: {error}")))?;
    let mut bytes = Vec::new();
    // One byte over the limit is enough to refuse: a device that never ends must not fill memory.
    file.take(LARGEST_FILE as u64 + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| failed(format!("cannot read the file: {error}")))?;
    String::from_utf8(bytes).map_err(|_| failed("the file is not UTF-8".to_owned()))
}

fn refuse_large(file: &SourceFile) -> Result<(), Diagnostics> {
    if file.text().len() <= LARGEST_FILE {
        return Ok(());
    }
    Err(Diagnostics::new(vec![Diagnostic {
        file: SourceFile::new(file.name(), ""),
        span: None,
        path: String::new(),
        code: Code::TooLarge,
        message: format!("the file is larger than {LARGEST_FILE} bytes"),
        help: Some("name a public table with `keys = \"table\"` in place of a long list of keys".to_owned()),
    }]))
}

fn entries(table: DeTable<'_>) -> Vec<Entry> {
    let entry = |(name, value): (Spanned<_>, Spanned<DeValue<'_>>)| {
        let name_span = Some(name.span());
        let name: std::borrow::Cow<'_, str> = name.into_inner();
        Entry { name: name.into_owned(), name_span, node: node(value) }
    };
    table.into_iter().map(entry).collect()
}

fn node(value: Spanned<DeValue<'_>>) -> Node {
    let span = Some(value.span());
    let value = match value.into_inner() {
        DeValue::String(text) => NodeValue::String(text.into_owned()),
        // What does not fit 128 bits is no number that any field takes: its text stays, and is refused there.
        DeValue::Integer(number) => NodeValue::Integer(
            i128::from_str_radix(number.as_str(), number.radix())
                .map_or_else(|_| number.as_str().to_owned(), |value| value.to_string()),
        ),
        DeValue::Float(number) => NodeValue::Float(number.as_str().trim_start_matches('+').to_owned()),
        DeValue::Boolean(value) => NodeValue::Boolean(value),
        DeValue::Datetime(value) => NodeValue::Datetime(value.to_string()),
        DeValue::Array(items) => NodeValue::Array(items.into_iter().map(node).collect()),
        DeValue::Table(table) => NodeValue::Table(entries(table)),
    };
    Node { span, value }
}

/// Reads JSON: the same values, without places.
pub(crate) fn parse_json(file: &SourceFile) -> Result<Node, Diagnostics> {
    refuse_large(file)?;
    serde_json::from_str(file.text()).map_err(|error| {
        let line_start =
            file.text().split_inclusive('\n').take(error.line().saturating_sub(1)).map(str::len).sum();
        let at: usize = line_start;
        let at = at + error.column().saturating_sub(1);
        Diagnostics::new(vec![Diagnostic {
            file: file.clone(),
            span: Some(at..at + 1),
            path: String::new(),
            code: Code::Syntax,
            message: error.to_string(),
            help: None,
        }])
    })
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NodeVisitor)
    }
}

struct NodeVisitor;

impl NodeVisitor {
    const fn leaf(value: NodeValue) -> Node {
        Node { span: None, value }
    }
}

impl<'de> Visitor<'de> for NodeVisitor {
    type Value = Node;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a value")
    }
    fn visit_bool<E>(self, value: bool) -> Result<Node, E> {
        Ok(Self::leaf(NodeValue::Boolean(value)))
    }
    fn visit_i64<E>(self, value: i64) -> Result<Node, E> {
        Ok(Self::leaf(NodeValue::Integer(value.to_string())))
    }
    fn visit_u64<E>(self, value: u64) -> Result<Node, E> {
        Ok(Self::leaf(NodeValue::Integer(value.to_string())))
    }
    fn visit_f64<E>(self, value: f64) -> Result<Node, E> {
        // The shortest decimal that reads back as this float: what was typed, for up to 15 figures.
        Ok(Self::leaf(NodeValue::Float(format!("{value:?}"))))
    }
    fn visit_str<E>(self, value: &str) -> Result<Node, E> {
        Ok(Self::leaf(NodeValue::String(value.to_owned())))
    }
    fn visit_unit<E>(self) -> Result<Node, E> {
        Ok(Self::leaf(NodeValue::Null))
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Node, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = sequence.next_element()? {
            items.push(item);
        }
        Ok(Self::leaf(NodeValue::Array(items)))
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Node, A::Error> {
        let mut seen = std::collections::BTreeSet::new();
        let mut entries: Vec<Entry> = Vec::new();
        while let Some((name, node)) = map.next_entry::<String, Node>()? {
            if !seen.insert(name.clone()) {
                return Err(serde::de::Error::custom("duplicate key"));
            }
            entries.push(Entry { name, name_span: None, node });
        }
        Ok(Self::leaf(NodeValue::Table(entries)))
    }
}
