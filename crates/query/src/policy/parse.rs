//! Reads the policy file: the parts, and what two parts say together.

use std::collections::BTreeMap;

use chrono_tz::Tz;
use flockwise_mechanisms::units::DeltaKind;
use flockwise_mechanisms::{Accounting, Delta};

use super::columns::{columns, derived, sources, table};
use super::{Access, Budget, Consent, Data, LedgerId, Open, Policy, Renewal, RenewalWindow, Table};
use crate::diagnostic::Code;
use crate::document::{Fields, Node, Reader};
use crate::names::Name;
use crate::value::ColumnType;

const FIELDS: [&str; 9] =
    ["version", "data", "budget", "columns", "derive", "tables", "purposes", "consent", "no_privacy"];

/// Reads it all, so that independent problems are reported together.
pub(super) fn policy(reader: &mut Reader<'_>, root: &Node) -> Option<Policy> {
    let fields = reader.fields(root, "a policy", &FIELDS)?;
    version(reader, &fields)?;
    let data = fields
        .need(reader, "data", "[data] with name, source and privacy_unit")
        .and_then(|n| data(reader, n));
    let access = access(reader, &fields, data.as_ref());
    let columns = match fields.get("columns") {
        Some(node) => columns(reader, node),
        None => Some(BTreeMap::new()),
    };
    let derived = match fields.get("derive") {
        Some(node) => match &columns {
            Some(columns) => derived(reader, node, columns),
            // Its names cannot be judged by columns that could not be read.
            None => None,
        },
        None => Some(BTreeMap::new()),
    };
    let tables = tables(reader, &fields);
    let purposes = purposes(reader, &fields);
    let consent = fields.optional("consent", |node| consent(reader, node));
    let policy = Policy {
        data: data?,
        access: access?,
        columns: columns?,
        derived: derived?,
        tables: tables?,
        purposes: purposes?,
        consent: consent?,
    };
    cross_check(reader, &fields, &policy);
    Some(policy)
}

/// `version` must be 1, before anything else is understood.
pub(crate) fn version(reader: &mut Reader<'_>, fields: &Fields<'_>) -> Option<()> {
    let node = fields.need(reader, "version", "version = 1")?;
    match reader.integer(node, "version", 0, u64::MAX)? {
        1 => Some(()),
        _ => reader.fail(node, Code::Version, "only version 1 is known here", "version = 1".to_owned()),
    }
}

fn data(reader: &mut Reader<'_>, node: &Node) -> Option<Data> {
    let fields = reader.fields(node, "[data]", &["name", "source", "privacy_unit"])?;
    let name = fields.need(reader, "name", "name = \"films\"").and_then(|n| reader.name(n, "name"));
    let source =
        fields.need(reader, "source", "source = \"ratings.parquet\"").and_then(|n| sources(reader, n));
    let unit = fields
        .need(reader, "privacy_unit", "privacy_unit = \"user_id\": the column that says whose row it is")
        .and_then(|n| reader.column(n, "privacy_unit"));
    Some(Data { name: name?, source: source?, privacy_unit: unit? })
}

fn access(reader: &mut Reader<'_>, fields: &Fields<'_>, data: Option<&Data>) -> Option<Access> {
    match (fields.get("no_privacy"), fields.get("budget")) {
        (Some(node), budget) => {
            let reason = reader.string(node, "no_privacy")?;
            if reason.trim().is_empty() {
                let help = "no_privacy = \"why these data may be looked at\"".to_owned();
                return reader.fail(node, Code::BadValue, "no_privacy must give a reason", help);
            }
            open(reader, reason, budget).map(Access::NoPrivacy)
        }
        (None, Some(node)) => budget(reader, node, data).map(Access::Budget),
        (None, None) => {
            let help =
                "add [budget] with epsilon and delta; or no_privacy = \"why these data may be looked at\"";
            let message = "a policy needs `budget`";
            reader.fail(fields.node(), Code::MissingField, message, help.to_owned())
        }
    }
}

