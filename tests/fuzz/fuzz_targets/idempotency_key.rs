//! `Idempotency-Key`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| gudok::fuzzing::idempotency_key(bytes));
