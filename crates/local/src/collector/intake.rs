//! Reports as they arrive: some are damaged, none of them stops the count.

use std::vec;
use std::vec::Vec;

use crate::collector::{BadReport, Tally};
use crate::scheme::Scheme;

/// Reports that were counted and skipped, by what was wrong with them.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub struct Skipped {
    /// No report could be read at all.
    pub malformed: u64,
    /// Bytes of the wrong length.
    pub wrong_length: u64,
    /// Bytes that no device of this scheme sends.
    pub impossible: u64,
}

impl Skipped {
    /// All of them.
    #[must_use]
    pub const fn total(self) -> u64 {
        self.malformed + self.wrong_length + self.impossible
    }
}

/// A [`Tally`] that never fails: every source of reports (lines, columns of a file, a queue) pushes into one.
#[derive(Clone, Debug)]
pub struct Intake {
    tally: Tally,
    skipped: Skipped,
    buffer: Vec<u8>,
}

impl Intake {
    /// For reports of this scheme.
    #[must_use]
    pub fn new(scheme: Scheme) -> Self {
        let buffer = vec![0; scheme.report_bytes()];
        Self { tally: Tally::new(scheme), skipped: Skipped::default(), buffer }
    }

    /// A report as bytes.
    pub fn report(&mut self, report: &[u8]) {
        match self.tally.add(report) {
            Ok(()) => {}
            Err(BadReport::WrongLength) => self.skipped.wrong_length += 1,
            Err(BadReport::Impossible) => self.skipped.impossible += 1,
        }
    }

    /// A report as hexadecimal digits.
    pub fn hex(&mut self, text: &[u8]) {
        if text.len() != 2 * self.buffer.len() {
            let digits = text.iter().all(u8::is_ascii_hexdigit);
            self.skipped.wrong_length += u64::from(digits);
            self.skipped.malformed += u64::from(!digits);
            return;
        }
        let mut all = 0;
        for (byte, pair) in self.buffer.iter_mut().zip(text.chunks_exact(2)) {
            let (high, low) = (DIGITS[usize::from(pair[0])], DIGITS[usize::from(pair[1])]);
            all |= high | low;
            *byte = high << 4 | low;
        }
        if all > 15 {
            self.skipped.malformed += 1;
            return;
        }
        let buffer = core::mem::take(&mut self.buffer);
        self.report(&buffer);
        self.buffer = buffer;
    }

    /// Something that holds no report.
    pub const fn malformed(&mut self) {
        self.skipped.malformed += 1;
    }

    /// What was counted.
    #[must_use]
    pub const fn tally(&self) -> &Tally {
        &self.tally
    }

    /// What was skipped.
    #[must_use]
    pub const fn skipped(&self) -> Skipped {
        self.skipped
    }
}

/// The value of each hexadecimal digit, 255 for every other byte.
const DIGITS: [u8; 256] = {
    let mut table = [255; 256];
    let mut value: u8 = 0;
    while value < 16 {
        table[b"0123456789abcdef"[value as usize] as usize] = value;
        table[b"0123456789ABCDEF"[value as usize] as usize] = value;
        value += 1;
    }
    table
};
