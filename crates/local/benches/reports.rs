//! How many reports a second: drawn on a device, and counted by the collector.
//!
//! `cargo bench -p flockwise-local`

use divan::Bencher;
use divan::counter::ItemsCount;
use flockwise_local::collector::Tally;
use flockwise_local::{Epsilon, Input, Kind, Os, Scheme};

fn main() {
    divan::main();
}

const PEOPLE: usize = 200_000;

fn scheme(kind: Kind, items: u32) -> Scheme {
    let epsilon: Epsilon = "1".parse().expect("one is an epsilon");
    Scheme::of_kind(kind, items, epsilon).expect("these items fit every scheme")
}

fn reports(scheme: &Scheme) -> Vec<u8> {
    let items = scheme.items().expect("schemes of items");
    let inputs: Vec<_> = (0..PEOPLE as u32).map(|person| Input::Item(person * 7 % items)).collect();
    let mut reports = vec![0; PEOPLE * scheme.report_bytes()];
    scheme.randomize_many(&inputs, Os, &mut reports).expect("the operating system has entropy");
    reports
}

#[divan::bench(sample_count = 20, args = [
    (Kind::Kary, 20), (Kind::Kary, 1000), (Kind::Hadamard, 20), (Kind::Hadamard, 1000), (Kind::LocalHashing, 1000),
    (Kind::HadamardSketch, 1000), (Kind::Unary, 20),
])]
fn randomize(bencher: Bencher<'_, '_>, (kind, items): (Kind, u32)) {
    let scheme = scheme(kind, items);
    bencher.counter(ItemsCount::new(PEOPLE)).bench(|| reports(&scheme));
}

#[divan::bench(sample_count = 20, args = [
    (Kind::Kary, 20), (Kind::Kary, 1000), (Kind::Hadamard, 20), (Kind::Hadamard, 1000), (Kind::LocalHashing, 20),
    (Kind::HadamardSketch, 1000), (Kind::Unary, 20),
])]
fn collect(bencher: Bencher<'_, '_>, (kind, items): (Kind, u32)) {
    let scheme = scheme(kind, items);
    let reports = reports(&scheme);
    bencher.counter(ItemsCount::new(PEOPLE)).bench(|| {
        let mut tally = Tally::new(scheme.clone());
        for report in reports.chunks_exact(scheme.report_bytes()) {
            tally.add(report).expect("devices of this scheme made it");
        }
        tally.counts()
    });
}
