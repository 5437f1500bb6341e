//! See `targets::job_json`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| targets::job_json(bytes));
