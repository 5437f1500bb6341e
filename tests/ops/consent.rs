//! Consent through the binary. Noise at ε = 20 is below one person in a hundred, so counts tell who took part.

use super::{Done, JOB, POLICY, Shop};

const CONSENT: &str = r#"
[consent]
source = "consent.csv"
columns = { person = "who", purpose = "why", granted = "ok", epsilon = "most" }
default = "deny"
"#;

fn shop() -> Shop {
    let shop = Shop::new(&format!("{POLICY}{CONSENT}"));
    shop.init();
    shop
}

fn consents(people: usize, of: impl Fn(usize) -> &'static str) -> String {
    let rows = (0..people).map(|person| format!("p{person},ads,{}\n", of(person)));
    format!("who,why,ok,most\n{}", rows.collect::<String>())
}

/// The number of people who took part, near enough.
fn people(done: &Done) -> f64 {
    let rows = done.json()["rows"].as_array().unwrap().clone();
    rows.iter().map(|row| row[1].as_f64().unwrap()).sum()
}

fn took_part(shop: &Shop, expected: f64) {
    let found = people(&shop.run(&["--format", "json", "--quiet"]).is(0));
    assert!((found - expected).abs() < 20.0, "{found} people, not {expected}");
}

#[test]
fn opt_out_and_erasure_take_effect_at_the_next_run() {
    let shop = shop();
    shop.write("consent.csv", consents(200, |_| "true,"));
    took_part(&shop, 200.0);
    shop.write("consent.csv", consents(200, |person| if person < 150 { "false," } else { "true," }));
    took_part(&shop, 50.0);
    // Erased: neither rows nor consents are left of 150 people.
    shop.write("rows.csv", super::rows(50));
    shop.write("consent.csv", consents(50, |_| "true,"));
    took_part(&shop, 50.0);
    // Nobody is known: the default is to leave out.
    shop.write("consent.csv", "who,why,ok,most\n");
    took_part(&shop, 0.0);
}

#[test]
fn an_answered_request_stays_as_it_was() {
    let shop = shop();
    shop.write("consent.csv", consents(200, |_| "true,"));
    let first = shop.run(&["--format", "json", "--quiet", "--request-id", "r1"]).is(0);
    shop.write("consent.csv", "who,why,ok,most\n");
    let again = shop.run(&["--format", "json", "--quiet", "--request-id", "r1"]).is(0);
    assert_eq!(first.out, again.out, "what is out cannot be called back");
    took_part(&shop, 0.0);
}

#[test]
fn a_job_must_state_a_purpose_that_is_declared() {
    let shop = shop();
    shop.write("consent.csv", consents(200, |_| "true,"));
    shop.write("job.toml", JOB.replace("purpose = \"ads\"\n", ""));
    assert!(shop.run(&[]).is(2).err.contains("purpose"));
    shop.write("job.toml", JOB.replace("\"ads\"", "\"adds\""));
    assert!(shop.run(&[]).is(2).err.contains("did you mean `ads`?"));
    assert_eq!(shop.entries().len(), 1, "nothing was charged");
}

#[test]
fn who_allows_less_takes_part_by_chance_and_the_release_says_so() {
    let shop = shop();
    // The job's ε is at most 20: with an own ε of 19 the chance is at most e^-1 = 37%, of 1 below 1 in 10 million.
    shop.write("consent.csv", consents(200, |person| if person < 100 { "true,1" } else { "true,50" }));
    let done = shop.run(&["--format", "json", "--quiet"]).is(0);
    assert!((people(&done) - 100.0).abs() < 20.0, "{}", people(&done));
    let sampling = &done.json()["how"]["sampling"];
    let job: f64 = sampling["job_epsilon"].as_str().unwrap().parse().unwrap();
    assert!(job > 15.0 && job <= 20.1, "{job}");
    assert!(sampling["bias"].as_str().unwrap().contains("lean low"));
    let text = shop.run(&["--quiet"]).is(0).out;
    assert!(text.contains("takes part by chance"), "{text}");
    let plan = shop.flockwise(&["plan", "job.toml", "--policy", "policy.toml"]).is(0).out;
    assert!(plan.contains("of the consents: who, why, ok, most"), "{plan}");
}
