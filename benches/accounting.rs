//! Time of numerical composition: `cargo bench -p flockwise-benches --bench accounting`.

use flockwise_mechanisms::accounting::{Event, Events, Pld, Positive, Probability, Target, calibrate};

fn main() {
    divan::main();
}

fn positive(value: f64) -> Positive {
    Positive::new(value).expect("in range")
}

fn counted(count: u64, event: Event) -> Event {
    Event::Composed { count, events: vec![event] }
}

fn epsilon(events: Vec<Event>) -> f64 {
    let pld = Pld::of(&Events::new(events).expect("valid")).expect("fits a grid");
    pld.epsilon(1e-6).upper
}

#[divan::bench(args = [1, 1000, 1_000_000])]
fn laplace(count: u64) -> f64 {
    epsilon(vec![counted(count, Event::Laplace { epsilon: positive(0.001) })])
}

#[divan::bench(args = [1, 1000, 1_000_000])]
fn gaussian(count: u64) -> f64 {
    epsilon(vec![counted(count, Event::Gaussian { sigma: positive(1000.0) })])
}

#[divan::bench(args = [1, 1000, 1_000_000])]
fn discrete_gaussian(count: u64) -> f64 {
    epsilon(vec![counted(count, Event::DiscreteGaussian { sigma: positive(400.0), sensitivity: 1 })])
}

#[divan::bench]
fn gaussians_and_laplaces() -> f64 {
    epsilon(vec![
        counted(1000, Event::Gaussian { sigma: positive(50.0) }),
        counted(10_000, Event::Laplace { epsilon: positive(0.01) }),
    ])
}

#[divan::bench]
fn calibrate_a_hundred_laplaces() -> f64 {
    let events = Events::new(vec![counted(100, Event::Laplace { epsilon: positive(1.0) })]).expect("valid");
    let target = Target { epsilon: positive(1.0), delta: Probability::new(1e-6).expect("in range") };
    calibrate(&events, target).expect("in reach").get()
}
