//! L1 and L2 of the attack list: the privacy and the shape of one report.

use flockwise_local::{
    Chance, Draws, Epsilon, Hadamard, HadamardSketch, Input, Kary, LocalHashing, NoEntropy, OneBitMean,
    Scheme, Shape, Sketch, Unary,
};
use num_bigint::BigInt;
use num_rational::BigRational;
use num_traits::{One, ToPrimitive};

use crate::support::{Script, distribution, epsilon, exp_below, probability, within, worst_ratio};

const EPSILONS: [&str; 6] = ["0.000001", "0.1", "0.693147180559", "1", "3.3", "16"];

fn items(items: u32) -> Vec<Input> {
    (0..items).map(Input::Item).chain([Input::Nothing, Input::Item(items), Input::Number(3)]).collect()
}

fn report(scheme: &Scheme, input: Input, draws: &mut Script) -> Vec<u8> {
    let mut report = vec![0xAA; scheme.report_bytes()];
    scheme.randomize_with(input, draws, &mut report).expect("a script always has draws");
    report
}

/// The worst ratio over all inputs and reports, as a share of e^ε; checks that it is within.
fn check(scheme: &Scheme, inputs: &[Input]) -> f64 {
    let mut worst = BigRational::one();
    for seed in [0, 1, 0xDEAD_BEEF, u32::MAX] {
        let all: Vec<_> =
            inputs.iter().map(|input| distribution(seed, |draws| report(scheme, *input, draws))).collect();
        let ratio = worst_ratio(&all);
        assert!(within(ratio.as_ref(), scheme.epsilon().units()), "{scheme}: a ratio over e^epsilon");
        worst = worst.max(ratio.expect("it is within"));
        if !matches!(scheme, Scheme::LocalHashing(_)) {
            break;
        }
    }
    (worst / exp_below(scheme.epsilon().units())).to_f64().expect("a ratio near one")
}

#[test]
fn l1_every_report_is_private_by_exact_enumeration() {
    for text in EPSILONS {
        let epsilon = epsilon(text);
        for d in [2, 3, 7, 64] {
            let schemes = [
                Scheme::Kary(Kary::new(d, epsilon).unwrap()),
                Scheme::Hadamard(Hadamard::new(d, epsilon).unwrap()),
            ];
            for scheme in schemes {
                let reached = check(&scheme, &items(d));
                assert!(reached > 1.0 - 1e-9, "{scheme}: only {reached} of e^epsilon is used");
            }
        }
        let shape = Shape::new(3, 8, 7).unwrap();
        check(&Scheme::HadamardSketch(HadamardSketch::new(20, epsilon, shape).unwrap()), &items(20));
        check(&Scheme::Sketch(Sketch::new(5, epsilon, Shape::new(1, 4, 7).unwrap()).unwrap()), &items(5));
        check(&Scheme::Unary(Unary::new(6, epsilon).unwrap()), &items(6));
    }
    // g grows with e^ε: the whole tree up to 3.3, where it has some thirty buckets.
    for text in ["0.1", "1", "3.3"] {
        check(&Scheme::LocalHashing(LocalHashing::new(64, epsilon(text)).unwrap()), &items(64));
    }
}

#[test]
fn l1_the_one_bit_mean_is_private_at_every_number() {
    for text in EPSILONS {
        let scheme = Scheme::OneBitMean(OneBitMean::new(-7, 100, epsilon(text)).unwrap());
        let numbers = [i64::MIN, -8, -7, -6, 0, 46, 47, 99, 100, 101, i64::MAX];
        let inputs: Vec<_> = numbers.into_iter().map(Input::Number).chain([Input::Nothing]).collect();
        assert!(check(&scheme, &inputs) > 1.0 - 1e-9);
    }
}

/// Notes the chance of every coin and lets one of them fall on heads.
struct Coins {
    chances: Vec<Chance>,
    heads: usize,
}

impl Draws for Coins {
    fn coin(&mut self, chance: Chance) -> Result<bool, NoEntropy> {
        self.chances.push(chance);
        Ok(self.chances.len() - 1 == self.heads)
    }

