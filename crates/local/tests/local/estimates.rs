//! The collector's estimates: unbiased, with the variance that the closed form says.

use flockwise_local::collector::{BadReport, Estimate, Intake, Tally, heavy_hitters};
use flockwise_local::{
    Epsilon, Hadamard, HadamardSketch, Input, Kind, OneBitMean, Scheme, Shape, Sketch, choose,
};

use crate::support::{Fixed, epsilon};

const ITEMS: u32 = 24;

/// A skewed crowd: item i is held in proportion to 1/(i + 1).
fn crowd(people: usize, items: u32) -> (Vec<Input>, Vec<f64>) {
    let weights: Vec<f64> = (1..=items).map(|rank| 1.0 / f64::from(rank)).collect();
    let total: f64 = weights.iter().sum();
    let mut counts: Vec<usize> = weights.iter().map(|w| (w / total * people as f64) as usize).collect();
    counts[0] += people - counts.iter().sum::<usize>();
    let held = counts.iter().zip(0..).flat_map(|(count, item)| vec![Input::Item(item); *count]);
    (held.collect(), counts.iter().map(|count| *count as f64).collect())
}

fn schemes(epsilon: Epsilon) -> Vec<Scheme> {
    let kinds = [Kind::Kary, Kind::Unary, Kind::LocalHashing, Kind::Hadamard];
    let mut schemes: Vec<_> =
        kinds.iter().map(|kind| Scheme::of_kind(*kind, ITEMS, epsilon).unwrap()).collect();
    let shape = Shape::new(64, 256, 5).unwrap();
    schemes.push(Scheme::HadamardSketch(HadamardSketch::new(ITEMS, epsilon, shape).unwrap()));
    schemes.push(Scheme::Sketch(Sketch::new(ITEMS, epsilon, Shape::new(64, 32, 5).unwrap()).unwrap()));
    schemes
}

fn collect(scheme: &Scheme, inputs: &[Input], entropy: &mut Fixed) -> Tally {
    let mut reports = vec![0; inputs.len() * scheme.report_bytes()];
    scheme.randomize_many(inputs, entropy, &mut reports).unwrap();
    let mut tally = Tally::new(scheme.clone());
    reports.chunks_exact(scheme.report_bytes()).for_each(|report| tally.add(report).unwrap());
    tally
}

#[test]
fn counts_are_unbiased_and_their_bars_are_honest() {
    // 10^5 people for every scheme; six standard deviations are exceeded with probability 2e-9 an item.
    let mut entropy = Fixed(0x1234_5678_9ABC_DEF1);
    for text in ["0.5", "2", "4"] {
        for scheme in schemes(epsilon(text)) {
            let people = if scheme.kind() == Kind::Sketch { 20_000 } else { 100_000 };
            let (inputs, truth) = crowd(people, ITEMS);
            let counts = collect(&scheme, &inputs, &mut entropy).counts();
            for (estimate, truth) in counts.iter().zip(&truth) {
                let z = (estimate.value - truth) / estimate.sd;
                assert!(z.abs() < 6.0, "{scheme}: {z} standard deviations off");
            }
            let squares: f64 =
                counts.iter().zip(&truth).map(|(e, truth)| ((e.value - truth) / e.sd).powi(2)).sum();
            assert!((2.0..80.0).contains(&squares), "{scheme}: bars that fit give about 24, not {squares}");
        }
    }
}

/// z of the mean squared error over all groups and items against the closed form.
fn against_closed_form(scheme: &Scheme, entropy: &mut Fixed) -> f64 {
    let (groups, people) = (200, 500);
    let (inputs, truth) = crowd(people, ITEMS);
    let expected = scheme.variance(None) * people as f64;
    let errors: Vec<f64> = (0..groups)
        .map(|_| {
            let counts = collect(scheme, &inputs, entropy).counts();
            let squares = counts.iter().zip(&truth).map(|(e, truth)| (e.value - truth).powi(2));
            squares.sum::<f64>() / f64::from(ITEMS)
        })
        .collect();
    let mean = errors.iter().sum::<f64>() / f64::from(groups);
    let spread = errors.iter().map(|error| (error - mean).powi(2)).sum::<f64>() / f64::from(groups - 1);
    (mean - expected) / (spread / f64::from(groups)).sqrt()
}

