//! A private `PgBouncer` in transaction mode in front of a scenario's database, removed with the process, however that ends.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

use super::postgres::{as_ordinary_user, hand_over};
use super::process::eventually;

/// The first version that keeps the prepared statements of its clients apart.
const OLDEST: (u32, u32) = (1, 21);
/// Names the binary where it is not the one that is installed.
const BINARY: &str = "GUDOK_TEST_PGBOUNCER";

/// Why no pooler can be started; none when one can.
pub(crate) fn missing() -> Option<String> {
    binary().err()
}

/// A pooler that runs until it is dropped.
#[derive(Debug)]
pub(crate) struct Pooler {
    /// Where its socket is.
    folder: TempDir,
    server: Child,
}

impl Pooler {
    /// Starts one in front of the database at `url` that shares `servers` connections among all its clients, and keeps so
    /// many statements prepared on each.
    pub(crate) async fn start(url: &str, servers: usize, statements: usize) -> Self {
        let folder = tempfile::Builder::new().prefix("gudok-pb-").tempdir().expect("a temporary folder");
        let own = folder.path().display();
        let settings = format!(
            "[databases]\n* = host={} user=postgres\n[pgbouncer]\nlisten_addr =\nunix_socket_dir = {own}\nlisten_port = 6432\n\
             auth_type = any\npool_mode = transaction\ndefault_pool_size = {servers}\nmax_client_conn = 500\n\
             max_prepared_statements = {statements}\nignore_startup_parameters = statement_timeout\n",
            socket_folder(url),
        );
        std::fs::write(folder.path().join("pgbouncer.ini"), settings).expect("written");
        // Where it is built, its user may not come.
        std::fs::copy(binary().expect("PgBouncer is demanded"), folder.path().join("pgbouncer"))
            .expect("copied");
        hand_over(folder.path());
        // It ends with this process, in whatever way that ends: the shell waits for its input to close.
        let script =
            "./pgbouncer -q pgbouncer.ini & server=$!; cat; kill -QUIT $server; wait $server; rm -rf \"$0\"";
        let mut shell = as_ordinary_user(Command::new("sh"));
        shell.arg("-c").arg(script).arg(folder.path());
        shell.current_dir(folder.path()).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        let server = shell.spawn().expect("a shell");
        let socket = folder.path().join(".s.PGSQL.6432");
        eventually("the pooler listens", async || socket.exists().then_some(())).await;
        Self { folder, server }
    }

    /// `url` by way of the pooler.
    pub(crate) fn url(&self, url: &str) -> String {
        let (head, _) = url.split_once("?host=").expect("a socket's folder");
        let head = head.replace("@localhost/", "@localhost:6432/");
        format!("{head}?host={}", self.folder.path().display())
    }
}

impl Drop for Pooler {
    fn drop(&mut self) {
        drop(self.server.stdin.take());
        // The shell ends once PgBouncer has.
        let _ = self.server.wait();
    }
}

fn socket_folder(url: &str) -> &str {
    url.split_once("?host=").expect("a socket's folder").1
}

fn binary() -> Result<PathBuf, String> {
    let named = std::env::var_os(BINARY).map(PathBuf::from);
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&path).chain([PathBuf::from("/usr/sbin")]);
    let found = named.into_iter().chain(folders.map(|folder| folder.join("pgbouncer")));
    found.into_iter().find(|binary| version(binary) >= OLDEST).ok_or_else(|| {
        format!("no PgBouncer {}.{} or later is installed, nor named by {BINARY}", OLDEST.0, OLDEST.1)
    })
}

fn version(binary: &Path) -> (u32, u32) {
    let Ok(shown) = Command::new(binary).arg("--version").output() else { return (0, 0) };
    let text = String::from_utf8_lossy(&shown.stdout).into_owned();
    let number = text.lines().find_map(|line| line.strip_prefix("PgBouncer ")).unwrap_or_default();
    let mut parts = number.split('.').map_while(|part| part.trim().parse().ok());
    (parts.next().unwrap_or(0), parts.next().unwrap_or(0))
}
