//! The backend on this machine.

use std::sync::Arc;

use flockwise_mechanisms::{Key, Private};

use super::grouped::{Grouped, extremes};
use super::parts::keys;
use super::rows::Frame;
use crate::engine::{Backend, ClipChoice, Extremes, Failed};
use crate::kernel::{Bound, Clipped, Link, Links, Moment, Rule, SpillError};
use crate::plan::{BoughtRange, Channel, Grouping, KeyPart, Over, RowPlan};
use crate::statistics::groups;

/// Bounded aggregates over rows in memory. A clone shares the contributions, until it puts values on another grid.
#[derive(Clone)]
pub struct LocalBackend<'a> {
    frame: &'a Frame,
    plan: RowPlan,
    from_data: usize,
    secret: [u8; 16],
    grouped: Arc<Groups>,
}

/// The contributions of a plan's rows.
struct Groups {
    /// By whole keys.
    whole: Grouped,
    /// By the parts of a key that come from the data, where others are declared.
    selected: Option<Grouped>,
    /// By a person's first part of the key, where there is one for each person.
    first: Option<Grouped>,
}

impl Groups {
    fn new(frame: &Frame, plan: &RowPlan, from_data: usize, secret: [u8; 16]) -> Result<Self, SpillError> {
        let mixed = from_data > 0 && from_data < plan.keys.len();
        let rows = frame.counting(plan.filter.as_ref());
        let by = |rows: &[u32], parts: &[KeyPart]| Grouped::new(frame, rows, plan, parts, secret);
        // A row whose declared parts are not on their lists is dropped before bounding, in the selection too.
        let selected = mixed.then(|| {
            let mut whole = keys(frame, &rows, &plan.keys).rows;
            whole.dedup();
            by(&whole, &plan.keys[..from_data])
        });
        let first = (plan.grouping == Grouping::FirstOfPerson).then(|| by(&rows, &plan.keys[..1]));
        Ok(Self { whole: by(&rows, &plan.keys)?, selected: selected.transpose()?, first: first.transpose()? })
    }
}

impl<'a> LocalBackend<'a> {
    /// Prepares the contributions of a plan's rows. `from_data` is how many parts of the key, the first ones, come from
    /// the data; `secret` keys the hash by which a person's kept keys are chosen.
    ///
    /// # Errors
    /// When what does not fit into memory cannot be kept on disk.
    pub fn new(
        frame: &'a Frame,
        plan: &RowPlan,
        from_data: usize,
        secret: [u8; 16],
    ) -> Result<Self, SpillError> {
        let grouped = Arc::new(Groups::new(frame, plan, from_data, secret)?);
        Ok(Self { frame, plan: plan.clone(), from_data, secret, grouped })
    }

    fn links<T>(&self, keys: &[Key], link: Link, of: impl FnOnce(&Links<'_>) -> T) -> T {
        let kept = self.grouped.whole.kept(keys);
        of(&Links { link, kept: &kept, places: keys.len() })
    }
}

impl Backend for LocalBackend<'_> {
    fn extremes(&mut self, range: &BoughtRange) -> Result<Extremes, Failed> {
        let (least, largest) = extremes(self.frame, &self.plan, range);
        Ok(Extremes { least: Private::new(least), largest: Private::new(largest) })
    }

    fn regrid(&mut self, channel: Channel) -> Result<(), Failed> {
        if let Some(value) = &mut self.plan.value {
            value.regrid(channel);
        }
        self.grouped = Arc::new(Groups::new(self.frame, &self.plan, self.from_data, self.secret)?);
        Ok(())
    }

    fn candidates(&mut self, bound: Bound) -> Result<Private<Vec<(Key, i128)>>, Failed> {
        let grouped = self.grouped.selected.as_ref().unwrap_or(&self.grouped.whole);
        let weights = grouped.contributions.candidates(bound)?;
        let mut named: Vec<(Key, i128)> =
            weights.into_iter().map(|(code, weight)| (grouped.keys[code as usize].clone(), weight)).collect();
        named.sort_unstable();
        Ok(Private::new(named))
    }

