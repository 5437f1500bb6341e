//! Co-occurrence: how many people did both a and b, and what that is against the people of each.
//!
//! Sensitivity: of the keys that were found a person has m, so n = m(m − 1)/2 of their pairs; each is weighted
//! min(1, √(B/n)), so that the vector over pairs has L2 sensitivity √B (L1 sensitivity B under Laplace noise with weights
//! min(1, B/n)). Every pair of found keys is measured, seen or unseen: which rows there are is a function of found keys.
//! People per key and people in all are margins, each a mechanism of its own with its own part of the loss; lift, cosine
//! and conditional are post-processing.

use super::Asked;
use crate::job::{CoOccurrence, Measure, TwoStage};
use crate::kernel::{Link, Moment};
use crate::plan::{Formula, Order, Output, Over, PairOf, PlanError};
use crate::resolve::ResolvedRelease;

pub(super) fn asked(asks: &CoOccurrence, release: &ResolvedRelease) -> Result<Asked, PlanError> {
    two_stages(release)?;
    let mut asked = Asked::new(Order::Largest);
    asked.link(Link::Pairs);
    let both = asked.moment(Moment::People);
    for measure in &asks.measures {
        let mut of = |lift: bool| {
            let each = asked.margin(Over::Keys);
            PairOf { both, each, everyone: lift.then(|| asked.margin(Over::Everyone)) }
        };
        let formula = match measure {
            Measure::People => Formula::Count(both),
            Measure::Lift => Formula::Lift(of(true)),
            Measure::Cosine => Formula::Cosine(of(false)),
            Measure::Conditional => Formula::Conditional(of(false)),
        };
        let name = crate::job::word(&Measure::WORDS, *measure).to_owned();
        asked.outputs.push(Output { name, formula });
    }
    asked.both_ways = asks.measures.contains(&Measure::Conditional);
    Ok(asked)
}

/// Links are of keys that have been found: there is no one stage for them.
pub(super) fn two_stages(release: &ResolvedRelease) -> Result<(), PlanError> {
    if release.two_stage != TwoStage::Never {
        return Ok(());
    }
    Err(PlanError::Unsupported {
        release: release.name.clone(),
        what: format!("{} in one stage", release.statistic.name()),
        instead: "leave two_stage out: keys are found first, and their links are measured then",
    })
}
