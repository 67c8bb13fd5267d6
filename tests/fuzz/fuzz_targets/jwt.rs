//! A user's JWT.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| gudok::fuzzing::jwt(bytes));
