//! Group keys: a column as it is, cut into windows of time, or into bins.

use chrono_tz::Tz;
use serde::Serialize;

use super::types::Count;
use crate::diagnostic::Code;
use crate::document::{Fields, Node, NodeValue, Reader};
use crate::names::{ColumnName, ColumnRef, Name};
use crate::value::{Bounds, Literal};

/// One part of a partition's key.
#[derive(Clone, PartialEq, Debug)]
pub struct By {
    /// The column.
    pub column: ColumnRef,
    /// Where its keys come from; `None`: as the policy declares, else private.
    pub keys: Option<KeyRequest>,
    /// For dates and times: the window.
    pub window: Option<Window>,
    /// For numbers: the bins.
    pub bins: Option<Bins>,
    /// What the key's column is called in the release.
    pub alias: Option<ColumnName>,
    /// What becomes of rows without a key; `None`: as the policy says.
    pub null_keys: Option<NullKeyRequest>,
}

impl By {
    /// A column as it is.
    #[must_use]
    pub const fn column(column: ColumnRef) -> Self {
        Self { column, keys: None, window: None, bins: None, alias: None, null_keys: None }
    }
}

/// Where a job wants the keys of a column from.
#[derive(Clone, PartialEq, Debug)]
pub enum KeyRequest {
    /// `"private"`: selected with noise, even where a list is declared.
    Private,
    /// `"policy"`: the list that the policy declares.
    Policy,
    /// `"table"`: every key of a public table; the name is needed only where several would do.
    Table(Option<Name>),
    /// This list, which is the job's own text.
    List(Vec<Literal>),
}

/// What a job wants of rows without a key.
#[derive(Clone, PartialEq, Debug)]
pub enum NullKeyRequest {
    /// They are dropped.
    Drop,
    /// Null is a key.
    Keep,
    /// They count under this key.
    Value(Literal),
}

/// Windows of time: a calendar's, never the clock's.
#[derive(Clone, PartialEq, Debug)]
pub struct Window {
    /// Their length.
    pub every: Every,
    /// The day a week starts on; `None`: Monday.
    pub starts: Option<Weekday>,
    /// The zone of the calendar; `None`: the column's.
    pub tz: Option<Tz>,
    /// From when until when windows are listed, so that they are public; `None`: as the policy says, else private.
    pub range: Option<(Literal, Literal)>,
}

/// A length of time: `1w`, `15m`, `1mo`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize)]
pub struct Every {
    /// How many.
    pub count: Count,
    /// Of what.
    pub unit: EveryUnit,
}

/// A unit of time.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum EveryUnit {
    /// `m`
    Minute,
    /// `h`
    Hour,
    /// `d`
    Day,
    /// `w`
    Week,
    /// `mo`
    Month,
    /// `q`
    Quarter,
    /// `y`
    Year,
}

impl EveryUnit {
    /// The suffixes in files.
    pub const WORDS: [(&'static str, Self); 7] = [
        ("m", Self::Minute),
        ("h", Self::Hour),
        ("d", Self::Day),
        ("w", Self::Week),
        ("mo", Self::Month),
        ("q", Self::Quarter),
        ("y", Self::Year),
    ];

    /// The length of the shortest one.
    #[must_use]
    pub const fn least_seconds(self) -> u64 {
        match self {
            Self::Minute => 60,
            Self::Hour => 3_600,
            // Clocks are put forward by an hour at most once a day.
            Self::Day => 23 * 3_600,
            Self::Week => (7 * 24 - 1) * 3_600,
            Self::Month => (28 * 24 - 1) * 3_600,
            Self::Quarter => (90 * 24 - 1) * 3_600,
            Self::Year => (365 * 24 - 1) * 3_600,
        }
    }
}

impl Every {
    /// From its text.
    ///
    /// ```
    /// use flockwise_query::job::{Every, EveryUnit};
    /// assert_eq!(Every::parse("2w").map(|every| every.unit), Some(EveryUnit::Week));
    /// assert_eq!(Every::parse("0d"), None);
    /// ```
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let at = text.find(|c: char| !c.is_ascii_digit())?;
        let (count, unit) = text.split_at(at);
        let count = count.parse().ok().and_then(|count| Count::new(count).ok())?;
        let &(_, unit) = EveryUnit::WORDS.iter().find(|(word, _)| *word == unit)?;
        Some(Self { count, unit })
    }
}

