//! Policies and jobs that must be read, and hostile ones that must be refused, each for its reason.

mod fuzz;
mod jobs;
mod policies;
mod random;
mod resolutions;

use std::collections::BTreeMap;

use flockwise_query::diagnostic::{Code, Diagnostics};
use flockwise_query::{Job, Policy, resolve};

const POLICY: &str = include_str!("../examples/policy.toml");
const JOB: &str = include_str!("../examples/job.toml");

/// What must come of a case: it is read, or refused with a code and a part of the message or help.
type Expected = Option<(Code, &'static str)>;

const OK: Expected = None;

const fn no(code: Code, fragment: &'static str) -> Expected {
    Some((code, fragment))
}

fn judge<T>(case: &str, outcome: Result<T, Diagnostics>, expected: Expected) {
    match (outcome, expected) {
        (Ok(_), None) => {}
        (Ok(_), Some((_, fragment))) => panic!("accepted, where {fragment:?} should be said:\n{case}"),
        (Err(error), None) => panic!("refused:\n{case}\n{error}"),
        (Err(error), Some((code, fragment))) => {
            let found = error.all().iter().any(|diagnostic| {
                let help = diagnostic.help.as_deref().unwrap_or_default();
                diagnostic.code == code && (diagnostic.message.contains(fragment) || help.contains(fragment))
            });
            assert!(found, "refused, but not with {code:?} and {fragment:?}:\n{case}\n{error}");
        }
    }
}

/// A text with one part replaced: the part must be there.
fn edited(base: &str, from: &str, to: &str) -> String {
    assert!(base.contains(from), "the base has no {from:?}");
    base.replacen(from, to, 1)
}

fn policy(text: &str, expected: Expected) {
    judge(text, Policy::parse("policy.toml", text), expected);
}

fn job(text: &str, expected: Expected) {
    judge(text, Job::parse("job.toml", text), expected);
}

/// A job of one release, under the example policy or another.
fn resolution(policy: &str, release: &str, expected: Expected) {
    let text = format!(
        "version = 1\ndata = \"films\"\npurpose = \"recommendations\"\n[[release]]\nname = \"r\"\nepsilon = 1\n{release}"
    );
    let job = Job::parse("job.toml", &text).unwrap_or_else(|error| panic!("{error}"));
    let policy = Policy::parse("policy.toml", policy).unwrap_or_else(|error| panic!("{error}"));
    judge(&text, resolve(&job.value, &job.places, &policy.value, &BTreeMap::new()), expected);
}
