//! `Accept-Language`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| gudok::fuzzing::accept_language(bytes));
