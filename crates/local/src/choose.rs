//! Which scheme for how many items, at which ε, in how many bytes.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use crate::epsilon::Epsilon;
use crate::scheme::{BadScheme, Kind, Scheme};

/// A scheme that was considered.
#[derive(Clone, Debug)]
pub struct Candidate {
    /// The scheme.
    pub scheme: Scheme,
    /// The variance of an estimated count per person who reports, averaged over the items: multiply by the number of
    /// people, and take the root, for the error of a count.
    pub variance: f64,
}

/// What was chosen, why, and from what.
#[derive(Clone, Debug)]
pub struct Choice {
    /// The chosen scheme.
    pub scheme: Scheme,
    /// Its variance, as in [`Candidate`].
    pub variance: f64,
    /// The reason, in a sentence.
    pub why: String,
    /// All that were considered, least variance first.
    pub candidates: Vec<Candidate>,
}

/// How much more variance a shorter report may have.
const CLOSE: f64 = 1.05;

/// Chooses a scheme: among those whose report fits `most_bytes` (any length when `None`), the shortest report whose
/// variance is within 5% of the least.
///
/// Variances are the closed forms of [`Scheme::variance`]. The sketches are not considered: for items known in advance
/// they have more error than Hadamard response in more bytes.
///
/// # Errors
/// [`BadScheme::Items`]; [`BadScheme::NoneFits`].
///
/// ```
/// use flockwise_local::{Kind, choose};
/// assert_eq!(choose(3, "1".parse()?, None)?.scheme.kind(), Kind::Kary);
/// assert_eq!(choose(1000, "4".parse()?, None)?.scheme.kind(), Kind::LocalHashing);
/// assert_eq!(choose(1000, "0.2".parse()?, None)?.scheme.kind(), Kind::Hadamard);
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
pub fn choose(items: u32, epsilon: Epsilon, most_bytes: Option<usize>) -> Result<Choice, BadScheme> {
    let mut candidates = Vec::new();
    for kind in [Kind::Kary, Kind::Hadamard, Kind::LocalHashing, Kind::Unary] {
        match Scheme::of_kind(kind, items, epsilon) {
            Ok(scheme) => {
                let variance = scheme.variance(None);
                candidates.push(Candidate { scheme, variance });
            }
            Err(BadScheme::ReportTooLong) => {}
            Err(error) => return Err(error),
        }
    }
    candidates.sort_by(|a, b| a.variance.total_cmp(&b.variance));
    let fits = |candidate: &&Candidate| most_bytes.is_none_or(|most| candidate.scheme.report_bytes() <= most);
    let least = candidates.iter().find(fits).ok_or(BadScheme::NoneFits)?;
    let close =
        candidates.iter().filter(fits).filter(|candidate| candidate.variance <= least.variance * CLOSE);
    let chosen = close.min_by_key(|candidate| candidate.scheme.report_bytes()).unwrap_or(least).clone();
    let why = reason(&chosen, &candidates, most_bytes, epsilon, items);
    Ok(Choice { scheme: chosen.scheme, variance: chosen.variance, why, candidates })
}

fn reason(
    chosen: &Candidate,
    candidates: &[Candidate],
    most_bytes: Option<usize>,
    epsilon: Epsilon,
    items: u32,
) -> String {
    let bytes = |candidate: &Candidate| candidate.scheme.report_bytes();
    let told = |candidate: &Candidate| {
        format!("{} ({:.2} in {} bytes)", candidate.scheme.kind(), candidate.variance, bytes(candidate))
    };
    let others: Vec<_> = candidates.iter().filter(|other| other.scheme != chosen.scheme).map(told).collect();
    let limit = most_bytes.map_or_else(String::new, |most| format!(" that fit {most} bytes"));
    format!(
        "{} for {items} items at epsilon {epsilon}: variance {:.2} per person in {} bytes, the shortest report within \
         5% of the least variance of those{limit}; the others: {}",
        chosen.scheme.kind(),
        chosen.variance,
        bytes(chosen),
        others.join(", "),
    )
}