fn budget(reader: &mut Reader<'_>, node: &Node, data: Option<&Data>) -> Option<Budget> {
    let known = ["epsilon", "delta", "accounting", "ledger", "releases", "ledger_id", "per"];
    let fields = reader.fields(node, "[budget]", &known)?;
    let epsilon = fields.need(reader, "epsilon", "epsilon = 4.0").and_then(|n| reader.loss(n));
    let accounting = accounting(reader, &fields);
    let delta = match fields.get("delta") {
        Some(node) => reader.loss::<DeltaKind>(node),
        None if accounting == Some(Accounting::Pure) => Some(Delta::ZERO),
        None => fields.need(reader, "delta", "delta = 1e-6, far below one in the number of people").and(None),
    };
    let path = |reader: &mut Reader<'_>, name: &str| {
        let given = fields.optional(name, |node| {
            let text = reader.string(node, name)?;
            if text.trim().is_empty() || text.chars().any(char::is_control) {
                return reader.fail(node, Code::BadValue, format!("{name} must be a path"), None);
            }
            Some(text.to_owned())
        })?;
        given.or_else(|| data.map(|data| format!("{}.{name}", data.name)))
    };
    let (ledger, releases) = (path(reader, "ledger"), path(reader, "releases"));
    if let (Some(node), true) = (fields.get("releases"), ledger.is_some() && ledger == releases) {
        reader.report(node, Code::Conflict, "ledger and releases must be different files".to_owned(), None);
    }
    let ledger_id = fields.optional("ledger_id", |node| {
        let text = reader.string(node, "ledger_id")?;
        let id = LedgerId::new(text);
        if id.is_none() {
            let help = "the id that `flockwise init` printed".to_owned();
            reader.report(node, Code::BadValue, "ledger_id is not the id of a ledger".to_owned(), help);
        }
        id
    });
    let per = fields.optional("per", |node| renewal(reader, node));
    Some(Budget {
        epsilon: epsilon?,
        delta: delta?,
        accounting: accounting?,
        ledger: ledger?,
        releases: releases?,
        ledger_id: ledger_id?,
        per: per?,
    })
}

/// The fields of [budget] that need a ledger.
const OF_A_LEDGER: [&str; 4] = ["ledger", "releases", "ledger_id", "per"];

/// Under `no_privacy` [budget] says what is benchmarked, and nothing of a ledger.
fn open(reader: &mut Reader<'_>, reason: &str, budget: Option<&Node>) -> Option<Open> {
    let reason = reason.to_owned();
    let Some(node) = budget else {
        return Some(Open { reason, epsilon: None, delta: Delta::ZERO, accounting: Accounting::Gdp });
    };
    let known = ["epsilon", "delta", "accounting"].into_iter().chain(OF_A_LEDGER).collect::<Vec<_>>();
    let fields = reader.fields(node, "[budget]", &known)?;
    for name in OF_A_LEDGER {
        if let Some(node) = fields.get(name) {
            let message = format!("no_privacy and `{name}` exclude each other: such a policy has no ledger");
            let help = format!("remove `{name}`; or remove no_privacy, if the data must be protected");
            reader.report(node, Code::Conflict, message, help);
        }
    }
    let epsilon = fields.optional("epsilon", |node| reader.loss(node));
    let accounting = accounting(reader, &fields);
    let delta = fields.optional("delta", |node| reader.loss::<DeltaKind>(node));
    Some(Open { reason, epsilon: epsilon?, delta: delta?.unwrap_or(Delta::ZERO), accounting: accounting? })
}

fn accounting(reader: &mut Reader<'_>, fields: &Fields<'_>) -> Option<Accounting> {
    let accounting = fields.optional("accounting", |node| {
        let words = [Accounting::Pure, Accounting::Zcdp, Accounting::Gdp, Accounting::Approx];
        reader.word(node, "accounting", &words.map(|mode| (mode.name(), mode)))
    });
    accounting.map(|mode| mode.unwrap_or(Accounting::Gdp))
}

