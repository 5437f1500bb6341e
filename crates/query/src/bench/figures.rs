//! From the errors of one trial to its figures.

use super::rank::Ranks;
use crate::table::Estimate;

/// The values of one cell.
pub(super) struct Error {
    /// The place of its key; none for links.
    pub key: Option<usize>,
    /// Whether it is a pair read from its second to its first.
    pub reversed: bool,
    pub released: Estimate,
    /// Unbounded.
    pub truth: f64,
    /// After clamping and Linf.
    pub clamped: f64,
    /// The same, of the cells that came out alone.
    pub among: f64,
    /// After the bound over keys; none where nothing of the key is left.
    pub bounded: Option<f64>,
}

impl Error {
    fn total(&self) -> f64 {
        self.released.value - self.truth
    }

    /// The bounded truth; where nothing is left of a key, noise is all there is, and its cost is the noise's.
    fn kept(&self) -> f64 {
        self.bounded.unwrap_or(self.among)
    }
}

/// What each step costs: root mean squares.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub(super) struct Parts {
    pub total: f64,
    pub clamp: f64,
    pub contribution: f64,
    pub noise: f64,
    pub dropped: Option<f64>,
}

/// The figures of one column in one trial.
#[derive(Clone, PartialEq, Debug, Default)]
pub(super) struct ColumnTrial {
    pub median: Option<f64>,
    pub p95: Option<f64>,
    /// For each top of the ranks, and over all keys at last.
    pub relative: Vec<Option<f64>>,
    /// Rows whose bars can be judged by the bounded truth, and those that hold it.
    pub bounded: (u64, u64),
    /// Rows, and those whose bars hold the unbounded truth.
    pub unbounded: (u64, u64),
    pub recall: Vec<Option<f64>>,
    pub parts: Option<Parts>,
    pub parts_over_all: Option<Parts>,
}

/// The figures of a column: `additive` where an absent key is zero, `ranked` where the largest are looked for; `dropped` are
/// the values of the keys that somebody has and that did not come out.
pub(super) fn figures(
    ranks: &Ranks,
    column: usize,
    (additive, ranked): (bool, bool),
    errors: &[Error],
    (dropped, affinity): (Option<&[f64]>, bool),
) -> ColumnTrial {
    let mut sizes: Vec<f64> = errors.iter().map(|error| error.total().abs()).collect();
    sizes.sort_by(f64::total_cmp);
    // The smallest that so many are at most.
    let quantile = |q: f64| {
        let at = (q * sizes.len() as f64).ceil() as usize;
        sizes.get(at.saturating_sub(1)).copied()
    };
    let holds = |error: &Error, truth: f64| {
        let slack = 1e-9 * truth.abs().max(1e-9);
        (error.released.low - slack..=error.released.high + slack).contains(&truth)
    };
    let mut made = ColumnTrial { median: quantile(0.5), p95: quantile(0.95), ..ColumnTrial::default() };
    for error in errors {
        made.unbounded = (made.unbounded.0 + 1, made.unbounded.1 + u64::from(holds(error, error.truth)));
        if let Some(bounded) = error.bounded {
            made.bounded = (made.bounded.0 + 1, made.bounded.1 + u64::from(holds(error, bounded)));
        }
    }
    let tops = ranks.tops.iter().map(|&top| Some(top)).chain([None]);
    made.relative = tops.map(|top| relative(ranks, column, additive, errors, (top, dropped))).collect();
    if ranked {
        let recall = |at: usize| recall(ranks, column, at, errors);
        made.recall = (0..ranks.recalls.len()).map(recall).collect();
    }
    made.parts = (!errors.is_empty()).then(|| parts(errors, &[], affinity, errors.len()));
    made.parts_over_all = dropped.and_then(|dropped| {
        let over = errors.len() + dropped.len();
        (over > 0).then(|| parts(errors, dropped, true, over))
    });
    made
}

/// Root mean squares of each step over so many cells.
fn parts(errors: &[Error], dropped: &[f64], drops: bool, over: usize) -> Parts {
    let rms = |of: &dyn Fn(&Error) -> f64, more: f64| {
        ((errors.iter().map(|error| of(error).powi(2)).sum::<f64>() + more) / over as f64).sqrt()
    };
    let absent: f64 = dropped.iter().map(|value| value * value).sum();
    Parts {
        total: rms(&Error::total, absent),
        clamp: rms(&|error| error.clamped - error.truth, 0.0),
        contribution: rms(&|error| error.kept() - error.among, 0.0),
        noise: rms(&|error| error.released.value - error.kept(), 0.0),
        dropped: drops.then(|| rms(&|error| error.among - error.clamped, absent)),
    }
}

