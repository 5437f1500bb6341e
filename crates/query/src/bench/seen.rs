//! A backend for one trial, which keeps what it was asked and what it answered.

use std::sync::Arc;

use flockwise_mechanisms::{Key, Private};

use super::world::World;
use crate::backend::LocalBackend;
use crate::engine::{Backend, ClipChoice, Extremes, Failed};
use crate::kernel::{Bound, Link, Moment};
use crate::plan::{BoughtRange, Channel, Over};

/// Answers from what all trials share, and sees the bounded truth of its own.
pub(super) struct Seen<'w, 'a> {
    world: &'w World<'a>,
    backend: LocalBackend<'a>,
    /// The candidates of the selection.
    pub candidates: Option<Arc<Vec<(Key, i128)>>>,
    /// The keys (items, of links) that were measured.
    pub keys: Vec<Key>,
    /// The bounded moments that were measured, in their order.
    pub moments: Vec<Vec<i128>>,
    /// The bounded margins.
    pub margins: Vec<Vec<i128>>,
}

impl<'w, 'a> Seen<'w, 'a> {
    pub fn new(world: &'w World<'a>) -> Self {
        let (keys, moments, margins) = (Vec::new(), Vec::new(), Vec::new());
        Self { world, backend: world.backend(), candidates: None, keys, moments, margins }
    }
}

impl Backend for Seen<'_, '_> {
    fn extremes(&mut self, _: &BoughtRange) -> Result<Extremes, Failed> {
        Ok(self.world.extremes())
    }

    fn regrid(&mut self, channel: Channel) -> Result<(), Failed> {
        self.backend = self.world.on(channel)?;
        Ok(())
    }

    fn candidates(&mut self, bound: Bound) -> Result<Private<Vec<(Key, i128)>>, Failed> {
        let candidates = self.world.candidates(bound)?;
        self.candidates = Some(Arc::clone(&candidates));
        Ok(Private::new(candidates.to_vec()))
    }

    fn scores(&mut self, rows: &[Vec<Key>]) -> Result<Private<Vec<Vec<i128>>>, Failed> {
        self.backend.scores(rows)
    }

    fn activity(
        &mut self,
        keys: &[Key],
        link: Option<Link>,
        buckets: usize,
    ) -> Result<Private<Vec<i128>>, Failed> {
        Ok(again(&self.world.activity(&mut self.backend, keys, link, buckets)?))
    }

    fn norms(
        &mut self,
        keys: &[Key],
        clip: ClipChoice,
        buckets: usize,
    ) -> Result<Private<Vec<i128>>, Failed> {
        Ok(again(&self.world.norms(&mut self.backend, keys, clip, buckets)?))
    }

    fn linked(&mut self, keys: &[Key], link: Link, bound: Bound) -> Result<Private<Vec<i128>>, Failed> {
        let exact = self.world.linked(&mut self.backend, keys, link, bound)?;
        keys.clone_into(&mut self.keys);
        self.moments.push(exact.to_vec());
        Ok(again(&exact))
    }

    fn margin(&mut self, over: Over, keys: &[Key], bound: Bound) -> Result<Private<Vec<i128>>, Failed> {
        let exact = self.world.margin(&mut self.backend, over, keys, bound)?;
        self.margins.push(exact.to_vec());
        Ok(again(&exact))
    }

    fn moments(
        &mut self,
        keys: &[Key],
        bound: Bound,
        moments: &[Moment],
    ) -> Result<Vec<Private<Vec<i128>>>, Failed> {
        let exact = self.world.moments(&mut self.backend, keys, bound, moments)?;
        keys.clone_into(&mut self.keys);
        // Cells are asked for last: before them rough counts may have been, to buy the bound.
        self.moments = exact.iter().cloned().collect();
        Ok(exact.iter().map(|exact| again(exact)).collect())
    }
}

/// An exact answer out of sight again, on its way to a mechanism.
fn again(exact: &[i128]) -> Private<Vec<i128>> {
    Private::new(exact.to_vec())
}
