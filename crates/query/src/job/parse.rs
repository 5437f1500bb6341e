//! Reads the job file.

use std::collections::{BTreeMap, BTreeSet};

use chrono_tz::Tz;

use super::by::{By, by, positive};
use super::spending::{amount, check_spending, spend};
use super::statistic::{
    Activity, Affinity, Aggregate, CoOccurrence, Histogram, Measure, Per, Popularity, Quantile, Reach,
    Retention, Statistic, Summary, TopK, Transitions,
};
use super::types::{Contribution, Count, Limit, MechanismChoice, TwoStage};
use super::{Job, MOST_RELEASES, Release, windows};
use crate::diagnostic::{Code, one_of, suggestion};
use crate::document::{Fields, Node, NodeValue, Reader};
use crate::expr::ExprText;
use crate::names::{ColumnRef, Name};
use crate::value::ColumnType;

/// No key has more parts.
const MOST_PARTS: usize = 16;

pub(super) fn job(reader: &mut Reader<'_>, root: &Node) -> Option<Job> {
    let fields = reader.fields(root, "a job", &["version", "data", "purpose", "job", "params", "release"])?;
    crate::policy::version(reader, &fields)?;
    let data = fields.need(reader, "data", "data = \"films\"").and_then(|node| reader.name(node, "data"));
    let purpose = fields.optional("purpose", |node| reader.name(node, "purpose"));
    let total = fields.optional("job", |node| {
        let fields = reader.fields(node, "[job]", &["epsilon", "rho", "delta", "windows"])?;
        let amount = amount(reader, &fields);
        let delta = fields.optional("delta", |node| reader.loss(node));
        let windows = fields.optional("windows", |node| windows::windows(reader, node));
        Some((amount?, delta?, windows?))
    });
    let params = params(reader, &fields);
    let releases = releases(reader, &fields);
    let (total, delta, windows) = total?.unwrap_or_default();
    let job =
        Job { data: data?, purpose: purpose?, total, delta, windows, params: params?, releases: releases? };
    check_spending(reader, &fields, &job);
    Some(job)
}

fn params(reader: &mut Reader<'_>, fields: &Fields<'_>) -> Option<BTreeMap<Name, ColumnType>> {
    let Some(node) = fields.get("params") else { return Some(BTreeMap::new()) };
    let words = [
        ("int", ColumnType::Int),
        ("float", ColumnType::Float),
        ("string", ColumnType::String),
        ("bool", ColumnType::Bool),
        ("date", ColumnType::Date),
        ("datetime", ColumnType::Datetime(Tz::UTC)),
    ];
    let mut all = Some(BTreeMap::new());
    for entry in reader.entries(node, "[params]")? {
        let name = reader.entry_name(entry, "the name of a parameter");
        let kind = reader.word(&entry.node, "the type of a parameter", &words);
        match (name, kind, all.as_mut()) {
            (Some(name), Some(kind), Some(all)) => {
                all.insert(name, kind);
            }
            _ => all = None,
        }
    }
    all
}

fn releases(reader: &mut Reader<'_>, fields: &Fields<'_>) -> Option<Vec<Release>> {
    let node = fields.need(reader, "release", "a [[release]] with name and statistic")?;
    let items = reader.items(node, "release")?;
    if items.is_empty() || items.len() > MOST_RELEASES {
        let message = format!("a job has from 1 to {MOST_RELEASES} releases");
        return reader.fail(node, Code::TooLarge, message, None);
    }
    let mut names = BTreeSet::new();
    let mut all = Some(Vec::with_capacity(items.len()));
    for item in items {
        match release(reader, item) {
            // Names are files, and some file systems do not tell cases apart.
            Some(release) if names.insert(release.name.as_str().to_lowercase()) => {
                if let Some(all) = &mut all {
                    all.push(release);
                }
            }
            Some(release) => {
                let message = format!("two releases are called `{}`", release.name);
                let node = item.entries().and_then(|fields| fields.iter().find(|field| field.name == "name"));
                reader.report(node.map_or(item, |entry| &entry.node), Code::Duplicate, message, None);
            }
            None => all = None,
        }
    }
    all
}

