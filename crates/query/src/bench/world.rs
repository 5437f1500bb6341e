//! The truth of one release: computed once, and shared by all trials.

use std::sync::{Arc, Mutex, PoisonError};

use flockwise_mechanisms::{Key, Private, Waiver};
use hashbrown::HashMap;

use super::exact::{Asked, Cells, Column, Numbers, unit};
use super::rank::Ranks;
use super::rows::Rows;
use crate::backend::LocalBackend;
use crate::engine::{Backend, ClipChoice, Extremes, Failed};
use crate::kernel::{Bound, Link, Moment};
use crate::plan::{BoughtRange, Channel, KeyDomain, Over, ReleasePlan, Stages};

/// Every key of everybody, each in full; in units fine enough for the shares of a distribution.
const UNBOUNDED: Bound = Bound::norm(u32::MAX);

/// An unbounded count, in people.
fn people(count: i128) -> f64 {
    count as f64 / f64::from(UNBOUNDED.unit())
}

/// Numbers of distributions that are held at a time.
const BLOCK: usize = 1 << 22;

/// What is shared by all trials of a release: the contributions, and what they are in truth.
pub(super) struct World<'a> {
    pub waiver: &'a Waiver,
    plan: ReleasePlan,
    rows: Rows<'a>,
    /// The contributions: on the plan's grid, or where that is bought on one that holds every value.
    backend: LocalBackend<'a>,
    /// All keys: those that somebody has, and those that are declared. Of links, the items.
    pub cells: Cells,
    index: HashMap<Key, usize>,
    /// How many people have each.
    pub people: Vec<f64>,
    /// The truth of each column; empty for links, which are too many.
    pub unbounded: Vec<Column>,
    /// Which keys and values are the largest.
    pub ranks: Ranks,
    /// The truth after clamping and Linf, on each grid that a trial had.
    clamped: Known<Option<Channel>, Vec<Column>>,
    /// The contributions on each grid that was bought.
    regridded: Mutex<Vec<(Channel, LocalBackend<'a>)>>,
    /// The ends of each person's values, where the grid is bought.
    ends: Ends,
    /// The candidates of a selection under each bound.
    candidates: Known<Bound, Vec<(Key, i128)>>,
    /// What noise does not decide, where keys are declared.
    fixed: Fixed,
}

type Known<K, V> = Mutex<Vec<(K, Arc<V>)>>;

/// The answers that are the same in every trial where keys and grid are declared: each by all that it hangs on.
#[derive(Default)]
struct Fixed {
    moments: Known<(Bound, Option<Moment>, usize), Vec<Vec<i128>>>,
    links: Known<Bound, Vec<i128>>,
    margins: Known<(Over, Bound), Vec<i128>>,
    activities: Known<(Option<Link>, usize), Vec<i128>>,
    norms: Known<(ClipChoice, usize), Vec<i128>>,
    truths: Known<Link, (Cells, Vec<Column>)>,
}

/// What several trials need, computed for all. Nothing is computed under the lock: a thread that waits for its own helpers
/// may be given another trial meanwhile, which would wait for the lock for ever.
fn once<K: PartialEq + Copy, V: Clone, E>(
    known: &Mutex<Vec<(K, V)>>,
    key: K,
    make: impl FnOnce() -> Result<V, E>,
) -> Result<V, E> {
    let lock = || known.lock().unwrap_or_else(PoisonError::into_inner);
    let find =
        |known: &[(K, V)]| known.iter().find(|(known, _)| *known == key).map(|(_, value)| value.clone());
    if let Some(value) = find(&lock()) {
        return Ok(value);
    }
    let value = make()?;
    let mut known = lock();
    if let Some(first) = find(&known) {
        return Ok(first);
    }
    known.push((key, value.clone()));
    Ok(value)
}

/// The least and the largest value of each person who has any.
type Ends = (Vec<i64>, Vec<i64>);

