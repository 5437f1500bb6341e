//! The bound that was bought: from a noisy activity histogram to the bound of least predicted error.

use serde::{Deserialize, Serialize};

use super::meeting::{Group, Meeting, spread};
use crate::kernel::{Bound, Link, MOST_POWER, Rule};

/// The rule from a noisy activity histogram to a bound, fixed by the plan: its loss, its candidates, its bias limit.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct BoundChoice {
    /// Bounds to choose from, ascending; each a rule with its size.
    pub candidates: Vec<Bound>,
    /// Buckets of the activity histogram: 1, 2, 3–4, 5–8, … keys a person.
    pub buckets: usize,
    /// The predicted bias at the largest key is kept within this many standard deviations of the noise, so that 95% bars
    /// cover the unbounded truth about as often as they say (0.35: 93.6%).
    pub largest_bias: f64,
    /// Where people's own vectors of values are clipped: the power of two of the first candidate, and rows that count.
    pub clip: Option<ClipChoice>,
}

/// Candidates for clipping vectors of values: squared norms of 2^first, 2^(first + 1), and so on.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ClipChoice {
    /// The first power.
    pub first: u32,
    /// Rows of one person in one key that count.
    pub limit: u32,
}

impl BoundChoice {
    /// Norm bounds for Gaussian noise, L1 bounds for Laplace noise: 1 to 8, 10, 12, 14, 16, 20, … below 2^buckets.
    #[must_use]
    pub fn new(norm: bool, buckets: usize) -> Self {
        let sizes = (0..buckets.min(24)).flat_map(|power| {
            let size = 1_u32 << power;
            (0..size.min(4)).map(move |quarter| size + quarter * (size / size.min(4)))
        });
        let bound = |size| if norm { Bound::norm(size) } else { Bound::mass(size) };
        Self { candidates: sizes.map(bound).collect(), buckets, largest_bias: 0.35, clip: None }
    }

    /// Norms to which a person's vector of values is clipped, for values of at most `radius` on the grid.
    ///
    /// The bias is kept within a predicted 0.1 standard deviations, since the few people of the largest norms, whom the noise
    /// hides, have more of it than is predicted.
    #[must_use]
    pub fn for_values(radius: u32, limit: u32) -> Self {
        let top = 2 * (radius.max(1).ilog2() + limit.ilog2()) + 14;
        let (first, last) = ((2 * radius.max(1).ilog2()).saturating_sub(20), top.min(MOST_POWER));
        let candidates: Vec<Bound> = (first..=last).map(Bound::clip).collect();
        let buckets = candidates.len();
        Self { candidates, buckets, largest_bias: 0.1, clip: Some(ClipChoice { first, limit }) }
    }

    /// The rule for links of keys. Their contributions are far more uneven than those to keys, and the bound that keeps the
    /// largest link's predicted bias within 0.35 has half as much noise again as the best one: on pairs of films and of shop
    /// goods the leading pairs were found half as well. Within one standard deviation the prediction, which takes every
    /// person to meet keys alike, is about twice the bias that was measured, so the bars of the very largest link cover the
    /// unbounded truth about 92% of the time, and all others more.
    #[must_use]
    pub fn for_links(self) -> Self {
        Self { largest_bias: 1.0, ..self }
    }
}

/// What is known, from releases alone, when the bound is chosen.
#[derive(Clone, Copy, Debug)]
pub struct Known<'a> {
    /// The noisy activity histogram.
    pub activity: &'a [i128],
    /// The largest number of keys, or links, that a person can have: so many were found.
    pub most: usize,
    /// Standard deviation of its noise.
    pub activity_sd: f64,
    /// Noisy weights of the selected keys, in people; empty where keys are public.
    pub weights: &'a [f64],
    /// Standard deviation of the noise on a count of people at each candidate.
    pub sd: &'a [f64],
    /// What is bounded, where it is not the keys themselves but their links.
    pub link: Option<Link>,
    /// Whether the histogram counts keys per person: then it tells of pairs too, since m keys make m(m − 1)/2.
    pub counts_keys: bool,
    /// Where norms of people's values were counted in place of keys.
    pub clip: Option<ClipChoice>,
    /// The bound under which the weights were summed.
    pub weighed: Bound,
}

impl Known<'_> {
    /// A typical number of bounded cells of a person in a bucket.
    fn typical(&self, bucket: usize) -> f64 {
        if let Some(clip) = self.clip {
            // The middle, on the scale of the histogram, of norms in the bucket.
            return 2.0_f64.powf((f64::from(clip.first) + bucket as f64 - 0.5) / 2.0);
        }
        let keys = typical(bucket);
        match self.link {
            Some(Link::Pairs) if self.counts_keys => keys * (keys - 1.0) / 2.0,
            Some(Link::Pairs | Link::Steps) | None => keys,
        }
    }
}

