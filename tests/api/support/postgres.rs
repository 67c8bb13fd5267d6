//! A private PostgreSQL cluster for the tests: started from the installed server binaries, also as root, removed with
//! the process, however that ends.

use std::io::{Read, Write};
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};

use sea_orm::{ConnectionTrait, Database, Statement};
use tempfile::TempDir;

/// The oldest major version that gudok supports.
const OLDEST: u32 = 15;

/// What the URLs of databases hold as the user's password; the cluster asks nobody for it.
const PASSWORD: &str = "postgres-hidden-password";

/// The cluster that all scenarios of this process share.
static SHARED: OnceLock<Mutex<Option<Cluster>>> = OnceLock::new();

/// Why no cluster can be started; none when one can.
pub(crate) fn missing() -> Option<String> {
    server_binaries().err()
}

/// A cluster that runs until it is dropped.
#[derive(Debug)]
pub(crate) struct Cluster {
    folder: TempDir,
    binaries: PathBuf,
    server: Option<Child>,
    databases: AtomicU32,
}

impl Cluster {
    /// A new database in the shared cluster, with the schema in place; returns its URL.
    pub(crate) async fn shared_database() -> String {
        let (url, name) = {
            let shared = SHARED.get_or_init(|| Mutex::new(None));
            let mut shared = shared.lock().unwrap_or_else(PoisonError::into_inner);
            let cluster = shared.get_or_insert_with(Cluster::start);
            (cluster.url("postgres"), format!("gudok_{}", cluster.databases.fetch_add(1, Ordering::Relaxed)))
        };
        let admin = Database::connect(&url).await.expect("the cluster takes connections");
        admin.execute_unprepared(&format!("CREATE DATABASE {name}")).await.expect("a database");
        admin.close().await.expect("closed");
        url.replace("/postgres?", &format!("/{name}?"))
    }

    /// Ends the shared cluster, if it was ever needed.
    pub(crate) fn stop_shared() {
        if let Some(shared) = SHARED.get() {
            drop(shared.lock().unwrap_or_else(PoisonError::into_inner).take());
        }
    }

    /// Makes and starts a cluster.
    pub(crate) fn start() -> Self {
        let binaries = server_binaries().expect("PostgreSQL is demanded");
        let folder = tempfile::Builder::new().prefix("gudok-pg-").tempdir().expect("a temporary folder");
        hand_over(folder.path());
        let data = folder.path().join("data");
        let mut initdb = as_ordinary_user(Command::new(binaries.join("initdb")));
        initdb.args([
            "--auth=trust",
            "--username=postgres",
            "--encoding=UTF8",
            "--locale=C",
            "--no-sync",
            "-D",
        ]);
        let made = initdb.arg(&data).current_dir(folder.path()).output().expect("initdb runs");
        assert!(made.status.success(), "initdb: {}", String::from_utf8_lossy(&made.stderr));
        let mut cluster = Self { folder, binaries, server: None, databases: AtomicU32::new(0) };
        cluster.resume();
        cluster
    }

    /// The URL of the database `name`.
    pub(crate) fn url(&self, name: &str) -> String {
        format!("postgres://postgres:{PASSWORD}@localhost/{name}?host={}", self.folder.path().display())
    }

    /// Starts the server, again if it was halted.
    pub(crate) fn resume(&mut self) {
        // The shell waits for its input to close, which happens when this process ends in whatever way, and then stops
        // the server. Unless it was told to keep the folder, nobody is left to remove it.
        let script = "trap '' INT; \"$0\" -D \"$1\" -k \"$2\" -c listen_addresses= -c fsync=off -c full_page_writes=off \
            -c max_connections=200 -c log_min_messages=panic >/dev/null 2>&1 & server=$!; last=$(cat); \
            kill -INT $server; wait $server; [ \"$last\" = keep ] || rm -rf \"$2\"";
        let mut shell = as_ordinary_user(Command::new("sh"));
        shell.arg("-c").arg(script).arg(self.binaries.join("postgres"));
        shell.arg(self.folder.path().join("data")).arg(self.folder.path()).current_dir(self.folder.path());
        let server = shell.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        self.server = Some(server.expect("a shell"));
        let ready = || {
            let mut probe = Command::new(self.binaries.join("pg_isready"));
            probe.arg("-h").arg(self.folder.path()).stdout(Stdio::null()).stderr(Stdio::null());
            probe.status().is_ok_and(|status| status.success())
        };
        let tries = (0..600).find(|_| {
            std::thread::sleep(std::time::Duration::from_millis(50));
            ready()
        });
        assert!(tries.is_some(), "PostgreSQL does not start");
    }

