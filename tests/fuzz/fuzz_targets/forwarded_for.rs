//! `X-Forwarded-For`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| gudok::fuzzing::forwarded_for(bytes));