const COMMON: [&str; 12] = [
    "name",
    "statistic",
    "where",
    "label",
    "contribution",
    "epsilon",
    "rho",
    "share",
    "delta",
    "mechanism",
    "two_stage",
    "by",
];

/// The fields that a statistic takes beside [`COMMON`] (of which `by` is not for all).
fn own_fields(statistic: &str) -> (&'static [&'static str], bool) {
    match statistic {
        "popularity" => (&["aggregates", "max_rows_per_key", "consistent"], true),
        "top_k" => (&["k", "item"], true),
        "summary" => (&["column", "aggregates", "per", "max_rows_per_key", "bounds"], true),
        "co_occurrence" => (&["item", "measures"], false),
        "transitions" => (&["item", "order_by"], false),
        "affinity" => (&["category"], true),
        "reach" => (&["consistent"], true),
        "retention" => (&["cohort", "period"], false),
        _ => (&[], false),
    }
}

fn release(reader: &mut Reader<'_>, node: &Node) -> Option<Release> {
    let statistic_node = node.entries().and_then(|all| all.iter().find(|entry| entry.name == "statistic"));
    let statistic_name = match statistic_node.map(|entry| &entry.node.value) {
        Some(NodeValue::String(text)) if Statistic::NAMES.contains(&text.as_str()) => text.as_str(),
        _ => return unknown_statistic(reader, node, statistic_node.map(|entry| &entry.node)),
    };
    let (own, takes_by) = own_fields(statistic_name);
    let mut known: Vec<&'static str> = COMMON.to_vec();
    known.retain(|field| *field != "by" || takes_by);
    known.extend(own.iter().chain(&super::finish::FIELDS));
    let fields = reader.fields(node, "this release", &known)?;
    let name = fields.need(reader, "name", "name = \"popular\"").and_then(|node| reader.name(node, "name"));
    let statistic = statistic(reader, &fields, statistic_name);
    let filter = fields.optional("where", |node| filter(reader, node));
    let label = fields.optional("label", |node| label(reader, node));
    let contribution = fields.optional("contribution", |node| contribution(reader, node));
    let spend = spend(reader, &fields);
    let delta = fields.optional("delta", |node| reader.loss(node));
    let mechanism =
        fields.optional("mechanism", |node| reader.word(node, "mechanism", &MechanismChoice::WORDS));
    let two_stage = fields.optional("two_stage", |node| {
        if let NodeValue::Boolean(always) = node.value {
            return Some(if always { TwoStage::Always } else { TwoStage::Never });
        }
        reader.word(node, "two_stage", &[("auto", TwoStage::Auto)])
    });
    let finish = super::finish::finish(reader, &fields);
    Some(Release {
        name: name?,
        statistic: statistic?,
        filter: filter?,
        label: label?.unwrap_or_default(),
        contribution: contribution?.unwrap_or_default(),
        spend: spend?,
        delta: delta?,
        mechanism: mechanism?.unwrap_or_default(),
        two_stage: two_stage?.unwrap_or_default(),
        finish: finish?,
    })
}

fn unknown_statistic<T>(reader: &mut Reader<'_>, release: &Node, node: Option<&Node>) -> Option<T> {
    let Some(node) = node else {
        if release.entries().is_none() {
            let message = format!("a release must be a table, not {}", release.kind());
            return reader.fail(release, Code::WrongType, message, None);
        }
        let help = format!("statistic = one of {}", one_of(Statistic::NAMES));
        return reader.fail(release, Code::MissingField, "this release needs `statistic`", help);
    };
    let text = reader.string(node, "statistic")?;
    let help = if text == "trend" {
        "a trend is popularity or summary by a window: by = [{ column = \"timestamp\", every = \"1w\" }]"
            .to_owned()
    } else {
        suggestion(text, Statistic::NAMES)
    };
    let message = format!("there is no statistic `{}`", crate::document::shortened(text));
    reader.fail(node, Code::BadValue, message, help)
}

