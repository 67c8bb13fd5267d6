//! The token in a link to an order's page.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| gudok::fuzzing::checkout_token(bytes));
