//! Counting reports, and the estimates in the counts.

use core::fmt;
use std::vec;
use std::vec::Vec;

use crate::collector::hadamard::transform;
use crate::scheme::{
    Hadamard, HadamardSketch, Hash, LocalHashing, OneBitMean, SEED_BYTES, Scheme, Sketch, read_number,
};

/// An estimate and the standard deviation of its noise; 95% bars are 1.96 of them.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Estimate {
    /// Unbiased: may be negative.
    pub value: f64,
    /// Standard deviation of the noise the devices added, and of a sketch's collisions.
    pub sd: f64,
}

/// Why a report does not count.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum BadReport {
    /// Reports of this scheme have another length.
    WrongLength,
    /// No device of this scheme sends this: an index out of range, or padding bits that are set.
    Impossible,
}

impl fmt::Display for BadReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::WrongLength => "the report has the wrong length",
            Self::Impossible => "no device of this scheme sends this report",
        })
    }
}

impl core::error::Error for BadReport {}

/// Sufficient statistics of the reports of one scheme: memory that does not grow with their number, and two tallies of
/// the same scheme add up.
#[derive(Clone, Debug)]
pub struct Tally {
    scheme: Scheme,
    reports: u64,
    cells: Vec<i64>,
}

impl Tally {
    /// No reports yet.
    #[must_use]
    pub fn new(scheme: Scheme) -> Self {
        let cells = match &scheme {
            Scheme::Kary(scheme) => scheme.items() as usize,
            Scheme::Unary(scheme) => scheme.items() as usize,
            Scheme::LocalHashing(scheme) => scheme.items() as usize,
            Scheme::Hadamard(scheme) => scheme.outputs() as usize,
            Scheme::Sketch(scheme) => scheme.shape().hashes() as usize * scheme.shape().width() as usize,
            Scheme::HadamardSketch(scheme) => scheme.outputs() as usize / 2,
            Scheme::OneBitMean(_) => 1,
        };
        Self { scheme, reports: 0, cells: vec![0; cells] }
    }

    /// The scheme.
    #[must_use]
    pub const fn scheme(&self) -> &Scheme {
        &self.scheme
    }

    /// How many reports were counted.
    #[must_use]
    pub const fn reports(&self) -> u64 {
        self.reports
    }

    /// Counts a report.
    ///
    /// # Errors
    /// [`BadReport`]; then nothing has changed.
    pub fn add(&mut self, report: &[u8]) -> Result<(), BadReport> {
        if report.len() != self.scheme.report_bytes() {
            return Err(BadReport::WrongLength);
        }
        let cells = &mut self.cells;
        match &self.scheme {
            Scheme::Kary(_) | Scheme::Hadamard(_) => {
                *cells.get_mut(read_number(report) as usize).ok_or(BadReport::Impossible)? += 1;
            }
            Scheme::Unary(scheme) => add_bits(report, scheme.items(), cells)?,
            Scheme::LocalHashing(scheme) => add_hash(scheme, report, cells)?,
            Scheme::Sketch(scheme) => add_row(scheme, report, cells)?,
            Scheme::HadamardSketch(_) => {
                let number = read_number(report);
                let sign = if number & 1 == 0 { 1 } else { -1 };
                *cells.get_mut((number >> 1) as usize).ok_or(BadReport::Impossible)? += sign;
            }
            Scheme::OneBitMean(_) => {
                cells[0] += i64::from(Some(report[0]).filter(|bit| *bit < 2).ok_or(BadReport::Impossible)?);
            }
        }
        self.reports += 1;
        Ok(())
    }

    /// Adds another tally's reports.
    ///
    /// # Panics
    /// When the schemes differ.
    pub fn merge(&mut self, other: &Self) {
        assert!(self.scheme == other.scheme, "only reports of one scheme add up");
        self.reports += other.reports;
        self.cells.iter_mut().zip(&other.cells).for_each(|(cell, more)| *cell += more);
    }

    /// How many people hold each item: one estimate an item. Empty for the mean.
    #[must_use]
    pub fn counts(&self) -> Vec<Estimate> {
        match &self.scheme {
            Scheme::Kary(_) | Scheme::Unary(_) | Scheme::LocalHashing(_) => {
                self.cells.iter().map(|supports| self.supported(*supports)).collect()
            }
            Scheme::Hadamard(scheme) => self.hadamard(scheme),
            Scheme::Sketch(scheme) => self.sketch(scheme),
            Scheme::HadamardSketch(scheme) => self.hadamard_sketch(scheme),
            Scheme::OneBitMean(_) => Vec::new(),
        }
    }

    /// The mean, in the collection's units; `None` for schemes of items, and without reports.
    #[must_use]
    pub fn mean(&self) -> Option<Estimate> {
        match &self.scheme {
            Scheme::OneBitMean(scheme) if self.reports > 0 => Some(self.one_bit(scheme)),
            Scheme::OneBitMean(_)
            | Scheme::Kary(_)
            | Scheme::Unary(_)
            | Scheme::LocalHashing(_)
            | Scheme::Hadamard(_)
            | Scheme::Sketch(_)
            | Scheme::HadamardSketch(_) => None,
        }
    }

    /// (supports − n·other)/(own − other), its variance at the estimate.
    fn supported(&self, supports: i64) -> Estimate {
        let support = self.scheme.support().expect("only called for schemes whose reports support items");
        let people = self.reports as f64;
        let value = (supports as f64 - people * support.other) / (support.own - support.other);
        let own = value.clamp(0.0, people);
        Estimate { value, sd: support.variance(own, people - own).sqrt() }
    }

