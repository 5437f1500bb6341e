//! Every mechanism, with neighbours that are as hard on it as we know.

use flockwise_mechanisms::audit::grant;
use flockwise_mechanisms::normal::upper_tail;
use flockwise_mechanisms::{
    Choice, Delta, Entry, Family, L1, L2Squared, Leading, Loss, Os, Private, Quantiles, Rank, Release,
    ScoreChange, Search, Sensitivity, Tree, above, accounting, appear, bounds, choose, leading, leaf_at,
    measure, quantiles, select,
};

use crate::{Side, Subject};

/// Probability that conversions to (ε, δ) leave aside: large enough to have power.
const CONVERSION: f64 = 0.01;

fn pure(epsilon: &str) -> Loss {
    Loss::pure(epsilon.parse().expect("an epsilon"), Delta::ZERO)
}

fn zcdp(rho: &str) -> Loss {
    Loss::zcdp(rho.parse().expect("a rho"), Delta::ZERO)
}

fn gdp(mu_squared: &str) -> Loss {
    Loss::gdp(mu_squared.parse().expect("a mu squared"), Delta::ZERO)
}

fn with_delta(loss: Loss) -> Loss {
    loss.with_delta("0.05".parse().expect("a delta"))
}

fn l1(units: u128) -> Sensitivity {
    Sensitivity::L1(L1::new(units).expect("a sensitivity"))
}

fn l2(square: u128) -> Sensitivity {
    Sensitivity::L2Squared(L2Squared::new(square).expect("a sensitivity"))
}

/// (ε, δ) of a loss: δ is its own and, where it is converted, 0.01.
fn claim(loss: Loss) -> (f64, f64) {
    let (amount, delta) = (loss.amount_f64(), loss.delta().to_f64());
    if loss.rho().is_some() {
        (accounting::zcdp::epsilon(amount, CONVERSION), delta + CONVERSION)
    } else if loss.mu_squared().is_some() {
        (gdp_epsilon(amount.sqrt(), CONVERSION), delta + CONVERSION)
    } else {
        (amount, delta)
    }
}

/// The ε with Φ(μ/2 − ε/μ) − e^ε Φ(−μ/2 − ε/μ) = δ (Balle and Wang 2018).
fn gdp_epsilon(mu: f64, delta: f64) -> f64 {
    let at = |epsilon: f64| {
        upper_tail(epsilon / mu - mu / 2.0) - epsilon.exp() * upper_tail(epsilon / mu + mu / 2.0)
    };
    let (mut low, mut high) = (0.0, 100.0);
    for _ in 0..100 {
        let middle = f64::midpoint(low, high);
        if at(middle) > delta { low = middle } else { high = middle }
    }
    high
}

pub(crate) fn subject(
    name: &'static str,
    (epsilon, delta): (f64, f64),
    views: &'static [&'static str],
    run: impl Fn(Side, &mut Os) -> Vec<i64> + Sync + 'static,
) -> Subject {
    Subject { name, epsilon, delta, views, run: Box::new(run) }
}

fn narrow(value: i128) -> i64 {
    i64::try_from(value).expect("an audit's values are small")
}

/// Every mechanism.
#[must_use]
pub fn all() -> Vec<Subject> {
    [additive(), selections(), choices(), compound()].into_iter().flatten().collect()
}

/// Views of a noisy vector.
const VECTOR: &[&str] = &["first", "least", "largest", "sum", "trailing zeros of the first"];

pub(crate) fn vector(noisy: &[i128]) -> Vec<i64> {
    let (least, largest) = (noisy.iter().min(), noisy.iter().max());
    vec![
        narrow(noisy[0]),
        narrow(*least.expect("a vector that is not empty")),
        narrow(*largest.expect("a vector that is not empty")),
        narrow(noisy.iter().sum()),
        i64::from(noisy[0].trailing_zeros()),
    ]
}

fn adds(name: &'static str, loss: Loss, family: Family, sensitivity: Sensitivity, moved: &[i128]) -> Subject {
    let moved = moved.to_vec();
    subject(name, claim(loss), VECTOR, move |side, source| {
        let exact = Private::new(side.pick(vec![0; moved.len()], moved.clone()));
        vector(measure(grant(loss), family, sensitivity, &exact, source).expect("it is calibrated").get())
    })
}