fn renewal(reader: &mut Reader<'_>, node: &Node) -> Option<Renewal> {
    let fields = reader.fields(node, "per", &["window", "time", "tz"])?;
    let window = fields
        .need(reader, "window", "window = \"month\"")
        .and_then(|node| reader.word(node, "window", &RenewalWindow::WORDS));
    let time =
        fields.need(reader, "time", "time = \"timestamp\"").and_then(|node| reader.column(node, "time"));
    let tz = fields.optional("tz", |node| reader.time_zone(node));
    Some(Renewal { window: window?, time: time?, tz: tz?.unwrap_or(Tz::UTC) })
}

fn tables(reader: &mut Reader<'_>, fields: &Fields<'_>) -> Option<BTreeMap<Name, Table>> {
    let Some(node) = fields.get("tables") else { return Some(BTreeMap::new()) };
    let mut all = Some(BTreeMap::new());
    for entry in reader.entries(node, "[tables]")? {
        let name = reader.entry_name(entry, "the name of a table");
        match (name, table(reader, &entry.node), all.as_mut()) {
            (Some(name), Some(table), Some(all)) => {
                all.insert(name, table);
            }
            _ => all = None,
        }
    }
    all
}

fn purposes(reader: &mut Reader<'_>, fields: &Fields<'_>) -> Option<BTreeMap<Name, String>> {
    let Some(node) = fields.get("purposes") else { return Some(BTreeMap::new()) };
    let mut all = Some(BTreeMap::new());
    for entry in reader.entries(node, "[purposes]")? {
        let name = reader.entry_name(entry, "the name of a purpose");
        let text = reader.string(&entry.node, "the description of a purpose");
        match (name, text, all.as_mut()) {
            (Some(name), Some(text), Some(all)) => {
                all.insert(name, text.to_owned());
            }
            _ => all = None,
        }
    }
    all
}

fn consent(reader: &mut Reader<'_>, node: &Node) -> Option<Consent> {
    let fields = reader.fields(node, "[consent]", &["source", "columns", "default"])?;
    let source =
        fields.need(reader, "source", "source = \"consent.parquet\"").and_then(|n| sources(reader, n));
    let default =
        fields.optional("default", |node| reader.word(node, "default", &[("deny", false), ("grant", true)]));
    let example = "columns = { person = \"user_id\", purpose = \"purpose\", granted = \"granted\" }";
    let node = fields.need(reader, "columns", example)?;
    let named =
        reader.fields(node, "the columns of [consent]", &["person", "purpose", "granted", "epsilon"])?;
    let mut one = |name: &str| {
        let example = format!("{name} = \"...\"");
        named.need(reader, name, &example).and_then(|node| reader.column(node, name))
    };
    let (person, purpose, granted) = (one("person"), one("purpose"), one("granted"));
    let epsilon = named.optional("epsilon", |node| reader.column(node, "epsilon"));
    Some(Consent {
        source: source?,
        person: person?,
        purpose: purpose?,
        granted: granted?,
        epsilon: epsilon?,
        default_granted: default?.unwrap_or(false),
    })
}