#[test]
fn variance_is_the_closed_form() {
    let mut entropy = Fixed(0xFEDC_BA98_7654_3211);
    for text in ["0.5", "2", "3"] {
        for scheme in schemes(epsilon(text)).into_iter().take(4) {
            let z = against_closed_form(&scheme, &mut entropy);
            assert!(z.abs() < 6.0, "{scheme}: the error is {z} standard deviations from the closed form");
        }
    }
}

#[test]
fn hadamard_blocks_are_equally_full() {
    // One block fuller than the others would cost up to a tenth of the error: 22 items in blocks of at most 7 did.
    for items in [22, 24, 50, 1000] {
        for text in ["2", "3", "4"] {
            let hadamard = Hadamard::new(items, epsilon(text)).unwrap();
            let even = 1.0 / (f64::from(hadamard.blocks()) * hadamard.keep().to_f64().powi(2));
            let variance = Scheme::Hadamard(hadamard).variance(None) + 1.0 / f64::from(items);
            assert!(
                (0.999..1.03).contains(&(variance / even)),
                "{items} items at {text}: {variance} for {even}"
            );
        }
    }
}

#[test]
fn control_a_wrong_variance_is_noticed() {
    // Reports at ε = 2 judged by the closed form of ε = 1.8: what a mistaken probability would look like.
    let mut entropy = Fixed(0x0F0F_1234_0F0F_4321);
    let scheme = Scheme::of_kind(Kind::Unary, ITEMS, epsilon("2")).unwrap();
    let other = Scheme::of_kind(Kind::Unary, ITEMS, epsilon("1.8")).unwrap();
    let z = against_closed_form(&scheme, &mut entropy);
    assert!(z.abs() < 6.0);
    let (inputs, truth) = crowd(100_000, ITEMS);
    let mut reports = vec![0; inputs.len() * scheme.report_bytes()];
    scheme.randomize_many(&inputs, &mut entropy, &mut reports).unwrap();
    let mut tally = Tally::new(other);
    reports.chunks_exact(scheme.report_bytes()).for_each(|report| tally.add(report).unwrap());
    let worst =
        tally.counts().iter().zip(&truth).map(|(e, t)| ((e.value - t) / e.sd).abs()).fold(0.0, f64::max);
    assert!(worst > 6.0, "the wrong probabilities went unnoticed");
}

#[test]
fn means_are_unbiased() {
    let mut entropy = Fixed(77);
    let scheme = Scheme::OneBitMean(OneBitMean::new(0, 100, epsilon("1")).unwrap());
    let inputs: Vec<_> = (0..100_000).map(|person| Input::Number(person % 61)).collect();
    let mean = collect(&scheme, &inputs, &mut entropy).mean().unwrap();
    let truth = (0..100_000).map(|person| f64::from(person % 61)).sum::<f64>() / 100_000.0;
    assert!(((mean.value - truth) / mean.sd).abs() < 6.0);
    assert!(mean.sd <= (scheme.variance(None) / 100_000.0).sqrt() * 1.000_001);
    assert!(Tally::new(scheme).mean().is_none());
}

#[test]
fn bad_reports_are_counted_and_skipped() {
    let scheme = Scheme::of_kind(Kind::Kary, 5, epsilon("1")).unwrap();
    let mut intake = Intake::new(scheme);
    for text in ["00", "04", "05", "ff", "0", "000", "", "zz", "g0", "0A", "\u{e9}"] {
        intake.hex(text.as_bytes());
    }
    intake.malformed();
    assert_eq!(intake.tally().reports(), 2);
    assert_eq!(intake.skipped().impossible, 3);
    assert_eq!(intake.skipped().wrong_length, 3);
    assert_eq!(intake.skipped().malformed, 4);
    let mut unary = Tally::new(Scheme::of_kind(Kind::Unary, 5, epsilon("1")).unwrap());
    assert_eq!(unary.add(&[0b0010_0000]), Err(BadReport::Impossible));
    assert_eq!(unary.add(&[0b0001_1111]), Ok(()));
    let mut hashed = Tally::new(Scheme::of_kind(Kind::LocalHashing, 5, epsilon("1")).unwrap());
    assert_eq!(hashed.add(&[0, 0, 0, 0, 200]), Err(BadReport::Impossible));
    let mut mean = Tally::new(Scheme::OneBitMean(OneBitMean::new(0, 1, epsilon("1")).unwrap()));
    assert_eq!(mean.add(&[2]), Err(BadReport::Impossible));
}