fn additive() -> Vec<Subject> {
    use Family::{DiscreteGaussian, DiscreteLaplace, RoundedNormal};
    vec![
        adds("discrete Laplace, one count", pure("1"), DiscreteLaplace, l1(1), &[1]),
        adds("discrete Laplace, two counts", pure("1"), DiscreteLaplace, l1(2), &[1, 1]),
        adds("discrete Laplace, a fine grid", pure("0.5"), DiscreteLaplace, l1(1000), &[1000]),
        adds("discrete Gaussian, one count", zcdp("0.5"), DiscreteGaussian, l2(1), &[1]),
        adds("discrete Gaussian, four counts", zcdp("0.125"), DiscreteGaussian, l2(4), &[1, 1, 1, 1]),
        adds("rounded normal, one count", gdp("1"), RoundedNormal, l2(1), &[1]),
        adds("rounded normal, a fine grid", gdp("1"), RoundedNormal, l2(1_000_000), &[1000]),
        adds("rounded normal, four counts", gdp("0.25"), RoundedNormal, l2(4), &[1, 1, 1, 1]),
    ]
}

/// One person's t keys, of which others have none, or all.
fn selects(name: &'static str, loss: Loss, family: Family, entry: Entry, t: usize, others: i128) -> Subject {
    const VIEWS: &[&str] = &["keys", "largest value"];
    let sensitivity = entry.sensitivity(family).expect("a sensitivity");
    // Keys of one's own may be seen with probability δ, and nothing else tells the neighbours apart.
    let (epsilon, delta) = claim(loss);
    let claim = if others == 0 { (epsilon, loss.delta().to_f64()) } else { (epsilon, delta) };
    subject(name, claim, VIEWS, move |side, source| {
        let weight = others + side.pick(0, entry.largest(t));
        let keys = (0_u8..).take(t).map(|key| (vec![key], weight));
        let candidates = Private::new(keys.filter(|(_, weight)| *weight > 0).collect());
        let found = select(grant(loss), family, sensitivity, &entry, &candidates, source);
        let found = found.expect("it is calibrated").into_inner();
        let largest = found.iter().map(|(_, value)| *value).max().unwrap_or(-1);
        vec![narrow(found.len() as i128), narrow(largest)]
    })
}

fn selections() -> Vec<Subject> {
    use Family::{DiscreteGaussian, DiscreteLaplace, RoundedNormal};
    let (pure, zcdp, gdp) = (with_delta(pure("1")), with_delta(zcdp("0.5")), with_delta(gdp("1")));
    let keep = Entry::keep(1, 1).expect("an entry");
    let spread = Entry::l1(2, 8, 100).expect("an entry");
    let norm = Entry::norm(2, 8, 100).expect("an entry");
    let presence = |name, people: i128| {
        subject(name, claim(pure), &["keys"], move |side, source| {
            let people = people + side.pick(0, 1);
            let candidates = Private::new((people > 0).then_some((vec![1], people)).into_iter().collect());
            let found: Release<_> = appear(grant(pure), 1, &candidates, source).expect("it is calibrated");
            vec![narrow(found.get().len() as i128)]
        })
    };
    vec![
        selects("selection, Laplace, a key of one's own", pure, DiscreteLaplace, keep.clone(), 1, 0),
        selects("selection, Laplace, a common key", pure, DiscreteLaplace, keep, 1, 4),
        selects("selection, Laplace, eight keys of one's own", pure, DiscreteLaplace, spread, 8, 0),
        selects(
            "selection, discrete Gaussian, two keys of one's own",
            zcdp,
            DiscreteGaussian,
            norm.clone(),
            2,
            0,
        ),
        selects(
            "selection, discrete Gaussian, eight keys of one's own",
            zcdp,
            DiscreteGaussian,
            norm.clone(),
            8,
            0,
        ),
        selects("selection, rounded normal, eight keys of one's own", gdp, RoundedNormal, norm, 8, 0),
        presence("presence, a key of one's own", 0),
        presence("presence, a rare key", 1),
        presence("presence, a common key", 4),
    ]
}

fn chooses(name: &'static str, loss: Loss, picks: u32, scores: [&'static [i128]; 2]) -> Subject {
    let choice = Choice::new(picks, 1, ScoreChange::Either(1)).expect("a choice");
    subject(name, claim(loss), &["picks"], move |side, source| {
        let scores = Private::new(vec![side.pick(scores[0], scores[1]).to_vec()]);
        let picked = choose(grant(loss), choice, &scores, source).expect("it is calibrated");
        vec![picked.get()[0].iter().fold(0, |code, at| 10 * code + narrow(*at as i128))]
    })
}