/// Chooses the bound of least predicted error among those whose predicted bias is within the limit.
///
/// Post-processing of releases: a deterministic function of noisy numbers, so it costs nothing beyond the histogram.
#[must_use]
pub fn choose(rule: &BoundChoice, known: &Known<'_>) -> Bound {
    let people = people(known);
    let predictions = match (known.link, known.clip) {
        (None, None) => of_keys(rule, known, &spread(&people, known.most)),
        _ => of_mass(rule, known, &people),
    };
    let honest = predictions.iter().enumerate().filter(|(_, (bias, _))| *bias <= rule.largest_bias);
    let least_error = honest.min_by(|(_, (_, one)), (_, (_, other))| one.total_cmp(other));
    let least_bias =
        || predictions.iter().enumerate().min_by(|(_, (one, _)), (_, (other, _))| one.total_cmp(other));
    least_error.or_else(least_bias).map_or(rule.candidates[0], |(at, _)| rule.candidates[at])
}

/// For each candidate the predicted bias at the largest key in standard deviations of the noise, and the predicted mean
/// squared error: none where nobody is seen.
fn of_keys(rule: &BoundChoice, known: &Known<'_>, groups: &[Group]) -> Vec<(f64, f64)> {
    let mass: f64 = groups.iter().map(|group| group.people * group.size()).sum();
    if mass <= 0.0 {
        return Vec::new();
    }
    let people: f64 = groups.iter().map(|group| group.people).sum();
    let lost_of = |bound: Bound| -> Vec<f64> {
        let lost = |group: &Group| (1.0 - group.mean(|keys| kept_mass(bound, keys)) / group.size()).max(0.0);
        groups.iter().map(lost).collect()
    };
    // Each cell has a weight of its own: what it loses can be told apart.
    let own = known.weights.len() == known.most && known.weights.iter().all(|weight| *weight > 0.0);
    let meeting = (own && known.most > 0)
        .then(|| Meeting::fit(groups, known.weights, |keys| kept_mass(known.weighed, keys) / keys));
    let (largest, mean_square) = sizes(known, mass, people);
    let predict = |(bound, &sd): (&Bound, &f64)| {
        let lost = lost_of(*bound);
        let (most, squares) = meeting.as_ref().map_or_else(
            || {
                let parts = groups.iter().zip(&lost).map(|(group, lost)| group.people * group.size() * lost);
                let lost = parts.sum::<f64>() / mass;
                (lost * largest, lost * lost * mean_square)
            },
            |meeting| meeting.losses(&lost),
        );
        (most / sd, sd.mul_add(sd, squares))
    };
    rule.candidates.iter().zip(known.sd).map(predict).collect()
}

/// The same for links and for norms of values, which are told by bucket alone.
fn of_mass(rule: &BoundChoice, known: &Known<'_>, people: &[f64]) -> Vec<(f64, f64)> {
    let each =
        |bucket: usize, kept: f64| kept * if known.clip.is_some() { known.typical(bucket) } else { 1.0 };
    let total = |of: &dyn Fn(usize) -> f64| -> f64 {
        people.iter().enumerate().map(|(bucket, count)| count * of(bucket)).sum()
    };
    // Who has a larger norm has it over more keys: clipped mass counts by the square.
    let mass = total(&|bucket| known.typical(bucket));
    let whole = total(&|bucket| each(bucket, known.typical(bucket)));
    if mass <= 0.0 {
        return Vec::new();
    }
    let (largest, mean_square) = sizes(known, mass, people.iter().sum());
    let predict = |(bound, &sd): (&Bound, &f64)| {
        let kept = total(&|bucket| each(bucket, kept_mass(*bound, known.typical(bucket))));
        let lost = (1.0 - kept / whole).max(0.0);
        (lost * largest / sd, sd.mul_add(sd, lost * lost * mean_square))
    };
    rule.candidates.iter().zip(known.sd).map(predict).collect()
}

/// Buckets of at most eight keys, which cost little to believe in.
const FEW: usize = 3;

/// How many people are in each bucket, as far as the noise lets it be seen.
///
/// Nobody has more keys than were found, so what is in the buckets beyond is noise. Buckets below three standard deviations
/// count as empty: taken as they are, forty noisy buckets of people with thousands of keys each drive the bound to nonsense.
/// Those of few keys are believed up to half of the one before, which is how activity falls where it is seen: at a small
/// loss they are all that there is, and taken as empty they would cut off everything but one key a person. So are those of norms of values, where the
/// next bound is only √2 as much noise.
fn people(known: &Known<'_>) -> Vec<f64> {
    let last = known.most.max(1).next_power_of_two().trailing_zeros() as usize;
    let mut before = f64::INFINITY;
    let seen = known.activity.iter().enumerate().map(|(bucket, &count)| {
        let count = if bucket > last { 0.0 } else { count as f64 };
        if count < 3.0 * known.activity_sd {
            before =
                if bucket <= FEW || known.clip.is_some() { count.max(0.0).min(before / 2.0) } else { 0.0 };
        } else {
            before = count;
        }
        before
    });
    seen.collect()
}