    fn scores(&mut self, rows: &[Vec<Key>]) -> Result<Private<Vec<Vec<i128>>>, Failed> {
        let grouped = &self.grouped.whole;
        let count = |row: &Vec<Key>| {
            let kept = grouped.kept(row);
            let all = Bound::keep(u32::MAX);
            grouped
                .contributions
                .moments(all, &[Moment::People], Some(&kept), row.len())
                .map(|mut all| all.swap_remove(0))
        };
        Ok(Private::new(rows.iter().map(count).collect::<Result<_, _>>()?))
    }

    fn activity(
        &mut self,
        keys: &[Key],
        link: Option<Link>,
        buckets: usize,
    ) -> Result<Private<Vec<i128>>, Failed> {
        let contributions = &self.grouped.whole.contributions;
        Ok(Private::new(match link {
            None => contributions.activity(Some(&self.grouped.whole.kept(keys)), buckets)?,
            Some(link) => self.links(keys, link, |links| contributions.link_activity(links, buckets))?,
        }))
    }

    fn norms(
        &mut self,
        keys: &[Key],
        clip: ClipChoice,
        buckets: usize,
    ) -> Result<Private<Vec<i128>>, Failed> {
        let kept = self.grouped.whole.kept(keys);
        let of = Clipped { channel: 0, limit: clip.limit, kept: &kept, places: keys.len() };
        Ok(Private::new(self.grouped.whole.contributions.norms(clip.first, buckets, &of)?))
    }

    fn linked(&mut self, keys: &[Key], link: Link, bound: Bound) -> Result<Private<Vec<i128>>, Failed> {
        Ok(Private::new(
            self.links(keys, link, |links| self.grouped.whole.contributions.linked(bound, links))?,
        ))
    }

    fn margin(&mut self, over: Over, keys: &[Key], bound: Bound) -> Result<Private<Vec<i128>>, Failed> {
        let people = |grouped: &Grouped, keys: &[Key]| {
            let kept = grouped.kept(keys);
            grouped
                .contributions
                .moments(bound, &[Moment::People], Some(&kept), keys.len())
                .map(|mut all| all.swap_remove(0))
        };
        Ok(Private::new(match over {
            Over::Keys => people(&self.grouped.whole, keys)?,
            Over::Everyone => vec![self.grouped.whole.contributions.everyone()?],
            Over::Totals(parts) => {
                let (places, count) = groups(keys, parts as usize);
                let mut totals = vec![0; count];
                for (place, cell) in places.into_iter().zip(people(&self.grouped.whole, keys)?) {
                    totals[place] += cell;
                }
                totals
            }
            Over::FirstPart => match &self.grouped.first {
                Some(first) => people(first, keys)?,
                None => Vec::new(),
            },
        }))
    }

    fn moments(
        &mut self,
        keys: &[Key],
        bound: Bound,
        moments: &[Moment],
    ) -> Result<Vec<Private<Vec<i128>>>, Failed> {
        let kept = self.grouped.whole.kept(keys);
        let contributions = &self.grouped.whole.contributions;
        let clips = matches!(bound.rule, Rule::Clip(_));
        let is_sum = |moment: &Moment| match moment {
            Moment::Nodes { .. } => false,
            Moment::Value { .. } => !clips,
            Moment::People | Moment::Rows { .. } => true,
        };
        let wanted: Vec<Moment> = moments.iter().copied().filter(is_sum).collect();
        let mut sums = contributions.moments(bound, &wanted, Some(&kept), keys.len())?.into_iter();
        let mut exact = Vec::new();
        for &moment in moments {
            exact.push(Private::new(match (moment, bound.rule) {
                (Moment::Value { channel, limit }, Rule::Clip(power)) => contributions
                    .clipped(power, &Clipped { channel, limit, kept: &kept, places: keys.len() })?,
                (Moment::Nodes { grid, limit, .. }, _) => {
                    contributions.distributions(bound, (grid, limit), &kept, keys.len())?
                }
                (Moment::People | Moment::Rows { .. } | Moment::Value { .. }, _) => {
                    sums.next().expect("one vector for each sum")
                }
            }));
        }
        Ok(exact)
    }
}