fn statistic(reader: &mut Reader<'_>, fields: &Fields<'_>, name: &str) -> Option<Statistic> {
    Some(match name {
        "popularity" => {
            let by = need_keys(reader, fields);
            let aggregates = aggregates(reader, fields, false);
            let (rows, consistent) = (rows_per_key(reader, fields), consistent(reader, fields));
            let aggregates = aggregates?.unwrap_or_else(|| vec![Aggregate::People]);
            let (by, max_rows_per_key, consistent) = (by?, rows?, consistent?);
            Statistic::Popularity(Popularity { by, aggregates, max_rows_per_key, consistent })
        }
        "top_k" => {
            let k = fields.need(reader, "k", "k = 10").and_then(|node| {
                let most = u64::from(Count::MOST);
                let k = reader.integer(node, "k", 1, most)?;
                u32::try_from(k).ok().and_then(|k| Count::new(k).ok())
            });
            let (item, by) = (one_key(reader, fields, "item"), keys(reader, fields));
            Statistic::TopK(TopK { k: k?, item: item?, by: by? })
        }
        "summary" => Statistic::Summary(summary(reader, fields)?),
        "co_occurrence" => {
            let item = one_key(reader, fields, "item");
            let measures = fields.optional("measures", |node| {
                let all = reader.distinct(node, "measures", |reader, node| {
                    reader.word(node, "a measure", &Measure::WORDS)
                })?;
                if all.is_empty() {
                    return reader.fail(node, Code::BadValue, "measures must name at least one", None);
                }
                Some(all)
            });
            Statistic::CoOccurrence(CoOccurrence {
                item: item?,
                measures: measures?.unwrap_or_else(|| vec![Measure::People]),
            })
        }
        "transitions" => {
            let item = one_key(reader, fields, "item");
            let order = column(reader, fields, "order_by", "order_by = \"timestamp\"");
            Statistic::Transitions(Transitions { item: item?, order_by: order? })
        }
        "affinity" => {
            let (by, category) = (need_keys(reader, fields), one_key(reader, fields, "category"));
            Statistic::Affinity(Affinity { by: by?, category: category? })
        }
        "reach" => {
            let (by, consistent) = (keys(reader, fields), consistent(reader, fields));
            Statistic::Reach(Reach { by: by?, consistent: consistent? })
        }
        "retention" => {
            let (cohort, period) = (one_key(reader, fields, "cohort"), one_key(reader, fields, "period"));
            Statistic::Retention(Retention { cohort: cohort?, period: period? })
        }
        _ => Statistic::Activity(Activity),
    })
}

fn summary(reader: &mut Reader<'_>, fields: &Fields<'_>) -> Option<Summary> {
    let by = keys(reader, fields);
    let column = column(reader, fields, "column", "column = \"rating\"");
    let aggregates = aggregates(reader, fields, true);
    let rows = rows_per_key(reader, fields);
    let auto = fields.optional("bounds", |node| {
        if matches!(&node.value, NodeValue::String(text) if text == "auto") {
            return Some(true);
        }
        let help = "bounds = \"auto\" buys them; or declare them in the policy".to_owned();
        reader.fail(node, Code::BadValue, "a job cannot set bounds: they are the curator's", help)
    });
    let aggregates = aggregates?.unwrap_or_else(|| vec![Aggregate::People, Aggregate::Sum, Aggregate::Mean]);
    let auto_bounds = auto?.unwrap_or(false);
    let per = per(reader, fields, &aggregates, rows);
    Some(Summary { by: by?, column: column?, aggregates, per: per?, max_rows_per_key: rows?, auto_bounds })
}

