//! Scans of the data: one reads every row once, for all that a job wants of it.
//!
//! The key decision: rows stream. Each lane decodes chunks of its own piece of the source, and makes of each row what the
//! plan says: whose it is, which rows of joined tables it meets, its derived values, whether it counts, its keys and its
//! values on grids. Waves of lanes are settled one after the other, in order of the lanes: new texts and keys get codes
//! that hold for all, and rows go to the kernel. What stays is the dictionaries, and what the kernel keeps.
//!
//! A release that must know something of a whole person before its rows can be grouped (the range of values that it
//! bought, a person's first cohort) has the source scanned again. The source may have changed in between, and no promise
//! hangs on its being the same: each scan is a function of one row at a time, so what a person adds to either depends on
//! that person's rows in the two snapshots alone, and neighbouring data sets differ in one person's rows in every
//! snapshot. Bounds are applied to what the last scan gathered; what an earlier one gathered of a person (the first
//! cohort) only says where that person's own rows belong.

use std::path::Path;
use std::sync::{Arc, PoisonError, RwLock};

use flockwise_mechanisms::Source as NoiseSource;
use rayon::prelude::*;

use super::Limits;
use super::batch::Batch;
use super::consent::Consents;
use super::dimension::Dimension;
use super::gathering::{Draft, Found, Gathering, Task};
use super::people::{Naming, People, Texts};
use super::rows::normalized;
use crate::engine::Failed;
use crate::frame::{Chunk, Kind, Lane, Preflight, Source, Unreadable};
use crate::plan::Scan;

/// The data of a job, and all that its rows meet.
pub struct Scanner<'a> {
    scan: &'a Scan,
    source: &'a Source,
    preflight: &'a Preflight,
    tables: Vec<Dimension>,
    consents: Option<Consents>,
    pub(super) people: Arc<RwLock<People>>,
    pub(super) naming: Naming,
    limits: &'a Limits,
}

/// One lane with what it has drafted for each task.
struct Drafting<'s, 'p> {
    lane: Lane<'s>,
    drafts: Vec<Draft<'p>>,
    new: Texts,
    done: bool,
}

impl<'a> Scanner<'a> {
    /// Reads the tables that are joined and the consents. `base` is the folder of the policy, to which their paths are
    /// relative; `noise` decides by chance who takes part of those who allow less than the job spends.
    ///
    /// # Errors
    /// When one cannot be read.
    pub fn open(
        scan: &'a Scan,
        source: &'a Source,
        preflight: &'a Preflight,
        base: &Path,
        limits: &'a Limits,
        noise: &mut dyn NoiseSource,
    ) -> Result<Self, Unreadable> {
        let kind = preflight.0.first().map_or(Kind::Int, |(_, kind)| *kind);
        let decide = |consent| Consents::decide(consent, kind, &scan.unit.normalize, base, noise);
        let consents = scan.consent.as_ref().map(decide).transpose()?;
        let read = |join| Dimension::read(join, &scan.unit.column, kind, base);
        let tables = scan.joins.iter().map(read).collect::<Result<_, _>>()?;
        let naming = if kind == Kind::Text { Naming::Text } else { Naming::Number };
        Ok(Self { scan, source, preflight, tables, consents, people: Arc::default(), naming, limits })
    }

    /// Reads every row once, for all tasks.
    ///
    /// # Errors
    /// When the source cannot be read, or what does not fit into memory cannot be kept on disk.
    pub(super) fn scan(&self, tasks: &[Task<'_>]) -> Result<Vec<Found>, Failed> {
        let lanes = rayon::current_num_threads();
        let stream = self.source.open(self.preflight, lanes).map_err(|_| Failed::Source)?;
        let mut lanes: Vec<Drafting<'_, '_>> = (0..lanes)
            .map(|_| Drafting {
                lane: stream.lane(),
                drafts: tasks.iter().map(|task| Draft::new(task, &self.tables)).collect(),
                new: Texts::default(),
                done: false,
            })
            .collect();
        let mut gatherings: Vec<Gathering> =
            tasks.iter().map(|task| Gathering::new(task, &self.limits.memory)).collect();
        while lanes.iter().any(|lane| !lane.done) {
            let fill = |lane: &mut Drafting<'_, '_>| self.fill(lane);
            lanes.par_iter_mut().with_max_len(1).try_for_each(fill).map_err(|Unreadable| Failed::Source)?;
            for lane in &mut lanes {
                let mut people = self.people.write().unwrap_or_else(PoisonError::into_inner);
                let welcomed = people.welcome(&mut lane.new);
                drop(people);
                for (gathering, draft) in gatherings.iter_mut().zip(&mut lane.drafts) {
                    gathering.take(draft, &welcomed)?;
                }
            }
        }
        let finished = gatherings.into_iter().zip(tasks).map(|(gathering, task)| gathering.finish(task));
        Ok(finished.collect::<Result<_, _>>()?)
    }

    /// Reads the rows of one wave in one lane.
    fn fill(&self, lane: &mut Drafting<'_, '_>) -> Result<(), Unreadable> {
        let mut rows = 0;
        while rows < self.limits.wave && !lane.done {
            match lane.lane.next(self.limits.chunk)? {
                Some(chunk) => {
                    rows += chunk.rows.max(1);
                    let batch = self.batch(chunk, &mut lane.new)?;
                    lane.drafts.iter_mut().for_each(|draft| draft.take(&batch));
                }
                None => lane.done = true,
            }
        }
        Ok(())
    }

    fn batch(&self, chunk: Chunk, new: &mut Texts) -> Result<Batch<'_>, Unreadable> {
        let scan = self.scan;
        let mut read = chunk.columns.into_iter();
        let unit = normalized(read.next().ok_or(Unreadable)?, &scan.unit.normalize);
        let people = self.people.read().unwrap_or_else(PoisonError::into_inner);
        let identified = people.identify(&unit, self.consents.as_ref(), new);
        drop(people);
        let wanted = scan.columns.iter().filter(|column| column.name != scan.unit.column).zip(read);
        let columns = wanted.map(|(wanted, column)| (&wanted.name, normalized(column, &wanted.normalize)));
        let columns = columns.chain([(&scan.unit.column, unit)]).collect();
        Ok(Batch::new(chunk.rows, columns, identified, &self.tables, &scan.derived))
    }
}
