//! What is done to released numbers, against what is released.

use super::{Checker, Key};
use crate::diagnostic::Code;
use crate::job::{Aggregate, Contribution, Popularity, Reach, Release, Statistic, Summary, TwoStage};

impl Checker<'_> {
    /// What cannot be done to this release's numbers is refused.
    pub(super) fn check_finish(&mut self, path: &str, release: &Release, keys: &[Key]) {
        if release.finish.minimum.is_some() && !counts_people(&release.statistic) {
            let message = "minimum looks at the people of a row, and this release does not count them";
            let help = "add \"people\" to aggregates".to_owned();
            self.report(&format!("{path}.minimum"), Code::Conflict, message, help);
        }
        let (Statistic::Popularity(Popularity { consistent: true, .. })
        | Statistic::Reach(Reach { consistent: true, .. })) = &release.statistic
        else {
            return;
        };
        let at = format!("{path}.consistent");
        if let Statistic::Popularity(popularity) = &release.statistic
            && popularity.aggregates != [Aggregate::People]
        {
            let message = "consistent counts are counts of people, and of nothing else";
            let help = "aggregates = [\"people\"]; ask for rows in a release of their own".to_owned();
            self.report(&at, Code::Unsupported, message, help);
        }
        if keys.is_empty() {
            let message = "there is one number here, and nothing that adds up to it";
            self.report(&at, Code::Conflict, message, "name the parts with by".to_owned());
        }
        if keys.windows(2).any(|two| two[0].domain.is_public() && !two[1].domain.is_public()) {
            let message =
                "totals are over leading parts of the key, and keys that are not declared must lead";
            self.report(&at, Code::Unsupported, message, "put those first in by; or declare them".to_owned());
        }
        if matches!(release.contribution, Contribution::Keep(_)) {
            let message = "cells that add up are bounded by their sum, and not by how many they are";
            let help = "contribution = { norm = 4 }, or leave it out".to_owned();
            self.report(&format!("{path}.contribution"), Code::Conflict, message, help);
        }
        if release.two_stage == TwoStage::Never {
            let message = "totals are of keys that were found first";
            self.report(
                &format!("{path}.two_stage"),
                Code::Conflict,
                message,
                "leave two_stage out".to_owned(),
            );
        }
        if release.finish.non_negative {
            let message = "counts that are clamped no longer add up";
            let help = "leave consistent or non_negative out".to_owned();
            self.report(&format!("{path}.non_negative"), Code::Conflict, message, help);
        }
    }
}

/// Whether a count of people stands in every row.
fn counts_people(statistic: &Statistic) -> bool {
    match statistic {
        Statistic::Popularity(Popularity { aggregates, .. })
        | Statistic::Summary(Summary { aggregates, .. }) => aggregates.contains(&Aggregate::People),
        Statistic::CoOccurrence(co_occurrence) => {
            co_occurrence.measures.contains(&crate::job::Measure::People)
        }
        Statistic::TopK(_)
        | Statistic::Transitions(_)
        | Statistic::Affinity(_)
        | Statistic::Activity(_)
        | Statistic::Reach(_)
        | Statistic::Retention(_) => true,
    }
}