/// The mean relative error over the leading keys, or over all.
fn relative(
    ranks: &Ranks,
    column: usize,
    additive: bool,
    errors: &[Error],
    (top, dropped): (Option<u32>, Option<&[f64]>),
) -> Option<f64> {
    // Leading links are known by their size.
    let least = || {
        let at = ranks.recalls.iter().position(|known| Some(*known) == top)?;
        ranks.least.get(column)?.as_ref()?.get(at)?.first().map(|(least, _)| *least)
    };
    let leads = |error: &Error| match (top, error.key) {
        (None, _) => true,
        (Some(top), Some(key)) => ranks.order[key] < top,
        (Some(_), None) => least().is_some_and(|least| error.truth >= least),
    };
    let of = |error: &Error| (error.total() / error.truth).abs();
    let there = |error: &&Error| error.truth != 0.0 && !error.reversed && leads(error);
    let known: Vec<f64> = errors.iter().filter(there).map(of).collect();
    let absent = match (additive, top) {
        (true, Some(top)) if least().is_some() || ranks.order.len() > top as usize => {
            (top as usize).saturating_sub(known.len())
        }
        (true, _) => dropped.map_or(0, <[f64]>::len),
        (false, _) => 0,
    };
    let over = known.len() + absent;
    (over > 0).then(|| (known.iter().sum::<f64>() + absent as f64) / over as f64)
}

/// The share of the leading keys of truth among the leading rows, averaged over segments.
fn recall(ranks: &Ranks, column: usize, at: usize, errors: &[Error]) -> Option<f64> {
    let least = &ranks.least.get(column)?.as_ref()?[at];
    let top = ranks.recalls[at] as usize;
    let mut rows: Vec<Vec<&Error>> = vec![Vec::new(); least.len()];
    for error in errors.iter().filter(|error| !error.reversed) {
        rows[error.key.map_or(0, |key| ranks.segments[key])].push(error);
    }
    let mut shares = Vec::new();
    for (rows, &(least, size)) in rows.iter_mut().zip(least).filter(|(_, (_, size))| *size > 0) {
        rows.sort_by(|one, other| other.released.value.total_cmp(&one.released.value));
        let hits = rows.iter().take(top).filter(|error| error.truth >= least && error.truth != 0.0).count();
        shares.push(hits.min(size) as f64 / size as f64);
    }
    (!shares.is_empty()).then(|| shares.iter().sum::<f64>() / shares.len() as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(key: usize, released: f64, truth: f64, bounded: f64) -> Error {
        Error {
            key: Some(key),
            reversed: false,
            released: Estimate::new(released, 2.0),
            truth,
            clamped: truth,
            among: truth,
            bounded: Some(bounded),
        }
    }

    fn ranks() -> Ranks {
        Ranks {
            tops: vec![2],
            order: vec![0, 1, 2],
            recalls: vec![2],
            segments: vec![0, 0, 0],
            least: vec![Some(vec![vec![(10.0, 2)]])],
        }
    }

    #[test]
    fn steps_add_up_to_the_error() {
        let errors = [error(0, 17.0, 20.0, 18.0)];
        let found = figures(&ranks(), 0, (true, true), &errors, (Some(&[10.0, 4.0]), false));
        let parts = found.parts.unwrap();
        assert_eq!((parts.total, parts.clamp, parts.contribution, parts.noise), (3.0, 0.0, 2.0, 1.0));
        assert_eq!(parts.dropped, None);
        let all = found.parts_over_all.unwrap();
        assert_eq!(all.dropped, Some((116.0_f64 / 3.0).sqrt()));
        assert!((all.total - (125.0_f64 / 3.0).sqrt()).abs() < 1e-12);
        assert_eq!(found.bounded, (1, 1), "16..=20 holds 18 and not 20");
        assert_eq!(found.unbounded, (1, 0));
    }

    #[test]
    fn an_absent_key_is_a_whole_error_and_no_hit() {
        let errors = [error(0, 15.0, 20.0, 20.0)];
        let found = figures(&ranks(), 0, (true, true), &errors, (Some(&[10.0, 4.0]), false));
        assert_eq!(found.relative, [Some((0.25 + 1.0) / 2.0), Some((0.25 + 2.0) / 3.0)]);
        assert_eq!(found.recall, [Some(0.5)]);
        let mean = figures(&ranks(), 0, (false, false), &errors, (None, false));
        assert_eq!(mean.relative, [Some(0.25), Some(0.25)]);
    }

    #[test]
    fn quantiles_of_errors_are_errors() {
        let errors: Vec<Error> = (0..3).map(|key| error(key, key as f64, 0.0, 0.0)).collect();
        let found = figures(&ranks(), 0, (true, false), &errors, (None, false));
        assert_eq!((found.median, found.p95), (Some(1.0), Some(2.0)));
        assert_eq!(figures(&ranks(), 0, (true, false), &[], (None, false)).median, None);
    }
}
