//! The table in docs/audit.md.

use std::fmt::Write as _;

use crate::{Finding, Size, Subject};

/// Marks between which the table is replaced.
const MARKS: (&str, &str) = ("<!-- audit: begin -->", "<!-- audit: end -->");

/// Puts the tables of an audit into a page, between its marks.
///
/// # Panics
/// When the page has no marks.
#[must_use]
pub fn report(
    page: &str,
    sizes: [Size; 2],
    subjects: &[(Subject, Finding)],
    controls: &[(Subject, Finding)],
) -> String {
    let (before, rest) = page.split_once(MARKS.0).expect("the page has a mark where the tables begin");
    let (_, after) = rest.split_once(MARKS.1).expect("the page has a mark where the tables end");
    let runs = |size: Size| {
        format!("Runs per side: {} to choose an event, {} fresh ones to judge it.", size.search, size.judge)
    };
    let [mechanisms, broken] = sizes.map(runs);
    let tables = format!("{mechanisms}\n\n{}\nControls. {broken}\n\n{}", table(subjects), table(controls));
    format!("{before}{}\n\n{tables}\n{}{after}", MARKS.0, MARKS.1)
}

fn table(findings: &[(Subject, Finding)]) -> String {
    let mut text = "| mechanism | ε | δ | ε̂ | event | seen | |\n|---|---|---|---|---|---|---|\n".to_owned();
    for (subject, finding) in findings {
        let verdict = if finding.broken { "**broken**" } else { "holds" };
        let (event, (likelier, other)) = (finding.event.describe(subject.views), finding.seen);
        writeln!(
            text,
            "| {} | {:.3} | {} | {:.3} | {event} | {likelier} : {other} | {verdict} |",
            subject.name, subject.epsilon, subject.delta, finding.epsilon
        )
        .expect("a string takes all that is written to it");
    }
    text
}