/// The largest count of a cell, and the mean square of all: from the selected keys' noisy weights, scaled up to the whole
/// mass; where keys are public nothing is known, and any cell may have everybody, though not all can: the mean square is at
/// most the largest times the mean.
///
/// Of links only the keys' weights are known. They are predicted as if the keys were met independently: the links of a and
/// b in proportion to w_a·w_b. A prediction decides how good the bound is, never how private.
fn sizes(known: &Known<'_>, mass: f64, people: f64) -> (f64, f64) {
    let weights: Vec<f64> = known.weights.iter().map(|weight| weight.max(0.0)).collect();
    let total: f64 = weights.iter().sum();
    if weights.is_empty() || total <= 0.0 {
        if known.clip.is_some() {
            return (mass, mass * mass);
        }
        let mean = if known.link.is_some() { people } else { (mass / known.most.max(1) as f64).min(people) };
        return (people, people * mean);
    }
    let count = weights.len() as f64;
    if known.clip.is_some() {
        // A person of m keys has weight 1/√m in each and a value of about norm/√m: a key's sum is about its weight times the
        // mean norm, and less where values have both signs.
        let mean = mass / people.max(1.0);
        let largest = weights.iter().fold(0.0_f64, |largest, weight| largest.max(weight * mean));
        let square: f64 = weights.iter().map(|weight| (weight * mean).powi(2)).sum();
        return (largest, square / count);
    }
    let Some(link) = known.link else {
        let scale = (mass / total).max(1.0);
        let largest = weights.iter().fold(0.0_f64, |largest, weight| largest.max(weight * scale));
        let square: f64 = weights.iter().map(|weight| (weight * scale).powi(2)).sum();
        return (largest.min(people), square / count);
    };
    let power = |exponent: i32| weights.iter().map(|weight| weight.powi(exponent)).sum::<f64>();
    let products = total.mul_add(total, -power(2));
    let squares = power(2).mul_add(power(2), -power(4));
    let cells = count * (count - 1.0);
    let (scale, cells, squares) = match link {
        Link::Pairs => (2.0 * mass / products, cells / 2.0, squares / 2.0),
        Link::Steps => (mass / products, cells, squares),
    };
    if !scale.is_finite() || cells <= 0.0 {
        return (people, people * people);
    }
    let mut leading = weights;
    leading.sort_by(|one, other| other.total_cmp(one));
    ((leading[0] * leading[1] * scale).min(people), squares * scale * scale / cells)
}

/// A typical number of keys in a bucket: the middle of (2^(j−1), 2^j].
fn typical(bucket: usize) -> f64 {
    let top = (1_u64 << bucket.min(62)) as f64;
    if bucket == 0 { 1.0 } else { (top / 2.0 + 1.0 + top) / 2.0 }
}

/// What a person with `keys` keys keeps of them.
fn kept_mass(bound: Bound, keys: f64) -> f64 {
    let size = f64::from(bound.size());
    match bound.rule {
        Rule::Keep(_) | Rule::Mass(_) => keys.min(size),
        Rule::Norm(_) => keys * (size / keys).sqrt().min(1.0),
        // Here `keys` is a norm.
        Rule::Clip(power) => keys.min(2.0_f64.powf(f64::from(power) / 2.0)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_heavier_tail_buys_a_larger_bound() {
        let rule = BoundChoice::new(true, 12);
        let sd: Vec<f64> =
            rule.candidates.iter().map(|bound| 10.0 * f64::from(bound.size()).sqrt()).collect();
        let bought = |activity: &[i128]| {
            let known = Known {
                most: 4096,
                activity,
                activity_sd: 5.0,
                weights: &[300.0, 200.0, 100.0],
                sd: &sd,
                link: None,
                counts_keys: true,
                clip: None,
                weighed: Bound::norm(1),
            };
            choose(&rule, &known).size()
        };
        let light = bought(&[1000, 100, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
        let heavy = bought(&[100, 100, 100, 100, 100, 100, 0, 0, 0, 0, 0, 0]);
        assert!(light < heavy, "{light} < {heavy}");
        // Noise of a few people in the bucket of thousands is no tail.
        assert_eq!(light, bought(&[1000, 100, 4, -3, 7, 2, 0, -9, 6, 12, -2, 14]));
    }

    #[test]
    fn nothing_known_gives_the_smallest_bound() {
        let rule = BoundChoice::new(false, 8);
        let sd = vec![1.0; rule.candidates.len()];
        let known = Known {
            most: 4096,
            activity: &[0; 8],
            activity_sd: 1.0,
            weights: &[],
            sd: &sd,
            link: None,
            counts_keys: true,
            clip: None,
            weighed: Bound::mass(1),
        };
        assert_eq!(choose(&rule, &known), Bound::mass(1));
    }
}
