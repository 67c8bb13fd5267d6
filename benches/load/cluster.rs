//! A private PostgreSQL cluster for the benchmark, durable as in production, removed at the end.

use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tempfile::TempDir;

/// What differs from PostgreSQL's defaults: memory for a machine of a few GB, and a log that is not worked off in the
/// middle of every measurement. Every commit still reaches the disk.
const SETTINGS: &[&str] = &[
    "listen_addresses=",
    "max_connections=200",
    "shared_buffers=1GB",
    "max_wal_size=8GB",
    "checkpoint_timeout=15min",
    "maintenance_work_mem=512MB",
    "wal_compression=on",
    "logging_collector=on",
    "log_destination=jsonlog",
    "log_directory=log",
    "log_rotation_age=0",
    "log_rotation_size=0",
    "log_min_messages=log",
];

/// A cluster that runs until it is dropped.
#[derive(Debug)]
pub(crate) struct Cluster {
    folder: TempDir,
    binaries: PathBuf,
    server: Child,
}

impl Cluster {
    /// Makes and starts a cluster, with `settings` in place of ours.
    pub(crate) fn start(settings: &[String]) -> Self {
        let binaries = server_binaries().expect("the server binaries of PostgreSQL, pgbench among them");
        let folder = tempfile::Builder::new().prefix("gudok-load-").tempdir().expect("a temporary folder");
        if let Some((user, group)) = ordinary_user() {
            std::os::unix::fs::chown(folder.path(), Some(user), Some(group))
                .expect("the folder changes hands");
        }
        let data = folder.path().join("data");
        let mut initdb = as_ordinary_user(Command::new(binaries.join("initdb")));
        initdb
            .args(["--auth=trust", "--username=postgres", "--encoding=UTF8", "--locale=C", "-D"])
            .arg(&data);
        let made = initdb.current_dir(folder.path()).output().expect("initdb runs");
        assert!(made.status.success(), "initdb: {}", String::from_utf8_lossy(&made.stderr));
        // The shell waits for its input to close, which happens when this process ends in whatever way, and then stops
        // the server: an interrupted benchmark leaves nothing behind.
        let script = "trap '' INT TERM; folder=$1; shift; \"$0\" -D \"$folder/data\" -k \"$folder\" \"$@\" >/dev/null 2>&1 & \
            server=$!; cat >/dev/null; kill -INT $server; wait $server; rm -rf \"$folder\"";
        let mut shell = as_ordinary_user(Command::new("sh"));
        shell.arg("-c").arg(script).arg(binaries.join("postgres")).arg(folder.path());
        let asked = settings.iter().map(String::as_str);
        let all = SETTINGS.iter().copied().chain(asked);
        shell.args(all.flat_map(|setting| ["-c", setting])).current_dir(folder.path());
        let server = shell.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        let server = server.expect("a shell");
        let cluster = Self { folder, binaries, server };
        let ready = (0..600).any(|_| {
            std::thread::sleep(Duration::from_millis(50));
            let probe = cluster.tool("pg_isready").stdout(Stdio::null()).status();
            probe.is_ok_and(|status| status.success())
        });
        assert!(ready, "PostgreSQL does not start");
        cluster
    }

    /// Where it lives.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The URL of the database `name`.
    pub(crate) fn url(&self, name: &str) -> String {
        format!("postgres://postgres@localhost/{name}?host={}", self.folder.path().display())
    }

    /// One of PostgreSQL's programs, told where the server is.
    pub(crate) fn tool(&self, name: &str) -> Command {
        let mut command = Command::new(self.binaries.join(name));
        command.arg("-h").arg(self.folder.path()).args(["-U", "postgres"]);
        command
    }

    /// The server's log so far: one JSON document a line.
    pub(crate) fn log(&self) -> String {
        let folder = std::fs::read_dir(self.folder.path().join("data/log")).into_iter().flatten().flatten();
        let mut files: Vec<PathBuf> = folder.map(|entry| entry.path()).collect();
        files.retain(|file| file.extension().is_some_and(|extension| extension == "json"));
        files.sort();
        files.iter().map(|file| std::fs::read_to_string(file).expect("readable")).collect()
    }

    /// What the server calls itself.
    pub(crate) fn version(&self) -> String {
        let shown = Command::new(self.binaries.join("postgres")).arg("--version").output().expect("it runs");
        String::from_utf8_lossy(&shown.stdout).trim().to_owned()
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        drop(self.server.stdin.take());
        let _ = self.server.wait();
    }
}

fn server_binaries() -> Option<PathBuf> {
    let debian = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut folders: Vec<PathBuf> = debian.map(|entry| entry.path().join("bin")).collect();
    folders.sort();
    folders.reverse();
    folders.extend(["/opt/homebrew/opt/postgresql/bin", "/usr/local/opt/postgresql/bin"].map(PathBuf::from));
    folders.extend(std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default()));
    let complete = |folder: &Path| {
        ["initdb", "postgres", "pg_isready", "pgbench"].iter().all(|name| folder.join(name).is_file())
    };
    folders.into_iter().find(|folder| complete(folder))
}

/// The user and group that run the server: PostgreSQL refuses to run as root.
fn ordinary_user() -> Option<(u32, u32)> {
    if std::fs::metadata("/proc/self").is_ok_and(|own| own.uid() != 0) {
        return None;
    }
    let users = std::fs::read_to_string("/etc/passwd").ok()?;
    ["postgres", "nobody"].into_iter().find_map(|wanted| {
        let line = users.lines().find(|line| line.split(':').next() == Some(wanted))?;
        let mut fields = line.split(':').skip(2);
        Some((fields.next()?.parse().ok()?, fields.next()?.parse().ok()?))
    })
}

fn as_ordinary_user(mut command: Command) -> Command {
    if let Some((user, group)) = ordinary_user() {
        command.uid(user).gid(group);
    }
    command
}
