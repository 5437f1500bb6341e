//! What the page does, without the page.

use std::collections::VecDeque;

use flockwise_local::collector::{Estimate, Tally, simplex};
use flockwise_local::{
    Collection, CollectionId, Device, DeviceError, Draws, Entropy, Epsilon, Input, Limits, Memory, NoEntropy,
    Random, Repeat, choose,
};

/// What the page pushed in, from `crypto.getRandomValues`. Each byte is used once.
#[derive(Default)]
pub struct Queue(VecDeque<u8>);

impl Queue {
    pub fn push(&mut self, word: u32) {
        self.0.extend(word.to_le_bytes());
    }
}

impl Entropy for Queue {
    fn fill(&mut self, bytes: &mut [u8]) -> Result<(), NoEntropy> {
        if self.0.len() < bytes.len() {
            return Err(NoEntropy);
        }
        let drawn = self.0.drain(..bytes.len());
        drawn.zip(bytes).for_each(|(drawn, byte)| *byte = drawn);
        Ok(())
    }
}

/// One person's device, a made-up crowd, and the collector.
pub struct Demo {
    collection: Collection,
    device: Device<Memory>,
    picks: Vec<bool>,
    report: Vec<u8>,
    repeated: bool,
    tally: Tally,
    crowd: Vec<u32>,
    estimates: Vec<Estimate>,
    shares: Vec<f64>,
}

impl Demo {
    /// A device that may answer for three months of thirty days.
    pub fn new(items: u32, epsilon: Epsilon, entropy: &mut Queue) -> Option<Self> {
        let scheme = choose(items, epsilon, None).ok()?.scheme;
        let repeat = Repeat::PerPeriod { days: 30, periods: 3 };
        let collection = Collection::new(CollectionId::new("genres").ok()?, scheme.clone(), repeat).ok()?;
        let most = Epsilon::from_units(collection.cost()?).ok()?;
        let device =
            Device::create(Memory::default(), Limits { lifetime: most, day: epsilon }, entropy).ok()?;
        let tally = Tally::new(scheme);
        let items = items as usize;
        Some(Self {
            collection,
            device,
            picks: vec![false; items],
            report: Vec::new(),
            repeated: false,
            tally,
            crowd: vec![0; items],
            estimates: Vec::new(),
            shares: vec![0.0; items],
        })
    }

    pub const fn collection(&self) -> &Collection {
        &self.collection
    }

    pub fn consent(&mut self, granted: bool, day: u32) -> Result<(), DeviceError> {
        self.device.consent(granted)?;
        if granted { self.device.enrol(&self.collection, day) } else { Ok(()) }
    }

    pub fn pick(&mut self, item: usize, chosen: bool) {
        if let Some(pick) = self.picks.get_mut(item) {
            *pick = chosen;
        }
    }

    /// One of the favourites, drawn on the device: a mixture of ε-private reports is ε-private.
    fn favourite<D: Draws>(&self, draws: &mut D) -> Result<Input, NoEntropy> {
        let picked: Vec<u32> =
            (0..).zip(&self.picks).filter(|(_, pick)| **pick).map(|(item, _)| item).collect();
        let drawn = draws.below((picked.len() as u64).max(1))? as usize;
        Ok(picked.get(drawn).map_or(Input::Nothing, |item| Input::Item(*item)))
    }

    pub fn preview(&mut self, day: u32, entropy: &mut Queue) -> Result<(), DeviceError> {
        if !self.device.has_consent() {
            return Err(DeviceError::NoConsent);
        }
        let mut draws = Random::new(entropy);
        let input = self.favourite(&mut draws)?;
        let preview = self.device.preview_with(&self.collection, input, day, &mut draws)?;
        (self.report, self.repeated) = (preview.report, preview.repeated);
        Ok(())
    }

    pub fn send(&mut self, day: u32, entropy: &mut Queue) -> Result<(), DeviceError> {
        self.preview(day, entropy)?;
        self.tally.add(&self.report).map_err(|_| DeviceError::Damaged)
    }

    pub fn report(&self) -> &[u8] {
        &self.report
    }

    pub const fn repeated(&self) -> bool {
        self.repeated
    }

    /// Other people, item i held in proportion to 1/(i + 1), each reporting once.
    pub fn add_crowd(&mut self, people: u32, entropy: &mut Queue) -> Result<(), NoEntropy> {
        let weights: Vec<u64> = (1..=self.crowd.len() as u64).map(|rank| 1_000_000 / rank).collect();
        let total = weights.iter().sum();
        let scheme = self.collection.scheme().clone();
        let mut draws = Random::new(entropy);
        let mut report = vec![0; scheme.report_bytes()];
        for _ in 0..people {
            let mut at = u64::from(draws.below(total)?);
            let mut item = 0;
            while at >= weights[item] {
                at -= weights[item];
                item += 1;
            }
            scheme.randomize_with(Input::Item(item as u32), &mut draws, &mut report)?;
            if self.tally.add(&report).is_ok() {
                self.crowd[item] += 1;
            }
        }
        Ok(())
    }

    pub fn refresh(&mut self) {
        self.estimates = self.tally.counts();
        let reports = self.tally.reports() as f64;
        if reports > 0.0 {
            let values: Vec<f64> = self.estimates.iter().map(|estimate| estimate.value).collect();
            self.shares = simplex(&values, reports).iter().map(|count| count / reports).collect();
        }
    }

    pub const fn reports(&self) -> u64 {
        self.tally.reports()
    }

    pub fn estimate(&self, item: usize) -> Option<Estimate> {
        self.estimates.get(item).copied()
    }

    pub fn share(&self, item: usize) -> f64 {
        self.shares.get(item).copied().unwrap_or(0.0)
    }

    pub fn truth(&self, item: usize) -> u32 {
        self.crowd.get(item).copied().unwrap_or(0)
    }
}
