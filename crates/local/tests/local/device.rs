//! L3 of the attack list: what the reports of a lifetime cost together.

use std::collections::BTreeMap;

use flockwise_local::{
    Collection, CollectionId, Device, DeviceError, Draws, Hadamard, Input, Kary, Limits, Memory, OneBitMean,
    Os, Repeat, Scheme, Unary,
};
use num_rational::BigRational;

use crate::support::{Fixed, Script, distribution, epsilon, within, worst_ratio};

fn id(name: &str) -> CollectionId {
    CollectionId::new(name).unwrap()
}

fn limits(lifetime: &str, day: &str) -> Limits {
    Limits { lifetime: epsilon(lifetime), day: epsilon(day) }
}

fn kary(items: u32, text: &str, repeat: Repeat) -> Collection {
    Collection::new(id("genres"), Scheme::Kary(Kary::new(items, epsilon(text)).unwrap()), repeat).unwrap()
}

fn ready(collection: &Collection) -> Device<Memory> {
    let mut device = Device::create(Memory::default(), limits("16", "16"), Fixed(3)).unwrap();
    device.consent(true).unwrap();
    device.enrol(collection, 0).unwrap();
    device
}

/// Everything a device sends over a history of values, one a day.
fn history(collection: &Collection, values: &[Input], draws: &mut Script) -> Vec<Vec<u8>> {
    let mut device = ready(collection);
    let day = |(value, day)| device.preview_with(collection, value, day, draws).unwrap().report;
    values.iter().copied().zip(0..).map(day).collect()
}

type Sent = BTreeMap<Vec<Vec<u8>>, BigRational>;

fn sent(collection: &Collection, values: &[Input]) -> Sent {
    distribution(0, |draws| history(collection, values, draws))
}

/// Every history of so many days over these values.
fn histories(values: &[Input], days: usize) -> Vec<Vec<Input>> {
    (0..days).fold(vec![Vec::new()], |all, _| {
        let longer = |history: &Vec<Input>| {
            values.iter().map(|value| [history.as_slice(), &[*value]].concat()).collect::<Vec<_>>()
        };
        all.iter().flat_map(longer).collect()
    })
}

/// The pattern of a history: for each day, the first day that had the same value.
fn pattern(history: &[Input]) -> Vec<usize> {
    history.iter().map(|value| history.iter().position(|other| other == value).unwrap()).collect()
}

const VALUES: [Input; 3] = [Input::Item(0), Input::Item(1), Input::Nothing];

#[test]
fn l3_any_two_histories_stay_within_the_lifetime_epsilon() {
    let collection = kary(3, "0.7", Repeat::PerPeriod { days: 2, periods: 2 });
    let lifetime = collection.cost().unwrap();
    assert_eq!(lifetime, 1_400_000_000_000);
    let all: Vec<Sent> = histories(&VALUES, 4).iter().map(|history| sent(&collection, history)).collect();
    assert!(within(worst_ratio(&all).as_ref(), lifetime));
}

#[test]
fn l3_a_thousand_reports_of_a_constant_value_stay_within_the_lifetime_epsilon() {
    let repeats = [Repeat::PerPeriod { days: 500, periods: 2 }, Repeat::PerValue { values: 2 }];
    for repeat in repeats {
        let collection = kary(2, "0.7", repeat);
        let constant = |item| sent(&collection, &vec![Input::Item(item); 1000]);
        let ratio = worst_ratio(&[constant(0), constant(1)]);
        assert!(within(ratio.as_ref(), collection.cost().unwrap()), "{repeat:?}");
    }
}

/// A device that draws anew every day: what the promise is there to prevent.
fn fresh(scheme: &Scheme, values: &[Input], draws: &mut impl Draws) -> Vec<Vec<u8>> {
    let one = |value: &Input| {
        let mut report = vec![0; scheme.report_bytes()];
        scheme.randomize_with(*value, draws, &mut report).unwrap();
        report
    };
    values.iter().map(one).collect()
}

