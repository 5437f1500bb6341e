//! Time of partition selection: `cargo bench -p flockwise-benches --bench selection`.

use std::convert::Infallible;

use divan::Bencher;
use divan::counter::ItemsCount;
use flockwise_mechanisms::{
    Charge, Digest, Entry, Family, Key, L2Squared, Ledger, Loss, MuSquared, Os, Plan, Private, Sensitivity,
    charge, select,
};

fn main() {
    divan::main();
}

/// Weight of a key that counts in full.
const UNIT: u32 = 1 << 16;
/// The most keys of a person.
const CAP: usize = 64;

/// Noise of about ten people, thresholds at δ = 1e-6.
fn loss() -> Loss {
    Loss::gdp("0.01".parse::<MuSquared>().expect("a loss"), "1e-6".parse().expect("a δ"))
}

/// Nothing is released here, so nothing is recorded.
struct Nowhere;

impl Ledger for Nowhere {
    type Error = Infallible;
    type Request = ();
    type Receipt = ();

    fn record(&mut self, _: Loss, _: Digest, (): &()) -> Result<(), Infallible> {
        Ok(())
    }
}

struct Selection;

impl Plan for Selection {
    fn loss(&self) -> Loss {
        loss()
    }

    fn digest(&self) -> Digest {
        Digest::of(b"a selection")
    }
}

fn charged() -> Charge {
    let Ok((charged, ())) = charge(&mut Nowhere, Selection, &());
    charged.open().1.take(loss()).expect("the allowance is the loss itself")
}

/// Weights √(1/m) for m keys.
fn entry() -> Entry {
    let weight = |keys: usize| i128::from((u64::from(UNIT) * u64::from(UNIT) / keys as u64).isqrt());
    Entry::new((1..=CAP).map(weight).collect())
}

/// Candidates of which few have many people.
#[divan::bench(args = [1_000, 100_000, 1_000_000])]
fn keys(bencher: Bencher<'_, '_>, count: usize) {
    let weigh = |place: usize| (1 + 100_000 / (place as i128 + 1)) * i128::from(UNIT);
    let key = |place: usize| -> Key { (place as u64).to_be_bytes().to_vec() };
    let candidates = Private::new((0..count).map(|place| (key(place), weigh(place))).collect());
    let mut source = Os::new().expect("the operating system gives entropy");
    let one = u128::from(UNIT) * u128::from(UNIT);
    let sensitivity = Sensitivity::L2Squared(L2Squared::product(&[one]).expect("in range"));
    bencher.counter(ItemsCount::new(count)).bench_local(|| {
        select(charged(), Family::RoundedNormal, sensitivity, &entry(), &candidates, &mut source)
            .expect("it was charged")
            .into_inner()
            .len()
    });
}

/// The threshold alone: what a plan computes.
#[divan::bench(args = [1, 64, 4096])]
fn threshold(cap: usize) -> i128 {
    let weight = |keys: usize| i128::from((u64::from(UNIT) * u64::from(UNIT) / keys as u64).isqrt());
    let entry = Entry::new((1..=cap).map(weight).collect());
    let one = u128::from(UNIT) * u128::from(UNIT);
    let sensitivity = Sensitivity::L2Squared(L2Squared::product(&[one]).expect("in range"));
    let noise = flockwise_mechanisms::Noise::calibrate(Family::RoundedNormal, loss(), sensitivity);
    flockwise_mechanisms::threshold(noise.expect("it was charged"), &entry, loss().delta()).expect("a δ")
}
