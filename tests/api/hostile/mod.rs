//! Clients that mean harm, against the real binary: while they do their worst, others are answered, and memory stays
//! within bounds. Nothing counts as withstood that was not sent.

mod floods;
mod http2;
mod shapes;
mod slow;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};

use crate::support::process::Serving;
use crate::support::scenario::Scenario;
use crate::support::world::World;

/// What the process may use under attack, in MiB; an idle one of a debug build uses about 60.
const MEMORY: u64 = 600;

/// The scenarios of this folder.
pub(crate) fn scenarios() -> Vec<Scenario> {
    [floods::scenarios(), http2::scenarios(), shapes::scenarios(), slow::scenarios()]
        .into_iter()
        .flatten()
        .collect()
}

/// A process under attack.
struct Target {
    serving: Serving,
}

/// A process of its own, with these settings beside the world's.
async fn target(world: &World, settings: &[(&str, &str)]) -> Target {
    let mut variables = world.variables.clone();
    variables.extend(settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
    Target { serving: Serving::start(&variables).await }
}

impl Target {
    /// A connection from an address of this machine's: 127.0.0.`last`.
    async fn connect(&self, last: u8) -> TcpStream {
        let socket = TcpSocket::new_v4().expect("a socket");
        socket.bind(std::net::SocketAddr::from(([127, 0, 0, last], 0))).expect("an address");
        let to = self.serving.authority().parse().expect("an address");
        socket.connect(to).await.expect("a connection")
    }

    /// Somebody else asks, is answered, and the process has not grown out of bounds.
    async fn answers_others(&self) {
        self.serving.client(None).get("/v1/plans").await.expect(200);
        let memory = self.serving.memory();
        assert!(memory < MEMORY, "{memory} MiB");
    }
}

/// Sends without end until it is no longer taken. Gives how much was, in bytes; at most `most`.
async fn pour(stream: &mut TcpStream, piece: &[u8], most: usize) -> usize {
    let mut sent = 0;
    while sent < most {
        match stream.write(piece).await {
            Ok(0) | Err(_) => break,
            Ok(written) => sent += written,
        }
    }
    sent
}

/// All that comes until the other side closes, in whichever way it does.
async fn rest(stream: &mut TcpStream) -> String {
    let mut all = Vec::new();
    let mut piece = [0; 4096];
    while let Ok(read @ 1..) = stream.read(&mut piece).await {
        all.extend_from_slice(&piece[..read]);
    }
    String::from_utf8_lossy(&all).into_owned()
}
