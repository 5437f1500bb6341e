//! Mechanisms broken in the ways that others have been: each must be caught.

use flockwise_mechanisms::audit::grant;
use flockwise_mechanisms::{
    Delta, Entry, Family, L1, Loss, Noise, Os, Private, Ratio, Sensitivity, measure, select, threshold,
};

use crate::Subject;
use crate::subjects::{subject, vector};

const CLAIM: (f64, f64) = (1.0, 0.0);
const VECTOR: &[&str] = &["first", "least", "largest", "sum", "trailing zeros of the first"];

fn loss() -> Loss {
    Loss::pure("1".parse().expect("an epsilon"), Delta::ZERO)
}

/// Discrete Laplace noise of a scale of tenths, through the door that everything passes.
fn noise(tenths: u128, source: &mut Os) -> i128 {
    // ε = 10/tenths at sensitivity 1, or what comes to the same, ε = 10 at sensitivity `tenths`.
    let loss = Loss::pure("10".parse().expect("an epsilon"), Delta::ZERO);
    laplace(loss, tenths, 0, source)
}

fn laplace(loss: Loss, sensitivity: u128, exact: i128, source: &mut Os) -> i128 {
    let sensitivity = Sensitivity::L1(L1::new(sensitivity).expect("a sensitivity"));
    let exact = Private::new(vec![exact]);
    measure(grant(loss), Family::DiscreteLaplace, sensitivity, &exact, source)
        .expect("it is calibrated")
        .get()[0]
}

/// Every control.
#[must_use]
pub fn all() -> Vec<Subject> {
    vec![
        subject("scale × 0.9", CLAIM, VECTOR, |side, source| vector(&[side.pick(0, 1) + noise(9, source)])),
        subject("half the sensitivity", CLAIM, VECTOR, |side, source| {
            vector(&[laplace(loss(), 1, side.pick(0, 2), source)])
        }),
        subject("missing clamp", CLAIM, VECTOR, |side, source| {
            // Ratings from 0 to 5 were declared; one person's is 50.
            let ratings: [i128; 4] = [3, 5, 4, side.pick(0, 50)];
            vector(&[laplace(loss(), 5, ratings.iter().sum(), source)])
        }),
        swapped_comparison(),
        floating_point(),
        sparse_vector(),
        unsorted_keys(),
    ]
}

/// `>=` where the threshold was computed for `>`, on a grid where that matters.
fn swapped_comparison() -> Subject {
    let scale = Ratio::new(1, 1).expect("a scale");
    let entry = Entry::keep(1, 1).expect("an entry");
    let delta: Delta = "0.05".parse().expect("a delta");
    // The least T that a noisy count may exceed: one below the least that it may reach.
    let exceeded = threshold(Noise::DiscreteLaplace { scale }, &entry, delta).expect("a threshold") - 1;
    subject(">= for >", (1.0, 0.05), &["present"], move |side, source| {
        let people = side.pick(0, 1);
        vec![i64::from(people > 0 && people + noise(10, source) >= exceeded)]
    })
}

/// Laplace noise as a formula on floats (Mironov 2012): near 1, the doubles are coarser than near 0.
fn floating_point() -> Subject {
    subject("plain f64 Laplace", CLAIM, &["value, rounded", "exponent of the lowest bit"], |side, source| {
        let uniform = uniform(source);
        let sign = if uniform < 0.5 { 1.0 } else { -1.0 };
        let value: f64 = side.pick(0.0, 1.0) + sign * (1.0 - 2.0 * (uniform - 0.5).abs()).ln();
        let bits = value.to_bits();
        let mantissa = (bits & ((1 << 52) - 1)) | (1 << 52);
        let exponent = (bits >> 52 & 0x7ff) as i64 - 1075;
        vec![value.round() as i64, exponent + i64::from(mantissa.trailing_zeros())]
    })
}

/// 53 uniform bits from fresh secrets.
fn uniform(source: &mut Os) -> f64 {
    let bytes = flockwise_mechanisms::secret(source);
    let bits = bytes.iter().take(8).fold(0_u64, |bits, byte| bits << 8 | u64::from(*byte)) >> 11;
    (bits as f64 + 0.5) / 2.0_f64.powi(53)
}

/// No noise on the queries (Stoddard, Chen, Machanavajjhala 2014, as read by Lyu, Su, Li 2017).
fn sparse_vector() -> Subject {
    subject("broken sparse vector", CLAIM, &["answers"], |side, source| {
        let threshold = noise(10, source);
        let queries = side.pick([0, 1, 0, 1], [1, 0, 1, 0]);
        vec![queries.iter().fold(0, |code, query| 2 * code + i64::from(*query >= threshold))]
    })
}

/// Keys in the order in which they were first seen, not sorted.
fn unsorted_keys() -> Subject {
    let loss = loss().with_delta("0.05".parse().expect("a delta"));
    subject("unsorted keys", (1.0, 0.05), &["first key"], move |side, source| {
        let entry = Entry::keep(2, 1).expect("an entry");
        let sensitivity = entry.sensitivity(Family::DiscreteLaplace).expect("a sensitivity");
        let rows = side.pick(vec![1_u8, 2], vec![2, 1]);
        let candidates = Private::new(rows.iter().map(|key| (vec![*key], 40)).collect());
        let found = select(grant(loss), Family::DiscreteLaplace, sensitivity, &entry, &candidates, source);
        let found = found.expect("it is calibrated");
        let first = rows.iter().find(|row| found.get().iter().any(|(key, _)| key[0] == **row));
        vec![first.map_or(-1, |key| i64::from(*key))]
    })
}
