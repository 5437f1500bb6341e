//! The backend that does what the documents say, one loop for each sentence; and its defects, for the controls.

use std::collections::BTreeMap;

use flockwise_mechanisms::audit::Recorder;
use flockwise_mechanisms::{Digest, Key, Ledger, Loss, Private, charge};
use flockwise_query::engine::{Backend, ClipChoice, Extremes, Failed, execute};
use flockwise_query::kernel::{Bound, Link, Moment, Rule};
use flockwise_query::key::decode;
use flockwise_query::plan::{BoughtRange, Channel, Over, Plan};
use flockwise_query::value::Value;

/// A fact on its way into a release: the private part of its key, the whole key, and its values on the grid.
#[derive(Clone, Debug)]
pub struct Entry {
    pub person: usize,
    pub selected: Key,
    pub whole: Key,
    pub values: Vec<i64>,
}

/// A deliberate defect, for the controls.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Defect {
    None,
    /// Values are summed as they came.
    NoClamp,
    /// Everything counts twice: the same as half the sensitivity.
    Twice,
    /// One key more than the bound is kept.
    KeepsOneMore,
    /// Weights are rounded up.
    RoundsUp,
    /// Keys come in the order in which somebody had them.
    Unsorted,
    /// A person is in a bucket for each of their keys.
    ManyBuckets,
    /// Keys that nobody has are candidates, with a weight of zero.
    Nobody,
    /// Every row is a person of its own, as where null ids are many people.
    RowsArePeople,
}

/// The backend that does what the documents say, and no more.
pub struct Plain {
    pub entries: Vec<Entry>,
    pub defect: Defect,
}

fn weight(bound: Bound, keys: usize, defect: Defect) -> i128 {
    let (full, m) = (i128::from(bound.unit()), keys.max(1) as i128);
    let fits = |w: i128| match bound.rule {
        Rule::Keep(_) => true,
        Rule::Norm(size) => w * w * m <= full * full * i128::from(size),
        Rule::Mass(size) => w * m <= full * i128::from(size),
        Rule::Clip(_) => true,
    };
    let (mut low, mut high) = (0, full + 1);
    while high - low > 1 {
        let middle = (low + high) / 2;
        if fits(middle) { low = middle } else { high = middle }
    }
    if defect == Defect::RoundsUp { full.min(low + 1) } else { low }
}

impl Plain {
    /// By person: by key, the values of its rows.
    fn people(&self, selected: bool, within: Option<&[Key]>) -> Vec<BTreeMap<Key, Vec<Vec<i64>>>> {
        let mut people: BTreeMap<usize, BTreeMap<Key, Vec<Vec<i64>>>> = BTreeMap::new();
        for (at, entry) in self.entries.iter().enumerate() {
            let key = if selected { &entry.selected } else { &entry.whole };
            if within.is_some_and(|within| !within.contains(key)) {
                continue;
            }
            let person = if self.defect == Defect::RowsArePeople { at } else { entry.person };
            people.entry(person).or_default().entry(key.clone()).or_default().push(entry.values.clone());
        }
        people.into_values().collect()
    }

    fn sums(
        &self,
        selected: bool,
        within: Option<&[Key]>,
        bound: Bound,
        moment: Moment,
    ) -> BTreeMap<Key, i128> {
        let mut sums: BTreeMap<Key, i128> = BTreeMap::new();
        for mut person in self.people(selected, within) {
            let most = bound.cap as usize + usize::from(self.defect == Defect::KeepsOneMore);
            // Which keys are kept is drawn by keyed hash; the first ones do for a control, and tests stay below.
            let cut: Vec<Key> = person.keys().skip(most).cloned().collect();
            assert!(cut.is_empty() || self.defect != Defect::None, "the reference keeps no subsets");
            cut.iter().for_each(|key| drop(person.remove(key)));
            let w = weight(bound, person.len(), self.defect);
            for (key, rows) in person {
                let n = rows.len() as i128;
                let counted = |limit: u32| n.min(i128::from(limit));
                let part = match moment {
                    Moment::People => w,
                    Moment::Rows { limit } => w * counted(limit),
                    Moment::Nodes { .. } => panic!("no case is about distributions"),
                    Moment::Value { channel, limit } => {
                        let sum: i128 = rows.iter().map(|values| i128::from(values[channel])).sum();
                        w * (sum * counted(limit) / n) / i128::from(bound.unit())
                    }
                };
                *sums.entry(key).or_default() += if self.defect == Defect::Twice { 2 * part } else { part };
            }
        }
        sums
    }
}

