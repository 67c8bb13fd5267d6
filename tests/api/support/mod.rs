//! What scenarios stand on: a database of their own, the sandbox, a running service, and the check of the books.

pub(crate) mod books;
pub(crate) mod browser;
pub(crate) mod client;
pub(crate) mod counts;
pub(crate) mod crowd;
pub(crate) mod leaks;
pub(crate) mod pooler;
pub(crate) mod postgres;
pub(crate) mod process;
pub(crate) mod raw;
pub(crate) mod scenario;
pub(crate) mod way;
pub(crate) mod world;

/// Says something to whoever runs the tests.
#[expect(clippy::print_stderr, reason = "said to whoever runs the tests")]
pub(crate) fn say(text: &str) {
    eprintln!("{text}");
}
