//! The store survives crashes; a lost one never answers again for free.

use std::fs;

use flockwise_local::{
    Collection, CollectionId, Device, DeviceError, FileStore, Input, Kary, Limits, Memory, Os, Repeat,
    Scheme, Store, StoreError,
};

use crate::support::epsilon;

fn collection() -> Collection {
    let scheme = Scheme::Kary(Kary::new(200, epsilon("1")).unwrap());
    Collection::new(CollectionId::new("genres").unwrap(), scheme, Repeat::PerValue { values: 3 }).unwrap()
}

fn limits() -> Limits {
    Limits { lifetime: epsilon("4"), day: epsilon("2") }
}

fn enrolled<S: Store>(store: S) -> Device<S> {
    let mut device = Device::create(store, limits(), Os).unwrap();
    device.consent(true).unwrap();
    device.enrol(&collection(), 10).unwrap();
    device
}

#[test]
fn answers_survive_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("answers");
    let mut device = enrolled(FileStore::open(&path).unwrap());
    let sent: Vec<_> =
        (10..13).map(|day| device.report(&collection(), Input::Item(day % 2), day, Os).unwrap()).collect();
    let anchor = device.anchor();
    drop(device);
    let mut device = Device::open(FileStore::open(&path).unwrap(), Some(anchor)).unwrap();
    assert_eq!(device.spent(), 3_000_000_000_000);
    assert_eq!(device.report(&collection(), Input::Item(0), 12, Os).unwrap(), sent[2]);
    assert_eq!(device.report(&collection(), Input::Item(1), 13, Os).unwrap(), sent[1]);
    assert_eq!(device.report(&collection(), Input::Item(0), 14, Os).unwrap(), sent[0]);
    assert!(matches!(Device::create(Memory::with(vec![1]), limits(), Os), Err(DeviceError::StoreExists)));
}

#[test]
fn l3_a_lost_store_stops_reporting() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("answers");
    let mut device = enrolled(FileStore::open(&path).unwrap());
    device.report(&collection(), Input::Item(1), 10, Os).unwrap();
    let anchor = device.anchor();
    drop(device);
    let older = fs::read(&path).unwrap();
    let mut device = Device::open(FileStore::open(&path).unwrap(), None).unwrap();
    device.report(&collection(), Input::Item(2), 11, Os).unwrap();
    let newest = device.anchor();
    drop(device);
    // Restored from a copy: it would draw for item 2 again.
    fs::write(&path, &older).unwrap();
    let open = |anchor| Device::open(FileStore::open(&path).unwrap(), anchor).map(|_| ());
    assert_eq!(open(Some(newest)), Err(DeviceError::Older));
    assert_eq!(open(Some(anchor)), Ok(()));
    fs::remove_file(&path).unwrap();
    assert_eq!(open(Some(newest)), Err(DeviceError::NoStore));
    assert_eq!(open(None), Err(DeviceError::NoStore));
    // Beginning anew is explicit, is another store, and charges everything again.
    let device = enrolled(FileStore::open(&path).unwrap());
    assert_eq!(device.spent(), 3_000_000_000_000);
    drop(device);
    assert_eq!(open(Some(newest)), Err(DeviceError::Exchanged));
}

#[test]
fn every_damaged_record_is_refused() {
    let mut device = enrolled(Memory::default());
    device.report(&collection(), Input::Item(1), 10, Os).unwrap();
    device.report(&collection(), Input::Nothing, 11, Os).unwrap();
    let mut probe = Probe::default();
    let mut copy = Device::create(&mut probe, limits(), Os).unwrap();
    copy.consent(true).unwrap();
    copy.enrol(&collection(), 10).unwrap();
    copy.report(&collection(), Input::Item(1), 10, Os).unwrap();
    copy.report(&collection(), Input::Nothing, 11, Os).unwrap();
    drop(copy);
    let record = probe.record.unwrap();
    let open = |record: Vec<u8>| Device::open(Memory::with(record), None).map(|_| ());
    assert_eq!(open(record.clone()), Ok(()));
    for length in 0..record.len() {
        assert_eq!(open(record[..length].to_vec()), Err(DeviceError::Damaged), "cut to {length}");
    }
    for at in 0..record.len() {
        for flip in [1, 0x10, 0x80] {
            let mut record = record.clone();
            record[at] ^= flip;
            assert_eq!(open(record), Err(DeviceError::Damaged), "flipped at {at}");
        }
    }
    assert_eq!(open([record.clone(), record].concat()), Err(DeviceError::Damaged));
}

/// A store that can be made to fail, and can be looked at.
#[derive(Default)]
struct Probe {
    record: Option<Vec<u8>>,
    full: bool,
}

impl Store for &mut Probe {
    fn load(&mut self) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.record.clone())
    }

    fn save(&mut self, record: &[u8]) -> Result<(), StoreError> {
        if self.full {
            return Err(StoreError::Write);
        }
        self.record = Some(record.to_vec());
        Ok(())
    }
}

#[test]
fn what_cannot_be_stored_is_not_sent() {
    let mut probe = Probe::default();
    drop(enrolled(&mut probe));
    let before = probe.record.clone();
    probe.full = true;
    let mut device = Device::open(&mut probe, None).unwrap();
    let anchor = device.anchor();
    let refused = Err(DeviceError::Store(StoreError::Write));
    assert_eq!(device.report(&collection(), Input::Item(1), 10, Os), refused);
    assert_eq!(device.consent(false), Err(DeviceError::Store(StoreError::Write)));
    assert_eq!(device.anchor(), anchor);
    drop(device);
    assert_eq!(probe.record, before);
}

#[test]
fn a_crash_while_writing_leaves_the_old_record() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("answers");
    let mut device = enrolled(FileStore::open(&path).unwrap());
    let sent = device.report(&collection(), Input::Item(7), 10, Os).unwrap();
    drop(device);
    let record = fs::read(&path).unwrap();
    // Killed at any moment before the rename: the finished or half-written next record lies beside it.
    for length in [0, 1, record.len() / 2, record.len()] {
        fs::write(folder.path().join("answers.next"), &record[..length]).unwrap();
        let mut device = Device::open(FileStore::open(&path).unwrap(), None).unwrap();
        assert_eq!(device.report(&collection(), Input::Item(7), 10, Os).unwrap(), sent);
        device.consent(true).unwrap();
    }
}

#[test]
fn one_process_at_a_time_and_no_writes_by_others() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("answers");
    let mut device = enrolled(FileStore::open(&path).unwrap());
    assert!(matches!(FileStore::open(&path), Err(StoreError::InUse)));
    let before = fs::read(&path).unwrap();
    fs::write(&path, b"something else").unwrap();
    let refused = device.report(&collection(), Input::Item(1), 10, Os);
    assert_eq!(refused, Err(DeviceError::Store(StoreError::Changed)));
    fs::write(&path, before).unwrap();
    device.report(&collection(), Input::Item(1), 10, Os).unwrap();
    assert!(matches!(FileStore::open(folder.path().join("no/such/folder")), Err(StoreError::Read)));
}

#[cfg(unix)]
#[test]
fn only_its_owner_reads_the_store() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("answers");
    drop(enrolled(FileStore::open(&path).unwrap()));
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o077, 0);
}
