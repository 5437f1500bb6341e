//! The truth of one release: computed once, and shared by all trials.

use std::sync::{Arc, Mutex, PoisonError};

use flockwise_mechanisms::{Key, Private, Waiver};
use hashbrown::HashMap;

use super::exact::{Asked, Cells, Column, Numbers, unit};
use super::rank::Ranks;
use crate::backend::LocalBackend;
use crate::engine::{Backend, ClipChoice, Failed};
use crate::kernel::{Bound, Link, Moment};
use crate::plan::{BoughtRange, Channel, KeyDomain, Over, ReleasePlan};

/// Every key of everybody, each in full.
const UNBOUNDED: Bound = Bound::keep(u32::MAX);
/// Numbers of distributions that are held at a time.
const BLOCK: usize = 1 << 22;

/// What is shared by all trials of a release: the contributions, and what they are in truth.
pub(super) struct World<'a> {
    pub waiver: &'a Waiver,
    plan: ReleasePlan,
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
    clamped: Mutex<Vec<(Option<Channel>, Arc<Vec<Column>>)>>,
    /// The contributions on each grid that was bought.
    regridded: Mutex<Vec<(Channel, LocalBackend<'a>)>>,
    /// The candidates of a selection under each bound.
    candidates: Mutex<Vec<(Bound, Arc<Vec<(Key, i128)>>)>>,
    /// What noise does not decide, where keys are declared.
    fixed: Fixed,
}

type Known<K, V> = Mutex<Vec<(K, Arc<V>)>>;

/// The answers that are the same in every trial where keys and grid are declared: each by all that it hangs on.
#[derive(Default)]
struct Fixed {
    moments: Known<Bound, Vec<Vec<i128>>>,
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

impl<'a> World<'a> {
    /// Computes the truth.
    ///
    /// # Errors
    /// Those of the backend.
    pub fn new(waiver: &'a Waiver, plan: &ReleasePlan, backend: LocalBackend<'a>) -> Result<Self, Failed> {
        let mut world = Self {
            waiver,
            plan: plan.clone(),
            backend,
            cells: Cells::default(),
            index: HashMap::new(),
            people: Vec::new(),
            unbounded: Vec::new(),
            ranks: Ranks::default(),
            clamped: Mutex::default(),
            regridded: Mutex::default(),
            candidates: Mutex::default(),
            fixed: Fixed::default(),
        };
        world.cells = Cells::new(plan, world.all_keys()?);
        world.index = world.cells.keys.iter().cloned().zip(0..).collect();
        let people = Backend::moments(&mut world.backend(), &world.cells.keys, UNBOUNDED, &[Moment::People])?;
        world.people = people[0].open(waiver).iter().map(|&people| people as f64).collect();
        if plan.stages.linked.is_none() {
            let (backend, channel) = world.unclamped()?;
            world.unbounded = world.columns(backend, &Asked::of_every_row(plan), channel)?;
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
            KeyDomain::Private(_) => self.candidate_keys()?,
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
            Ok(Arc::new(self.backend.clone().candidates(bound)?.open(self.waiver).clone()))
        })
    }

    /// The contributions with values on another grid.
    pub fn on(&self, channel: Channel) -> Result<LocalBackend<'a>, Failed> {
        once(&self.regridded, channel, || {
            let mut backend = self.backend.clone();
            backend.regrid(channel)?;
            Ok(backend)
        })
    }

    /// A backend on a grid that holds every value, with that grid.
    fn unclamped(&self) -> Result<(LocalBackend<'a>, Option<Channel>), Failed> {
        let stages = &self.plan.stages;
        let planned = stages.channels.first().copied();
        let values = stages.measures.iter().any(|measure| matches!(measure.moment, Moment::Value { .. }));
        let Some(channel) = planned.filter(|_| values) else { return Ok((self.backend.clone(), planned)) };
        const STEPS: f64 = 1_048_576.0;
        let range = BoughtRange { within: None, steps: STEPS, centred: true, loss: self.plan.loss };
        let extremes = self.backend.clone().extremes(&range)?;
        let least = extremes.least.open(self.waiver).iter().copied().min();
        let most = extremes.largest.open(self.waiver).iter().copied().max();
        let Some((least, most)) = least.zip(most) else { return Ok((self.backend.clone(), planned)) };
        // Half a step is what rounding may hide.
        let (low, high) = ((least as f64 - 0.5) / STEPS, (most as f64 + 0.5) / STEPS);
        let declared = stages.range.is_none();
        if declared && low + 1.0 / STEPS >= channel.low && high - 1.0 / STEPS <= channel.high {
            return Ok((self.backend.clone(), planned));
        }
        let wide = Channel::new(low, high, false);
        let mut backend = self.backend.clone();
        backend.regrid(wide)?;
        Ok((backend, Some(wide)))
    }

    /// The truth after clamping and Linf, on the grid that a trial had.
    pub fn clamped(&self, channel: Option<Channel>) -> Result<Arc<Vec<Column>>, Failed> {
        once(&self.clamped, channel, || {
            let planned = self.plan.stages.channels.first().copied();
            let backend = match channel {
                Some(bought) if channel != planned => self.on(bought)?,
                _ => self.backend.clone(),
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
            let numbers = Numbers { plan: &self.plan, asked, values, units, channel, margins };
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
            let exact: Private<Vec<i128>> = backend.margin(margin.over, keys, UNBOUNDED)?;
            Ok(exact.open(self.waiver).iter().map(|&people| people as f64).collect())
        };
        self.plan.stages.margins.iter().map(margin).collect()
    }

    /// How many people have each link of some items.
    pub fn link_counts(&self, link: Link, items: &[Key]) -> Result<Vec<f64>, Failed> {
        let counts = self.backend.clone().linked(items, link, UNBOUNDED)?;
        Ok(counts.open(self.waiver).iter().map(|&count| count as f64).collect())
    }

    /// The truth of all links of some items.
    pub fn links(&self, link: Link, items: &[Key]) -> Result<Arc<(Cells, Vec<Column>)>, Failed> {
        self.fixed(&self.fixed.truths, link, || {
            let mut backend = self.backend.clone();
            let margins = self.margins(&mut backend, items)?;
            let values = vec![backend.linked(items, link, UNBOUNDED)?.open(self.waiver).clone()];
            let asked = Asked::planned(&self.plan);
            let units = vec![1.0];
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
        self.fixed(&self.fixed.moments, bound, || {
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
