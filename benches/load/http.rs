//! The cheapest client that can call gudok: one connection that stays open, one request at a time. What the driver saves,
//! the measured service has.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Headers that an answer has at most.
const MOST_HEADERS: usize = 32;

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
        let request = [
            "GET ",
            path,
            " HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer ",
            key.text(),
            "\r\nAccept: application/json\r\n\r\n",
        ];
        self.send(&request.concat()).await
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
            let mut headers = [httparse::EMPTY_HEADER; MOST_HEADERS];
            let mut head = httparse::Response::new(&mut headers);
            let httparse::Status::Complete(body) = head.parse(&self.read).map_err(|_| broken())? else {
                continue;
            };
            let status = head.code.ok_or_else(broken)?;
            // gudok always says how long a body is.
            let length =
                head.headers.iter().find(|header| header.name.eq_ignore_ascii_case("content-length"));
            let length =
                length.and_then(|header| std::str::from_utf8(header.value).ok()?.parse().ok()).unwrap_or(0);
            while self.read.len() < body + length {
                if stream.read_buf(&mut self.read).await? == 0 {
                    return Err(broken());
                }
            }
            return Ok((status, body));
        }
    }
}