/// A person's values by key, each the mean of the rows, as often as rows count.
fn vector(person: &BTreeMap<Key, Vec<Vec<i64>>>, limit: u32) -> BTreeMap<&Key, i128> {
    let value = |rows: &Vec<Vec<i64>>| {
        let (n, sum) = (rows.len() as i128, rows.iter().map(|values| i128::from(values[0])).sum::<i128>());
        sum * n.min(i128::from(limit)) / n
    };
    person.iter().map(|(key, rows)| (key, value(rows))).collect()
}

impl Plain {
    /// Sums of vectors that are scaled to a squared norm of 2^power, by 20 binary digits of the largest factor that fits.
    fn clipped(&self, keys: &[Key], power: u32, limit: u32) -> Vec<i128> {
        let mut sums = vec![0; keys.len()];
        for person in self.people(false, Some(keys)) {
            let values = vector(&person, limit);
            let square: u128 = values.values().map(|value| value.unsigned_abs().pow(2)).sum();
            let fits = |factor: u128| factor * factor * square <= 1 << (power + 40);
            let (mut low, mut high) = (0, (1 << 20) + 1);
            while high - low > 1 {
                let middle = u128::midpoint(low, high);
                if fits(middle) { low = middle } else { high = middle }
            }
            let twice = if self.defect == Defect::Twice { 2 } else { 1 };
            for (place, key) in keys.iter().enumerate() {
                sums[place] += twice * values.get(key).map_or(0, |value| value * low as i128 / (1 << 20));
            }
        }
        sums
    }
}

impl Backend for Plain {
    fn extremes(&mut self, _: &BoughtRange) -> Result<Extremes, Failed> {
        panic!("no case buys a range")
    }

    fn regrid(&mut self, _: Channel) -> Result<(), Failed> {
        panic!("no case buys a range")
    }

    fn scores(&mut self, rows: &[Vec<Key>]) -> Result<Private<Vec<Vec<i128>>>, Failed> {
        let people = self.people(false, None);
        let count = |key: &Key| people.iter().filter(|person| person.contains_key(key)).count() as i128;
        Ok(Private::new(rows.iter().map(|row| row.iter().map(count).collect()).collect()))
    }

    fn norms(
        &mut self,
        keys: &[Key],
        clip: ClipChoice,
        buckets: usize,
    ) -> Result<Private<Vec<i128>>, Failed> {
        let mut counts = vec![0; buckets];
        for person in self.people(false, Some(keys)) {
            let square: u128 =
                vector(&person, clip.limit).values().map(|value| value.unsigned_abs().pow(2)).sum();
            let mut bucket = 0;
            while bucket + 1 < buckets && square > 1 << (clip.first as usize + bucket) {
                bucket += 1;
            }
            counts[bucket] += i128::from(square > 0);
            if self.defect == Defect::ManyBuckets {
                counts[0] += 1;
            }
        }
        Ok(Private::new(counts))
    }

    fn candidates(&mut self, bound: Bound) -> Result<Private<Vec<(Key, i128)>>, Failed> {
        let mut weights: Vec<(Key, i128)> =
            self.sums(true, None, bound, Moment::People).into_iter().collect();
        if self.defect == Defect::Nobody {
            weights.push((vec![0xff], 0));
        }
        Ok(Private::new(weights))
    }

