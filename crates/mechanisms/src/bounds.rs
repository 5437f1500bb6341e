//! Bounds that nobody knows, bought: a clamp range, or a number of keys per person, from a noisy log-scale histogram.

use crate::charge::Charge;
use crate::measure::measure;
use crate::noise::{CalibrationError, Family, Noise};
use crate::private::Private;
use crate::quantile::Rank;
use crate::release::Release;
use crate::sensitivity::{L1, L2Squared, Sensitivity};
use crate::source::Source;

/// Buckets by powers of two: 0, 1, 2 to 3, 4 to 7, …, and the same below zero.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Magnitudes;

impl Magnitudes {
    /// Number of buckets.
    pub const BUCKETS: usize = 128;
    const ZERO: usize = 64;

    /// The bucket of a value.
    ///
    /// ```
    /// use flockwise_mechanisms::Magnitudes;
    /// assert_eq!(Magnitudes::ends(Magnitudes::bucket(5)), (4, 7));
    /// assert_eq!(Magnitudes::ends(Magnitudes::bucket(-1)), (-1, -1));
    /// assert_eq!(Magnitudes::ends(Magnitudes::bucket(i64::MIN)), (i64::MIN, i64::MIN));
    /// ```
    #[must_use]
    pub const fn bucket(value: i64) -> usize {
        let digits = (u64::BITS - value.unsigned_abs().leading_zeros()) as usize;
        if value < 0 { Self::ZERO - digits } else { Self::ZERO + digits }
    }

    /// The least and the largest value of a bucket.
    ///
    /// # Panics
    /// When there is no such bucket.
    #[must_use]
    pub fn ends(bucket: usize) -> (i64, i64) {
        assert!(bucket < Self::BUCKETS, "there are 128 buckets");
        let digits = bucket.abs_diff(Self::ZERO) as u32;
        if digits == 0 {
            return (0, 0);
        }
        // 2^(d−1) to 2^d − 1; beyond the integers, their end. Wide enough for 2^64.
        let (near, far) = (1_i128 << (digits - 1), (1_i128 << digits) - 1);
        let narrow = |wide: i128| wide.clamp(i64::MIN.into(), i64::MAX.into()) as i64;
        if bucket < Self::ZERO { (narrow(-far), narrow(-near)) } else { (narrow(near), narrow(far)) }
    }

    /// How many people are in each bucket, each with the one value given for them.
    #[must_use]
    pub fn histogram(values: &Private<Vec<i64>>) -> Private<Vec<i128>> {
        let mut counts = vec![0; Self::BUCKETS];
        values.exact().iter().for_each(|value| counts[Self::bucket(*value)] += 1);
        Private::new(counts)
    }

    /// The range that leaves at most a share of the kept people beyond each end; `None` when nobody is kept.
    ///
    /// # Panics
    /// Unless there is one count for each bucket.
    #[must_use]
    pub fn range(kept: &[i128], beyond: Rank) -> Option<(i64, i64)> {
        assert_eq!(kept.len(), Self::BUCKETS, "one count for each bucket");
        let spare = kept.iter().sum::<i128>() as f64 * beyond.to_f64();
        let reached = |running: &mut i128, count: &i128| {
            *running += count;
            Some(*running as f64 > spare)
        };
        let low = kept.iter().scan(0, reached).position(|is| is)?;
        let high = kept.iter().rev().scan(0, reached).position(|is| is)?;
        // With a share of half or more, the ends may cross: the range is then what lies between them.
        let (low, high) = (low.min(Self::BUCKETS - 1 - high), low.max(Self::BUCKETS - 1 - high));
        Some((Self::ends(low).0, Self::ends(high).1))
    }
}

/// Noisy counts with those that noise alone may have made set to zero: what is left of it in many empty buckets would
/// otherwise weigh more than the tail that a bound is about. Post-processing, so free.
///
/// Those are the counts below three standard deviations, and below what any of so many empty buckets reaches with
/// probability 1/100: one bucket far out that nobody is in makes a bound useless.
#[must_use]
pub fn trimmed(counts: &[i128], noise: Noise) -> Vec<i128> {
    let any = noise.half_width(1.0 - 0.02 / counts.len().max(1) as f64);
    let least = any.max(3.0 * noise.standard_deviation());
    counts.iter().map(|count| if (*count as f64) < least { 0 } else { *count }).collect()
}