/// A grid that holds every value, where the plan's does not; and the ends of each person's values, where the grid is bought.
fn every_value(
    waiver: &Waiver,
    plan: &ReleasePlan,
    rows: Rows<'_>,
) -> Result<(Option<Channel>, Ends), Failed> {
    const STEPS: f64 = 1_048_576.0;
    let stages = &plan.stages;
    let nothing = (None, (Vec::new(), Vec::new()));
    let values = stages.measures.iter().any(|measure| matches!(measure.moment, Moment::Value { .. }));
    let Some(channel) = stages.channels.first().filter(|_| values || stages.range.is_some()) else {
        return Ok(nothing);
    };
    let ends_within = |range: &BoughtRange| -> Result<Ends, Failed> {
        let found = rows.extremes(plan, range)?;
        Ok((found.least.open(waiver).clone(), found.largest.open(waiver).clone()))
    };
    let whole = ends_within(&BoughtRange { within: None, steps: STEPS, centred: true, loss: plan.loss })?;
    let bought = match &stages.range {
        Some(range) => ends_within(range)?,
        None => nothing.1,
    };
    let ends = whole.0.iter().min().zip(whole.1.iter().max());
    // Half a step is what rounding may hide.
    let (low, high) =
        ends.map_or((-1.0, 1.0), |(&low, &high)| ((low as f64 - 0.5) / STEPS, (high as f64 + 0.5) / STEPS));
    let holds = low + 1.0 / STEPS >= channel.low && high - 1.0 / STEPS <= channel.high;
    let wide = (stages.range.is_some() || !holds && ends.is_some()).then(|| Channel::new(low, high, false));
    Ok((wide, bought))
}

impl<'a> World<'a> {
    /// Computes the truth.
    ///
    /// # Errors
    /// Those of the backend.
    pub fn new(waiver: &'a Waiver, plan: &ReleasePlan, rows: Rows<'a>) -> Result<Self, Failed> {
        let (grid, ends) = every_value(waiver, plan, rows)?;
        let wide = match grid {
            Some(grid) => Some(rows.backend(plan, Some(grid))?),
            None => None,
        };
        let backend = match &wide {
            Some(wide) if plan.stages.range.is_some() => wide.clone(),
            _ => rows.backend(plan, None)?,
        };
        let mut world = Self {
            waiver,
            plan: plan.clone(),
            rows,
            backend,
            cells: Cells::default(),
            index: HashMap::new(),
            people: Vec::new(),
            unbounded: Vec::new(),
            ranks: Ranks::default(),
            clamped: Mutex::default(),
            regridded: Mutex::default(),
            ends,
            candidates: Mutex::default(),
            fixed: Fixed::default(),
        };
        world.cells = Cells::new(plan, world.all_keys()?);
        world.index = world.cells.keys.iter().cloned().zip(0..).collect();
        let counts = Backend::moments(&mut world.backend(), &world.cells.keys, UNBOUNDED, &[Moment::People])?;
        world.people = counts[0].open(waiver).iter().map(|&count| people(count)).collect();
        if plan.stages.linked.is_none() {
            let grid = grid.or(plan.stages.channels.first().copied());
            let backend = wide.unwrap_or_else(|| world.backend());
            world.unbounded = world.columns(backend, &Asked::of_every_row(plan), grid)?;
        }
        world.ranks = Ranks::new(plan, &world)?;
        Ok(world)
    }

    /// Whether a plan has this truth: another loss or bound is nothing to it, other rows or values are.
    pub fn fits(&self, plan: &ReleasePlan) -> bool {
        let moments = |plan: &ReleasePlan| Asked::planned(plan);
        self.plan.rows == plan.rows
            && self.plan.outputs == plan.outputs
            && moments(&self.plan) == moments(plan)
            && std::mem::discriminant(&self.plan.stages.keys) == std::mem::discriminant(&plan.stages.keys)
            && self.plan.stages.range.is_some() == plan.stages.range.is_some()
    }

