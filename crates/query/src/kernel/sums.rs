//! Sums in machine words where they are known to fit, and in twice the width where not.

use std::ops::AddAssign;

use super::bound::{Bound, UNIT};

/// An integer that sums are made of.
pub(super) trait Word: Copy + Default + Send + Sync + AddAssign + Into<i128> {
    /// An integer as it is.
    fn of(value: i64) -> Self;

    /// value·weight/unit, rounded toward zero; `unit` is that of a bound: 1 or [`UNIT`].
    fn weighted(value: i64, weight: u32, unit: u32) -> Self;

    /// whole·count/rows, rounded toward zero, none of them negative.
    fn share(whole: u64, count: u32, rows: u32) -> Self;
}

impl Word for i64 {
    fn of(value: i64) -> Self {
        value
    }

    fn weighted(value: i64, weight: u32, unit: u32) -> Self {
        let weighted = value * i64::from(weight);
        // A constant divisor is a shift.
        if unit == 1 { weighted } else { weighted / i64::from(UNIT) }
    }

    fn share(whole: u64, count: u32, rows: u32) -> Self {
        (whole * u64::from(count) / u64::from(rows)) as Self
    }
}

impl Word for i128 {
    fn of(value: i64) -> Self {
        value.into()
    }

    fn weighted(value: i64, weight: u32, unit: u32) -> Self {
        Self::from(value) * Self::from(weight) / Self::from(unit)
    }

    fn share(whole: u64, count: u32, rows: u32) -> Self {
        Self::from(whole) * Self::from(count) / Self::from(rows)
    }
}

/// Whether every sum over so many people, and every product on the way to it, fits 64 bits.
///
/// Of one person and key, with weights of at most 2^16 (in units, or 1 where there are none), values on the grid below 2^31
/// in absolute value, and at most `limit` rows: a weighted value before it is divided by the unit is at most 2^47·limit, a
/// share of a weight times a count at most 2^48·limit, and what is added at most 2^31·limit.
pub(super) fn fits_word(people: u64, limit: u32) -> bool {
    limit < 1 << 14 && people.checked_mul(u64::from(limit)).is_some_and(|parts| parts < 1 << 31)
}

/// The mean of a pair's rows, as often as rows count: sum·min(rows, limit)/rows, rounded toward zero.
pub(super) fn averaged(sum: i64, rows: u32, limit: u32) -> i64 {
    if rows <= limit {
        return sum;
    }
    match sum.checked_mul(i64::from(limit)) {
        Some(whole) => whole / i64::from(rows),
        // The sum is at most rows·2^31, so that the mean times the limit fits.
        None => (i128::from(sum) * i128::from(limit) / i128::from(rows)) as i64,
    }
}

/// Adds the sums of all threads.
pub(super) fn merge<W: Word>(sums: impl IntoIterator<Item = Vec<W>>, cells: usize) -> Vec<i128> {
    let mut all = vec![0_i128; cells];
    for sums in sums {
        all.iter_mut().zip(sums).for_each(|(all, sum)| *all += sum.into());
    }
    all
}

/// The weights of a bound, those of few keys computed once.
pub(super) struct Weights {
    bound: Bound,
    few: Vec<u32>,
}

impl Weights {
    pub fn new(bound: Bound) -> Self {
        Self { bound, few: (0..1024).map(|keys| bound.weight(keys)).collect() }
    }

    /// The weight of each of so many keys of a person.
    pub fn of(&self, keys: usize) -> u32 {
        // Fewer than 2^32: keys are codes, and links of places are limited by the plan.
        self.few.get(keys).copied().unwrap_or_else(|| self.bound.weight(keys as u32))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_both_widths_agree_at_the_ends() {
        let radius = 1_i64 << 31;
        for limit in [1, 2, (1 << 14) - 1] {
            let people = ((1_u64 << 31) - 1) / u64::from(limit);
            assert!(fits_word(people, limit) && !fits_word(people + 1, limit));
            for value in [radius, -radius, 3, -3, 0, 65_535, -65_535, 65_536] {
                let value = value * i64::from(limit);
                for (weight, unit) in [(UNIT, UNIT), (UNIT - 1, UNIT), (1, UNIT), (1, 1)] {
                    let narrow = <i64 as Word>::weighted(value, weight, unit);
                    assert_eq!(i128::from(narrow), <i128 as Word>::weighted(value, weight, unit));
                    assert!(i128::from(narrow).abs() * i128::from(people) < 1 << 63, "the sum fits");
                }
            }
            let whole = u64::from(UNIT) * u64::from(limit);
            for (count, rows) in [(1, 3), (u32::MAX, u32::MAX), (u32::MAX - 1, u32::MAX)] {
                let narrow = <i64 as Word>::share(whole, count, rows);
                assert_eq!(i128::from(narrow), <i128 as Word>::share(whole, count, rows));
            }
        }
        assert!(!fits_word(0, 1 << 14) && !fits_word(u64::MAX, 2));
    }

    #[test]
    fn a_mean_never_exceeds_the_radius() {
        assert_eq!((averaged(-7, 2, 1), averaged(7, 2, 1), averaged(-7, 2, 2)), (-3, 3, -7));
        let (rows, radius) = (u32::MAX, 1_i64 << 31);
        let most = averaged(i64::from(rows) * -radius, rows, rows - 1);
        assert_eq!(most, i64::from(rows - 1) * -radius);
    }
}
