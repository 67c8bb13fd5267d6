//! The cookie of a session at the dashboard.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| gudok::fuzzing::session_cookie(bytes));