    /// Per block the transform of its counts; row r of it is Σ sign_r, which is unbiased for T·count. A report outside
    /// the block adds 0 and one inside ±1, so the sum of squares is the number of reports in the block, and Σ E² is at
    /// most T²·count.
    fn hadamard(&self, scheme: &Hadamard) -> Vec<Estimate> {
        let keep = scheme.keep().to_f64();
        let rows = scheme.rows() as usize;
        let mut signed = self.cells.clone();
        signed.chunks_exact_mut(rows).for_each(transform);
        let estimate = |item| {
            let (block, row) = scheme.place(item);
            let block = block as usize * rows;
            let value = signed[block + row as usize] as f64 / keep;
            let own = value.clamp(0.0, self.reports as f64);
            let squares = signed[block] as f64 - own * keep * keep;
            Estimate { value, sd: squares.max(0.0).sqrt() / keep }
        };
        (0..scheme.items()).map(estimate).collect()
    }

    fn sketch(&self, scheme: &Sketch) -> Vec<Estimate> {
        let supports = self.at_hashes(scheme.items(), scheme.shape(), &self.cells);
        let estimates = supports.into_iter().map(|supports| self.supported(supports)).collect();
        with_collisions(estimates, scheme.shape())
    }

    fn hadamard_sketch(&self, scheme: &HadamardSketch) -> Vec<Estimate> {
        let shape = scheme.shape();
        let width = f64::from(shape.width());
        let keep = 1.0 - 2.0 * scheme.flip().to_f64();
        let people = self.reports as f64;
        let mut rows = self.cells.clone();
        rows.chunks_exact_mut(shape.width() as usize).for_each(transform);
        let scale = width / (width - 1.0);
        let estimate = |signs: i64| {
            let value = scale * (signs as f64 / keep - people / width);
            let own = value.clamp(0.0, people);
            Estimate { value, sd: scale * (people / (keep * keep) - own).max(0.0).sqrt() }
        };
        let signs = self.at_hashes(scheme.items(), shape, &rows);
        with_collisions(signs.into_iter().map(estimate).collect(), shape)
    }

    /// Per item, the sum over all hash functions of the cell where it hashes.
    fn at_hashes(&self, items: u32, shape: crate::scheme::Shape, cells: &[i64]) -> Vec<i64> {
        let mut sums = vec![0; items as usize];
        for (row, index) in cells.chunks_exact(shape.width() as usize).zip(0..) {
            let hash = shape.hash(index);
            for (sum, item) in sums.iter_mut().zip(0..) {
                *sum += row[hash.of(item, shape.width()) as usize];
            }
        }
        sums
    }

    fn one_bit(&self, scheme: &OneBitMean) -> Estimate {
        let noise = scheme.noise().to_f64();
        let ones = self.cells[0] as f64 / self.reports as f64;
        let per_one = (scheme.high() - scheme.low()) as f64 / (1.0 - 2.0 * noise);
        // The bit's own variance is an upper bound of the noise: it holds the spread of the people's numbers too.
        let variance = ones * (1.0 - ones) / self.reports as f64;
        Estimate { value: scheme.low() as f64 + (ones - noise) * per_one, sd: variance.sqrt() * per_one }
    }
}

fn add_bits(report: &[u8], items: u32, cells: &mut [i64]) -> Result<(), BadReport> {
    let used = items % 8;
    let last = report.last().copied().unwrap_or(0);
    if used > 0 && last >> used != 0 {
        return Err(BadReport::Impossible);
    }
    for (byte, cells) in report.iter().zip(cells.chunks_mut(8)) {
        for (bit, cell) in cells.iter_mut().enumerate() {
            *cell += i64::from(byte >> bit & 1);
        }
    }
    Ok(())
}

fn add_hash(scheme: &LocalHashing, report: &[u8], cells: &mut [i64]) -> Result<(), BadReport> {
    let (seed, bucket) = report.split_at(SEED_BYTES);
    let bucket = read_number(bucket) as u32;
    if bucket >= scheme.buckets() {
        return Err(BadReport::Impossible);
    }
    let hash = Hash::new(read_number(seed));
    for (cell, item) in cells.iter_mut().zip(0..) {
        *cell += i64::from(hash.of(item, scheme.buckets()) == bucket);
    }
    Ok(())
}

fn add_row(scheme: &Sketch, report: &[u8], cells: &mut [i64]) -> Result<(), BadReport> {
    let (index, row) = report.split_at(scheme.index_bytes());
    let index = read_number(index) as usize;
    let width = scheme.shape().width() as usize;
    if index >= scheme.shape().hashes() as usize {
        return Err(BadReport::Impossible);
    }
    add_bits(row, scheme.shape().width(), &mut cells[index * width..][..width])
}

/// Adds the error of collisions: another item's count falls into this item's cell under one function in `width`, which
/// leaves a variance of count²/(hashes·(width − 1)). Σ count² is estimated from the estimates less their noise.
fn with_collisions(mut estimates: Vec<Estimate>, shape: crate::scheme::Shape) -> Vec<Estimate> {
    let squares: f64 = estimates.iter().map(|e| e.value * e.value - e.sd * e.sd).sum();
    let collisions = squares.max(0.0) / (f64::from(shape.hashes()) * f64::from(shape.width() - 1));
    estimates.iter_mut().for_each(|e| e.sd = (e.sd * e.sd + collisions).sqrt());
    estimates
}
