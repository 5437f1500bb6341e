//! The functions that the page calls. Numbers in, numbers out.
#![expect(unsafe_code, reason = "a function is exported under its own name; nothing else here is unsafe")]

use std::cell::RefCell;

use flockwise_local::{DeviceError, Epsilon};

use crate::demo::{Demo, Queue};

#[derive(Default)]
struct State {
    entropy: Queue,
    demo: Option<Demo>,
}

thread_local! {
    static STATE: RefCell<State> = RefCell::default();
}

fn with<T>(default: T, run: impl FnOnce(&mut Demo, &mut Queue) -> T) -> T {
    STATE.with_borrow_mut(|state| match &mut state.demo {
        Some(demo) => run(demo, &mut state.entropy),
        None => default,
    })
}

/// 0 done, 1 no consent, 2 over, 3 no entropy, 4 anything else.
fn status(result: Result<(), DeviceError>) -> u32 {
    match result {
        Ok(()) => 0,
        Err(DeviceError::NoConsent) => 1,
        Err(DeviceError::Over) => 2,
        Err(DeviceError::NoEntropy) => 3,
        Err(_) => 4,
    }
}

/// Hands a random word in.
#[unsafe(no_mangle)]
pub extern "C" fn entropy(word: u32) {
    STATE.with_borrow_mut(|state| state.entropy.push(word));
}

/// A new device and a new collector; returns the length of a report, 0 when that is impossible.
#[unsafe(no_mangle)]
pub extern "C" fn start(items: u32, epsilon_thousandths: u32) -> u32 {
    STATE.with_borrow_mut(|state| {
        let epsilon = Epsilon::from_units(u64::from(epsilon_thousandths) * 1_000_000_000).ok();
        state.demo = epsilon.and_then(|epsilon| Demo::new(items, epsilon, &mut state.entropy));
        state.demo.as_ref().map_or(0, |demo| demo.collection().scheme().report_bytes() as u32)
    })
}

/// The scheme, as its place in the list of all schemes.
#[unsafe(no_mangle)]
pub extern "C" fn scheme() -> u32 {
    with(u32::MAX, |demo, _| demo.collection().scheme().kind() as u32)
}

/// The person agrees or opts out.
#[unsafe(no_mangle)]
pub extern "C" fn consent(granted: u32, day: u32) -> u32 {
    with(4, |demo, _| status(demo.consent(granted != 0, day)))
}

/// The person picks a favourite, or takes it back.
#[unsafe(no_mangle)]
pub extern "C" fn pick(item: u32, chosen: u32) {
    with((), |demo, _| demo.pick(item as usize, chosen != 0));
}

/// What would be sent on this day; read it with [`report_byte`].
#[unsafe(no_mangle)]
pub extern "C" fn preview(day: u32) -> u32 {
    with(4, |demo, entropy| status(demo.preview(day, entropy)))
}

/// Sends the report of this day to the collector.
#[unsafe(no_mangle)]
pub extern "C" fn send(day: u32) -> u32 {
    with(4, |demo, entropy| status(demo.send(day, entropy)))
}

/// A byte of the latest preview or report.
#[unsafe(no_mangle)]
pub extern "C" fn report_byte(at: u32) -> u32 {
    with(0, |demo, _| demo.report().get(at as usize).copied().unwrap_or(0).into())
}

/// Whether the latest preview or report was an earlier day's answer again.
#[unsafe(no_mangle)]
pub extern "C" fn repeated() -> u32 {
    with(0, |demo, _| demo.repeated().into())
}

/// Lets so many other people report; 0 when the entropy lasted.
#[unsafe(no_mangle)]
pub extern "C" fn crowd(people: u32) -> u32 {
    with(4, |demo, entropy| status(demo.add_crowd(people, entropy).map_err(DeviceError::from)))
}

/// Estimates anew from all reports so far; returns how many.
#[unsafe(no_mangle)]
pub extern "C" fn refresh() -> f64 {
    with(0.0, |demo, _| {
        demo.refresh();
        demo.reports() as f64
    })
}

/// The estimated count of an item.
#[unsafe(no_mangle)]
pub extern "C" fn estimate(item: u32) -> f64 {
    with(0.0, |demo, _| demo.estimate(item as usize).map_or(0.0, |estimate| estimate.value))
}

/// The standard deviation of an estimated count.
#[unsafe(no_mangle)]
pub extern "C" fn deviation(item: u32) -> f64 {
    with(0.0, |demo, _| demo.estimate(item as usize).map_or(0.0, |estimate| estimate.sd))
}

/// The estimated share of an item, after projection to shares that could be real.
#[unsafe(no_mangle)]
pub extern "C" fn share(item: u32) -> f64 {
    with(0.0, |demo, _| demo.share(item as usize))
}

/// How many of the made-up crowd really hold an item: known to the page because it made the crowd up.
#[unsafe(no_mangle)]
pub extern "C" fn truth(item: u32) -> u32 {
    with(0, |demo, _| demo.truth(item as usize))
}
