//! Reads the published keys: a small body, soon, from where the settings say and nowhere else.

use std::time::Duration;

use poem::http::StatusCode;
use url::Url;

/// The largest body that is read, in bytes.
const MOST_BYTES: usize = 64 * 1024;
/// How long a connection may take.
const CONNECTS_WITHIN: Duration = Duration::from_secs(2);
/// How long everything may take.
const READ_WITHIN: Duration = Duration::from_secs(4);

/// A client for it.
pub(super) fn client() -> Result<reqwest::Client, reqwest::Error> {
    // A second call finds the provider installed, which is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder()
        .user_agent(concat!("gudok/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(CONNECTS_WITHIN)
        .timeout(READ_WITHIN)
        .redirect(reqwest::redirect::Policy::none())
        .build()
}

/// The body at `url`.
///
/// # Errors
/// Why there is none, without the URL, which may hold something private.
pub(super) async fn read(http: &reqwest::Client, url: &Url) -> Result<Vec<u8>, String> {
    let told = |error: reqwest::Error| error.without_url().to_string();
    let mut response = http.get(url.clone()).send().await.map_err(told)?;
    if response.status() != StatusCode::OK {
        return Err(format!("it answered {}", response.status().as_u16()));
    }
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(told)? {
        if body.len() + chunk.len() > MOST_BYTES {
            return Err(format!("it is larger than {MOST_BYTES} bytes"));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}
