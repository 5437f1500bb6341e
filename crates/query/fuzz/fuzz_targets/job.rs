//! No bytes make the job's parser panic or hang; a job that is read means the same as JSON, and can be resolved or
//! refused under the example policy.
#![no_main]

use std::collections::BTreeMap;

use flockwise_query::{Job, Policy, resolve};
use libfuzzer_sys::fuzz_target;

const POLICY: &str = include_str!("../../tests/examples/policy.toml");

fuzz_target!(|text: &str| match Job::parse("job.toml", text) {
    Err(error) => assert!(!error.to_string().is_empty()),
    Ok(job) => {
        let json = job.value.to_json().to_string();
        assert_eq!(Job::parse_json("job.json", &json).expect("it was a job").value, job.value);
        let policy = Policy::parse("policy.toml", POLICY).expect("the example is a policy");
        if let Err(error) = resolve(&job.value, &job.places, &policy.value, &BTreeMap::new()) {
            assert!(!error.to_string().is_empty());
        }
    }
});
