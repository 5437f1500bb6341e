//! Random schedules of several processes' steps against a model: acknowledged ≤ recorded ≤ ceiling, to the unit.
//!
//! `LEDGER_SCHEDULES=100000` runs as many; a hundred otherwise.

use std::collections::BTreeMap;
use std::path::Path;

use flockwise_ledger::{Begun, Error, LedgerFile, Receipt, Releases};

use crate::help::{Costs, binding, epsilon, request, scratch};
use flockwise_mechanisms::{Digest, Plan};

/// A small generator for schedules; nothing that is released comes from it.
struct Steps(u64);

impl Steps {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % bound
    }
}

/// What the ledger must hold for a request.
#[derive(Default)]
struct Model {
    plan: Option<u64>,
    charges: u64,
    retries: u64,
    last: Option<Receipt>,
    shown: Option<Vec<u8>>,
}

const CEILING: u64 = 40;

fn plan(units: u64) -> Costs {
    Costs { loss: epsilon(units), digest: Digest::of(&units.to_le_bytes()), windows: 1 }
}

/// One process: a handle, and the draw it has yet to store.
struct Process {
    ledger: LedgerFile,
    releases: Releases,
    working: Option<(u64, u64, Receipt)>,
}

struct World {
    dir: tempfile::TempDir,
    processes: Vec<Process>,
    requests: BTreeMap<u64, Model>,
    draws: u64,
}

impl World {
    /// From copies of a fresh ledger and its releases file.
    fn new(count: u64, template: &Path) -> Self {
        let dir = scratch();
        for name in ["ledger", "releases"] {
            std::fs::copy(template.join(name), dir.path().join(name)).unwrap();
        }
        let mut world = Self { dir, processes: Vec::new(), requests: BTreeMap::new(), draws: 0 };
        for _ in 0..count {
            let process = world.start();
            world.processes.push(process);
        }
        world
    }

    fn start(&self) -> Process {
        let ledger = LedgerFile::open(&self.dir.path().join("ledger"), &binding(CEILING), None).unwrap();
        let releases = Releases::open_or_create(&self.dir.path().join("releases"), ledger.id()).unwrap();
        Process { ledger, releases, working: None }
    }

    fn spent(&self) -> u64 {
        self.requests.values().map(|m| m.charges * m.plan.unwrap_or(0)).sum()
    }

    /// A process asks; what it gets is what the model says.
    fn ask(&mut self, who: usize, id: u64, units: u64) {
        let left = CEILING - self.spent();
        let process = &mut self.processes[who];
        let model = self.requests.entry(id).or_default();
        let begun = process.ledger.begin(plan(units), &request(&format!("r{id}")), &process.releases);
        let other_plan = model.plan.is_some_and(|known| known != units);
        match begun {
            Ok(Begun::Fresh(_, receipt)) => {
                assert!(!other_plan && model.shown.is_none() && units <= left);
                assert!(model.charges == 0 || model.retries == 3);
                (model.plan, model.last, model.charges) = (Some(units), Some(receipt), model.charges + 1);
                process.working = Some((id, units, receipt));
            }
            Ok(Begun::Retry(_, receipt)) => {
                assert!(!other_plan && model.shown.is_none() && model.retries < 3);
                assert_eq!(Some(receipt), model.last);
                model.retries += 1;
                process.working = Some((id, units, receipt));
            }
            Ok(Begun::Stored(stored)) => {
                assert_eq!(Some(stored.bytes), model.shown);
                assert!(!other_plan);
            }
            Err(Error::RequestIdReused { .. }) => assert!(other_plan),
            Err(Error::OverBudget(over)) => {
                assert!(!other_plan && model.shown.is_none() && units > left);
                assert_eq!((over.remaining, over.fits), (epsilon(left), epsilon(left)));
            }
            Err(error) => panic!("{error}"),
        }
    }

    /// A process that has worked stores its draw; what it shows is what was stored first.
    fn answer(&mut self, who: usize) {
        let Some((id, units, receipt)) = self.processes[who].working.take() else { return };
        self.draws += 1;
        let draw = self.draws.to_le_bytes();
        let process = &mut self.processes[who];
        let digest = plan(units).digest();
        let request = request(&format!("r{id}"));
        let stored = process.ledger.answer(&mut process.releases, &request, &receipt, digest, &draw).unwrap();
        let model = self.requests.get_mut(&id).unwrap();
        assert_eq!(&stored.bytes, model.shown.get_or_insert(draw.to_vec()));
    }

    fn step(&mut self, steps: &mut Steps) {
        let who = steps.below(self.processes.len() as u64) as usize;
        match steps.below(10) {
            0..6 => self.ask(who, steps.below(5), 1 + steps.below(4) * 3),
            6 | 7 => self.answer(who),
            8 => self.processes[who] = self.start(),
            _ => {
                let status = self.processes[who].ledger.status().unwrap();
                assert_eq!(status.windows[0].spent, epsilon(self.spent()));
            }
        }
    }
}

#[test]
fn acknowledged_is_recorded_and_recorded_is_within_the_ceiling_in_random_schedules() {
    let count = std::env::var("LEDGER_SCHEDULES").map_or(Ok(100), |n| n.parse()).unwrap();
    let template = scratch();
    let id = LedgerFile::init(&template.path().join("ledger"), &binding(CEILING)).unwrap();
    drop(Releases::open_or_create(&template.path().join("releases"), id).unwrap());
    let mut refused = 0_u64;
    for seed in 1..=count {
        let mut steps = Steps(0x9e37_79b9_7f4a_7c15_u64.wrapping_mul(seed));
        let mut world = World::new(1 + steps.below(3), template.path());
        for _ in 0..5 + steps.below(25) {
            world.step(&mut steps);
            assert!(world.spent() <= CEILING, "seed {seed}");
        }
        let mut last = LedgerFile::audit(&world.dir.path().join("ledger")).unwrap();
        assert_eq!(last.status().unwrap().windows[0].spent, epsilon(world.spent()), "seed {seed}");
        refused += u64::from(world.spent() > CEILING - 10);
    }
    assert!(refused > 0, "no schedule came near the ceiling: the test tests little");
}