impl std::fmt::Display for Every {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}{}", self.count.get(), super::types::word(&EveryUnit::WORDS, self.unit))
    }
}

/// A day of the week.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize)]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "the names say it")]
pub enum Weekday {
    Monday,
    Tuesday,
    Wednesday,
    Thursday,
    Friday,
    Saturday,
    Sunday,
}

impl Weekday {
    /// The words in files, from Monday on.
    pub const WORDS: [(&'static str, Self); 7] = [
        ("monday", Self::Monday),
        ("tuesday", Self::Tuesday),
        ("wednesday", Self::Wednesday),
        ("thursday", Self::Thursday),
        ("friday", Self::Friday),
        ("saturday", Self::Saturday),
        ("sunday", Self::Sunday),
    ];

    /// Days after Monday.
    #[must_use]
    pub const fn days_after_monday(self) -> u32 {
        self as u32
    }
}

/// Bins `[i·width, (i+1)·width)`.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Bins {
    /// Their width: positive, finite.
    pub width: f64,
    /// What lies outside falls into the first or last bin, and every bin in between is public; `None`: as the policy
    /// declares, else private.
    pub bounds: Option<Bounds>,
}

const FIELDS: [&str; 11] =
    ["column", "keys", "every", "starts", "tz", "from", "until", "width", "bounds", "as", "null_keys"];

/// `"column"` or `{ column = …, … }`.
pub(super) fn by(reader: &mut Reader<'_>, node: &Node, what: &'static str) -> Option<By> {
    if matches!(node.value, NodeValue::String(_)) {
        return reader.column_ref(node, what).map(By::column);
    }
    if node.entries().is_none() {
        let message = format!("{what} must be a column or a table with `column`, not {}", node.kind());
        return reader.fail(node, Code::WrongType, message, None);
    }
    let fields = reader.fields(node, what, &FIELDS)?;
    let column =
        fields.need(reader, "column", "column = \"...\"").and_then(|n| reader.column_ref(n, "column"));
    let keys = fields.optional("keys", |node| keys(reader, node));
    let window = window(reader, &fields);
    let bins = bins(reader, &fields);
    let alias = fields.optional("as", |node| reader.column(node, "as"));
    let null_keys = fields.optional("null_keys", |node| null_keys(reader, node));
    if let (Some(Some(_)), Some(node)) = (&window, fields.get("width")) {
        reader.report(
            node,
            Code::Conflict,
            "every cuts time and width cuts numbers: not both".to_owned(),
            None,
        );
    }
    let by = By {
        column: column?,
        keys: keys?,
        window: window?,
        bins: bins?,
        alias: alias?,
        null_keys: null_keys?,
    };
    if let (true, Some(node)) = (by.window.is_some() || by.bins.is_some(), fields.get("keys"))
        && !matches!(by.keys, Some(KeyRequest::Private))
    {
        let message = "windows and bins are public by from and until, or bounds: keys does not go with them";
        return reader.fail(node, Code::Conflict, message, None);
    }
    Some(by)
}

