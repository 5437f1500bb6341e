//! No bytes make the policy's parser panic or hang, nor the text of its errors.
#![no_main]

use flockwise_query::Policy;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    if let Err(error) = Policy::parse("policy.toml", text) {
        assert!(!error.to_string().is_empty());
    }
});
