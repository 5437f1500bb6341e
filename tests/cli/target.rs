//! `flockwise plan --target`: the epsilon it answers with is one that a plan meets, and no data are needed for it.

use serde_json::Value;

use super::shop::{POLICY, Ran, Shop, job};

fn target(shop: &Shop, text: &str, more: &[&str]) -> Ran {
    shop.run(&[&["plan", "job.toml", "--target", text][..], more].concat())
}

fn answers(shop: &Shop, text: &str) -> Value {
    let ran = target(shop, text, &["--format", "json"]).ends(0);
    serde_json::from_str(&ran.out).expect("an answer is JSON")
}

/// A release's noise of people under its bound of this size, at a job's epsilon.
fn planned_sd(shop: &Shop, epsilon: f64, place: usize, norm: u64) -> f64 {
    shop.write("job.toml", job(&epsilon.to_string()));
    let ran = shop.run(&["plan", "job.toml", "--format", "json"]).ends(0);
    let plan: Value = serde_json::from_str(&ran.out).expect("a plan is JSON");
    let noise = plan["releases"][place]["noise"].as_array().expect("bounds").clone();
    let of = noise.iter().find(|noise| noise["contribution"]["norm"] == norm).expect("the bound is possible");
    of["noise_sd"]["people"].as_f64().expect("a deviation")
}

#[test]
fn what_is_answered_is_what_a_plan_gives_and_less_is_not_enough() {
    let shop = Shop::closed();
    std::fs::remove_file(shop.path("sales.csv")).expect("it is there");
    let answers = answers(&shop, "people within 60 for 95% of keys");
    assert_eq!(answers["schema"], "flockwise.target/1");
    assert!(!shop.path("shop.ledger").exists());
    let releases = answers["releases"].as_array().expect("releases");
    assert_eq!(releases.len(), 2);
    for (place, release) in releases.iter().enumerate() {
        let mut last = 0.0;
        for answer in release["answers"].as_array().expect("answers") {
            let Some(norm) = answer["contribution"]["norm"].as_u64() else { continue };
            let (alone, found) = (&answer["alone"], &answer["in_job"]);
            let Some(epsilon) = found["epsilon"].as_f64() else { continue };
            assert!(alone["epsilon"].as_f64().expect("alone is less") < epsilon);
            assert!(epsilon >= last, "a larger bound has more noise");
            last = epsilon;
            // 95% of a discrete Gaussian lie within 1.96 standard deviations, give or take one of its integers.
            assert!(1.95 * planned_sd(&shop, epsilon, place, norm) <= 60.0, "{answer}");
            assert!(1.97 * planned_sd(&shop, epsilon * 0.97, place, norm) >= 60.0, "{answer}");
        }
        assert!(last > 0.0, "{release}");
    }
}

#[test]
fn tighter_targets_take_more_and_means_hang_on_how_large_a_key_is() {
    let shop = Shop::closed();
    let least = |text: &str| {
        let answers = answers(&shop, text);
        answers["releases"][0]["answers"][0]["alone"]["epsilon"].as_f64().expect("it is reached")
    };
    assert!(least("what.people within 50 for 95% of keys") < least("what.people within 40 for 95% of keys"));
    assert!(least("what.people within 50 for 90% of keys") < least("what.people within 50 for 99% of keys"));
    let (few, many) =
        ("mean within 10 for 95% of keys of 300 people", "mean within 10 for 95% of keys of 3000 people");
    assert!(least(many) < least(few));
    // Ten percent of five hundred is fifty.
    assert_eq!(
        least("what.people within 10% for 95% of keys of 500 people").to_bits(),
        least("what.people within 50 for 95% of keys").to_bits()
    );
    let ran = target(&shop, "mean within 10 for 95% of keys", &[]).ends(0);
    for word in ["100000 people", "alone", "in this job", "as it stands", "discrete gaussian", "bounding"] {
        assert!(ran.out.contains(word), "{word} in\n{}", ran.out);
    }
}

#[test]
fn every_accounting_has_an_answer() {
    let shop = Shop::closed();
    for accounting in ["zcdp", "gdp", "approx", "pure"] {
        // Pure epsilon finds no private keys without a delta, which the policy has.
        shop.write("policy.toml", POLICY.replacen("zcdp", accounting, 1));
        let answers = answers(&shop, "where.people within 200 for 95% of keys");
        assert_eq!(answers["ceiling"]["accounting"], accounting);
        let answer = &answers["releases"][0]["answers"][0];
        let (alone, now) = (&answer["alone"], &answer["now"]);
        let epsilon = alone["epsilon"].as_f64().expect("it is reached");
        assert!(epsilon > 0.0 && epsilon < 1.0, "{accounting}: {answer}");
        assert!(alone["error"].as_f64().expect("it is known") <= 200.0, "{accounting}: {answer}");
        assert_eq!(now["meets"], true, "{accounting}: {answer}");
    }
}

#[test]
fn what_has_no_answer_says_so() {
    let shop = Shop::closed();
    for (text, says) in [
        ("people around 50", "COLUMN within N"),
        ("peeple within 50 for 95% of keys", "where.people, where.mean, what.people"),
        ("what.mean within 5 for 95% of keys", "no release of this job has a column 'what.mean'"),
        ("mean within 5% for 95% of keys", "not in percent"),
    ] {
        let ran = target(&shop, text, &[]).ends(2);
        assert!(ran.out.is_empty() && ran.err.contains(says), "{text}: {}", ran.err);
    }
    let ran = target(&shop, "people within 0.01 for 95% of keys", &[]).ends(3);
    assert!(ran.err.contains("ceiling of 1") && ran.err.contains("what.people within"), "{}", ran.err);
    assert!(ran.out.contains("over the ceiling"), "{}", ran.out);
    shop.write("job.toml", job("0.5").replacen("\"mean\"", "\"variance\"", 1));
    target(&shop, "variance within 5 for 95% of keys", &[]).ends(2).says(&["hangs on the data", "bench"]);
}
