//! The fuzzers' functions on a stable compiler, for a bounded time: each on its corpus, on what chance makes of the corpus,
//! and on what chance makes out of nothing.

#![allow(clippy::expect_used, reason = "a test that cannot go on has failed")]

use std::panic::AssertUnwindSafe;
use std::path::{Path, PathBuf};

use gudok::fuzzing::TARGETS;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use proptest::test_runner::{Config, TestCaseError, TestError, TestRunner};

/// Inputs that chance makes for each target.
const CASES: u32 = 512;

fn corpus(target: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz/corpus").join(target);
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(folder).expect("a corpus").map(|entry| entry.expect("a file").path()).collect();
    files.sort();
    files.into_iter().map(|file| std::fs::read(file).expect("readable")).collect()
}

/// A seed with some bytes put in the place of others, or anything at all.
fn inputs(seeds: Vec<Vec<u8>>) -> impl Strategy<Value = Vec<u8>> {
    let changed = (select(seeds), vec((any::<Index>(), any::<Index>(), vec(any::<u8>(), 0..6)), 1..5));
    let changed = changed.prop_map(|(mut bytes, changes)| {
        for (from, length, by) in changes {
            let from = from.index(bytes.len() + 1);
            let until = from + length.index((bytes.len() - from).min(8) + 1);
            bytes.splice(from..until, by);
        }
        bytes
    });
    prop_oneof![4 => changed, 1 => vec(any::<u8>(), 0..200), 1 => "[ -~]{0,200}".prop_map(String::into_bytes)]
}

fn hold(function: fn(&[u8]), bytes: &[u8]) -> Result<(), TestCaseError> {
    let held = std::panic::catch_unwind(AssertUnwindSafe(|| function(bytes)));
    held.map_err(|_| TestCaseError::fail("it panicked"))
}

#[test]
fn no_bytes_of_a_stranger_bring_a_parser_down() {
    for (target, function) in TARGETS {
        let seeds = corpus(target);
        assert!(seeds.len() >= 4, "{target} has too small a corpus");
        for seed in &seeds {
            assert!(hold(function, seed).is_ok(), "{target}: {:?}", String::from_utf8_lossy(seed));
        }
        let config = Config { cases: CASES, failure_persistence: None, ..Config::default() };
        match TestRunner::new(config).run(&inputs(seeds), |bytes| hold(function, &bytes)) {
            Ok(()) => {}
            Err(TestError::Fail(why, bytes)) => {
                panic!("{target}: {why}: {:?}", String::from_utf8_lossy(&bytes))
            }
            Err(TestError::Abort(why)) => panic!("{target}: {why}"),
        }
    }
}

#[test]
fn every_target_has_its_fuzzer() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz");
    let manifest = std::fs::read_to_string(folder.join("Cargo.toml")).expect("a manifest");
    for (target, _) in TARGETS {
        let fuzzer = std::fs::read_to_string(folder.join(format!("fuzz_targets/{target}.rs"))).expect(target);
        assert!(fuzzer.contains(&format!("gudok::fuzzing::{target}(bytes)")), "{target}");
        assert!(manifest.contains(&format!("name = \"{target}\"")), "{target}");
    }
}
