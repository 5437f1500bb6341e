//! No bytes make the job's parser panic or hang when they are taken as JSON.
#![no_main]

use flockwise_query::Job;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    if let Err(error) = Job::parse_json("job.json", text) {
        assert!(!error.to_string().is_empty());
    }
});
