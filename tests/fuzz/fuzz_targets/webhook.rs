//! The body of a webhook.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| gudok::fuzzing::webhook(bytes));