fn choices() -> Vec<Subject> {
    let (two, many): ([&[i128]; 2], [&[i128]; 2]) =
        ([&[0, 1], &[1, 0]], [&[1, 0, 0, 0, 0], &[0, 1, 1, 1, 1]]);
    vec![
        chooses("permute-and-flip, two candidates", pure("1"), 1, two),
        chooses("permute-and-flip, five candidates", pure("1"), 1, many),
        chooses("permute-and-flip, top two", pure("1"), 2, many),
        chooses("exponential mechanism, zCDP", zcdp("0.125"), 1, two),
        chooses("exponential mechanism, GDP", gdp("0.25"), 1, two),
        chooses("exponential mechanism, GDP, top two", gdp("0.25"), 2, many),
    ]
}

/// A position and a gap as one number.
fn search_code(found: &[(usize, i128)]) -> Vec<i64> {
    let positions = found.iter().fold(0, |code, (at, _)| 10 * code + narrow(*at as i128) + 1);
    let gap = found.first().map_or(-1, |(_, gap)| *gap);
    vec![positions, narrow(gap), 1000 * positions + narrow(gap.min(999))]
}

fn compound() -> Vec<Subject> {
    let search = Search::new(0, 1, ScoreChange::Either(1)).expect("a search");
    let median = Quantiles::new(0, 40, vec![Rank::new(1, 2).expect("a rank")]).expect("a range");
    let top = Leading::new(1, 3).expect("a top k");
    let tree = Tree::new(4, 2).expect("a tree");
    let (one, approximate) = (pure("1"), pure("1").with_delta("0.001".parse().expect("a delta")));
    vec![
        subject(
            "above threshold, with gap",
            claim(one),
            &["positives", "gap", "both"],
            move |side, source| {
                let queries = side.pick([-1, -1, -1, -1, -1, -1, -1, 1], [0; 8]);
                let found = above(grant(one), search, &Private::new(queries.to_vec()), source);
                search_code(found.expect("it is calibrated").get())
            },
        ),
        subject("median over a range", claim(one), &["median"], move |side, source| {
            let row = side.pick(vec![(40, 1)], vec![(40, 1), (0, 1)]);
            let drawn = quantiles(grant(one), median.clone(), l1(1), &Private::new(vec![row]), source);
            vec![drawn.expect("it is calibrated").get()[0][0]]
        }),
        subject("top k of unknown keys", claim(approximate), &["first key"], move |side, source| {
            let people = side.pick([17_i128, 20, 20, 0], [18, 20, 20, 0]);
            let counts = people.iter().zip(0_u8..).filter(|(people, _)| **people > 0);
            let counts = Private::new(counts.map(|(people, key)| (vec![key], *people)).collect());
            let picked = leading(grant(approximate), top, &counts, source).expect("it is calibrated");
            vec![picked.get().first().map_or(-1, |key| i64::from(key[0]))]
        }),
        subject(
            "tree, consistent leaves",
            claim(one),
            &["first leaf", "median leaf"],
            move |side, source| {
                let nodes = tree.sums(&Private::new(vec![side.pick(0, 1), 0, 0, 0]));
                let sensitivity = tree.sensitivity(Family::DiscreteLaplace, L1::new(1).expect("one"));
                let sensitivity = sensitivity.expect("a sensitivity");
                let noisy = measure(grant(one), Family::DiscreteLaplace, sensitivity, &nodes, source);
                let noisy = noisy.expect("it is calibrated").into_inner();
                let leaves = tree.consistent(&noisy);
                let path = noisy[0].min(noisy[1]).min(noisy[3]);
                let median = leaf_at(&leaves, Rank::new(1, 2).expect("a rank"));
                vec![leaves[0].round() as i64, median.map_or(-1, |leaf| leaf as i64), narrow(path)]
            },
        ),
        subject("bounds from a histogram", claim(one), &["low", "high"], move |side, source| {
            let values = side.pick(vec![1; 6], vec![1, 1, 1, 1, 1, 1, 1]);
            let rank = Rank::new(1, 10).expect("a rank");
            let range = bounds(grant(one), Family::DiscreteLaplace, rank, &Private::new(values), source);
            let (low, high) = range.expect("it is calibrated").into_inner().unwrap_or((i64::MIN, i64::MIN));
            vec![low, high]
        }),
    ]
}