/// Whose values: what does not go together is refused.
fn per(
    reader: &mut Reader<'_>,
    fields: &Fields<'_>,
    aggregates: &[Aggregate],
    rows: Option<Limit>,
) -> Option<Per> {
    let Some(node) = fields.get("per") else { return Some(Per::default()) };
    let per = reader.word(node, "per", &Per::WORDS)?;
    match (per, fields.get("max_rows_per_key")) {
        (Per::Row, None) => {
            let message =
                "per = \"row\" needs `max_rows_per_key`: how many rows of one person count in one key";
            return reader.fail(node, Code::MissingField, message, "max_rows_per_key = 4".to_owned());
        }
        (Per::Person, Some(most)) if rows != Some(Limit::ONE) => {
            let message = "a person's rows in a key are averaged to one value: no more of them can count";
            let help = "remove max_rows_per_key; or per = \"row\"".to_owned();
            return reader.fail(most, Code::Conflict, message, help);
        }
        (Per::Person, _) if aggregates.contains(&Aggregate::Rows) => {
            let message =
                "per = \"person\" makes one value of a person's rows in a key: there are no rows to count";
            let help = "count `people`; or per = \"row\" with max_rows_per_key".to_owned();
            return reader.fail(node, Code::Conflict, message, help);
        }
        (Per::Row | Per::Person, _) => {}
    }
    Some(per)
}

fn consistent(reader: &mut Reader<'_>, fields: &Fields<'_>) -> Option<bool> {
    let truth = fields.optional("consistent", |node| reader.boolean(node, "consistent"));
    truth.map(|truth| truth.unwrap_or(false))
}

fn column(reader: &mut Reader<'_>, fields: &Fields<'_>, name: &str, example: &str) -> Option<ColumnRef> {
    fields.need(reader, name, example).and_then(|node| reader.column_ref(node, name))
}

fn one_key(reader: &mut Reader<'_>, fields: &Fields<'_>, name: &'static str) -> Option<By> {
    let example = format!("{name} = \"...\"");
    fields.need(reader, name, &example).and_then(|node| by(reader, node, name))
}

fn need_keys(reader: &mut Reader<'_>, fields: &Fields<'_>) -> Option<Vec<By>> {
    let node = fields.need(reader, "by", "by = [\"...\"]")?;
    let all = keys(reader, fields)?;
    if all.is_empty() {
        return reader.fail(node, Code::BadValue, "by must name at least one column", None);
    }
    Some(all)
}

fn keys(reader: &mut Reader<'_>, fields: &Fields<'_>) -> Option<Vec<By>> {
    let Some(node) = fields.get("by") else { return Some(Vec::new()) };
    if !matches!(node.value, NodeValue::Array(_)) {
        // One column without brackets is what everybody tries first, and it can mean one thing only.
        return by(reader, node, "by").map(|by| vec![by]);
    }
    let items = reader.items(node, "by")?;
    if items.len() > MOST_PARTS {
        return reader.fail(node, Code::TooLarge, format!("by has at most {MOST_PARTS} parts"), None);
    }
    let all: Vec<Option<By>> = items.iter().map(|item| by(reader, item, "by")).collect();
    all.into_iter().collect()
}

fn rows_per_key(reader: &mut Reader<'_>, fields: &Fields<'_>) -> Option<Limit> {
    fields
        .optional("max_rows_per_key", |node| limit(reader, node, "max_rows_per_key"))
        .map(|v| v.unwrap_or(Limit::ONE))
}

pub(super) fn limit(reader: &mut Reader<'_>, node: &Node, what: &str) -> Option<Limit> {
    let value = reader.integer(node, what, 1, u64::from(Limit::MOST))?;
    u32::try_from(value).ok().and_then(|value| Limit::new(value).ok())
}

fn aggregates(reader: &mut Reader<'_>, fields: &Fields<'_>, values: bool) -> Option<Option<Vec<Aggregate>>> {
    fields.optional("aggregates", |node| {
        let items = reader.items(node, "aggregates")?;
        if items.is_empty() || items.len() > 64 {
            return reader.fail(node, Code::BadValue, "aggregates must name from 1 to 64", None);
        }
        let mut outputs = BTreeSet::new();
        let mut all = Some(Vec::new());
        for item in items {
            match aggregate(reader, item, values) {
                Some(aggregate) if outputs.insert(aggregate.output()) => {
                    if let Some(all) = &mut all {
                        all.push(aggregate);
                    }
                }
                Some(aggregate) => {
                    let message = format!("two aggregates are called `{}`", aggregate.output());
                    reader.report(item, Code::Duplicate, message, "name one with as = \"...\"".to_owned());
                }
                None => all = None,
            }
        }
        all
    })
}

