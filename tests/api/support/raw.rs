//! Requests byte by byte, for what a well-behaved HTTP client would never send.

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::client::Reply;
use super::leaks;

/// Sends `bytes` to the service at `base` and reads the answer until the service closes the connection.
pub(crate) async fn exchange(base: &str, bytes: &[u8]) -> Reply {
    let address = base.strip_prefix("http://").expect("a plain address");
    let mut stream = TcpStream::connect(address).await.expect("a connection");
    stream.write_all(bytes).await.expect("written");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.expect("an answer");
    parse(&String::from_utf8(answer).expect("text"))
}

/// The head of a request that closes its connection; the body follows.
pub(crate) fn head(method: &str, path: &str, token: &str, headers: &[(&str, &str)]) -> Vec<u8> {
    let mut head = format!(
        "{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nAuthorization: Bearer {token}\r\n"
    );
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head.push_str("\r\n");
    head.into_bytes()
}

fn parse(answer: &str) -> Reply {
    let (head, text) = answer.split_once("\r\n\r\n").expect("a head and a body");
    let mut lines = head.lines();
    let status = lines.next().and_then(|line| line.split(' ').nth(1)?.parse().ok()).expect("a status");
    let mut headers = reqwest::header::HeaderMap::new();
    for (name, value) in lines.filter_map(|line| line.split_once(':')) {
        let name: reqwest::header::HeaderName = name.parse().expect("a header's name");
        headers.append(name, value.trim().parse().expect("a header's value"));
    }
    leaks::answer(&headers, text);
    let body = serde_json::from_str(text).unwrap_or(Value::Null);
    Reply { status, headers, body, text: text.to_owned() }
}
