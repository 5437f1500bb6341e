//! Names and questions in plain words.

use crate::job::{Release, Statistic};

/// A name as it is spoken: `movie_id` becomes `movie id`.
pub(super) fn spoken(name: &str) -> String {
    name.split(['_', '-', '.']).filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ")
}

/// What a release tells, in one sentence without its end.
pub(super) fn release(release: &Release) -> String {
    let what = match &release.statistic {
        Statistic::Popularity(_) => "how many people there are in each group",
        Statistic::TopK(_) => "what is most popular in each group",
        Statistic::Summary(_) => "totals and averages in each group",
        Statistic::CoOccurrence(_) => "which things the same people chose",
        Statistic::Transitions(_) => "what people do after what",
        Statistic::Affinity(_) => "which groups like what more than others do",
        Statistic::Activity(_) => "how active people are",
        Statistic::Reach(_) => "how many people were there at all",
        Statistic::Retention(_) => "how many people come back",
    };
    let groups: Vec<String> =
        release.statistic.keys().into_iter().map(|(_, part)| spoken(&part.column.to_string())).collect();
    let by = if groups.is_empty() { String::new() } else { format!(", by {}", groups.join(" and ")) };
    format!("{}: {what}{by}", spoken(release.name.as_str()))
}