#[test]
fn l3_control_fresh_noise_every_day_is_caught() {
    let collection = kary(2, "0.7", Repeat::PerPeriod { days: 2, periods: 2 });
    let all = |item| distribution(0, |draws| fresh(collection.scheme(), &[Input::Item(item); 4], draws));
    let ratio = worst_ratio(&[all(0), all(1)]);
    assert!(!within(ratio.as_ref(), collection.cost().unwrap()));
}

/// How often an attacker who takes the most frequent report for the truth is right.
fn averaging_attack(mut day: impl FnMut(u64, u32, Input) -> Vec<u8>) -> u32 {
    let people = 200;
    (0..people)
        .map(|person: u32| {
            let truth = person % 4;
            let mut seen = [0; 4];
            for at in 0..200 {
                // The value changes on every third day: remembering only "the same as yesterday" is not enough.
                let value = if at % 3 == 2 { (truth + 1) % 4 } else { truth };
                seen[usize::from(day(u64::from(person), at, Input::Item(value))[0])] += 1;
            }
            let guess = (0..4).max_by_key(|item| seen[*item]).unwrap() as u32;
            u32::from(guess == truth)
        })
        .sum()
}

#[test]
fn l3_averaging_changing_values_finds_no_more_than_one_report_tells() {
    let collection = kary(4, "0.7", Repeat::PerPeriod { days: 1000, periods: 1 });
    let mut entropy = Fixed(0xABCD_EF01_2345_6789);
    let mut device = ready(&collection);
    let right = averaging_attack(|_, at, value| {
        if at == 0 {
            device = ready(&collection);
        }
        device.report(&collection, value, at, &mut entropy).unwrap()
    });
    // One report names the truth with probability e^0.7/(e^0.7 + 3) = 0.40: 80 of 200, and 126 is 6.6 sd away.
    assert!(right < 126, "the attack was right {right} times");
    let right = averaging_attack(|_, _, value| {
        fresh(collection.scheme(), &[value], &mut flockwise_local::Random::new(&mut entropy)).remove(0)
    });
    assert!(right > 160, "control: without memory the attack is right nearly always, not {right} times");
}

#[test]
fn l3_per_value_memory_holds_for_histories_that_change_on_the_same_days() {
    let collection = kary(3, "0.7", Repeat::PerValue { values: 2 });
    let values = [Input::Item(0), Input::Item(1), Input::Item(2), Input::Nothing];
    let mut by_pattern = BTreeMap::<_, Vec<Sent>>::new();
    for history in histories(&values, 3) {
        by_pattern.entry(pattern(&history)).or_default().push(sent(&collection, &history));
    }
    assert_eq!(by_pattern.len(), 5);
    for alike in by_pattern.values() {
        assert!(within(worst_ratio(alike).as_ref(), collection.cost().unwrap()));
    }
}

#[test]
fn l3_per_value_memory_does_not_hide_that_a_value_changed() {
    // The documented limit of the weaker promise; were it gone, the docs would be wrong.
    let collection = kary(3, "0.7", Repeat::PerValue { values: 2 });
    let changed = sent(&collection, &[Input::Item(0), Input::Item(1)]);
    let constant = sent(&collection, &[Input::Item(0), Input::Item(0)]);
    assert!(worst_ratio(&[changed, constant]).is_none(), "some report tells the two apart for certain");
}

#[test]
fn whether_a_report_is_sent_never_hangs_on_the_value() {
    let repeats = [Repeat::PerPeriod { days: 2, periods: 2 }, Repeat::PerValue { values: 2 }];
    for repeat in repeats {
        let collection = kary(3, "1", repeat);
        let mut statuses = None;
        for values in
            histories(&[Input::Item(0), Input::Item(2), Input::Item(9), Input::Nothing], 6).iter().step_by(7)
        {
            let mut device = ready(&collection);
            let mut entropy = Fixed(5);
            let day = |(value, day): (&Input, u32)| {
                device.report(&collection, *value, day, &mut entropy).map(|report| report.len())
            };
            let status: Vec<_> = values.iter().zip(0..).map(day).collect();
            assert_eq!(*statuses.get_or_insert_with(|| status.clone()), status);
        }
    }
}

