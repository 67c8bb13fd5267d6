//! Whether everybody can use a page: axe-core, which npm brings, run in the page and in the frames that it contains.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, PoisonError};

use serde::Deserialize;
use serde_json::{Value, json};
use thirtyfour::prelude::*;

use super::{Browser, driver};

/// WCAG 2.1 A and AA.
const RULES: [&str; 4] = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"];
/// The impacts that are not let pass.
const SERIOUS: [&str; 2] = ["serious", "critical"];
/// How deep frames are followed.
const DEEPEST: usize = 4;
/// Each frame is looked at by itself, so that the page hears nothing of it.
const LOOK: &str = "return axe.run(document, {iframes: false, resultTypes: ['violations'], \
    runOnly: {type: 'tag', values: arguments[0]}}).then((found) => found.violations)";

/// The source of axe-core, read once.
static SOURCE: Mutex<Option<String>> = Mutex::new(None);

/// A rule that a page breaks.
#[derive(Debug, Deserialize)]
pub(crate) struct Finding {
    /// The rule's name.
    pub(crate) id: String,
    /// `minor`, `moderate`, `serious` or `critical`.
    pub(crate) impact: Option<String>,
    help: String,
    #[serde(rename = "helpUrl")]
    help_url: String,
    nodes: Vec<Node>,
}

#[derive(Debug, Deserialize)]
struct Node {
    target: Value,
    #[serde(rename = "failureSummary")]
    summary: Option<String>,
}

impl Finding {
    fn told(&self) -> String {
        let node = |node: &Node| {
            let summary = node.summary.as_deref().unwrap_or_default();
            format!("\n  at {}: {}", node.target, summary.replace('\n', " "))
        };
        let nodes: String = self.nodes.iter().map(node).collect();
        format!(
            "{} ({}): {} {}{nodes}",
            self.id,
            self.impact.as_deref().unwrap_or("?"),
            self.help,
            self.help_url
        )
    }
}

impl Browser {
    /// Panics with every serious or critical finding on the page as it is now, and in its frames.
    pub(crate) async fn accessible(&self) {
        let findings: Vec<String> = self.findings().await.iter().map(Finding::told).collect();
        assert!(findings.is_empty(), "not for everybody: {}\n{}", self.url().await, findings.join("\n"));
    }

    /// Every serious or critical finding on the page as it is now, and in its frames.
    pub(crate) async fn findings(&self) -> Vec<Finding> {
        let source = tokio::task::spawn_blocking(source).await.expect("not cut off");
        let frames = self.frames();
        self.driver().enter_default_frame().await.expect("a page");
        let mut found = Vec::new();
        self.look(&source, 0, &mut found).await;
        self.enter_again(frames).await;
        found.retain(|finding| finding.impact.as_deref().is_some_and(|impact| SERIOUS.contains(&impact)));
        found
    }

    async fn look(&self, source: &str, depth: usize, found: &mut Vec<Finding>) {
        let driver = self.driver();
        driver.execute(source, Vec::new()).await.expect("axe-core loads");
        let findings = driver.execute(LOOK, vec![json!(RULES)]).await.expect("axe-core looks");
        found.extend(findings.convert::<Vec<Finding>>().expect("findings"));
        if depth == DEEPEST {
            return;
        }
        for frame in driver.find_all(By::Css("iframe, frame")).await.expect("frames") {
            // One that has gone, or that nobody sees, need not be for everybody.
            if frame.is_displayed().await.unwrap_or(false) && frame.enter_frame().await.is_ok() {
                Box::pin(self.look(source, depth + 1, found)).await;
                driver.enter_parent_frame().await.expect("a page around the frame");
            }
        }
    }
}

/// Whether axe-core is there or can be fetched.
pub(super) fn obtainable() -> Result<(), String> {
    let there = file().is_file() || driver::on_path("npm").is_some();
    if there { Ok(()) } else { Err("axe-core is not there, and no npm to fetch it".to_owned()) }
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/frontend")
}

fn file() -> PathBuf {
    folder().join("node_modules/axe-core/axe.min.js")
}

/// axe-core, as the lockfile pins it; fetched when it is not there.
fn source() -> String {
    let mut source = SOURCE.lock().unwrap_or_else(PoisonError::into_inner);
    let source = source.get_or_insert_with(|| {
        if !file().is_file() {
            let mut npm = Command::new("npm");
            npm.args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"]).current_dir(folder());
            let done = npm.output().expect("npm runs");
            assert!(done.status.success(), "npm ci: {}", String::from_utf8_lossy(&done.stderr));
        }
        std::fs::read_to_string(file()).expect("axe-core")
    });
    source.clone()
}