#[test]
fn any_bytes_of_any_length_are_taken_or_refused() {
    let mut entropy = Fixed(4242);
    for scheme in schemes(epsilon("1")) {
        let mut intake = Intake::new(scheme.clone());
        for length in (0..=2 * scheme.report_bytes()).chain([scheme.report_bytes(); 200]) {
            let bytes: Vec<u8> = (0..length).map(|_| entropy.next() as u8).collect();
            intake.report(&bytes);
        }
        let seen = intake.tally().reports() + intake.skipped().total();
        assert_eq!(seen, 2 * scheme.report_bytes() as u64 + 201);
    }
}

#[test]
fn tallies_add_up() {
    let mut entropy = Fixed(99);
    for scheme in schemes(epsilon("1")) {
        let (inputs, _) = crowd(400, ITEMS);
        let mut reports = vec![0; inputs.len() * scheme.report_bytes()];
        scheme.randomize_many(&inputs, &mut entropy, &mut reports).unwrap();
        let mut parts = [Tally::new(scheme.clone()), Tally::new(scheme.clone())];
        let mut whole = Tally::new(scheme.clone());
        for (at, report) in reports.chunks_exact(scheme.report_bytes()).enumerate() {
            parts[at % 2].add(report).unwrap();
            whole.add(report).unwrap();
        }
        let [mut first, second] = parts;
        first.merge(&second);
        assert_eq!(first.counts(), whole.counts());
    }
}

#[test]
fn heavy_hitters_are_beyond_doubt() {
    let of = |value: f64| Estimate { value, sd: 10.0 };
    let estimates = [of(5.0), of(400.0), of(-30.0), of(40.0), of(900.0)];
    assert_eq!(heavy_hitters(&estimates, 0.05), [4, 1, 3]);
    assert_eq!(heavy_hitters(&estimates, 1e-6), [4, 1]);
    assert!(heavy_hitters(&[], 0.05).is_empty());
}

#[test]
fn the_choice_has_the_least_error_that_fits() {
    for items in [2, 10, 25, 300, 5000] {
        for text in ["0.2", "1", "3", "6"] {
            for most in [None, Some(2), Some(5)] {
                let choice = choose(items, epsilon(text), most).unwrap();
                let fits = |bytes: usize| most.is_none_or(|most| bytes <= most);
                assert!(fits(choice.scheme.report_bytes()));
                let least =
                    choice.candidates.iter().filter(|c| fits(c.scheme.report_bytes())).map(|c| c.variance);
                assert!(choice.variance <= least.fold(f64::INFINITY, f64::min) * 1.05);
                assert!(choice.why.contains(choice.scheme.kind().name()));
            }
        }
    }
    // Wang et al. 2017: the least variance of one report is 4·e^ε/(e^ε − 1)², and local hashing comes close to it.
    for text in ["0.2", "1", "3"] {
        let e = text.parse::<f64>().unwrap().exp();
        let hashing = Scheme::of_kind(Kind::LocalHashing, 1000, epsilon(text)).unwrap();
        let ratio = hashing.variance(Some(0.0)) / (4.0 * e / (e - 1.0).powi(2));
        assert!((0.999..1.03).contains(&ratio), "{hashing}: {ratio}");
    }
    assert!(choose(300, epsilon("1"), Some(1)).is_err());
    assert!(choose(70_000, epsilon("1"), None).is_ok());
}
