//! The house rules of the source itself, which reviewers would otherwise have to remember.

use std::path::{Path, PathBuf};

use crate::support::scenario::scenarios;
use crate::support::world::World;

scenarios![
    every_source_file_says_what_it_is,
    no_source_file_is_too_long_to_read,
    no_function_of_the_product_is_too_long_to_read,
];

/// Where source is.
const FOLDERS: [&str; 5] = ["src", "entity", "migration", "tests", "sandbox"];
/// Most lines of a file of the product, and of the tests.
const MOST_LINES: (usize, usize) = (500, 800);
/// Most lines of a function of the product, its signature and last brace included.
const MOST_LINES_OF_A_FUNCTION: usize = 70;

async fn every_source_file_says_what_it_is(_world: &World) {
    let silent = |(_, text): &(PathBuf, String)| !text.starts_with("//! ");
    let silent: Vec<PathBuf> = sources(&FOLDERS).into_iter().filter(silent).map(|(path, _)| path).collect();
    assert!(silent.is_empty(), "these files do not begin with `//!`: {silent:?}");
}

async fn no_source_file_is_too_long_to_read(_world: &World) {
    let mut long = Vec::new();
    for (path, text) in sources(&FOLDERS) {
        let test = path.iter().any(|part| part == "tests");
        let most = if test { MOST_LINES.1 } else { MOST_LINES.0 };
        let lines = text.lines().count();
        if lines > most {
            long.push(format!("{}: {lines}", path.display()));
        }
    }
    assert!(long.is_empty(), "files too long: {long:?}");
}

async fn no_function_of_the_product_is_too_long_to_read(_world: &World) {
    let mut long = Vec::new();
    for (path, text) in sources(&["src"]) {
        for (name, lines) in functions(&text) {
            if lines > MOST_LINES_OF_A_FUNCTION {
                long.push(format!("{}: {name}: {lines}", path.display()));
            }
        }
    }
    assert!(long.is_empty(), "functions too long: {long:?}");
}

/// Functions with how many lines they have, by the indentation that rustfmt gives them.
fn functions(text: &str) -> Vec<(String, usize)> {
    let lines: Vec<&str> = text.lines().collect();
    let mut found = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        let indentation = &line[..line.len() - line.trim_start().len()];
        let Some((before, after)) = line.split_once("fn ") else { continue };
        let modifiers = ["pub", "pub(crate)", "pub(super)", "async", "const", "unsafe", "extern"];
        if !before.split_whitespace().all(|word| modifiers.contains(&word)) {
            continue;
        }
        let name = after.split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap_or_default();
        let closing = format!("{indentation}}}");
        // A function in one line, or a trait's without a body, has no such end of its own.
        if line.ends_with('}') || line.ends_with(';') {
            continue;
        }
        if let Some(length) = lines[at..].iter().position(|line| *line == closing) {
            found.push((name.to_owned(), length + 1));
        }
    }
    found
}

/// Every Rust file in these folders of the repository, with its path from there.
fn sources(folders: &[&str]) -> Vec<(PathBuf, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut open: Vec<PathBuf> = folders.iter().map(|folder| root.join(folder)).collect();
    let mut found = Vec::new();
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(&folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                if path.file_name().is_some_and(|name| name != "target" && name != "node_modules") {
                    open.push(path);
                }
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = std::fs::read_to_string(&path).expect("a source file");
                let path = path.strip_prefix(root).expect("inside of the repository").to_owned();
                found.push((path, text));
            }
        }
    }
    assert!(found.len() > 20, "the repository is not where it is looked for");
    found
}