#[test]
fn after_the_allowed_values_an_answer_tells_nothing() {
    let collection = kary(3, "5", Repeat::PerValue { values: 1 });
    let last =
        |value| distribution(0, |draws| history(&collection, &[Input::Item(0), value], draws).pop().unwrap());
    assert_eq!(last(Input::Item(1)), last(Input::Item(2)));
    assert_eq!(last(Input::Item(1)), last(Input::Nothing));
}

/// Fails when anything is drawn.
struct NoDraws;

impl Draws for NoDraws {
    fn coin(&mut self, _: flockwise_local::Chance) -> Result<bool, flockwise_local::NoEntropy> {
        panic!("nothing may be drawn")
    }

    fn below(&mut self, _: u64) -> Result<u32, flockwise_local::NoEntropy> {
        panic!("nothing may be drawn")
    }
}

#[test]
fn consent_comes_before_everything() {
    let collection = kary(3, "1", Repeat::PerValue { values: 1 });
    let mut device = Device::create(Memory::default(), limits("4", "4"), Os).unwrap();
    assert_eq!(device.enrol(&collection, 0), Err(DeviceError::NoConsent));
    assert_eq!(
        device.preview_with(&collection, Input::Item(0), 0, &mut NoDraws),
        Err(DeviceError::NoConsent)
    );
    assert_eq!(device.spent(), 0);
    device.consent(true).unwrap();
    device.enrol(&collection, 0).unwrap();
    let first = device.report(&collection, Input::Item(0), 0, Os).unwrap();
    device.consent(false).unwrap();
    assert!(!device.has_consent());
    assert_eq!(
        device.preview_with(&collection, Input::Item(0), 1, &mut NoDraws),
        Err(DeviceError::NoConsent)
    );
    // Agreeing again repeats the old answer; nothing is drawn.
    device.consent(true).unwrap();
    let again = device.preview_with(&collection, Input::Item(0), 1, &mut NoDraws).unwrap();
    assert_eq!((again.report, again.repeated), (first, true));
}

#[test]
fn a_preview_is_exactly_what_is_sent() {
    for repeat in [Repeat::PerPeriod { days: 7, periods: 3 }, Repeat::PerValue { values: 3 }] {
        let scheme = Scheme::Hadamard(Hadamard::new(1000, epsilon("1")).unwrap());
        let collection = Collection::new(id("films"), scheme, repeat).unwrap();
        let mut device = ready(&collection);
        for day in 0..20 {
            let value = Input::Item(day % 5);
            let preview = device.preview(&collection, value, day, Os).unwrap();
            let again = device.preview_with(&collection, value, day, &mut NoDraws).unwrap();
            assert_eq!(again.report, preview.report);
            // One answer a day, also when the value changes after the preview.
            let sent = device.preview_with(&collection, Input::Item(day % 5 + 1), day, &mut NoDraws).unwrap();
            assert_eq!(sent.report, preview.report);
        }
    }
}

