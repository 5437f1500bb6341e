//! The backend on this machine.

use std::sync::Arc;

use flockwise_mechanisms::{Key, Private};

use super::gathering::{Found, Tables, Task, What};
use super::grouped::Grouped;
use super::scan::Scanner;
use crate::engine::{Backend, ClipChoice, Extremes, Failed};
use crate::kernel::{Bound, Clipped, Link, Links, Moment, Rule, SpillError};
use crate::plan::{BoughtRange, Channel, Grouping, Over, ReleasePlan, RowPlan};
use crate::statistics::groups;

/// Bounded aggregates over the rows of a scan. A clone shares the contributions, until it puts values on another grid.
#[derive(Clone)]
pub struct LocalBackend<'a> {
    scanner: &'a Scanner<'a>,
    plan: RowPlan,
    secret: [u8; 16],
    gathered: Now,
}

/// What is there of a release's rows.
#[derive(Clone)]
enum Now {
    /// The contributions of its rows.
    Groups(Arc<Groups>),
    /// What each person's values end at: the grid is not bought yet, on which contributions would be.
    Ends { least: Vec<i64>, largest: Vec<i64> },
}

/// The contributions of a plan's rows.
struct Groups {
    whole: Grouped,
    selected: Option<Grouped>,
    first: Option<Grouped>,
}

impl Groups {
    fn new(scanner: &Scanner<'_>, tables: Tables, secret: [u8; 16]) -> Result<Self, SpillError> {
        let group = |table: super::grouped::Table| table.finish(secret, &scanner.people, scanner.naming);
        Ok(Self {
            whole: group(tables.whole)?,
            selected: tables.selected.map(group).transpose()?,
            first: tables.first.map(group).transpose()?,
        })
    }
}

/// What a scan gathered for one release.
pub(crate) struct Gathered(Found);

/// How many parts of a plan's key, the first ones, come from the data.
fn from_data(plan: &RowPlan) -> usize {
    plan.keys.iter().take_while(|part| part.declared.is_none()).count()
}

/// Reads every row for all releases of a job.
///
/// # Errors
/// When the source cannot be read, or what does not fit into memory cannot be kept on disk.
pub(crate) fn gather(scanner: &Scanner<'_>, releases: &[&ReleasePlan]) -> Result<Vec<Gathered>, Failed> {
    let what_of = |release: &ReleasePlan| match &release.stages.range {
        Some(range) => What::Ends(*range),
        None => what(&release.rows),
    };
    Ok(scan(scanner, releases.iter().copied().map(|release| (what_of(release), &release.rows)).collect())?
        .into_iter()
        .map(Gathered)
        .collect())
}

/// What a first scan must find out for contributions.
const fn what(plan: &RowPlan) -> What {
    match plan.grouping {
        Grouping::FirstOfPerson => What::Firsts,
        Grouping::Rows | Grouping::InOrder(_) | Grouping::Activity(_) => What::Groups,
    }
}

/// The contributions of one plan's rows, on the grid that it has.
///
/// # Errors
/// As [`gather`].
pub(crate) fn contributions(scanner: &Scanner<'_>, plan: &RowPlan) -> Result<Gathered, Failed> {
    scan(scanner, vec![(what(plan), plan)])?.pop().map(Gathered).ok_or(Failed::Bug)
}

/// The least and the largest value of each person.
///
/// # Errors
/// As [`gather`].
pub(crate) fn extremes(
    scanner: &Scanner<'_>,
    plan: &RowPlan,
    range: &BoughtRange,
) -> Result<Extremes, Failed> {
    match scan(scanner, vec![(What::Ends(*range), plan)])?.pop() {
        Some(Found::Ends(ends)) => {
            let (least, largest) = ends.unzip();
            Ok(Extremes { least: Private::new(least), largest: Private::new(largest) })
        }
        Some(Found::Groups(_) | Found::Firsts(_)) | None => Err(Failed::Bug),
    }
}

/// Scans once, and again for those that then know each person's first part.
fn scan(scanner: &Scanner<'_>, wanted: Vec<(What, &RowPlan)>) -> Result<Vec<Found>, Failed> {
    let task = |(what, plan)| Task { plan, from_data: from_data(plan), what };
    let tasks: Vec<Task<'_>> = wanted.into_iter().map(task).collect();
    let mut gathered: Vec<Option<Found>> = scanner.scan(&tasks)?.into_iter().map(Some).collect();
    let (mut places, mut again) = (Vec::new(), Vec::new());
    for (place, slot) in gathered.iter_mut().enumerate() {
        if let Some(Found::Firsts(firsts)) = slot.take_if(|found| matches!(found, Found::Firsts(_))) {
            places.push(place);
            let Task { plan, from_data, .. } = tasks[place];
            again.push(Task { plan, from_data, what: What::GroupsBy(Arc::new(firsts)) });
        }
    }
    if !again.is_empty() {
        for (place, found) in places.into_iter().zip(scanner.scan(&again)?) {
            gathered[place] = Some(found);
        }
    }
    Ok(gathered.into_iter().flatten().collect())
}

