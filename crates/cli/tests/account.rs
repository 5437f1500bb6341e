//! `flockwise account`, through its arguments and its output.

use clap::Parser;
use flockwise_cli::account::{AccountArgs, run};

#[derive(Parser)]
struct Command {
    #[command(flatten)]
    args: AccountArgs,
}

/// Output, or the message of the parser or of the command.
fn account(line: &str) -> Result<String, String> {
    let words = std::iter::once("account").chain(line.split_whitespace());
    let command = Command::try_parse_from(words).map_err(|error| error.to_string())?;
    let mut out = Vec::new();
    run(&command.args, &mut out).map_err(|error| error.to_string())?;
    Ok(String::from_utf8(out).expect("the output is text"))
}

fn json(line: &str) -> serde_json::Value {
    serde_json::from_str(&account(&format!("{line} --format json")).expect("it is well formed"))
        .expect("JSON")
}

#[test]
fn compose_prints_the_example_of_the_interface() {
    let answer =
        json("compose --gaussian sigma=50,count=1000 --laplace epsilon=0.01,count=10000 --delta 1e-6");
    let epsilon = answer["epsilon"].as_f64().unwrap();
    let lower = answer["epsilon_lower"].as_f64().unwrap();
    assert!((epsilon - 5.9156).abs() < 1e-4 && lower <= epsilon && epsilon - lower < 2e-4, "{answer}");
    assert_eq!(answer["delta"], 1e-6);
    assert_eq!(answer["method"], "pld");
}

#[test]
fn compose_answers_delta_at_epsilon_too() {
    let answer = json("compose --gaussian sigma=1 --epsilon 1");
    assert!((answer["delta"].as_f64().unwrap() - 0.126_936_737).abs() < 1e-8, "{answer}");
    assert_eq!(answer["method"], "gdp");
}

#[test]
fn every_mechanism_is_accepted_several_times() {
    let line = "compose --gaussian sigma=9 --gaussian sigma=8,count=3 --laplace epsilon=0.1 --discrete-gaussian sigma=7 \
        --discrete-laplace epsilon=0.2,sensitivity=3 --randomized-response epsilon=0.5,k=4,count=2 --pure epsilon=0.1 \
        --approx epsilon=0.1,delta=1e-9 --delta 1e-6";
    let table = account(line).unwrap();
    assert!(table.starts_with("epsilon ") && table.contains("pld"), "{table}");
    let with_zcdp = json(&format!("{line} --zcdp rho=0.001"));
    assert_eq!(with_zcdp["method"], "rdp");
}

#[test]
fn calibrate_returns_sigma() {
    let answer = json("calibrate --gaussian count=1000 --epsilon 1 --delta 1e-6");
    let sigma = answer["sigma"].as_f64().unwrap();
    assert!((sigma - 133.5).abs() < 0.1, "{answer}");
    let back = json(&format!("compose --gaussian sigma={sigma},count=1000 --delta 1e-6"));
    let epsilon = back["epsilon"].as_f64().unwrap();
    assert!(epsilon <= 1.0 && epsilon > 0.999_99, "{back}");
}

#[test]
fn convert_goes_both_ways() {
    let epsilon = json("convert --rho 0.2 --delta 1e-6")["epsilon"].as_f64().unwrap();
    assert!((epsilon - 3.131).abs() < 1e-3);
    let both = json("convert --epsilon 1 --delta 1e-6");
    let mu = both["mu"].as_f64().unwrap();
    let delta = json(&format!("convert --mu {mu} --epsilon 1"))["delta"].as_f64().unwrap();
    assert!((delta / 1e-6 - 1.0).abs() < 1e-6);
    assert!(account("convert --rho 0.1 --delta 1e-6").unwrap().contains("epsilon"));
}

#[test]
fn n6_bad_numbers_are_refused_with_a_reason() {
    for bad in ["0", "-1", "NaN", "nan", "inf", "-inf", "1e-400", "1e300", "", "x"] {
        for line in [
            format!("compose --gaussian sigma={bad} --delta 1e-6"),
            format!("compose --laplace epsilon={bad} --delta 1e-6"),
            format!("compose --pure epsilon=1,count={bad} --delta 1e-6"),
            format!("convert --rho={bad} --delta 1e-6"),
            format!("convert --rho 1 --delta={bad}"),
            format!("calibrate --gaussian count=1 --epsilon={bad} --delta 1e-6"),
        ] {
            let message = account(&line).expect_err(&line);
            assert!(message.len() > 10, "{line}: {message}");
        }
    }
    for line in [
        "compose --delta 1e-6",
        "compose --gaussian sigma=1",
        "compose --gaussian sigma=1 --delta 1",
        "compose --gaussian sigma=1 --delta=1e-400",
        "compose --gaussian sigma=1,mean=2 --delta 1e-6",
        "compose --gaussian sigma=1,sigma=2 --delta 1e-6",
        "compose --gaussian 50 --delta 1e-6",
        "compose --randomized-response epsilon=1 --delta 1e-6",
        "compose --gaussian sigma=1 --delta 0",
        "convert --rho 1",
        "convert --rho 1 --mu 1 --delta 1e-6",
    ] {
        assert!(account(line).is_err(), "{line}");
    }
}
