//! A ledger in a temporary directory, plans that cost what they are told, and requests.

use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use flockwise_ledger::{
    Begun, Binding, Error, LedgerFile, LedgerId, Name, Neighbours, Receipt, Releases, Request, RequestId,
    Window,
};
use flockwise_mechanisms::{Accounting, Ceiling, Delta, Digest, Epsilon, Loss, Plan};

/// A plan with a loss and an identity, and nothing to execute.
#[derive(Debug)]
pub struct Costs {
    pub loss: Loss,
    pub digest: Digest,
    /// In how many windows it is executed.
    pub windows: usize,
}

impl Costs {
    pub fn in_windows(self, windows: usize) -> Self {
        Self { windows, ..self }
    }
}

impl Plan for Costs {
    fn loss(&self) -> Loss {
        self.loss
    }

    fn digest(&self) -> Digest {
        self.digest
    }

    fn windows(&self) -> usize {
        self.windows
    }
}

/// A plan of pure ε, in units of 1e-12.
pub fn costs(units: u64) -> Costs {
    Costs { loss: epsilon(units), digest: Digest::of(&units.to_le_bytes()), windows: 1 }
}

pub fn epsilon(units: u64) -> Loss {
    Loss::from_units(Accounting::Pure, units, Delta::ZERO).unwrap()
}

pub fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

/// A binding with a ceiling of pure ε, in units of 1e-12.
pub fn binding(units: u64) -> Binding {
    let ceiling = Ceiling {
        accounting: Accounting::Pure,
        epsilon: Epsilon::from_units(units).unwrap(),
        delta: Delta::ZERO,
    };
    Binding {
        data: name("films"),
        privacy_unit: name("user_id"),
        neighbours: Neighbours::AddOrRemove,
        ceiling,
        window: None,
    }
}

pub fn monthly(units: u64) -> Binding {
    let window = Window { every: name("month"), time: name("timestamp"), tz: name("UTC") };
    Binding { window: Some(window), ..binding(units) }
}

pub fn request(id: &str) -> Request {
    Request {
        id: RequestId::new(id).unwrap(),
        analyst: Some(name("ada")),
        purpose: name("recommendations"),
        job: Digest::of(b"job"),
        data: name("films"),
        releases: vec![name("popular")],
        windows: Vec::new(),
        when: SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000),
    }
}

/// A ledger and its releases in a directory of their own.
pub struct Place {
    pub dir: tempfile::TempDir,
    pub binding: Binding,
    pub id: LedgerId,
}

impl Place {
    pub fn new(units: u64) -> Self {
        Self::bound(binding(units))
    }

    pub fn bound(binding: Binding) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let id = LedgerFile::init(&dir.path().join("films.ledger"), &binding).unwrap();
        Self { dir, binding, id }
    }

    pub fn ledger_path(&self) -> PathBuf {
        self.dir.path().join("films.ledger")
    }

    pub fn releases_path(&self) -> PathBuf {
        self.dir.path().join("films.releases")
    }

    pub fn try_open(&self) -> Result<LedgerFile, Error> {
        LedgerFile::open(&self.ledger_path(), &self.binding, Some(&self.id))
    }

    pub fn open(&self) -> (LedgerFile, Releases) {
        (self.try_open().unwrap(), Releases::open_or_create(&self.releases_path(), self.id).unwrap())
    }

    /// What the ledger says is spent, in units.
    pub fn spent(&self) -> u64 {
        let status = self.try_open().unwrap().status().unwrap();
        status.windows.iter().map(|w| w.spent.amount_units()).sum()
    }
}

/// A directory in memory where there is one: for tests that make many files and cut no power themselves.
pub fn scratch() -> tempfile::TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap()
}

/// The receipt of a fresh charge.
pub fn fresh<P>(begun: Begun<P>) -> Receipt {
    match begun {
        Begun::Fresh(_, receipt) => receipt,
        Begun::Retry(..) | Begun::Stored(_) => panic!("a fresh charge was expected"),
    }
}

pub fn retry<P>(begun: Begun<P>) -> Receipt {
    match begun {
        Begun::Retry(_, receipt) => receipt,
        Begun::Fresh(..) | Begun::Stored(_) => panic!("a retry was expected"),
    }
}