    fn below(&mut self, _: u64) -> Result<u32, NoEntropy> {
        Ok(0)
    }
}

/// Bits that are independent coins: the worst ratio is the product of each bit's worst.
fn product_of_bits(a: &[BigRational], b: &[BigRational]) -> BigRational {
    let one = BigRational::one;
    let worst = |(p, q): (&BigRational, &BigRational)| (p / q).max((one() - p) / (one() - q));
    a.iter()
        .zip(b)
        .filter(|(p, q)| p.numer() != q.numer() || p.denom() != q.denom())
        .map(worst)
        .fold(one(), |product, ratio| product * ratio)
}

type Randomizer = fn(&Scheme, Input, &mut Coins, &mut [u8]);

fn honest(scheme: &Scheme, input: Input, draws: &mut Coins, report: &mut [u8]) {
    scheme.randomize_with(input, draws, report).expect("coins never run out");
}

/// The probability of a one at each bit of the report after `head` bytes, by running the code once per bit: every coin
/// must decide one bit, and no bit may be decided by none.
fn bits(
    scheme: &Scheme,
    randomize: Randomizer,
    input: Input,
    head: usize,
    width: usize,
) -> Option<Vec<BigRational>> {
    let run = |heads| {
        let mut coins = Coins { chances: Vec::new(), heads };
        let mut report = vec![0; scheme.report_bytes()];
        randomize(scheme, input, &mut coins, &mut report);
        (coins.chances, report.split_off(head))
    };
    let (chances, resting) = run(usize::MAX);
    let one_bit = |at: usize, report: &[u8]| report[at / 8] >> (at % 8) & 1 == 1;
    let mut probabilities = Vec::new();
    for at in 0..width {
        let (_, report) = run(at);
        let changed: Vec<_> =
            (0..width).filter(|bit| one_bit(*bit, &report) != one_bit(*bit, &resting)).collect();
        if changed != [at] || at >= chances.len() {
            return None;
        }
        let p = probability(chances[at]);
        probabilities.push(if one_bit(at, &resting) { BigRational::one() - p } else { p });
    }
    Some(probabilities)
}

fn bits_are_private(scheme: &Scheme, randomize: Randomizer, head: usize, width: u32) -> bool {
    let inputs: Vec<_> = (0..width).map(Input::Item).chain([Input::Nothing]).collect();
    let all: Option<Vec<_>> =
        inputs.iter().map(|input| bits(scheme, randomize, *input, head, width as usize)).collect();
    let limit = exp_below(scheme.epsilon().units());
    all.is_some_and(|all| all.iter().all(|a| all.iter().all(|b| product_of_bits(a, b) <= limit)))
}

#[test]
fn l1_unary_reports_of_64_bits_are_private_to_the_last_bit() {
    for text in EPSILONS {
        let scheme = Scheme::Unary(Unary::new(64, epsilon(text)).unwrap());
        assert!(bits_are_private(&scheme, honest, 0, 64), "unary at {text}");
        let shape = Shape::new(1, 64, 3).unwrap();
        let scheme = Scheme::Sketch(Sketch::new(64, epsilon(text), shape).unwrap());
        assert!(bits_are_private(&scheme, honest, 1, 64), "sketch at {text}");
    }
}

/// Keeps the true bit with probability e^ε/(e^ε + 1) where a fair coin is right.
fn keeps_the_true_bit_too_often(scheme: &Scheme, input: Input, draws: &mut Coins, report: &mut [u8]) {
    let Scheme::Unary(unary) = scheme else { panic!("a control for unary reports") };
    report.fill(0);
    for bit in 0..unary.items() {
        let noise = unary.noise();
        let chance = if input == Input::Item(bit) {
            Chance::from_units(0_u64.wrapping_sub(noise.units()))
        } else {
            noise
        };
        report[bit as usize / 8] |= u8::from(draws.coin(chance).unwrap()) << (bit % 8);
    }
}

