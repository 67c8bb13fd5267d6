//! The processes that are measured and measured against: gudok's binary, and the Toss sandbox in a process of its own.

use std::fs::File;
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;
use toss_sandbox::{Options, Sandbox};

use crate::http::{Connection, Key};

/// How this program is told to be the sandbox.
const AS_SANDBOX: &str = "--as-toss-sandbox";
/// How many ticks of `/proc` a second has on Linux.
const TICKS: f64 = 100.0;
/// How long a process may take to answer.
const PATIENCE: Duration = Duration::from_secs(30);

/// A child process that listens; it ends when it is dropped.
#[derive(Debug)]
pub(crate) struct Process {
    pub(crate) address: SocketAddr,
    /// From its start to the first good answer.
    pub(crate) ready_after: Duration,
    child: Child,
    folder: TempDir,
}

/// Runs the sandbox if this process was started for that, and ends with it.
pub(crate) fn be_the_sandbox_if_told(runtime: &tokio::runtime::Runtime) -> bool {
    let mut arguments = std::env::args().skip(1);
    if arguments.next().as_deref() != Some(AS_SANDBOX) {
        return false;
    }
    let bind = arguments.next().expect("an address").parse().expect("an address");
    runtime.block_on(async {
        // No window, no webhook, no fault, no delay; the oldest payments are forgotten.
        let _toss =
            Sandbox::start(Options { bind, any_key: true, ..Options::default() }).await.expect("bound");
        std::future::pending::<()>().await;
    });
    true
}

/// Starts the sandbox.
pub(crate) async fn toss() -> Process {
    let address = free_address();
    // Not by its name: it may have been built anew meanwhile.
    let own = Path::new("/proc/self/exe");
    let own = if own.exists() { own.into() } else { std::env::current_exe().expect("this program") };
    let mut command = Command::new(own);
    command.arg(AS_SANDBOX).arg(address.to_string());
    Process::start(command, address, "/").await
}

/// What a gudok is to be like.
#[derive(Clone, Debug)]
pub(crate) struct Gudok<'a> {
    pub(crate) binary: &'a Path,
    pub(crate) database: &'a str,
    pub(crate) toss: SocketAddr,
    /// Settings that were asked for, in place of those of the benchmark.
    pub(crate) settings: &'a [(String, String)],
}

impl Gudok<'_> {
    /// Starts it, and waits until it is ready.
    pub(crate) async fn serve(&self) -> Process {
        let address = free_address();
        let mut command = self.command();
        command.arg("serve").env("GUDOK__SERVER__BIND", address.to_string());
        Process::start(command, address, "/readyz").await
    }

    /// Runs one of its other commands to the end, and tells how long that took.
    pub(crate) async fn run(&self, arguments: &[&str]) -> Duration {
        let begun = Instant::now();
        let mut command = self.command();
        // No file of the repository's counts as a setting.
        let folder = tempfile::tempdir().expect("a temporary folder");
        command.args(arguments).current_dir(folder.path()).stdin(Stdio::null());
        let ended = tokio::task::spawn_blocking(move || command.output()).await.expect("not cut off");
        let output = ended.expect("the binary runs");
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        begun.elapsed()
    }

    fn command(&self) -> Command {
        let mut command = Command::new(self.binary);
        let options = Options::default();
        command.env_clear().envs([
            ("GUDOK__DATABASE__URL", self.database),
            ("GUDOK__TOSS__BASE_URL", &format!("http://{}", self.toss)),
            ("GUDOK__TOSS__SECRET_KEY", &options.secret_key),
            ("GUDOK__TOSS__CLIENT_KEY", &options.client_key),
            ("GUDOK__AUTH__ADMIN_KEY", Key::Admin.text()),
            ("GUDOK__AUTH__SERVICE_KEY", Key::Service.text()),
        ]);
        // Jobs would begin by catching up on what the seed has left to do.
        command.env("GUDOK__SCHEDULER__ENABLED", "false");
        // One driver stands for all callers, so the bounds that protect from one caller are off. All else is default.
        for class in ["READING", "BUYING", "REFUNDING", "ADMIN"] {
            command.env(format!("GUDOK__RATES__KEY__{class}__PER_MINUTE"), "0");
            command.env(format!("GUDOK__RATES__ADDRESS__{class}__PER_MINUTE"), "0");
        }
        command.envs(self.settings.iter().map(|(name, value)| (name, value)));
        command
    }
}

impl Process {
    async fn start(mut command: Command, address: SocketAddr, probe: &str) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let log = File::create(folder.path().join("log")).expect("a log");
        command.current_dir(folder.path()).stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
        let begun = Instant::now();
        let child = command.spawn().expect("the binary starts");
        let mut process = Self { address, ready_after: Duration::ZERO, child, folder };
        loop {
            let answer = Connection::to(address).get(probe, Key::Service).await.map(|answer| answer.status);
            if answer == Ok(200) {
                process.ready_after = begun.elapsed();
                return process;
            }
            let ended = process.child.try_wait().expect("a child").is_some();
            assert!(!ended && begun.elapsed() < PATIENCE, "it does not answer: {}", process.log());
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    /// What it has said.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    /// MiB of memory in use now, and at most so far.
    pub(crate) fn memory(&self) -> (f64, f64) {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap_or_default();
        let read = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name));
            let kib = line
                .and_then(|line| line.trim_start_matches(':').trim().trim_end_matches(" kB").parse().ok());
            kib.unwrap_or(f64::NAN) / 1024.0
        };
        (read("VmRSS"), read("VmHWM"))
    }

    /// Seconds of processor time so far.
    pub(crate) fn processor_seconds(&self) -> f64 {
        processor_seconds(&self.child.id().to_string())
    }

    /// Asks it to stop, and waits until it has.
    pub(crate) async fn stop(mut self) {
        let pid = self.child.id().to_string();
        let _ = Command::new("kill").args(["-TERM", &pid]).status();
        let begun = Instant::now();
        while self.child.try_wait().is_ok_and(|ended| ended.is_none()) && begun.elapsed() < PATIENCE {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Seconds of processor time of a process; `self` is the driver's own.
pub(crate) fn processor_seconds(process: &str) -> f64 {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    let fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace().skip(11).take(2);
    fields.filter_map(|ticks| ticks.parse::<f64>().ok()).sum::<f64>() / TICKS
}

/// An address that was free a moment ago.
fn free_address() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("bound")
}