    fn activity(
        &mut self,
        keys: &[Key],
        link: Option<Link>,
        buckets: usize,
    ) -> Result<Private<Vec<i128>>, Failed> {
        assert_eq!(link, None, "no case counts steps");
        let mut activity = vec![0; buckets];
        for person in self.people(false, Some(keys)) {
            let (mut bucket, mut reach) = (0, 1);
            while reach < person.len() {
                (bucket, reach) = (bucket + 1, reach * 2);
            }
            activity[bucket.min(buckets - 1)] += 1;
            if self.defect == Defect::ManyBuckets {
                activity[0] += 1;
            }
        }
        Ok(Private::new(activity))
    }

    fn linked(&mut self, keys: &[Key], link: Link, bound: Bound) -> Result<Private<Vec<i128>>, Failed> {
        assert_eq!(link, Link::Pairs, "no case is about steps");
        let mut cells: BTreeMap<(&Key, &Key), i128> = BTreeMap::new();
        for (at, one) in keys.iter().enumerate() {
            cells.extend(keys[at + 1..].iter().map(|other| ((one, other), 0)));
        }
        for person in self.people(false, Some(keys)) {
            let has: Vec<&Key> = person.keys().collect();
            let both = |pair: &(&Key, &Key)| has.contains(&pair.0) && has.contains(&pair.1);
            let pairs = cells.keys().filter(|pair| both(pair)).count();
            let w = weight(bound, pairs, self.defect);
            cells.iter_mut().filter(|(pair, _)| both(pair)).for_each(|(_, sum)| *sum += w);
        }
        Ok(Private::new(cells.into_values().collect()))
    }

    fn margin(&mut self, over: Over, keys: &[Key], bound: Bound) -> Result<Private<Vec<i128>>, Failed> {
        Ok(Private::new(match over {
            Over::Keys => {
                let sums = self.sums(false, Some(keys), bound, Moment::People);
                keys.iter().map(|key| sums.get(key).copied().unwrap_or(0)).collect()
            }
            Over::Everyone => vec![self.people(false, None).len() as i128],
            Over::FirstPart => panic!("no case has cohorts"),
            Over::Totals(parts) => {
                let cells = self.sums(false, Some(keys), bound, Moment::People);
                let mut totals: Vec<(Vec<Value>, i128)> = Vec::new();
                for key in keys {
                    let (leading, cell) = (decode(key), cells.get(key).copied().unwrap_or(0));
                    let leading = leading[..parts as usize].to_vec();
                    match totals.iter_mut().find(|(known, _)| *known == leading) {
                        Some((_, total)) => *total += cell,
                        None => totals.push((leading, cell)),
                    }
                }
                totals.into_iter().map(|(_, total)| total).collect()
            }
        }))
    }

    fn moments(
        &mut self,
        keys: &[Key],
        bound: Bound,
        moments: &[Moment],
    ) -> Result<Vec<Private<Vec<i128>>>, Failed> {
        let mut order = keys.to_vec();
        if self.defect == Defect::Unsorted {
            let first = |key: &Key| self.entries.iter().position(|entry| entry.whole == *key);
            order.sort_by_key(|key| first(key).unwrap_or(usize::MAX));
        }
        let vector = |&moment: &Moment| {
            if let (Moment::Value { limit, .. }, Rule::Clip(power)) = (moment, bound.rule) {
                return Private::new(self.clipped(&order, power, limit));
            }
            let sums = self.sums(false, Some(keys), bound, moment);
            Private::new(order.iter().map(|key| sums.get(key).copied().unwrap_or(0)).collect())
        };
        Ok(moments.iter().map(vector).collect())
    }
}

struct KeepsNothing;

impl Ledger for KeepsNothing {
    type Error = std::convert::Infallible;
    type Request = ();
    type Receipt = ();

    fn record(&mut self, _: Loss, _: Digest, (): &()) -> Result<(), Self::Error> {
        Ok(())
    }
}

/// Runs the stages of the plan's one release over a backend.
pub fn stages_over(plan: &Plan, backend: &mut dyn Backend, recorder: &mut Recorder) {
    let Ok((charged, ())) = charge(&mut KeepsNothing, plan.clone(), &());
    let (plan, allowance) = charged.open();
    let mut allowance = allowance.as_gaussian();
    execute(&plan.releases[0].stages, &mut allowance, backend, recorder).expect("a plan that was checked");
}
