//! The real binary as a child process, with what it says.

use std::collections::HashMap;
use std::io::{BufReader, Read};
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

use super::client::Client;
use super::leaks;

/// How many times something is looked at before it is given up, every [`PAUSE`].
const LOOKS: u32 = 1_200;
const PAUSE: Duration = Duration::from_millis(25);

/// Looks until `found` is something; panics with `wish` when it never is.
pub(crate) async fn eventually<T>(wish: &str, mut found: impl AsyncFnMut() -> Option<T>) -> T {
    for _ in 0..LOOKS {
        if let Some(thing) = found().await {
            return thing;
        }
        tokio::time::sleep(PAUSE).await;
    }
    panic!("never happened: {wish}")
}

/// Runs a command to its end.
pub(crate) async fn run(variables: &HashMap<String, String>, arguments: &[&str]) -> Output {
    let (mut command, folder) = command(variables, arguments);
    let ended = tokio::task::spawn_blocking(move || command.output()).await.expect("not cut off");
    drop(folder);
    let output = ended.expect("the binary runs");
    let said = String::from_utf8_lossy(&output.stdout);
    if arguments.starts_with(&["api-key", "create"]) {
        leaks::made_a_key(&said)
    } else {
        leaks::said(&said)
    }
    leaks::said(&String::from_utf8_lossy(&output.stderr));
    output
}

/// What a finished command said on standard error.
pub(crate) fn complaint(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn command(variables: &HashMap<String, String>, arguments: &[&str]) -> (Command, TempDir) {
    leaks::settings(variables);
    // A folder of its own, so that no file of the repository's counts as a setting.
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut command = Command::new(env!("CARGO_BIN_EXE_gudok"));
    command.env_clear().envs(variables).args(arguments).current_dir(folder.path());
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    (command, folder)
}

/// A `gudok serve` that listens; killed when it is dropped.
pub(crate) struct Serving {
    /// Where it listens.
    pub(crate) base: String,
    child: Child,
    said: Arc<Mutex<String>>,
    readers: Vec<std::thread::JoinHandle<()>>,
    _folder: TempDir,
}

impl Serving {
    /// Starts it and waits until it listens.
    pub(crate) async fn start(variables: &HashMap<String, String>) -> Self {
        let mut serving = Self::spawn(variables);
        let address = eventually("the child listens", async || {
            assert!(!serving.has_ended(), "it ended: {}", serving.said());
            serving.address()
        })
        .await;
        serving.base = format!("http://{address}");
        serving
    }

    /// Starts it and waits until it listens; nothing when it ends before that.
    pub(crate) async fn try_start(variables: &HashMap<String, String>) -> Option<Self> {
        let mut serving = Self::spawn(variables);
        let address = eventually("the child listens or ends", async || match serving.address() {
            None if serving.has_ended() => Some(None),
            address => address.map(Some),
        })
        .await;
        serving.base = format!("http://{}", address?);
        Some(serving)
    }

    /// Where it says that it listens.
    fn address(&self) -> Option<String> {
        let line = self.lines().into_iter().find(|line| line["message"] == "serving")?;
        line["address"].as_str().map(str::to_owned)
    }

    fn spawn(variables: &HashMap<String, String>) -> Self {
        let (command, folder) = command(variables, &["serve"]);
        Self::of(command, folder)
    }

    /// Runs a command as a person does, in a terminal; nothing where no `script` (bsdutils, util-linux) is there to make one.
    pub(crate) fn in_a_terminal(variables: &HashMap<String, String>, arguments: &[&str]) -> Option<Self> {
        let found = |folder: PathBuf| folder.join("script").is_file();
        if !std::env::var_os("PATH").is_some_and(|path| std::env::split_paths(&path).any(found)) {
            return None;
        }
        let (_, folder) = command(variables, &[]);
        let line = format!("stty cols 120; exec '{}' {}", env!("CARGO_BIN_EXE_gudok"), arguments.join(" "));
        let mut terminal = Command::new("script");
        terminal.args(["-q", "-e", "-c", &line, "/dev/null"]).envs(variables).env("TERM", "xterm");
        terminal
            .current_dir(folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        Some(Self::of(terminal, folder))
    }

    fn of(mut command: Command, folder: TempDir) -> Self {
        let mut child = command.spawn().expect("the binary starts");
        let said = Arc::new(Mutex::new(String::new()));
        let outputs: [Box<dyn Read + Send>; 2] = [
            Box::new(child.stdout.take().expect("standard output")),
            Box::new(child.stderr.take().expect("standard error")),
        ];
        let readers = outputs.map(|output| collect(output, Arc::clone(&said))).into();
        Self { base: String::new(), child, said, readers, _folder: folder }
    }

    /// A caller with this credential.
    pub(crate) fn client(&self, token: Option<&str>) -> Client {
        Client::new(&self.base, token.map(str::to_owned))
    }

    /// Asks it to stop, as an operator or a container's runtime does.
    pub(crate) fn terminate(&self) {
        self.signal("-TERM");
    }

    /// Asks it to look at its certificate again.
    pub(crate) fn hang_up(&self) {
        self.signal("-HUP");
    }

    fn signal(&self, signal: &str) {
        // The standard library can only kill.
        let id = self.child.id().to_string();
        let sent = Command::new("kill").args([signal, &id]).status().expect("kill runs");
        assert!(sent.success(), "the signal was not sent");
    }

    /// Where it listens, without a scheme.
    pub(crate) fn authority(&self) -> &str {
        self.base.strip_prefix("http://").expect("a plain address")
    }

    /// The memory that it has in use, in MiB.
    pub(crate) fn memory(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).expect("it runs");
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("its memory");
        let kib: u64 = line.trim().trim_end_matches(" kB").parse().expect("a number");
        kib / 1024
    }

    /// Whether it has ended.
    pub(crate) fn has_ended(&mut self) -> bool {
        self.child.try_wait().expect("a child").is_some()
    }

    /// Ends it at once, as a crash or a power cut does.
    pub(crate) fn kill(&mut self) {
        // It may have ended by itself at this very moment.
        let _ = self.child.kill();
    }

    /// Waits for its end and gives the exit code; none when it was killed.
    pub(crate) async fn ended(&mut self) -> Option<i32> {
        let child = &mut self.child;
        let status = eventually("the child ends", async || child.try_wait().expect("a child")).await;
        for reader in self.readers.drain(..) {
            reader.join().expect("read to the end");
        }
        status.code()
    }

    /// All that it has said so far.
    pub(crate) fn said(&self) -> String {
        self.said.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Its log lines so far.
    pub(crate) fn lines(&self) -> Vec<Value> {
        self.said().lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn collect(output: Box<dyn Read + Send>, said: Arc<Mutex<String>>) -> std::thread::JoinHandle<()> {
    std::thread::spawn(move || {
        let mut line = Vec::new();
        for byte in BufReader::new(output).bytes().map_while(Result::ok) {
            // In a terminal a line is drawn over the one before.
            if byte == b'\n' || byte == b'\r' {
                keep(&said, &mut line);
            } else {
                line.push(byte);
            }
        }
        keep(&said, &mut line);
    })
}

fn keep(said: &Mutex<String>, line: &mut Vec<u8>) {
    if line.is_empty() {
        return;
    }
    let text = String::from_utf8_lossy(line);
    leaks::said(&text);
    let mut said = said.lock().unwrap_or_else(PoisonError::into_inner);
    said.push_str(&text);
    said.push('\n');
    drop(text);
    line.clear();
}