    /// A second cluster that follows this one: nothing is committed here from now on that it does not have.
    pub(crate) async fn synchronous_standby(&self) -> Self {
        let folder = tempfile::Builder::new().prefix("gudok-pg-").tempdir().expect("a temporary folder");
        hand_over(folder.path());
        let mut copy = as_ordinary_user(Command::new(self.binaries.join("pg_basebackup")));
        copy.args(["--username=postgres", "--checkpoint=fast", "--no-sync", "--write-recovery-conf", "-h"]);
        copy.arg(self.folder.path()).arg("-D").arg(folder.path().join("data")).current_dir(folder.path());
        let copied = copy.output().expect("pg_basebackup runs");
        assert!(copied.status.success(), "pg_basebackup: {}", String::from_utf8_lossy(&copied.stderr));
        let binaries = self.binaries.clone();
        let mut standby = Self { folder, binaries, server: None, databases: AtomicU32::new(0) };
        standby.resume();
        let admin = Database::connect(self.url("postgres")).await.expect("the cluster takes connections");
        for setting in ["ALTER SYSTEM SET synchronous_standby_names = '*'", "SELECT pg_reload_conf()"] {
            admin.execute_unprepared(setting).await.expect("set");
        }
        let synchronous = "SELECT 1 FROM pg_stat_replication WHERE sync_state = 'sync'";
        let statement = || Statement::from_string(admin.get_database_backend(), synchronous);
        let attached = async || admin.query_one_raw(statement()).await.expect("asked");
        super::process::eventually("the standby is synchronous", attached).await;
        admin.close().await.expect("closed");
        standby
    }

    /// Makes a standby the one that is written to, and waits until it is.
    pub(crate) async fn promote(&self) {
        let admin = Database::connect(self.url("postgres")).await.expect("a standby takes connections");
        admin.execute_unprepared("SELECT pg_promote(true, 60)").await.expect("promoted");
        admin.close().await.expect("closed");
    }

    /// Where its socket is.
    pub(crate) fn socket_folder(&self) -> &Path {
        self.folder.path()
    }

    /// Stops the server, as an operator's fast shutdown would; [`Cluster::resume`] starts it again.
    pub(crate) fn halt(&mut self) {
        if let Some(mut server) = self.server.take() {
            if let Some(mut input) = server.stdin.take() {
                input.write_all(b"keep").expect("the shell listens");
            }
            server.wait().expect("the server ends");
        }
    }
}

impl Cluster {
    /// Stops the server in immediate mode, as a crash of it would: nothing is written down, everybody is cut off.
    /// [`Cluster::resume`] starts it again, which recovers from its log.
    pub(crate) fn crash(&mut self) {
        let file = self.folder.path().join("data/postmaster.pid");
        let pid = std::fs::read_to_string(file).expect("a running server");
        let pid = pid.lines().next().expect("a process id").to_owned();
        let sent = Command::new("kill").args(["-QUIT", &pid]).status().expect("kill runs");
        assert!(sent.success(), "the signal was not sent");
        self.halt();
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        self.halt();
    }
}

/// The folder of a server's binaries that is new enough.
fn server_binaries() -> Result<PathBuf, String> {
    let debian = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut folders: Vec<PathBuf> = debian.map(|entry| entry.path().join("bin")).collect();
    folders.sort();
    folders.reverse();
    let homebrew = ["/opt/homebrew/opt/postgresql/bin", "/usr/local/opt/postgresql/bin"].map(PathBuf::from);
    folders.extend(homebrew);
    folders.extend(std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default()));
    let complete = |folder: &PathBuf| {
        ["initdb", "postgres", "pg_isready"].iter().all(|name| folder.join(name).is_file())
    };
    let found = folders.into_iter().find(|folder| complete(folder) && version(folder) >= OLDEST);
    found.ok_or_else(|| format!("no server binaries of PostgreSQL {OLDEST} or later are installed"))
}

fn version(folder: &Path) -> u32 {
    let Ok(shown) = Command::new(folder.join("postgres")).arg("--version").output() else { return 0 };
    let text = String::from_utf8_lossy(&shown.stdout).into_owned();
    let number = text.split_whitespace().find(|word| word.starts_with(|c: char| c.is_ascii_digit()));
    number.and_then(|number| number.split('.').next()?.parse().ok()).unwrap_or(0)
}

/// The user and group that run the server: PostgreSQL refuses to run as root.
fn ordinary_user() -> Option<(u32, u32)> {
    let root = std::fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0);
    let mut users = String::new();
    if root {
        std::fs::File::open("/etc/passwd").and_then(|mut file| file.read_to_string(&mut users)).ok()?;
    }
    let named = |wanted: &str| {
        let line = users.lines().find(|line| line.split(':').next() == Some(wanted))?;
        let mut fields = line.split(':').skip(2);
        Some((fields.next()?.parse().ok()?, fields.next()?.parse().ok()?))
    };
    named("postgres").or_else(|| named("nobody"))
}

/// Lets the server's user run `command`.
pub(super) fn as_ordinary_user(mut command: Command) -> Command {
    if let Some((user, group)) = ordinary_user() {
        command.uid(user).gid(group);
    }
    command
}

/// Makes `folder` the server's user's.
pub(super) fn hand_over(folder: &Path) {
    if let Some((user, group)) = ordinary_user() {
        std::os::unix::fs::chown(folder, Some(user), Some(group)).expect("the folder changes hands");
    }
}