    /// A backend for one trial.
    pub fn backend(&self) -> LocalBackend<'a> {
        self.backend.clone()
    }

    /// Where a key stands.
    pub fn place(&self, key: &Key) -> Option<usize> {
        self.index.get(key).copied()
    }

    /// How many keys somebody has.
    pub fn true_keys(&self) -> usize {
        self.people.iter().filter(|people| **people > 0.0).count()
    }

    fn all_keys(&self) -> Result<Vec<Key>, Failed> {
        Ok(match &self.plan.stages.keys {
            KeyDomain::Public(keys) => keys.clone(),
            KeyDomain::Leading(leading) => {
                let mut keys: Vec<Key> = leading.rows.iter().flatten().cloned().collect();
                keys.sort();
                keys
            }
            KeyDomain::Private(_) | KeyDomain::Top(_) => self.candidate_keys()?,
            KeyDomain::Under(_, declared) => {
                let whole =
                    |key: &Key| declared.iter().map(|under| [&key[..], under].concat()).collect::<Vec<_>>();
                self.candidate_keys()?.iter().flat_map(whole).collect()
            }
        })
    }

    fn candidate_keys(&self) -> Result<Vec<Key>, Failed> {
        Ok(self.candidates(UNBOUNDED)?.iter().map(|(key, _)| key.clone()).collect())
    }

    /// The candidates of a selection, in order of their bytes.
    pub fn candidates(&self, bound: Bound) -> Result<Arc<Vec<(Key, i128)>>, Failed> {
        once(&self.candidates, bound, || {
            Ok(Arc::new(self.backend().candidates(bound)?.open(self.waiver).clone()))
        })
    }

    /// The contributions with values on another grid.
    pub fn on(&self, channel: Channel) -> Result<LocalBackend<'a>, Failed> {
        once(&self.regridded, channel, || self.rows.backend(&self.plan, Some(channel)))
    }

    /// The ends of each person's values.
    pub fn extremes(&self) -> Extremes {
        let (least, largest) = &self.ends;
        Extremes { least: Private::new(least.clone()), largest: Private::new(largest.clone()) }
    }

    /// The truth after clamping and Linf, on the grid that a trial had.
    pub fn clamped(&self, channel: Option<Channel>) -> Result<Arc<Vec<Column>>, Failed> {
        once(&self.clamped, channel, || {
            let backend = match channel.filter(|_| self.plan.stages.range.is_some()) {
                Some(bought) => self.on(bought)?,
                None => self.backend(),
            };
            self.columns(backend, &Asked::planned(&self.plan), channel).map(Arc::new)
        })
    }

    /// The columns over all keys, each person in full.
    fn columns(
        &self,
        mut backend: LocalBackend<'a>,
        asked: &Asked,
        channel: Option<Channel>,
    ) -> Result<Vec<Column>, Failed> {
        let margins = self.margins(&mut backend, &[])?;
        let plan = &match channel {
            Some(channel) => self.plan.on(&vec![channel; self.plan.stages.channels.len()]),
            None => self.plan.clone(),
        };
        let units: Vec<f64> =
            asked.moments.iter().map(|&moment| unit(moment, UNBOUNDED, channel.as_ref())).collect();
        let whole = asked.width() <= asked.moments.len();
        let block = if whole { self.cells.keys.len() } else { BLOCK / asked.width() };
        let mut columns: Vec<Column> = vec![Vec::new(); asked.formulas.len()];
        // Each person counts in full, so keys can be taken some at a time.
        for keys in self.cells.keys.chunks(block.max(1)) {
            let exact = backend.moments(keys, UNBOUNDED, &asked.moments)?;
            let values = exact.iter().map(|exact| exact.open(self.waiver).clone()).collect();
            let (units, margins) = (units.clone(), margins.clone());
            let numbers = Numbers { plan, asked, values, units, channel, margins };
            let some;
            let cells = if keys.len() == self.cells.keys.len() {
                &self.cells
            } else {
                some = Cells::new(&self.plan, keys.to_vec());
                &some
            };
            columns.iter_mut().zip(numbers.columns(cells)).for_each(|(all, some)| all.extend(some));
        }
        Ok(columns)
    }

    /// The margins, each person in full; over `items` where they are over keys.
    fn margins(&self, backend: &mut LocalBackend<'a>, items: &[Key]) -> Result<Vec<Vec<f64>>, Failed> {
        let margin = |margin: &crate::plan::Margin| {
            let keys = if margin.over == Over::Keys { items } else { &margin.keys };
            let bound = Stages::margin_bound(margin.over, UNBOUNDED);
            let exact: Private<Vec<i128>> = backend.margin(margin.over, keys, bound)?;
            // Whatever is no margin over keys counts people one by one.
            let unit = if margin.over == Over::Keys { f64::from(UNBOUNDED.unit()) } else { 1.0 };
            Ok(exact.open(self.waiver).iter().map(|&count| count as f64 / unit).collect())
        };
        self.plan.stages.margins.iter().map(margin).collect()
    }

    /// How many people have each link of some items.
    pub fn link_counts(&self, link: Link, items: &[Key]) -> Result<Vec<f64>, Failed> {
        let counts = self.backend().linked(items, link, UNBOUNDED)?;
        Ok(counts.open(self.waiver).iter().map(|&count| people(count)).collect())
    }

    /// The truth of all links of some items.
    pub fn links(&self, link: Link, items: &[Key]) -> Result<Arc<(Cells, Vec<Column>)>, Failed> {
        self.fixed(&self.fixed.truths, link, || {
            let mut backend = self.backend();
            let margins = self.margins(&mut backend, items)?;
            let values = vec![backend.linked(items, link, UNBOUNDED)?.open(self.waiver).clone()];
            let asked = Asked::planned(&self.plan);
            let units = vec![f64::from(UNBOUNDED.unit())];
            let numbers = Numbers { plan: &self.plan, asked: &asked, values, units, channel: None, margins };
            let cells = Cells::of_links(link, items.len());
            let columns = numbers.columns(&cells);
            Ok((cells, columns))
        })
    }

    /// An answer: computed once where noise decides nothing of it, else anew.
    fn fixed<K: PartialEq + Copy, V>(
        &self,
        known: &Known<K, V>,
        key: K,
        make: impl FnOnce() -> Result<V, Failed>,
    ) -> Result<Arc<V>, Failed> {
        let declared = matches!(self.plan.stages.keys, KeyDomain::Public(_));
        let make = || make().map(Arc::new);
        if declared && self.plan.stages.range.is_none() { once(known, key, make) } else { make() }
    }

    /// The bounded moments of a trial.
    pub fn moments(
        &self,
        backend: &mut LocalBackend<'a>,
        keys: &[Key],
        bound: Bound,
        moments: &[Moment],
    ) -> Result<Arc<Vec<Vec<i128>>>, Failed> {
        // A release asks for its cells and, to buy their bound, for people alone.
        let asked = (bound, moments.first().copied(), moments.len());
        self.fixed(&self.fixed.moments, asked, || {
            let exact = backend.moments(keys, bound, moments)?;
            Ok(exact.iter().map(|exact| exact.open(self.waiver).clone()).collect())
        })
    }

    /// The bounded links of a trial.
    pub fn linked(
        &self,
        backend: &mut LocalBackend<'a>,
        keys: &[Key],
        link: Link,
        bound: Bound,
    ) -> Result<Arc<Vec<i128>>, Failed> {
        self.fixed(&self.fixed.links, bound, || {
            Ok(backend.linked(keys, link, bound)?.open(self.waiver).clone())
        })
    }

    /// A bounded margin of a trial.
    pub fn margin(
        &self,
        backend: &mut LocalBackend<'a>,
        over: Over,
        keys: &[Key],
        bound: Bound,
    ) -> Result<Arc<Vec<i128>>, Failed> {
        self.fixed(&self.fixed.margins, (over, bound), || {
            Ok(backend.margin(over, keys, bound)?.open(self.waiver).clone())
        })
    }

    /// The activity histogram of a trial.
    pub fn activity(
        &self,
        backend: &mut LocalBackend<'a>,
        keys: &[Key],
        link: Option<Link>,
        buckets: usize,
    ) -> Result<Arc<Vec<i128>>, Failed> {
        self.fixed(&self.fixed.activities, (link, buckets), || {
            Ok(backend.activity(keys, link, buckets)?.open(self.waiver).clone())
        })
    }

    /// The histogram of norms of a trial.
    pub fn norms(
        &self,
        backend: &mut LocalBackend<'a>,
        keys: &[Key],
        clip: ClipChoice,
        buckets: usize,
    ) -> Result<Arc<Vec<i128>>, Failed> {
        self.fixed(&self.fixed.norms, (clip, buckets), || {
            Ok(backend.norms(keys, clip, buckets)?.open(self.waiver).clone())
        })
    }

    /// What an affinity would be of the cells that came out alone, unbounded.
    pub fn among(&self, cells: &Cells) -> Vec<Column> {
        let asked = Asked::planned(&self.plan);
        let people = |key: &Key| self.place(key).map_or(0, |place| self.people[place] as i128);
        let values = vec![cells.keys.iter().map(people).collect(); asked.moments.len()];
        let units = vec![1.0; asked.moments.len()];
        Numbers { plan: &self.plan, asked: &asked, values, units, channel: None, margins: Vec::new() }
            .columns(cells)
    }
}
