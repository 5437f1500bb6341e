//! `--log json`: events from the plan and the ledger, none from the data.

use serde_json::Value as Json;

use super::{POLICY, Shop, rows};

fn events(err: &str) -> Vec<Json> {
    err.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("no JSON: {line}"))).collect()
}

#[test]
fn events_come_by_phase_and_the_last_says_what_was_charged() {
    let shop = Shop::new(POLICY);
    shop.init();
    let done = shop.run(&["--log", "json"]).is(0);
    let events = events(&done.err);
    let names: Vec<String> = events
        .iter()
        .map(|event| event.get("phase").unwrap_or(&event["event"]).as_str().unwrap().to_owned())
        .collect();
    assert_eq!(names, ["plan", "preflight", "charge", "charged", "compute", "store", "show", "end"]);
    assert_eq!(events[0]["releases"][0]["release"], "items");
    assert_eq!(events[3]["entry"], 1);
    assert_eq!(events[7], serde_json::json!({ "event": "end", "exit": 0, "charged": true, "entry": 1 }));
}

#[test]
fn p4_the_log_is_the_same_whatever_the_data_are() {
    let run = |data: &str| {
        let shop = Shop::new(POLICY);
        shop.init();
        shop.write("rows.csv", data);
        let done = shop.run(&["--log", "json", "--request-id", "r"]).is(0);
        (done.err, done.out.lines().count())
    };
    let some = run(&rows(50));
    for other in [rows(0), rows(1), rows(49), "who,item,price\n\"x,y\n\u{1b},book,1e999\n".to_owned()] {
        assert_eq!(run(&other), some);
    }
}

#[test]
fn a_refusal_and_a_bad_job_say_that_nothing_was_charged() {
    let shop = Shop::new(POLICY);
    let missing = shop.run(&["--log", "json"]).is(4);
    assert_eq!(events(&missing.err).last().unwrap()["charged"], false);
    shop.init();
    shop.write("job.toml", super::JOB.replace("epsilon = 20", "epsilon = 99999"));
    let refused = shop.run(&["--log", "json"]).is(3);
    let last = events(&refused.err).pop().unwrap();
    assert_eq!(last, serde_json::json!({ "event": "end", "exit": 3, "charged": false, "entry": null }));
    for command in [&["check", "policy.toml"][..], &["ledger", "backup", "policy.toml", "copy"]] {
        let done = shop.flockwise(&[command, &["--log", "json"]].concat()).is(0);
        events(&done.err);
    }
}
