//! The guides quote code that is checked elsewhere, and lead nowhere that does not exist.

use std::path::{Path, PathBuf};

use crate::support::scenario::scenarios;
use crate::support::world::World;

scenarios![the_guide_to_a_front_end_quotes_the_sample, the_guide_to_a_front_end_leads_to_files_that_exist];

const GUIDE: &str = "docs/frontend.md";
const SAMPLE: &str = "tests/frontend/src";

async fn the_guide_to_a_front_end_quotes_the_sample(_world: &World) {
    let folder = root().join(SAMPLE);
    let files = std::fs::read_dir(folder).expect("the sample").map(|entry| entry.expect("a file").path());
    let files: Vec<String> = files.map(|file| std::fs::read_to_string(file).expect("a file")).collect();
    let guide = guide();
    // Between two fences there is either code, after the name of its language, or text.
    let quoted: Vec<&str> = guide
        .split("```")
        .filter_map(|part| part.strip_prefix("tsx\n").or(part.strip_prefix("ts\n")))
        .collect();
    assert!(quoted.len() >= 8, "the guide quotes only {}", quoted.len());
    for quote in quoted {
        assert!(files.iter().any(|file| file.contains(quote)), "not in {SAMPLE}:\n{quote}");
    }
}

async fn the_guide_to_a_front_end_leads_to_files_that_exist(_world: &World) {
    let guide = guide();
    let links = guide.split("](").skip(1).filter_map(|rest| rest.split_once(')')).map(|(link, _)| link);
    let files: Vec<&str> = links.filter(|link| !link.contains("://")).collect();
    assert!(!files.is_empty(), "the guide links to nothing");
    let lost: Vec<&str> = files.into_iter().filter(|file| !root().join("docs").join(file).exists()).collect();
    assert!(lost.is_empty(), "these do not exist: {lost:?}");
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}

fn guide() -> String {
    std::fs::read_to_string(root().join(GUIDE)).expect("the guide")
}