#[test]
fn limits_are_charged_in_full_at_enrolment() {
    let period = Repeat::PerPeriod { days: 30, periods: 3 };
    let of = |name: &str| {
        Collection::new(id(name), Scheme::Unary(Unary::new(9, epsilon("0.5")).unwrap()), period).unwrap()
    };
    let mut device = Device::create(Memory::default(), limits("4", "1"), Os).unwrap();
    device.consent(true).unwrap();
    device.enrol(&of("a"), 0).unwrap();
    device.enrol(&of("a"), 50).unwrap();
    assert_eq!(device.spent(), 1_500_000_000_000);
    device.enrol(&of("b"), 0).unwrap();
    assert_eq!(device.spent(), 3_000_000_000_000);
    let refused = device.enrol(&of("c"), 0);
    assert_eq!(refused, Err(DeviceError::OverLifetime { asked: 1_500_000_000_000, left: 1_000_000_000_000 }));
    let message = refused.unwrap_err().to_string();
    assert_eq!(message, "the collection would cost epsilon 1.5 in a lifetime, and 1 is left");
    // What is left can be spent to the last unit, but not on a third draw a day.
    let last = Collection::new(
        id("d"),
        Scheme::Unary(Unary::new(9, epsilon("0.5")).unwrap()),
        Repeat::PerPeriod { days: 30, periods: 2 },
    );
    let last = last.unwrap();
    assert_eq!(device.enrol(&last, 0), Err(DeviceError::OverDay { asked: 500_000_000_000, left: 0 }));
    let mut roomy = Device::create(Memory::default(), limits("1", "1"), Os).unwrap();
    roomy.consent(true).unwrap();
    roomy.enrol(&last, 0).unwrap();
    assert_eq!(roomy.spent(), 1_000_000_000_000);
}

#[test]
fn a_collection_is_over_after_its_periods_and_cannot_change() {
    let collection = kary(3, "1", Repeat::PerPeriod { days: 10, periods: 2 });
    let mut device = ready(&collection);
    let first = device.report(&collection, Input::Item(1), 9, Os).unwrap();
    let second = device.report(&collection, Input::Item(1), 15, Os).unwrap();
    // A clock that goes back draws nothing.
    assert_eq!(device.preview_with(&collection, Input::Item(2), 3, &mut NoDraws).unwrap().report, second);
    assert_eq!(device.preview_with(&collection, Input::Item(1), 20, &mut NoDraws), Err(DeviceError::Over));
    assert_eq!(first.len(), second.len());
    let other = kary(3, "2", Repeat::PerPeriod { days: 10, periods: 2 });
    assert_eq!(device.report(&other, Input::Item(1), 16, Os), Err(DeviceError::OtherCollection));
    assert_eq!(device.enrol(&other, 16), Err(DeviceError::OtherCollection));
    assert_eq!(
        ready(&other).report(&kary(3, "2", Repeat::PerValue { values: 1 }), Input::Item(1), 1, Os),
        Err(DeviceError::OtherCollection)
    );
}

#[test]
fn erased_answers_never_come_back() {
    let collection = kary(3, "1", Repeat::PerValue { values: 2 });
    let mut device = ready(&collection);
    device.report(&collection, Input::Item(1), 0, Os).unwrap();
    let spent = device.spent();
    device.erase().unwrap();
    assert!(!device.has_consent());
    device.consent(true).unwrap();
    assert_eq!(device.preview_with(&collection, Input::Item(1), 0, &mut NoDraws), Err(DeviceError::Over));
    assert_eq!(device.enrol(&collection, 1), Err(DeviceError::Over));
    assert_eq!(device.spent(), spent);
}

#[test]
fn a_mean_is_remembered_per_period_only() {
    let scheme = Scheme::OneBitMean(OneBitMean::new(0, 10, epsilon("1")).unwrap());
    let per_value = Collection::new(id("stars"), scheme.clone(), Repeat::PerValue { values: 2 });
    assert_eq!(per_value, Err(DeviceError::NotPerValue));
    let collection =
        Collection::new(id("stars"), scheme, Repeat::PerPeriod { days: 30, periods: 2 }).unwrap();
    let sent = |a, b| {
        distribution(0, |draws| {
            let mut device = ready(&collection);
            let first = device.preview_with(&collection, Input::Number(a), 0, draws).unwrap().report;
            (first, device.preview_with(&collection, Input::Number(b), 30, draws).unwrap().report)
        })
    };
    let ratio = worst_ratio(&[sent(0, 0), sent(0, 10), sent(5, 3), sent(10, 10)]);
    assert!(within(ratio.as_ref(), collection.cost().unwrap()));
    assert!(
        CollectionId::new("").is_err()
            && CollectionId::new("a b").is_err()
            && CollectionId::new("a\nb").is_err()
    );
}