/// What two parts say together.
fn cross_check(reader: &mut Reader<'_>, fields: &Fields<'_>, policy: &Policy) {
    let unit = &policy.data.privacy_unit;
    if let Some(column) = policy.columns.get(unit)
        && !matches!(column.kind, ColumnType::Int | ColumnType::String)
    {
        let message =
            format!("the privacy unit `{unit}` must be int or string: any other type can join two people");
        report(reader, fields, "columns", unit.as_str(), (Code::WrongType, message, None));
    }
    for name in policy.derived.keys() {
        if policy.columns.contains_key(name) || name == unit {
            let message = format!("there is a column `{name}` already");
            report(reader, fields, "derive", name.as_str(), (Code::Duplicate, message, None));
        }
    }
    for (name, table) in &policy.tables {
        check_table(reader, fields, policy, name, table);
    }
    if let Some(consent) = fields.get("consent")
        && policy.purposes.is_empty()
    {
        let help = "add [purposes]: consent is given for a purpose".to_owned();
        reader.report(consent, Code::MissingField, "[consent] needs [purposes]".to_owned(), help);
    }
    if let Access::Budget(Budget { per: Some(per), .. }) = &policy.access
        && let Some(node) = fields
            .get("budget")
            .and_then(Node::entries)
            .and_then(|entries| entries.iter().find(|entry| entry.name == "per").map(|entry| &entry.node))
    {
        match policy.columns.get(&per.time) {
            Some(column) if column.kind == ColumnType::Date && per.tz != Tz::UTC => {
                let message = format!("`{}` holds dates, and a date has no time zone", per.time);
                reader.report(node, Code::Conflict, message, "remove tz".to_owned());
            }
            Some(column) if column.kind.is_time() => {}
            Some(_) => {
                let message = format!("`{}` is not a date or datetime column", per.time);
                reader.report(node, Code::WrongType, message, None);
            }
            None => {
                let message = format!("there is no column `{}`", per.time);
                let help = crate::diagnostic::suggestion(
                    per.time.as_str(),
                    policy.columns.keys().map(crate::names::ColumnName::as_str),
                );
                reader.report(node, Code::UnknownName, message, help);
            }
        }
    }
}

fn check_table(reader: &mut Reader<'_>, fields: &Fields<'_>, policy: &Policy, name: &Name, table: &Table) {
    let unit = &policy.data.privacy_unit;
    if table.private && !table.key.contains(unit) {
        let message = format!("the key of the private table `{name}` must hold the privacy unit `{unit}`");
        let help =
            format!("add \"{unit}\" to key; or, if the table holds nobody's data, remove private = true");
        report(reader, fields, "tables", name.as_str(), (Code::Unsupported, message, Some(help)));
    }
    if !table.private && (table.key.contains(unit) || table.columns.contains_key(unit)) {
        let message =
            format!("the public table `{name}` holds the privacy unit `{unit}`: its rows belong to people");
        let help = "private = true".to_owned();
        report(reader, fields, "tables", name.as_str(), (Code::Unsupported, message, Some(help)));
    }
    for key in table.key.iter().filter(|key| *key != unit) {
        match policy.columns.get(key) {
            None => {
                let message = format!("table `{name}` is joined on `{key}`, which is not among [columns]");
                let help = format!("list it: {key} = {{ type = \"int\" }}");
                report(reader, fields, "tables", name.as_str(), (Code::UnknownName, message, Some(help)));
            }
            Some(column) if column.kind == ColumnType::Float => {
                let message = format!("table `{name}` is joined on `{key}`, which is a float");
                let help = "equality of floats is not what a join means: use int or string".to_owned();
                report(reader, fields, "tables", name.as_str(), (Code::WrongType, message, Some(help)));
            }
            Some(column) => {
                if table.columns.get(key).is_some_and(|own| own.kind != column.kind) {
                    let message = format!("`{key}` has another type in table `{name}` than in [columns]");
                    report(reader, fields, "tables", name.as_str(), (Code::Conflict, message, None));
                }
            }
        }
    }
}

/// At an entry of one of the free-named tables.
fn report(
    reader: &mut Reader<'_>,
    fields: &Fields<'_>,
    table: &str,
    name: &str,
    (code, message, help): (Code, String, Option<String>),
) {
    let table = fields.get(table).unwrap_or_else(|| fields.node());
    let entry = table.entries().and_then(|entries| entries.iter().find(|entry| entry.name == name));
    match entry {
        Some(entry) => reader.report_entry(entry, code, message, help),
        None => reader.report(table, code, message, help),
    }
}
