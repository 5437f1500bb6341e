//! What is done to released numbers before they are shown: from the release alone, so it costs nothing.

use serde::Serialize;
use serde_json::{Map, Value as Json, json};

use super::types::Limit;
use crate::document::{Fields, NodeValue, Reader};

/// What is done to released numbers before they are shown: post-processing, free.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize)]
pub struct Finish {
    /// Counts below 0 are shown as 0, and so are the ends of their bars.
    pub non_negative: bool,
    /// Rows whose noisy count of people is below this are not shown.
    pub minimum: Option<Limit>,
    /// Shown numbers are rounded.
    pub round: Option<Round>,
}

/// How shown numbers are rounded: values to the nearest, the ends of bars outward.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Round {
    /// Every number to the last figure that its noise leaves: the power of ten from a twentieth to a half of half its bar.
    Noise,
    /// Counts to multiples of this.
    Step(Limit),
}

/// The fields of a release that this reads.
pub(super) const FIELDS: [&str; 3] = ["non_negative", "minimum", "round"];

pub(super) fn finish(reader: &mut Reader<'_>, fields: &Fields<'_>) -> Option<Finish> {
    let non_negative = fields.optional("non_negative", |node| reader.boolean(node, "non_negative"));
    let minimum = fields.optional("minimum", |node| super::parse::limit(reader, node, "minimum"));
    let round = fields.optional("round", |node| {
        if matches!(node.value, NodeValue::String(_)) {
            return reader.word(node, "round", &[("noise", Round::Noise)]);
        }
        super::parse::limit(reader, node, "round").map(Round::Step)
    });
    Some(Finish { non_negative: non_negative?.unwrap_or(false), minimum: minimum?, round: round? })
}

impl Finish {
    /// Writes its fields: what is as it would be anyway is left out.
    pub(super) fn write(self, all: &mut Map<String, Json>) {
        let round = self.round.map(|round| match round {
            Round::Noise => json!("noise"),
            Round::Step(step) => json!(step.get()),
        });
        let minimum = self.minimum.map(|minimum| json!(minimum.get()));
        let non_negative = self.non_negative.then_some(Json::Bool(true));
        let fields = FIELDS.into_iter().zip([non_negative, minimum, round]);
        all.extend(fields.filter_map(|(name, value)| value.map(|value| (name.to_owned(), value))));
    }
}