fn keys(reader: &mut Reader<'_>, node: &Node) -> Option<KeyRequest> {
    match &node.value {
        NodeValue::Array(items) if items.is_empty() => {
            reader.fail(node, Code::BadValue, "keys must name at least one key", None)
        }
        NodeValue::Array(items) => {
            let mut seen = std::collections::BTreeSet::new();
            let mut all = Vec::with_capacity(items.len());
            for item in items {
                let literal = reader.literal(item, "a key")?;
                if !seen.insert(format!("{literal:?}")) {
                    return reader.fail(item, Code::Duplicate, "keys names this twice", None);
                }
                all.push(literal);
            }
            Some(KeyRequest::List(all))
        }
        NodeValue::Table(_) => {
            let fields = reader.fields(node, "keys", &["table"])?;
            let node = fields.need(reader, "table", "table = \"movies\"")?;
            reader.name(node, "table").map(|table| KeyRequest::Table(Some(table)))
        }
        NodeValue::Null
        | NodeValue::Boolean(_)
        | NodeValue::Integer(_)
        | NodeValue::Float(_)
        | NodeValue::String(_)
        | NodeValue::Datetime(_) => {
            let words = [("private", 0), ("policy", 1), ("table", 2)];
            reader.word(node, "keys", &words).map(|choice| match choice {
                0 => KeyRequest::Private,
                1 => KeyRequest::Policy,
                _ => KeyRequest::Table(None),
            })
        }
    }
}

fn window(reader: &mut Reader<'_>, fields: &Fields<'_>) -> Option<Option<Window>> {
    let Some(node) = fields.get("every") else {
        let stray = ["starts", "tz", "from", "until"].iter().find_map(|name| fields.get(name));
        return match stray {
            None => Some(None),
            Some(node) => {
                let help = "add every = \"1w\"".to_owned();
                reader.fail(node, Code::MissingField, "this needs `every`", help)
            }
        };
    };
    let text = reader.string(node, "every")?;
    let Some(every) = Every::parse(text) else {
        let help = "a number and one of m, h, d, w, mo, q, y: \"15m\", \"1d\", \"1w\", \"1mo\"".to_owned();
        return reader.fail(node, Code::BadValue, "every is not a length of time", help);
    };
    let starts = fields.optional("starts", |node| reader.word(node, "starts", &Weekday::WORDS));
    let tz = fields.optional("tz", |node| reader.time_zone(node));
    let from = fields.optional("from", |node| reader.literal(node, "from"));
    let until = fields.optional("until", |node| reader.literal(node, "until"));
    let starts = starts?;
    if let (Some(_), true) = (starts, every.unit != EveryUnit::Week) {
        let node = fields.get("starts")?;
        return reader.fail(node, Code::Conflict, "starts is for windows of weeks", None);
    }
    let range = match (from?, until?) {
        (None, None) => None,
        (Some(from), Some(until)) => Some((from, until)),
        _ => return reader.fail(fields.node(), Code::MissingField, "from and until go together", None),
    };
    Some(Some(Window { every, starts, tz: tz?, range }))
}

fn bins(reader: &mut Reader<'_>, fields: &Fields<'_>) -> Option<Option<Bins>> {
    let Some(node) = fields.get("width") else {
        return match fields.get("bounds") {
            None => Some(None),
            Some(node) => reader.fail(node, Code::MissingField, "bounds of a key need `width`", None),
        };
    };
    let width = positive(reader, node, "width");
    let bounds = fields.optional("bounds", |node| reader.bounds(node, "bounds"));
    Some(Some(Bins { width: width?, bounds: bounds? }))
}

/// A positive number that a grid can be made of.
pub(super) fn positive(reader: &mut Reader<'_>, node: &Node, what: &str) -> Option<f64> {
    let value = reader.number(node, what)?;
    if !(1e-9..=Bounds::LARGEST).contains(&value) {
        return reader.fail(node, Code::BadValue, format!("{what} must be a number from 1e-9 to 2^53"), None);
    }
    Some(value)
}

fn null_keys(reader: &mut Reader<'_>, node: &Node) -> Option<NullKeyRequest> {
    if node.entries().is_some() {
        let fields = reader.fields(node, "null_keys", &["value"])?;
        let node = fields.need(reader, "value", "value = \"unknown\"")?;
        return reader.literal(node, "null_keys").map(NullKeyRequest::Value);
    }
    let words = [("drop", false), ("keep", true)];
    let keep = reader.word(node, "null_keys", &words)?;
    Some(if keep { NullKeyRequest::Keep } else { NullKeyRequest::Drop })
}
