//! See `targets::private_table`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| targets::private_table(bytes));