impl Now {
    fn new(scanner: &Scanner<'_>, gathered: Found, secret: [u8; 16]) -> Result<Self, SpillError> {
        Ok(match gathered {
            Found::Groups(tables) => Self::Groups(Arc::new(Groups::new(scanner, *tables, secret)?)),
            Found::Ends(ends) => {
                let (least, largest) = ends.unzip();
                Self::Ends { least, largest }
            }
            Found::Firsts(_) => unreachable!("whose first parts are known are scanned again"),
        })
    }
}

impl<'a> LocalBackend<'a> {
    /// Prepares the contributions of a plan's rows. `secret` keys the hash by which a person's kept keys are chosen.
    ///
    /// # Errors
    /// When what does not fit into memory cannot be kept on disk.
    pub(crate) fn new(
        scanner: &'a Scanner<'a>,
        plan: &RowPlan,
        gathered: Gathered,
        secret: [u8; 16],
    ) -> Result<Self, SpillError> {
        let gathered = Now::new(scanner, gathered.0, secret)?;
        Ok(Self { scanner, plan: plan.clone(), secret, gathered })
    }

    fn groups(&self) -> Result<&Groups, Failed> {
        match &self.gathered {
            Now::Groups(groups) => Ok(groups),
            // The engine buys a range before it asks for anything else.
            Now::Ends { .. } => Err(Failed::Bug),
        }
    }
}

/// Something of the links of some keys.
fn links<T>(grouped: &Grouped, keys: &[Key], link: Link, of: impl FnOnce(&Links<'_>) -> T) -> T {
    let kept = grouped.kept(keys);
    of(&Links { link, kept: &kept, places: keys.len() })
}

impl Backend for LocalBackend<'_> {
    fn extremes(&mut self, _: &BoughtRange) -> Result<Extremes, Failed> {
        match &mut self.gathered {
            Now::Ends { least, largest } => Ok(Extremes {
                least: Private::new(std::mem::take(least)),
                largest: Private::new(std::mem::take(largest)),
            }),
            Now::Groups(_) => Err(Failed::Bug),
        }
    }

    fn regrid(&mut self, channel: Channel) -> Result<(), Failed> {
        if let Some(value) = &mut self.plan.value {
            value.regrid(channel);
        }
        let gathered = contributions(self.scanner, &self.plan)?;
        self.gathered = Now::new(self.scanner, gathered.0, self.secret)?;
        Ok(())
    }

    fn candidates(&mut self, bound: Bound) -> Result<Private<Vec<(Key, i128)>>, Failed> {
        let groups = self.groups()?;
        let grouped = groups.selected.as_ref().unwrap_or(&groups.whole);
        let weights = grouped.contributions.candidates(bound)?;
        let mut named: Vec<(Key, i128)> = weights
            .into_iter()
            .map(|(code, weight)| (grouped.keys.all[code as usize].clone(), weight))
            .collect();
        named.sort_unstable();
        Ok(Private::new(named))
    }

    fn scores(&mut self, rows: &[Vec<Key>]) -> Result<Private<Vec<Vec<i128>>>, Failed> {
        let grouped = &self.groups()?.whole;
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
        let grouped = &self.groups()?.whole;
        let contributions = &grouped.contributions;
        Ok(Private::new(match link {
            None => contributions.activity(Some(&grouped.kept(keys)), buckets)?,
            Some(link) => links(grouped, keys, link, |links| contributions.link_activity(links, buckets))?,
        }))
    }

    fn norms(
        &mut self,
        keys: &[Key],
        clip: ClipChoice,
        buckets: usize,
    ) -> Result<Private<Vec<i128>>, Failed> {
        let grouped = &self.groups()?.whole;
        let kept = grouped.kept(keys);
        let of = Clipped { channel: 0, limit: clip.limit, kept: &kept, places: keys.len() };
        Ok(Private::new(grouped.contributions.norms(clip.first, buckets, &of)?))
    }

    fn linked(&mut self, keys: &[Key], link: Link, bound: Bound) -> Result<Private<Vec<i128>>, Failed> {
        let grouped = &self.groups()?.whole;
        Ok(Private::new(links(grouped, keys, link, |links| grouped.contributions.linked(bound, links))?))
    }

    fn margin(&mut self, over: Over, keys: &[Key], bound: Bound) -> Result<Private<Vec<i128>>, Failed> {
        let people = |grouped: &Grouped, keys: &[Key]| {
            let kept = grouped.kept(keys);
            grouped
                .contributions
                .moments(bound, &[Moment::People], Some(&kept), keys.len())
                .map(|mut all| all.swap_remove(0))
        };
        let own = self.groups()?;
        Ok(Private::new(match over {
            Over::Keys => people(&own.whole, keys)?,
            Over::Everyone => vec![own.whole.contributions.everyone()?],
            Over::Totals(parts) => {
                let (places, count) = groups(keys, parts as usize);
                let mut totals = vec![0; count];
                for (place, cell) in places.into_iter().zip(people(&own.whole, keys)?) {
                    totals[place] += cell;
                }
                totals
            }
            Over::FirstPart => match &own.first {
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
        let grouped = &self.groups()?.whole;
        let kept = grouped.kept(keys);
        let contributions = &grouped.contributions;
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
