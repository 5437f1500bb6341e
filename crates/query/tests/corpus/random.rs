//! Random bytes and random mutations of the examples: whatever is said, nothing panics, and every place is in the text.

use std::collections::BTreeMap;

use flockwise_query::diagnostic::Diagnostics;
use flockwise_query::{Job, Policy, resolve};
use proptest::prelude::*;

use super::{JOB, POLICY};

fn well_placed(text: &str, error: &Diagnostics) {
    assert!(!error.all().is_empty());
    for diagnostic in error.all() {
        if let Some(span) = &diagnostic.span {
            assert!(span.start <= span.end && span.end <= text.len() + 1, "{span:?} in {}", text.len());
        }
        assert!(!diagnostic.to_string().is_empty());
    }
}

fn feed(text: &str) {
    let policy = Policy::parse("policy.toml", text);
    if let Err(error) = &policy {
        well_placed(text, error);
    }
    let job = Job::parse("job.toml", text);
    if let Err(error) = &job {
        well_placed(text, error);
    }
    if let Err(error) = Job::parse_json("job.json", text) {
        well_placed(text, &error);
    }
    let settings = BTreeMap::from([("day".to_owned(), "2026-11-24".to_owned())]);
    if let Ok(job) = &job {
        let json = job.value.to_json().to_string();
        let again = Job::parse_json("job.json", &json).unwrap_or_else(|error| panic!("{json}\n{error}"));
        assert_eq!(again.value, job.value, "a job means the same as JSON");
        let example = Policy::parse("policy.toml", POLICY).unwrap();
        if let Err(error) = resolve(&job.value, &job.places, &example.value, &settings) {
            well_placed(text, &error);
        }
    }
    if let Ok(policy) = &policy {
        let example = Job::parse("job.toml", JOB).unwrap();
        if let Err(error) = resolve(&example.value, &example.places, &policy.value, &settings) {
            well_placed(JOB, &error);
        }
    }
}

/// What stands for itself in one of the files, or is meant to hurt.
const PIECES: [&str; 28] = [
    "[",
    "]",
    "{",
    "}",
    "\"",
    "'",
    "\"\"\"",
    "=",
    ".",
    ",",
    "\n",
    "\\",
    "\0",
    "\u{202e}",
    "\u{1f426}",
    "nan",
    "-inf",
    "1e999",
    "99999999999999999999",
    "[[release]]\n",
    "keys = ",
    "where = \"(",
    "epsilon = ",
    "true",
    "\\u0000",
    "1979-05-27T07:32:00Z",
    "#",
    "a.b.c",
];

fn mutated(base: &'static str) -> impl Strategy<Value = String> {
    let edit = (any::<prop::sample::Index>(), 0_usize..12, prop::sample::select(PIECES.to_vec()));
    prop::collection::vec(edit, 1..4).prop_map(move |edits| {
        let mut text: Vec<char> = base.chars().collect();
        for (at, removed, inserted) in edits {
            let at = at.index(text.len() + 1);
            let end = (at + removed).min(text.len());
            text.splice(at..end, inserted.chars());
        }
        text.into_iter().collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn mutations_of_the_policy(text in mutated(POLICY)) {
        feed(&text);
    }

    #[test]
    fn mutations_of_the_job(text in mutated(JOB)) {
        feed(&text);
    }

    #[test]
    fn random_text(text in "\\PC{0,80}") {
        feed(&text);
        feed(&format!("version = 1\n{text}"));
    }

    #[test]
    fn random_bytes(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        feed(&String::from_utf8_lossy(&bytes));
    }
}

#[test]
fn every_prefix_of_the_examples() {
    for base in [POLICY, JOB] {
        for (end, _) in base.char_indices().step_by(7) {
            feed(&base[..end]);
        }
    }
}

#[test]
fn large_files_do_not_hang() {
    let keys: Vec<String> = (0..100_000).map(|i| i.to_string()).collect();
    feed(&format!("version = 1\nx = [{}]", keys.join(",")));
    feed(&format!("version = 1\n[columns]\na = {{ type = \"int\", keys = [{}] }}", keys.join(",")));
    feed(&format!("version = 1\n[columns]\na = {{ type = \"string\", keys = [{}] }}", keys.join(",")));
    feed(&"[[release]]\n".repeat(50_000));
    feed(&format!(
        "version = 1\ndata = \"d\"\n{}",
        "[[release]]\nname = \"r\"\nstatistic = \"sql\"\n".repeat(900)
    ));
}
