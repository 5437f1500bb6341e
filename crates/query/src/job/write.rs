//! Writes a job as JSON, in the fields of the file, so that it reads back as the same job.

use serde_json::{Map, Value as Json, json};

use super::by::{By, KeyRequest, NullKeyRequest, Weekday};
use super::statistic::{
    Affinity, Aggregate, CoOccurrence, Histogram, Measure, Per, Popularity, Quantile, Reach, Retention,
    Statistic, Summary, TopK, Transitions,
};
use super::types::{Contribution, Limit, MechanismChoice, TwoStage, word};
use super::{Amount, Job, Release, Spend, WindowRequest};
use crate::value::Literal;

pub(super) fn job(job: &Job) -> Json {
    let mut all = Map::new();
    all.insert("version".to_owned(), json!(1));
    all.insert("data".to_owned(), json!(job.data));
    put(&mut all, "purpose", job.purpose.as_ref().map(|purpose| json!(purpose)));
    let mut total = Map::new();
    put_amount(&mut total, job.total);
    put(&mut total, "delta", job.delta.map(|delta| json!(delta)));
    let windows =
        |windows: &Vec<WindowRequest>| windows.iter().map(|window| json!(window.to_string())).collect();
    put(&mut total, "windows", job.windows.as_ref().map(windows));
    put(&mut all, "job", (!total.is_empty()).then_some(Json::Object(total)));
    let params: Map<String, Json> =
        job.params.iter().map(|(name, kind)| (name.to_string(), json!(kind.name()))).collect();
    put(&mut all, "params", (!params.is_empty()).then_some(Json::Object(params)));
    all.insert("release".to_owned(), job.releases.iter().map(release).collect());
    Json::Object(all)
}

fn put(all: &mut Map<String, Json>, name: &str, value: Option<Json>) {
    if let Some(value) = value {
        all.insert(name.to_owned(), value);
    }
}

fn put_amount(all: &mut Map<String, Json>, amount: Option<Amount>) {
    // As strings: exact in every reader.
    match amount {
        Some(Amount::Epsilon(epsilon)) => put(all, "epsilon", Some(json!(epsilon))),
        Some(Amount::Rho(rho)) => put(all, "rho", Some(json!(rho))),
        None => {}
    }
}

fn release(release: &Release) -> Json {
    let mut all = Map::new();
    put(&mut all, "name", Some(json!(release.name)));
    put(&mut all, "statistic", Some(json!(release.statistic.name())));
    statistic(&mut all, &release.statistic);
    put(&mut all, "where", release.filter.as_ref().map(|filter| json!(filter)));
    put(&mut all, "label", (!release.label.is_empty()).then(|| json!(release.label)));
    put(
        &mut all,
        "contribution",
        match release.contribution {
            Contribution::Auto => None,
            Contribution::Norm(bound) => Some(json!({ "norm": bound.get() })),
            Contribution::Keep(keys) => Some(json!({ "keep": keys.get() })),
        },
    );
    match release.spend {
        Spend::Own(amount) => put_amount(&mut all, Some(amount)),
        Spend::Share(share) => {
            // A whole number where it is one; else the float whose shortest decimal has these six places.
            let millionths = share.millionths();
            let value = if millionths % 1_000_000 == 0 {
                json!(millionths / 1_000_000)
            } else {
                json!(millionths as f64 / 1e6)
            };
            put(&mut all, "share", Some(value));
        }
    }
    put(&mut all, "delta", release.delta.map(|delta| json!(delta)));
    let mechanism = release.mechanism;
    put(
        &mut all,
        "mechanism",
        (mechanism != MechanismChoice::Auto).then(|| json!(word(&MechanismChoice::WORDS, mechanism))),
    );
    put(
        &mut all,
        "two_stage",
        match release.two_stage {
            TwoStage::Auto => None,
            TwoStage::Always => Some(json!(true)),
            TwoStage::Never => Some(json!(false)),
        },
    );
    release.finish.write(&mut all);
    Json::Object(all)
}

