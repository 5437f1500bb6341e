//! How activity meets keys: what is predicted of each key, from noisy numbers alone, under a bound.
//!
//! A prediction decides how good a bound is, never how private: whatever it is, the noise fits the bound.

/// Points at which a bucket of the activity histogram is looked at.
const POINTS: u32 = 8;
/// Rounds of fitting popularity; the largest key's predicted bias moves by less than a hundredth after half as many.
const ROUNDS: usize = 20;

/// People of one bucket: how many, and how their numbers of keys are spread over it.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Group {
    /// How many people.
    pub people: f64,
    /// Numbers of keys, with the part of the people that has them; the parts add up to 1.
    pub keys: Vec<(f64, f64)>,
}

impl Group {
    /// The mean of a function of the number of keys.
    pub(super) fn mean(&self, of: impl Fn(f64) -> f64) -> f64 {
        self.keys.iter().map(|&(keys, part)| part * of(keys)).sum()
    }

    /// The mean number of keys.
    pub(super) fn size(&self) -> f64 {
        self.mean(|keys| keys)
    }
}

/// Spreads the people of each bucket (2^(j−1), 2^j] over its numbers of keys, at most `most`.
///
/// Activity falls like a power from bucket to bucket, so it is taken to fall like that power within one: by the densities
/// of the bucket and its two neighbours, or of the one before where nobody is seen beyond. Placed in the middle, the people
/// of a last bucket that falls steeply are taken to have half as many keys again as they have.
pub(super) fn spread(people: &[f64], most: usize) -> Vec<Group> {
    let density = |bucket: usize| people.get(bucket).map_or(0.0, |people| people / width(bucket));
    let steepness =
        |from: usize, to: usize| (density(to) / density(from)).ln() / (middle(to) / middle(from)).ln();
    let group = |(bucket, &count): (usize, &f64)| {
        if bucket < 2 {
            return Group { people: count, keys: vec![((1_u64 << bucket) as f64, 1.0)] };
        }
        let before = (density(bucket - 1) > 0.0).then(|| steepness(bucket - 1, bucket));
        let after = (density(bucket + 1) > 0.0).then(|| steepness(bucket, bucket + 1));
        let power = match (before, after) {
            (Some(before), Some(after)) => before.midpoint(after),
            (Some(one), None) | (None, Some(one)) => one,
            (None, None) => 0.0,
        };
        let low = (1_u64 << (bucket - 1)) as f64 + 1.0;
        let high = ((1_u64 << bucket) as f64).min(most as f64).max(low);
        let points = POINTS.min((high - low) as u32);
        let at = |point: u32| low + ((high - low) * f64::from(point) / f64::from(points.max(1))).floor();
        let weighed: Vec<(f64, f64)> =
            (0..=points).map(at).map(|keys| (keys, keys.powf(power.clamp(-8.0, 2.0)))).collect();
        let whole: f64 = weighed.iter().map(|(_, weight)| weight).sum();
        Group {
            people: count,
            keys: weighed.into_iter().map(|(keys, weight)| (keys, weight / whole)).collect(),
        }
    };
    people.iter().enumerate().filter(|&(_, &count)| count > 0.0).map(group).collect()
}

/// How many numbers a bucket holds.
fn width(bucket: usize) -> f64 {
    if bucket < 2 { 1.0 } else { (1_u64 << (bucket - 1)) as f64 }
}

/// The middle of a bucket.
fn middle(bucket: usize) -> f64 {
    let top = (1_u64 << bucket.min(62)) as f64;
    if bucket == 0 { 1.0 } else { (top / 2.0 + 1.0 + top) / 2.0 }
}

/// Keys of about the same weight.
#[derive(Clone, Copy, Debug)]
struct Alike {
    weight: f64,
    count: f64,
    popularity: f64,
}

/// Who has which keys, fitted to the noisy weights of a selection.
///
/// A person of m keys is taken to draw until m different ones are met, a key of popularity p each time with probability p:
/// after τ draws the person has it with probability 1 − (1 − p)^τ, where Σ over keys is m. So the active, who have most
/// keys anyway, are a smaller part of those who have a leading key than of those who have any, and a leading key loses less
/// to the bound than keys do on average: on film ratings 1.4% against 2.2%. The popularities are those for which the
/// predicted weights are in proportion to the noisy ones.
#[derive(Clone, Debug)]
pub(super) struct Meeting {
    keys: Vec<Alike>,
    /// For each group of people the probability of having a key of each class.
    has: Vec<Vec<f64>>,
    people: Vec<f64>,
}

impl Meeting {
    /// Fits popularities to the weights that selected the keys; `weighed` is what a person of so many keys gives to each.
    pub(super) fn fit(groups: &[Group], weights: &[f64], weighed: impl Fn(f64) -> f64) -> Self {
        let mut keys = alike(weights);
        let total: f64 = weights.iter().sum();
        let cells = weights.len() as f64;
        let sizes: Vec<f64> = groups.iter().map(|group| group.size().min(cells * 0.999)).collect();
        let given: Vec<f64> = groups.iter().map(|group| group.people * group.mean(&weighed)).collect();
        // Selection saw keys that were not found as well, so a person's weight in it was less than it is now.
        let seen = total / given.iter().zip(&sizes).map(|(given, size)| given * size).sum::<f64>();
        let mut has = Vec::new();
        for _ in 0..ROUNDS {
            has = sizes.iter().map(|&size| met(&keys, size)).collect();
            for (at, key) in keys.iter_mut().enumerate() {
                let predicted: f64 = has.iter().zip(&given).map(|(has, given)| has[at] * given * seen).sum();
                key.popularity *= (key.weight / predicted.max(f64::MIN_POSITIVE)).clamp(0.5, 2.0);
            }
            let whole: f64 = keys.iter().map(|key| key.popularity * key.count).sum();
            keys.iter_mut().for_each(|key| key.popularity /= whole);
        }
        Self { keys, has, people: groups.iter().map(|group| group.people).collect() }
    }

