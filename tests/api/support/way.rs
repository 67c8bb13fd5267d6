//! A way to PostgreSQL that can fall silent as a machine does that loses power: nothing is passed on any more, and nothing is
//! closed either. New connections get through, as they do where an address has moved to another machine.

use tokio::io::{AsyncReadExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream, UnixStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// The port of PostgreSQL in the names of its sockets.
const SOCKET: &str = ".s.PGSQL.5432";

/// It ends when it is dropped.
pub(crate) struct Way {
    /// The database's URL by this way.
    pub(crate) url: String,
    silences: watch::Sender<u32>,
    task: JoinHandle<()>,
}

impl Way {
    /// A way to the database at `url`, which names the folder of a socket.
    pub(crate) async fn to(url: &str) -> Self {
        let (database, folder) = url.split_once("?host=").expect("a socket's folder");
        let socket = format!("{folder}/{SOCKET}");
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("bound").port();
        let url = database.replace("@localhost/", &format!("@127.0.0.1:{port}/"));
        let silences = watch::Sender::new(0);
        let heard = silences.clone();
        let task = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let server = UnixStream::connect(&socket).await.expect("PostgreSQL takes connections");
                tokio::spawn(pass_on(client, server, heard.subscribe()));
            }
        });
        Self { url, silences, task }
    }

    /// From now on nothing more is heard by any connection that is open.
    pub(crate) fn falls_silent(&self) {
        self.silences.send_modify(|silences| *silences += 1);
    }
}

impl Drop for Way {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn pass_on(mut client: TcpStream, mut server: UnixStream, mut silences: watch::Receiver<u32>) {
    tokio::select! {
        _ = copy_bidirectional(&mut client, &mut server) => return,
        fallen = silences.changed() => if fallen.is_err() { return },
    }
    // What the server had not kept is lost; the client is let believe that it is still there.
    drop(server);
    let mut unheard = [0; 1024];
    while client.read(&mut unheard).await.is_ok_and(|read| read > 0) {}
}
