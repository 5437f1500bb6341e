//! See `targets::releases`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| targets::releases(bytes));