    /// The most that any key loses, and the mean square of what keys lose, where each group loses this part of its keys.
    pub(super) fn losses(&self, lost: &[f64]) -> (f64, f64) {
        let (mut largest, mut squares, mut cells) = (0.0_f64, 0.0, 0.0);
        for (at, key) in self.keys.iter().enumerate() {
            let groups = self.has.iter().zip(&self.people).zip(lost);
            let loss: f64 = groups.map(|((has, people), lost)| has[at] * people * lost).sum();
            largest = largest.max(loss);
            squares += key.count * loss * loss;
            cells += key.count;
        }
        (largest, squares / cells)
    }
}

/// Keys by classes of weight, sixteen to each power of two: thousands of keys cost no more than a few hundred.
fn alike(weights: &[f64]) -> Vec<Alike> {
    let mut classes = std::collections::BTreeMap::<i64, (f64, f64)>::new();
    for &weight in weights {
        let (sum, count) = classes.entry((weight.log2() * 16.0).floor() as i64).or_default();
        *sum += weight;
        *count += 1.0;
    }
    let total: f64 = weights.iter().sum();
    let class =
        |(sum, count): (f64, f64)| Alike { weight: sum / count, count, popularity: sum / count / total };
    classes.into_values().map(class).collect()
}

/// With which probability a person of `size` different keys has one of each class.
fn met(keys: &[Alike], size: f64) -> Vec<f64> {
    let misses: Vec<f64> = keys.iter().map(|key| (-key.popularity.min(0.999_999)).ln_1p()).collect();
    // The number of different keys is concave in the number of draws, so Newton's steps from below stay below.
    let mut draws = size;
    for _ in 0..60 {
        let (mut short, mut slope) = (size, 0.0);
        for (key, miss) in keys.iter().zip(&misses) {
            let missed = (draws * miss).exp();
            short -= key.count * (1.0 - missed);
            slope -= key.count * missed * miss;
        }
        if short <= 1e-6 * size || slope <= 0.0 {
            break;
        }
        draws += short / slope;
    }
    misses.iter().map(|miss| -(draws * miss).exp_m1()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_that_falls_steeply_is_counted_near_its_lower_end() {
        let groups = spread(&[100.0, 100.0, 200.0, 400.0, 10.0], 64);
        // From 9 to 16 keys, the middle at 12.5: by the eighth power, the steepest that is believed, 9.9 at eight points.
        assert!((9.0..10.5).contains(&groups[4].size()), "{}", groups[4].size());
        // An even density stays in the middle.
        assert!((groups[2].size() - 3.5).abs() < 0.01, "{}", groups[2].size());
        let parts: f64 = groups[4].keys.iter().map(|(_, part)| part).sum();
        assert!((parts - 1.0).abs() < 1e-12);
    }

    #[test]
    fn nobody_is_taken_to_have_more_keys_than_there_are() {
        let groups = spread(&[0.0, 0.0, 0.0, 0.0, 50.0], 10);
        assert!(groups[0].keys.iter().all(|&(keys, _)| keys <= 10.0));
    }

    #[test]
    fn a_person_has_as_many_keys_as_they_have() {
        let keys = alike(&[500.0, 200.0, 100.0, 50.0, 40.0, 30.0, 20.0, 10.0]);
        for size in [1.0, 3.0, 7.5] {
            let has = met(&keys, size);
            let sum: f64 = keys.iter().zip(&has).map(|(key, has)| key.count * has).sum();
            assert!((sum - size).abs() < 1e-4 * size, "{sum} of {size}");
            assert!(has.iter().all(|&has| (0.0..=1.0).contains(&has)));
        }
    }

    #[test]
    fn the_leading_key_loses_less_of_its_people_than_keys_do_on_average() {
        let groups = spread(&[1000.0, 300.0, 300.0, 300.0, 200.0], 32);
        let weights: Vec<f64> = (1..=32).map(|rank| 800.0 / f64::from(rank)).collect();
        let meeting = Meeting::fit(&groups, &weights, |keys| 1.0 / keys.sqrt());
        let active: Vec<f64> = groups.iter().map(|group| f64::from(u8::from(group.size() > 8.0))).collect();
        let (most, _) = meeting.losses(&active);
        let (people, _) = meeting.losses(&vec![1.0; groups.len()]);
        let mass: f64 = groups.iter().map(|group| group.people * group.size()).sum();
        let heavy = groups.iter().zip(&active).map(|(group, active)| group.people * group.size() * active);
        assert!(most / people < 0.8 * heavy.sum::<f64>() / mass, "{most} of {people}");
        assert!(people <= 2100.0);
    }
}
