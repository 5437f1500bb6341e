//! The answers in words.

use std::fmt;

use serde_json::Value as Json;

use super::{Answer, Answers, Found, ReleaseAnswer, Whole};

impl Answers {
    /// Whether the ceiling reaches the target for some release, under some bound and for keys of some size.
    #[must_use]
    pub fn is_reached(&self) -> bool {
        self.releases.iter().flat_map(|release| &release.answers).any(|answer| answer.alone.is_some())
    }

    /// The answers for programs.
    #[must_use]
    pub fn to_json(&self) -> Json {
        serde_json::to_value(self).unwrap_or(Json::Null)
    }

    /// What the ceiling gives, for whom it is not enough.
    #[must_use]
    pub fn at_ceiling(&self) -> String {
        let of = |release: &ReleaseAnswer| {
            let least = release.answers.iter().filter_map(|answer| answer.at_ceiling).reduce(f64::min);
            least.map(|error| format!("{}.{} within {error}", release.release, self.target.column))
        };
        let given: Vec<String> = self.releases.iter().filter_map(of).collect();
        let given = if given.is_empty() { "nothing that near".to_owned() } else { given.join(", ") };
        format!(
            "no epsilon up to the policy's ceiling of {} reaches \"{}\": all of the ceiling, spent on it alone, gives at best {given} for {}% of keys",
            self.ceiling.epsilon, self.target, self.target.keys
        )
    }
}

impl fmt::Display for Answers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ceiling = &self.ceiling;
        writeln!(f, "Target {}", self.target)?;
        writeln!(
            f,
            "  ceiling epsilon {}, delta {} ({} accounting)",
            ceiling.epsilon, ceiling.delta, ceiling.accounting
        )?;
        match self.job {
            Some(Whole { from: Some(from), to: Some(to) }) if from.total_cmp(&to).is_eq() => {
                writeln!(f, "  the whole job, by its shares: epsilon {from}")?;
            }
            Some(Whole { from: Some(from), to: Some(to) }) => {
                writeln!(
                    f,
                    "  the whole job, by its shares: epsilon {from} to {to}, by what is assumed below"
                )?;
            }
            Some(Whole { from: Some(from), to: None }) => {
                writeln!(
                    f,
                    "  the whole job, by its shares: epsilon {from} at best; more than the ceiling at worst"
                )?;
            }
            Some(Whole { from: None, .. }) => {
                writeln!(f, "  the whole job, by its shares: more than the ceiling")?;
            }
            None => {}
        }
        self.releases.iter().try_for_each(|release| write_release(f, release))?;
        writeln!(f)?;
        self.notes.iter().try_for_each(|note| writeln!(f, "{note}"))
    }
}

/// The heads of the columns.
const HEADS: [&str; 8] =
    ["bound", "keys of", "alone", "in this job", "noise sd", "appears", "with the ceiling", "as it stands"];

fn write_release(f: &mut fmt::Formatter<'_>, release: &ReleaseAnswer) -> fmt::Result {
    writeln!(f, "\n{} · {}", release.release, release.statistic)?;
    let found = release.answers.iter().find_map(|answer| answer.alone.as_ref());
    if let Some(found) = found {
        writeln!(f, "  noise {}; alone: as a job of its own, at delta {}", found.mechanism, found.at_delta)?;
    }
    let rows: Vec<[String; 8]> = release.answers.iter().map(|answer| cells(release, answer)).collect();
    let shown = |column: usize| rows.iter().any(|row| !row[column].is_empty());
    let columns: Vec<usize> = (0..HEADS.len()).filter(|&column| shown(column)).collect();
    let width = |column: usize| {
        rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0).max(HEADS[column].len())
    };
    let line = |cells: &[&str]| {
        let padded = columns.iter().map(|&column| format!("{:<1$}", cells[column], width(column)));
        padded.collect::<Vec<_>>().join("  ")
    };
    writeln!(f, "  {}", line(&HEADS).trim_end())?;
    for row in &rows {
        writeln!(f, "  {}", line(&row.each_ref().map(String::as_str)).trim_end())?;
    }
    release.notes.iter().try_for_each(|note| writeln!(f, "  {note}"))
}

fn cells(release: &ReleaseAnswer, answer: &Answer) -> [String; 8] {
    let epsilon = |found: &Option<Found>| {
        found.as_ref().map_or("over the ceiling".to_owned(), |found| format!("epsilon {}", found.epsilon))
    };
    let found = answer.alone.as_ref();
    let error = |error: Option<f64>| error.map_or("unknown".to_owned(), |error| format!("± {error}"));
    let now = answer.now.map(|now| match now.meets_from {
        Some(from) => format!("{}; met from {from} {} on", error(now.error), release.of),
        None => format!("{}{}", error(now.error), if now.meets { ": met" } else { "" }),
    });
    [
        words(&answer.contribution),
        answer.size.map_or_else(String::new, |size| format!("{size} {}", release.of)),
        epsilon(&answer.alone),
        if release.shares { epsilon(&answer.in_job) } else { String::new() },
        found.map_or_else(String::new, |found| sds(&found.noise_sd)),
        found
            .and_then(|found| found.appears_half.zip(found.appears_99pc))
            .map_or_else(String::new, |(half, most)| format!("at {half} half, {most} 99%")),
        error(answer.at_ceiling),
        now.unwrap_or_default(),
    ]
}

/// `{"norm": 8}` as `norm 8`.
fn words(contribution: &Json) -> String {
    let Some(fields) = contribution.as_object() else { return String::new() };
    fields.iter().map(|(name, size)| format!("{} {size}", name.replace('_', " "))).collect()
}

fn sds(noise: &Json) -> String {
    let Some(fields) = noise.as_object() else { return String::new() };
    fields
        .iter()
        .map(|(name, sd)| format!("{name} {}", sd.as_f64().unwrap_or(f64::NAN)))
        .collect::<Vec<_>>()
        .join(", ")
}
