//! See `targets::consent`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| targets::consent(bytes));