/// A range of powers of two that leaves about a share of the people beyond each end.
///
/// Each person has one value (a number of keys, a largest value) and so is in one bucket: the histogram has sensitivity 1,
/// and [`measure`](crate::measure) gives the guarantee. All else is a function of its release. `None` when no bucket rises
/// above the noise: there are too few people to learn a bound from.
///
/// # Errors
/// When no noise of the family can be calibrated from the charge; nothing is drawn then.
pub fn bounds(
    charge: Charge,
    family: Family,
    beyond: Rank,
    values: &Private<Vec<i64>>,
    source: &mut dyn Source,
) -> Result<Release<Option<(i64, i64)>>, CalibrationError> {
    let sensitivity = one(family);
    let noise = Noise::calibrate(family, charge.loss(), sensitivity)?;
    let counts = measure(charge, family, sensitivity, &Magnitudes::histogram(values), source)?;
    Ok(counts.map(|counts| Magnitudes::range(&trimmed(&counts, noise), beyond)))
}

/// One person moves one count by one.
fn one(family: Family) -> Sensitivity {
    const ONE: &str = "one is a sensitivity";
    match family {
        Family::DiscreteLaplace => Sensitivity::L1(L1::new(1).expect(ONE)),
        Family::DiscreteGaussian | Family::RoundedNormal => {
            Sensitivity::L2Squared(L2Squared::new(1).expect(ONE))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::{self, Mode, Recorder, grant};
    use crate::loss::Loss;

    fn rank(part: u32, whole: u32) -> Rank {
        Rank::new(part, whole).unwrap()
    }

    fn run(values: Vec<i64>, beyond: Rank) -> impl FnOnce(&mut Recorder) -> Option<(i64, i64)> {
        let loss = Loss::gdp("0.01".parse().unwrap(), crate::Delta::ZERO);
        move |source| {
            let values = Private::new(values);
            bounds(grant(loss), Family::RoundedNormal, beyond, &values, source).unwrap().into_inner()
        }
    }

    proptest::proptest! {
        #[test]
        fn a_value_lies_within_its_bucket(value in proptest::num::i64::ANY) {
            let (low, high) = Magnitudes::ends(Magnitudes::bucket(value));
            proptest::prop_assert!(low <= value && value <= high);
        }
    }

    #[test]
    fn buckets_tile_the_integers() {
        let ends: Vec<(i64, i64)> = (0..Magnitudes::BUCKETS).map(Magnitudes::ends).collect();
        assert_eq!((ends[0].0, ends[127].1), (i64::MIN, i64::MAX));
        assert!(ends.iter().zip(&ends[1..]).all(|(a, b)| a.1 + 1 == b.0));
    }

    /// A thousand people with 1 to 100 keys and one with a million: noise of sd 10 in 121 empty buckets moves nothing.
    #[test]
    fn empty_buckets_do_not_drive_the_bound() {
        let people: Vec<i64> = (0..1000).map(|person| 1 + person % 100).chain([1_000_000]).collect();
        for seed in 0..20 {
            let range = run(people.clone(), rank(1, 100))(&mut Recorder::new(Mode::Drawn { seed }));
            assert!(matches!(range, Some((1..=8, 127))), "{range:?}");
        }
        assert_eq!(run(vec![3, 4], rank(1, 100))(&mut Recorder::new(Mode::Drawn { seed: 1 })), None);
    }

    #[test]
    fn shares_beyond_the_ends() {
        let mut counts = vec![0; Magnitudes::BUCKETS];
        (counts[60], counts[64], counts[70]) = (10, 80, 10);
        assert_eq!(Magnitudes::range(&counts, rank(9, 100)), Some((-15, 63)));
        assert_eq!(Magnitudes::range(&counts, rank(1, 10)), Some((0, 0)));
        assert_eq!(Magnitudes::range(&[0; 128], rank(1, 10)), None);
    }

    #[test]
    fn one_person_moves_one_bucket() {
        let people: Vec<i64> = (0..50).collect();
        let more = [people.clone(), vec![i64::MAX]].concat();
        for mode in [Mode::Exact, Mode::Wild { seed: 2 }, Mode::Drawn { seed: 2 }] {
            let divergence =
                audit::check(mode, run(people.clone(), rank(1, 20)), run(more.clone(), rank(1, 20))).unwrap();
            assert!(divergence.reaches_a_bound());
        }
        let two = audit::check(Mode::Exact, run(people, rank(1, 20)), run(vec![1], rank(1, 20)));
        assert!(two.is_err());
    }
}
