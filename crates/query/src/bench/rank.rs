//! The leading keys and the largest values in truth: what recall and relative errors are measured against.

use hashbrown::HashMap;

use super::world::World;
use crate::engine::Failed;
use crate::kernel::Link;
use crate::key::decode;
use crate::plan::{Formula, Order, ReleasePlan};
use crate::statistics::segment;

/// How many leading keys are looked at.
const TOPS: [u32; 2] = [10, 100];
/// Links are looked for among at most so many items of the most people.
const MOST_ITEMS: usize = 2_000;

/// The least value of the leading keys of a segment, and how many these are.
pub(super) type Least = (f64, usize);

/// What leads in truth.
#[derive(Default)]
pub(super) struct Ranks {
    /// How many leading keys relative errors are over; there are more keys than that.
    pub tops: Vec<u32>,
    /// For each key its rank by people, the most first; keys that nobody has come last.
    pub order: Vec<u32>,
    /// How many leading rows recall is over.
    pub recalls: Vec<u32>,
    /// The segment of each key.
    pub segments: Vec<usize>,
    /// For each column that is a count or a sum, for each of `recalls` and each segment: the least value of the leading
    /// keys, and how many these are.
    pub least: Vec<Option<Vec<Vec<Least>>>>,
}

/// Whether the largest of a column are looked for.
pub(super) const fn is_ranked(formula: Formula) -> bool {
    matches!(formula, Formula::Count(_) | Formula::Sum { .. })
}

impl Ranks {
    /// By the truth.
    ///
    /// # Errors
    /// Those of the backend.
    pub fn new(plan: &ReleasePlan, world: &World<'_>) -> Result<Self, Failed> {
        if let Some(linked) = plan.stages.linked {
            return Self::of_links(plan, world, linked.link);
        }
        let keys = world.cells.keys.len();
        let mut by_people: Vec<usize> = (0..keys).collect();
        by_people.sort_by(|&one, &other| world.people[other].total_cmp(&world.people[one]));
        let mut order = vec![0; keys];
        (0..).zip(&by_people).for_each(|(rank, &key)| order[key] = rank);
        let there = world.true_keys();
        let fewer = |top: &u32| (*top as usize) < there;
        let mut ranks = Self { order, tops: TOPS.into_iter().filter(fewer).collect(), ..Self::default() };
        ranks.recalls.clone_from(&ranks.tops);
        ranks.segments = vec![0; keys];
        if let Order::Leading(most) = plan.order {
            ranks.recalls = vec![most];
            let mut known = HashMap::new();
            for (at, key) in world.cells.keys.iter().enumerate() {
                let parts = decode(key);
                let named: Vec<_> = plan.keys.iter().map(|(place, _)| parts[*place].clone()).collect();
                let next = known.len();
                ranks.segments[at] = *known.entry(segment(plan, &named)).or_insert(next);
            }
        }
        for (output, column) in plan.outputs.iter().zip(&world.unbounded) {
            let values = (0..keys).filter(|&key| world.people[key] > 0.0);
            let values = values.filter_map(|key| Some((ranks.segments[key], column[key]?)));
            let least = is_ranked(output.formula).then(|| ranks.least_of(values.collect()));
            ranks.least.push(least);
        }
        Ok(ranks)
    }

    fn least_of(&self, values: Vec<(usize, f64)>) -> Vec<Vec<Least>> {
        let segments = self.segments.iter().max().map_or(1, |last| last + 1);
        let mut split = vec![Vec::new(); segments];
        values.into_iter().for_each(|(segment, value)| split[segment].push(value));
        split.iter_mut().for_each(|values| values.sort_by(|one, other| other.total_cmp(one)));
        let of = |top: u32, values: &Vec<f64>| {
            let size = values.len().min(top as usize);
            (if size == 0 { f64::INFINITY } else { values[size - 1] }, size)
        };
        self.recalls.iter().map(|&top| split.iter().map(|values| of(top, values)).collect()).collect()
    }

    /// The leading links: no link has more people than either of its items, so those among the items that have at least as
    /// many people as the last leading link are all there are.
    fn of_links(plan: &ReleasePlan, world: &World<'_>, link: Link) -> Result<Self, Failed> {
        let mut items: Vec<usize> = (0..world.people.len()).filter(|&at| world.people[at] > 0.0).collect();
        items.sort_by(|&one, &other| world.people[other].total_cmp(&world.people[one]));
        let mut ranks = Self { tops: TOPS.to_vec(), segments: vec![0], ..Self::default() };
        let mut among = 256;
        let counts = loop {
            let some = &items[..items.len().min(among)];
            let mut keys: Vec<_> = some.iter().map(|&at| world.cells.keys[at].clone()).collect();
            keys.sort();
            let mut counts = world.link_counts(link, &keys)?;
            counts.retain(|count| *count > 0.0);
            counts.sort_by(|one, other| other.total_cmp(one));
            let last = counts.get(TOPS[1] as usize - 1).copied().unwrap_or(0.0);
            let beyond = items.get(some.len()).map_or(0.0, |&at| world.people[at]);
            if beyond <= last || some.len() == items.len() || among >= MOST_ITEMS {
                break counts;
            }
            among *= 2;
        };
        ranks.tops.retain(|top| (*top as usize) < counts.len());
        ranks.recalls.clone_from(&ranks.tops);
        for output in &plan.outputs {
            let values = || counts.iter().map(|&count| (0, count)).collect();
            ranks.least.push(is_ranked(output.formula).then(|| ranks.least_of(values())));
        }
        Ok(ranks)
    }
}
