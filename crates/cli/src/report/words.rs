//! What stands around the charts: what was asked, what is guaranteed, what numbers leave out, where it is recorded.

use flockwise_chart::Markup;
use flockwise_query::notice::likelihood::{chance, guess};
use flockwise_query::release::Document;
use flockwise_query::render;
use flockwise_query::table::Bias;
use serde_json::Value as Json;

use super::shape::Measure;

/// What a statistic answers.
fn question(statistic: &str) -> &'static str {
    match statistic {
        "popularity" => "How many people have each key.",
        "top_k" => "The leading keys of each segment.",
        "summary" => "How the values of a column are spread, by key.",
        "co_occurrence" => "How many people have both of two keys.",
        "transitions" => "How many people went from one key to another next.",
        "affinity" => "Which segment over-indexes on which category: 1 is like everybody.",
        "activity" => "How many people have how many rows.",
        "reach" => "How many people there are.",
        "retention" => "How many of a cohort are seen in each period.",
        _ => "",
    }
}

/// What the release is.
pub(super) fn heading(out: &mut Markup, document: &Document) {
    out.element("p", &[("class", &"soft")], |p| {
        p.name(&document.statistic);
        p.text(" of ");
        p.name(&document.data);
        if let Some(purpose) = &document.purpose {
            p.text(", for ");
            p.name(purpose);
        }
        p.text(". ");
        p.text(question(&document.statistic));
    });
}

/// Which way a number leans, in a sentence.
pub(super) fn bias(measure: &Measure) -> &'static str {
    match measure.bias {
        Some(Bias::Low) => {
            "Leans low: what people have beyond the contribution bound is cut off, and bars do not show it."
        }
        Some(Bias::Unknown) => {
            "What the contribution bound cuts off may move it either way, and bars do not show it."
        }
        None => "",
    }
}

/// What bars and numbers leave out.
pub(super) fn notes(out: &mut Markup, document: &Document) {
    for sentence in &document.how.after {
        out.element("p", &[("class", &"soft")], |p| p.name(sentence));
    }
    if document.how.sampling.is_some() {
        out.words(
            "p",
            "soft",
            "Whoever allows less than this job's epsilon takes part by chance: counts and sums lean low, means toward \
             everybody else's.",
        );
    }
    if let Some((half, most)) = document.how.selection.as_ref().and_then(appears) {
        let text = format!(
            "Keys that few people have are left out, by chance: one with {half} people appears half of the time, one with \
             {most} in 99 of 100. That a key is missing does not mean that nobody has it."
        );
        out.words("p", "soft", &text);
    }
}

fn appears(selection: &Json) -> Option<(f64, f64)> {
    Some((selection["appears_half"].as_f64()?, selection["appears_99pc"].as_f64()?))
}

/// What was guaranteed, in plain words.
pub(super) fn promise(out: &mut Markup, document: &Document) {
    out.open("div", &[("class", &"promise")]);
    out.words("h3", "", "What was guaranteed");
    out.element("p", &[], |p| p.name(&render::promise(document)));
    let alone = &document.privacy.alone;
    if document.mock.is_none() && alone.epsilon.is_finite() && alone.epsilon > 0.0 {
        let text = format!(
            "Somebody who thinks it as likely as not that a certain person is in these data, and knows everything about \
             everybody else, can be at most {} sure of it after seeing this release.",
            guess(0.5, alone.epsilon)
        );
        out.words("p", "", &text);
        if let Some(delta) = alone.at_delta.parse::<f64>().ok().filter(|delta| *delta > 0.0) {
            out.words(
                "p",
                "",
                &format!("The chance that this does not hold for a person is at most {}.", chance(delta)),
            );
        }
    }
    if let Some(renewal) = &document.privacy.renewal {
        let text = format!(
            "The budget renews: all of this is about one person within one {}, and the same person in another counts as \
             another. {}.",
            renewal.every, renewal.grows
        );
        out.element("p", &[], |p| p.name(&text));
        if let Some(life) = &renewal.whole_life {
            let text = format!(
                "Of a person who is there in {} of them, somebody can be at most {} sure from everything that is ever released \
                 (epsilon {}, but for a chance of {}).",
                life.windows,
                guess(0.5, life.epsilon),
                render::rounded_up(&life.epsilon.to_string()),
                render::rounded_up(&life.at_delta)
            );
            out.words("p", "", &text);
        }
    }
    if let Some(after) = &document.privacy.ledger_after {
        let of = if document.privacy.renewal.is_some() { "of this window " } else { "" };
        let text = format!(
            "After the job that made it, {:.1}% of the budget {of}was used; everything that is ever released {of}from this ledger \
             together stays within epsilon {}, where somebody can be at most {} sure.",
            after.used * 100.0,
            after.ceiling,
            guess(0.5, after.ceiling)
        );
        out.words("p", "", &text);
    }
    out.close("div");
}

/// How it was made and where it is recorded.
pub(super) fn receipt(out: &mut Markup, document: &Document) {
    let Document { privacy, how, .. } = document;
    out.open("details", &[]);
    out.words("summary", "", "How it was made, and its receipt");
    out.open("dl", &[]);
    let mut entry = |name: &str, value: &str| {
        out.words("dt", "", name);
        out.element("dd", &[], |dd| dd.name(value));
    };
    entry("protects", &privacy.unit);
    entry("neighbours", &format!("{} all rows of one person", privacy.neighbours));
    entry("accounting", &privacy.accounting);
    entry("charged", &fields(&privacy.charge));
    entry("mechanism", &how.mechanism);
    entry("stages", &how.stages.join(", "));
    entry("contribution bound", &fields(&how.contribution));
    if let Some(bounds) = &how.bounds {
        entry("clamp range", &fields(bounds));
    }
    entry("noise (standard deviation)", &fields(&how.noise_sd));
    match &document.receipt {
        Some(receipt) => {
            entry("ledger", &receipt.ledger_id.to_string());
            entry("entry", &receipt.entry.to_string());
            entry("hash", &receipt.hash.to_string());
            entry("hash of the entry before", &receipt.previous.to_string());
        }
        None => entry("receipt", "none: nothing was charged"),
    }
    entry("made by", &format!("flockwise {}", document.flockwise));
    out.close("dl");
    out.close("details");
}

/// A small JSON value in words.
fn fields(value: &Json) -> String {
    match value {
        Json::Object(fields) => {
            let field = |(name, value): (&String, &Json)| {
                format!("{} {}", name.replace('_', " "), self::fields(value))
            };
            fields.iter().map(field).collect::<Vec<_>>().join(", ")
        }
        Json::Array(values) => values.iter().map(fields).collect::<Vec<_>>().join(" to "),
        Json::Bool(true) => "yes".to_owned(),
        Json::Bool(false) => "no".to_owned(),
        Json::String(text) => text.clone(),
        Json::Null | Json::Number(_) => value.to_string(),
    }
}

/// How the page is read.
pub(super) fn how_to_read(out: &mut Markup) {
    out.words("h2", "", "How to read this page");
    out.words(
        "p",
        "",
        "Every number here had noise added on purpose, so that no person can be found in it. Lines with ends, bands and ± \
         are 95% bars: in 95 of 100 cases the number without noise lies within. What people have beyond the contribution \
         bound is cut off before the noise, and no bar shows that. Counts can come out below zero for the same reason that \
         they can come out too high; that is noise, and cutting it off would make averages wrong.",
    );
    out.words(
        "p",
        "",
        "Drawing charts from a release costs no privacy: whatever is computed from it is protected as it is. This page \
         loads nothing from anywhere.",
    );
}