/// Stops one bit early.
fn leaves_the_last_bit(scheme: &Scheme, input: Input, draws: &mut Coins, report: &mut [u8]) {
    let Scheme::Unary(unary) = scheme else { panic!("a control for unary reports") };
    report.fill(0);
    for bit in 0..unary.items() {
        let truth = input == Input::Item(bit);
        let value = if bit == unary.items() - 1 {
            truth
        } else {
            draws.coin(if truth { Chance::HALF } else { unary.noise() }).unwrap()
        };
        report[bit as usize / 8] |= u8::from(value) << (bit % 8);
    }
}

#[test]
fn l1_control_broken_unary_encodings_are_caught() {
    let scheme = Scheme::Unary(Unary::new(64, epsilon("1")).unwrap());
    assert!(!bits_are_private(&scheme, keeps_the_true_bit_too_often, 0, 64));
    assert!(!bits_are_private(&scheme, leaves_the_last_bit, 0, 64));
}

#[test]
fn l1_control_one_unit_more_is_over_epsilon() {
    // T was rounded down to the last unit that fits, up to the precision of the exponential (1e-11 of it).
    let epsilon = epsilon("1");
    let kary = Kary::new(64, epsilon).unwrap();
    let ratio = |units: u64| {
        let keep = probability(Chance::from_units(units));
        let rest = (BigRational::one() - &keep) / BigRational::from_integer(BigInt::from(64));
        (keep + &rest) / rest
    };
    let keep = kary.keep().units();
    assert!(within(Some(&ratio(keep)), epsilon.units()));
    assert!(!within(Some(&ratio(keep + keep / 1_000_000_000)), epsilon.units()));
}

fn every_scheme(items: u32, epsilon: Epsilon) -> Vec<Scheme> {
    let shape = Shape::new(4, 16, 9).unwrap();
    vec![
        Scheme::Kary(Kary::new(items, epsilon).unwrap()),
        Scheme::Unary(Unary::new(items, epsilon).unwrap()),
        Scheme::LocalHashing(LocalHashing::new(items, epsilon).unwrap()),
        Scheme::Hadamard(Hadamard::new(items, epsilon).unwrap()),
        Scheme::Sketch(Sketch::new(items, epsilon, shape).unwrap()),
        Scheme::HadamardSketch(HadamardSketch::new(items, epsilon, shape).unwrap()),
        Scheme::OneBitMean(OneBitMean::new(0, 10, epsilon).unwrap()),
    ]
}

/// How many bytes of entropy each draw takes: coins 8, words 4.
#[derive(Default, PartialEq, Debug)]
struct Stopwatch(Vec<u64>);

impl Draws for Stopwatch {
    fn coin(&mut self, _: Chance) -> Result<bool, NoEntropy> {
        self.0.push(0);
        Ok(self.0.len() % 3 == 1)
    }

    fn below(&mut self, bound: u64) -> Result<u32, NoEntropy> {
        self.0.push(bound);
        Ok(0)
    }
}

#[test]
fn l2_every_report_has_one_length_and_takes_the_same_draws() {
    for items in [2, 9, 300, 70_000] {
        for scheme in every_scheme(items.min(60_000), epsilon("1.5")) {
            let mut seen = None;
            let last = items.min(60_000) - 1;
            for input in [
                Input::Item(0),
                Input::Item(1),
                Input::Item(last),
                Input::Item(u32::MAX),
                Input::Number(5),
                Input::Number(-9),
                Input::Nothing,
            ] {
                let mut draws = Stopwatch::default();
                let mut report = vec![0x55; scheme.report_bytes()];
                scheme.randomize_with(input, &mut draws, &mut report).unwrap();
                assert_eq!(*seen.get_or_insert_with(|| Stopwatch(draws.0.clone())), draws, "{scheme}");
            }
        }
    }
}

#[test]
fn bad_parameters_are_refused() {
    let one = epsilon("1");
    assert!(Kary::new(1, one).is_err() && Kary::new(0, one).is_err() && Kary::new(u32::MAX, one).is_err());
    assert!(Unary::new(65_537, one).is_err());
    assert!(
        Shape::new(0, 16, 0).is_err()
            && Shape::new(4, 12, 0).is_err()
            && Shape::new(1 << 20, 1 << 16, 0).is_err()
    );
    assert!(OneBitMean::new(3, 3, one).is_err() && OneBitMean::new(i64::MIN, i64::MAX, one).is_err());
}
