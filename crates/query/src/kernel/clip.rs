//! Sums in which each person's own vector of values is scaled to a norm.

use super::contributions::{Activity, Contributions, DROPPED};
use super::memory::SpillError;
use super::part::{Needs, Part};
use super::sums::{averaged, merge};

/// Binary digits of the factor by which a vector is scaled.
const DIGITS: u32 = 20;
/// The largest power of two that a squared norm may be bounded by: with [`DIGITS`] twice it fits an integer.
pub(crate) const MOST_POWER: u32 = 86;

/// Which values of a person count, and how much of several rows.
#[derive(Clone, Copy, Debug)]
pub struct Clipped<'a> {
    /// Which channel.
    pub channel: usize,
    /// Rows of one person in one key that count.
    pub limit: u32,
    /// Where each key's code stands among the measured keys.
    pub kept: &'a [u32],
    /// How many are measured.
    pub places: usize,
}

/// A person's value for each measured key: the mean of the rows, min(rows, limit) times, rounded toward zero.
type Vector = Vec<(usize, i128)>;

/// Fills in a person's vector; its squared norm.
fn vector(part: &Part, person: usize, of: &Clipped<'_>, values: &mut Vector) -> u128 {
    values.clear();
    for (pair, &key) in part.pairs(person).zip(part.keys_of(person)) {
        let place = of.kept[key as usize];
        if place != DROPPED {
            let value = averaged(part.channels[of.channel][pair], part.rows[pair], of.limit);
            values.push((place as usize, i128::from(value)));
        }
    }
    // At most 2^41 each, and fewer than 2^32 of them: the sum of squares fits.
    values.iter().map(|(_, value)| value.unsigned_abs().pow(2)).sum()
}

impl Contributions {
    /// Σ v·min(1, C/‖v‖) for each measured key, with C² = 2^power: each person's vector has L2 norm at most C, so that is
    /// the sensitivity, whatever the number of keys and the clamp range.
    ///
    /// The factor is ⌊2^20·C/‖v‖⌋/2^20, and products round toward zero: neither enlarges the norm.
    ///
    /// # Panics
    /// When the power is over 86: a bug of the caller.
    ///
    /// # Errors
    /// When what was spilled cannot be read.
    pub fn clipped(&self, power: u32, of: &Clipped<'_>) -> Result<Vec<i128>, SpillError> {
        assert!(power <= MOST_POWER, "a squared norm of at most 2^86");
        let add = |(sums, values): &mut (Vec<i128>, Vector), part: &Part| {
            for person in 0..part.people.len() {
                let square = vector(part, person, of, values);
                let whole = 1_u128 << power;
                if square <= whole {
                    values.iter().for_each(|&(place, value)| sums[place] += value);
                } else {
                    // ⌊√⌊x⌋⌋ = ⌊√x⌋.
                    let factor = ((whole << (2 * DIGITS)) / square).isqrt() as i128;
                    values.iter().for_each(|&(place, value)| sums[place] += value * factor / (1 << DIGITS));
                }
            }
        };
        let needs = Needs { values: true, ..Needs::default() };
        let sums = self.pass(needs, || (vec![0; of.places], Vec::new()), add)?;
        Ok(merge(sums.into_iter().map(|(sums, _)| sums), of.places))
    }

    /// In which bucket each person's squared norm is: at most 2^first, at most 2^(first + 1), and so on, the last without
    /// end; people whose vector is zero are in none. One person is in one bucket, so the sensitivity is 1.
    ///
    /// # Errors
    /// When what was spilled cannot be read.
    pub fn norms(&self, first: u32, buckets: usize, of: &Clipped<'_>) -> Result<Activity, SpillError> {
        let add = |(counts, values): &mut (Vec<i64>, Vector), part: &Part| {
            for person in 0..part.people.len() {
                let square = vector(part, person, of, values);
                if square > 0 {
                    let power = square.next_power_of_two().trailing_zeros();
                    counts[(power.saturating_sub(first) as usize).min(buckets - 1)] += 1;
                }
            }
        };
        let needs = Needs { values: true, ..Needs::default() };
        let counts = self.pass(needs, || (vec![0; buckets], Vec::new()), add)?;
        Ok(merge(counts.into_iter().map(|(counts, _)| counts), buckets))
    }
}