fn statistic(all: &mut Map<String, Json>, statistic: &Statistic) {
    let list = |keys: &[By]| Json::Array(keys.iter().map(by).collect());
    let aggregates = |items: &[Aggregate]| Json::Array(items.iter().map(aggregate).collect());
    let rows = |limit: Limit| json!(limit.get());
    let fields: Vec<(&str, Json)> = match statistic {
        Statistic::Popularity(Popularity { by, aggregates: items, max_rows_per_key, consistent }) => {
            let mut fields = vec![
                ("by", list(by)),
                ("aggregates", aggregates(items)),
                ("max_rows_per_key", rows(*max_rows_per_key)),
            ];
            fields.extend(consistent.then(|| ("consistent", json!(true))));
            fields
        }
        Statistic::TopK(TopK { k, item, by: keys }) => {
            vec![("k", json!(k.get())), ("item", by(item)), ("by", list(keys))]
        }
        Statistic::Summary(Summary { by, column, aggregates: items, per, max_rows_per_key, auto_bounds }) => {
            let mut fields = vec![
                ("by", list(by)),
                ("column", json!(column)),
                ("aggregates", aggregates(items)),
                ("max_rows_per_key", rows(*max_rows_per_key)),
            ];
            fields.extend((*per != Per::default()).then(|| ("per", json!(word(&Per::WORDS, *per)))));
            fields.extend(auto_bounds.then(|| ("bounds", json!("auto"))));
            fields
        }
        Statistic::CoOccurrence(CoOccurrence { item, measures }) => {
            let words: Vec<&str> = measures.iter().map(|measure| word(&Measure::WORDS, *measure)).collect();
            vec![("item", by(item)), ("measures", json!(words))]
        }
        Statistic::Transitions(Transitions { item, order_by }) => {
            vec![("item", by(item)), ("order_by", json!(order_by))]
        }
        Statistic::Affinity(Affinity { by: keys, category }) => {
            vec![("by", list(keys)), ("category", by(category))]
        }
        Statistic::Activity(_) => vec![],
        Statistic::Reach(Reach { by, consistent }) => {
            let mut fields = vec![("by", list(by))];
            fields.extend(consistent.then(|| ("consistent", json!(true))));
            fields
        }
        Statistic::Retention(Retention { cohort, period }) => {
            vec![("cohort", by(cohort)), ("period", by(period))]
        }
    };
    for (name, value) in fields {
        put(all, name, Some(value));
    }
}

fn aggregate(aggregate: &Aggregate) -> Json {
    let mut all = Map::new();
    let alias = match aggregate {
        Aggregate::People
        | Aggregate::Rows
        | Aggregate::Sum
        | Aggregate::Mean
        | Aggregate::Variance
        | Aggregate::Deviation => {
            return json!(aggregate.output());
        }
        Aggregate::Quantile(Quantile { q, alias }) => {
            put(&mut all, "quantile", Some(json!(q)));
            alias
        }
        Aggregate::Histogram(Histogram { width, alias }) => {
            put(&mut all, "histogram", Some(json!({ "width": width })));
            alias
        }
    };
    put(&mut all, "as", alias.as_ref().map(|alias| json!(alias)));
    Json::Object(all)
}

fn by(by: &By) -> Json {
    let mut all = Map::new();
    put(&mut all, "column", Some(json!(by.column)));
    put(
        &mut all,
        "keys",
        by.keys.as_ref().map(|keys| match keys {
            KeyRequest::Private => json!("private"),
            KeyRequest::Policy => json!("policy"),
            KeyRequest::Table(None) => json!("table"),
            KeyRequest::Table(Some(table)) => json!({ "table": table }),
            KeyRequest::List(list) => list.iter().map(literal).collect(),
        }),
    );
    if let Some(window) = &by.window {
        put(&mut all, "every", Some(json!(window.every.to_string())));
        put(&mut all, "starts", window.starts.map(|day| json!(word(&Weekday::WORDS, day))));
        put(&mut all, "tz", window.tz.map(|zone| json!(zone.name())));
        if let Some((from, until)) = &window.range {
            put(&mut all, "from", Some(literal(from)));
            put(&mut all, "until", Some(literal(until)));
        }
    }
    if let Some(bins) = &by.bins {
        put(&mut all, "width", Some(json!(bins.width)));
        put(&mut all, "bounds", bins.bounds.map(|bounds| json!([bounds.low(), bounds.high()])));
    }
    put(&mut all, "as", by.alias.as_ref().map(|alias| json!(alias)));
    put(
        &mut all,
        "null_keys",
        by.null_keys.as_ref().map(|keys| match keys {
            NullKeyRequest::Drop => json!("drop"),
            NullKeyRequest::Keep => json!("keep"),
            NullKeyRequest::Value(value) => json!({ "value": literal(value) }),
        }),
    );
    if all.len() == 1 { json!(by.column) } else { Json::Object(all) }
}

pub(super) fn literal(literal: &Literal) -> Json {
    match literal {
        Literal::Bool(value) => json!(value),
        Literal::Int(value) => json!(value),
        Literal::Float(value) => json!(value),
        Literal::String(text) => json!(text),
    }
}