fn aggregate(reader: &mut Reader<'_>, node: &Node, values: bool) -> Option<Aggregate> {
    if node.entries().is_some() && values {
        return aggregate_table(reader, node);
    }
    let words = [
        Aggregate::People,
        Aggregate::Rows,
        Aggregate::Sum,
        Aggregate::Mean,
        Aggregate::Variance,
        Aggregate::Deviation,
    ];
    let text = reader.string(node, "an aggregate")?;
    let allowed = if values { &words[..] } else { &words[..2] };
    if let Some(aggregate) = allowed.iter().find(|aggregate| aggregate.output() == text) {
        return Some(aggregate.clone());
    }
    let known = &Aggregate::WORDS[..allowed.len()];
    let help = match text {
        "count" => "`people` counts people, `rows` counts rows".to_owned(),
        "median" if values => "{ quantile = 0.5, as = \"median\" }".to_owned(),
        _ if Aggregate::WORDS.contains(&text) => {
            "values of a column are summarized by statistic = \"summary\"".to_owned()
        }
        _ => suggestion(text, known.iter().copied()),
    };
    let message = format!("there is no aggregate `{}` here", crate::document::shortened(text));
    reader.fail(node, Code::BadValue, message, help)
}

fn aggregate_table(reader: &mut Reader<'_>, node: &Node) -> Option<Aggregate> {
    let fields = reader.fields(node, "an aggregate", &["quantile", "histogram", "as"])?;
    let alias = fields.optional("as", |node| reader.column(node, "as"));
    match (fields.get("quantile"), fields.get("histogram")) {
        (Some(node), None) => {
            let q = reader.number(node, "quantile")?;
            if !(q > 0.0 && q < 1.0) {
                let help = "the extremes are one person's values: ask for 0.01 or 0.99".to_owned();
                return reader.fail(node, Code::BadValue, "quantile must lie strictly between 0 and 1", help);
            }
            Some(Aggregate::Quantile(Quantile { q, alias: alias? }))
        }
        (None, Some(node)) => {
            let fields = reader.fields(node, "histogram", &["width"])?;
            let node = fields.need(reader, "width", "width = 1")?;
            let width = positive(reader, node, "width")?;
            Some(Aggregate::Histogram(Histogram { width, alias: alias? }))
        }
        _ => {
            let message = "such an aggregate has quantile or histogram, one of them";
            reader.fail(node, Code::MissingField, message, None)
        }
    }
}

fn filter(reader: &mut Reader<'_>, node: &Node) -> Option<ExprText> {
    let text = reader.string(node, "where")?;
    match ExprText::new(text) {
        Ok(expr) => Some(expr),
        Err(error) => {
            reader.report_within(node, error.span.clone(), (error.code, error.message, error.help));
            None
        }
    }
}

fn label(reader: &mut Reader<'_>, node: &Node) -> Option<Vec<ColumnRef>> {
    reader.distinct(node, "label", |reader, item| {
        let column = reader.column_ref(item, "label")?;
        if column.table.is_none() {
            let help = format!("label = [\"table.{}\"]", column.column);
            return reader.fail(item, Code::BadValue, "a label is a column of a public table", help);
        }
        Some(column)
    })
}

fn contribution(reader: &mut Reader<'_>, node: &Node) -> Option<Contribution> {
    if node.entries().is_none() {
        return reader.word(node, "contribution", &[("auto", Contribution::Auto)]);
    }
    let fields = reader.fields(node, "contribution", &["norm", "keep"])?;
    match (fields.get("norm"), fields.get("keep")) {
        (Some(node), None) => limit(reader, node, "norm").map(Contribution::Norm),
        (None, Some(node)) => limit(reader, node, "keep").map(Contribution::Keep),
        _ => {
            let help = "\"auto\", { norm = 16 } or { keep = 8 }".to_owned();
            reader.fail(node, Code::Conflict, "contribution has norm or keep, one of them", help)
        }
    }
}
