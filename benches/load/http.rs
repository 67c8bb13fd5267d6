//! The cheapest client that can call gudok: one connection that stays open, one request at a time. What the driver saves,
//! the measured service has.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Who calls.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Key {
    Service,
    Admin,
}

impl Key {
    pub(crate) fn text(self) -> &'static str {
        match self {
            Self::Service => "bench-service-key",
            Self::Admin => "bench-admin-key",
        }
    }
}

/// An open connection, opened again when it breaks.
#[derive(Debug)]
pub(crate) struct Connection {
    address: SocketAddr,
    stream: Option<TcpStream>,
    read: Vec<u8>,
}

/// What came back.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Answer<'a> {
    pub(crate) status: u16,
    pub(crate) body: &'a str,
}

impl Answer<'_> {
    /// The text of the first member `name`, as it stands in the body.
    pub(crate) fn member(&self, name: &str) -> Option<&str> {
        let (_, rest) = self.body.split_once(&format!("\"{name}\":\""))?;
        rest.split('"').next()
    }
}

impl Connection {
    pub(crate) fn to(address: SocketAddr) -> Self {
        Self { address, stream: None, read: Vec::with_capacity(64 * 1024) }
    }

    pub(crate) async fn get(&mut self, path: &str, key: Key) -> Result<Answer<'_>, String> {
        let head = format!(
            "GET {path} HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {}\r\nAccept: application/json\r\n\r\n",
            key.text()
        );
        self.send(&head).await
    }

    pub(crate) async fn post(&mut self, path: &str, key: Key, body: &str) -> Result<Answer<'_>, String> {
        let request = format!(
            "POST {path} HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {}\r\nAccept: application/json\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            key.text(),
            body.len()
        );
        self.send(&request).await
    }

    async fn send(&mut self, request: &str) -> Result<Answer<'_>, String> {
        match self.exchange(request).await {
            Ok((status, body)) => {
                let body = std::str::from_utf8(&self.read[body..]).map_err(|error| error.to_string())?;
                Ok(Answer { status, body })
            }
            Err(error) => {
                self.stream = None;
                Err(error.to_string())
            }
        }
    }

    async fn exchange(&mut self, request: &str) -> std::io::Result<(u16, usize)> {
        let stream = match &mut self.stream {
            Some(stream) => stream,
            none => {
                let stream = TcpStream::connect(self.address).await?;
                stream.set_nodelay(true)?;
                none.insert(stream)
            }
        };
        stream.write_all(request.as_bytes()).await?;
        self.read.clear();
        let broken = || std::io::Error::from(std::io::ErrorKind::UnexpectedEof);
        loop {
            if stream.read_buf(&mut self.read).await? == 0 {
                return Err(broken());
            }
            let Some(head) = self.read.windows(4).position(|window| window == b"\r\n\r\n") else { continue };
            let (status, length) =
                std::str::from_utf8(&self.read[..head]).ok().and_then(parse).ok_or_else(broken)?;
            let body = head + 4;
            while self.read.len() < body + length {
                if stream.read_buf(&mut self.read).await? == 0 {
                    return Err(broken());
                }
            }
            return Ok((status, body));
        }
    }
}

/// The status and the length of the body; gudok always says how long that is.
fn parse(head: &str) -> Option<(u16, usize)> {
    let mut lines = head.split("\r\n");
    let status = lines.next()?.split(' ').nth(1)?.parse().ok()?;
    let length = lines.find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse().ok())?
    });
    Some((status, length.unwrap_or(0)))
}
