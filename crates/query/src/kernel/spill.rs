//! The temporary file: encrypted under a key that only this process ever has.

use std::hash::Hasher as _;
use std::io::{Error, ErrorKind, Read as _, Seek as _, SeekFrom, Write as _};
use std::sync::Mutex;

use chacha20::ChaCha20Rng;
use chacha20::rand_core::{Rng as _, SeedableRng as _};
use siphasher::sip::SipHasher13;
use zeroize::Zeroizing;

use super::ints::Ints;
use super::memory::{Settings, SpillError};

/// Columns on disk.
///
/// Each is XORed with the ChaCha20 keystream of its own number, so that no keystream is used twice, and carries a tag by
/// SipHash-1-3 under a second key: what comes back is what was written, or an error. The keys are drawn from the operating
/// system when the file is made, and are wiped when it is dropped.
pub(super) struct Spill {
    file: Mutex<Written>,
    key: Zeroizing<[u8; 32]>,
    seal: Zeroizing<[u8; 16]>,
}

struct Written {
    file: std::fs::File,
    end: u64,
    extents: u64,
}

/// Where some columns are in the file.
#[derive(Clone, Copy, Debug)]
pub(super) struct Extent {
    start: u64,
    length: usize,
    number: u64,
    tag: u64,
    columns: usize,
}

impl Spill {
    pub fn new(settings: &Settings) -> Result<Self, SpillError> {
        let (mut key, mut seal) = (Zeroizing::new([0; 32]), Zeroizing::new([0; 16]));
        getrandom::fill(&mut *key).map_err(|_| SpillError::Entropy)?;
        getrandom::fill(&mut *seal).map_err(|_| SpillError::Entropy)?;
        let file = Mutex::new(Written { file: settings.file()?, end: 0, extents: 0 });
        Ok(Self { file, key, seal })
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "the generator is a cipher here: nothing of it is ever released"
    )]
    fn apply(&self, number: u64, bytes: &mut [u8]) {
        let mut stream = ChaCha20Rng::from_seed(*self.key);
        stream.set_stream(number);
        let mut pad = Zeroizing::new([0; 4096]);
        for part in bytes.chunks_mut(pad.len()) {
            stream.fill_bytes(&mut pad[..part.len()]);
            part.iter_mut().zip(pad.iter()).for_each(|(byte, pad)| *byte ^= pad);
        }
    }

    fn tag(&self, number: u64, bytes: &[u8]) -> u64 {
        let mut hasher = SipHasher13::new_with_key(&self.seal);
        hasher.write_u64(number);
        hasher.write(bytes);
        hasher.finish()
    }

    fn written(&self) -> std::sync::MutexGuard<'_, Written> {
        self.file.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// Appends columns to the file.
    pub fn write(&self, columns: &[Ints]) -> Result<Extent, SpillError> {
        let mut bytes = Vec::with_capacity(columns.iter().map(Ints::size).sum());
        columns.iter().for_each(|column| column.write(&mut bytes));
        let number = {
            let mut written = self.written();
            written.extents += 1;
            written.extents
        };
        self.apply(number, &mut bytes);
        let tag = self.tag(number, &bytes);
        let mut written = self.written();
        let start = written.end;
        written.file.seek(SeekFrom::Start(start)).map_err(SpillError::Disk)?;
        written.file.write_all(&bytes).map_err(SpillError::Disk)?;
        written.end += bytes.len() as u64;
        Ok(Extent { start, length: bytes.len(), number, tag, columns: columns.len() })
    }

    /// Reads columns back.
    pub fn read(&self, extent: &Extent) -> Result<Vec<Ints>, SpillError> {
        let mut bytes = vec![0; extent.length];
        {
            let mut written = self.written();
            written.file.seek(SeekFrom::Start(extent.start)).map_err(SpillError::Disk)?;
            written.file.read_exact(&mut bytes).map_err(SpillError::Disk)?;
        }
        let damaged = || SpillError::Disk(Error::new(ErrorKind::InvalidData, "not what was written"));
        if self.tag(extent.number, &bytes) != extent.tag {
            return Err(damaged());
        }
        self.apply(extent.number, &mut bytes);
        let mut rest = &bytes[..];
        let columns = (0..extent.columns).map(|_| Ints::read(&mut rest)).collect::<Option<Vec<_>>>();
        columns.filter(|_| rest.is_empty()).ok_or_else(damaged)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes_of(spill: &Spill) -> Vec<u8> {
        let mut written = spill.written();
        written.file.seek(SeekFrom::Start(0)).unwrap();
        let mut bytes = Vec::new();
        written.file.read_to_end(&mut bytes).unwrap();
        bytes
    }

    #[test]
    fn p7_what_comes_back_is_what_was_written_and_the_disk_has_neither_a_canary_nor_a_repetition() {
        let spill = Spill::new(&Settings::default()).unwrap();
        let canary = [0x5ec1_e7ca_4a12_u64, 0, 0x5ec1_e7ca_4a13];
        let columns = [Ints::of(&canary, |value| value as i64), Ints::of(&[7_u32; 9], i64::from)];
        let extents = [spill.write(&columns).unwrap(), spill.write(&columns).unwrap()];
        let bytes = bytes_of(&spill);
        let needle = &canary[0].to_le_bytes()[..6];
        let mut plain = Vec::new();
        columns[0].write(&mut plain);
        assert!(plain.windows(6).any(|window| window == needle), "the search finds what is there");
        assert!(!bytes.windows(6).any(|window| window == needle), "the canary is on disk");
        assert_ne!(bytes[..bytes.len() / 2], bytes[bytes.len() / 2..], "one keystream twice");
        for extent in extents {
            let read = spill.read(&extent).unwrap();
            let (mut one, mut other) = (Vec::new(), Vec::new());
            read[0].fill(&mut one, |value| value as u64);
            read[1].fill(&mut other, |value| value);
            assert_eq!((one, other), (canary.to_vec(), vec![7; 9]));
        }
    }

    #[test]
    fn a_damaged_file_is_an_error() {
        let spill = Spill::new(&Settings::default()).unwrap();
        let extent = spill.write(&[Ints::of(&[1_u32, 900], i64::from)]).unwrap();
        let last = extent.length as u64 - 1;
        let flipped = [!bytes_of(&spill)[last as usize]];
        {
            let mut written = spill.written();
            written.file.seek(SeekFrom::Start(last)).unwrap();
            written.file.write_all(&flipped).unwrap();
        }
        assert!(matches!(spill.read(&extent), Err(SpillError::Disk(_))));
        spill.written().file.set_len(last).unwrap();
        assert!(matches!(spill.read(&extent), Err(SpillError::Disk(_))));
    }
}
