//! An answer of Toss.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| gudok::fuzzing::toss_answer(bytes));
