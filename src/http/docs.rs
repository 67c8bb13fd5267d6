//! The documentation for people: Swagger UI, one page with all of its scripts and styles in it. Its policy names each of
//! them by its hash, so that nothing else that might get into the page is run.

use std::sync::LazyLock;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use hyper::body::Bytes;
use poem::http::{HeaderValue, header};
use poem::{Response, handler};
use sha2::{Digest, Sha256};

/// The page and its policy; the same for as long as the process runs.
static PAGE: LazyLock<(Bytes, Option<HeaderValue>)> = LazyLock::new(|| {
    // Browsers take all line ends for line feeds, also before they hash.
    let service = super::service();
    let page = service.swagger_ui_html().replacen(&service.spec(), &super::openapi(), 1);
    let page = page.replace("\r\n", "\n").replace('\r', "\n");
    // An empty icon, so that none is asked for.
    let page = page.replacen("<title>", "<link rel=\"icon\" href=\"data:,\"><title>", 1);
    let policy = HeaderValue::from_str(&policy(&page)).ok();
    (Bytes::from(page), policy)
});

/// The page.
#[handler]
pub(super) fn docs() -> Response {
    let (page, policy) = &*PAGE;
    let mut response = Response::builder().content_type("text/html; charset=utf-8").body(page.clone());
    if let Some(policy) = policy {
        response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, policy.clone());
    }
    response
}

fn policy(page: &str) -> String {
    let (scripts, styles) = (hashes(page, "script"), hashes(page, "style"));
    format!(
        "default-src 'none'; script-src {scripts}; style-src {styles}; img-src 'self' data:; connect-src 'self'; \
         base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
}

/// The sources that mean what is between the tags named `tag`, as a browser finds them.
fn hashes(page: &str, tag: &str) -> String {
    let (opening, closing) = (format!("<{tag}"), format!("</{tag}"));
    let (mut rest, mut sources) = (page, Vec::new());
    while let Some((_, after)) = rest.split_once(&opening) {
        let Some((inside, after)) = after.split_once('>').and_then(|(_, after)| after.split_once(&closing))
        else {
            break;
        };
        sources.push(format!("'sha256-{}'", BASE64_STANDARD.encode(Sha256::digest(inside))));
        rest = after;
    }
    sources.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_block_is_named_by_its_hash() {
        let page = "<style charset=\"x\">a{}</style><script>1</script><p>no</p><script>2</script>";
        let sources = hashes(page, "script");
        assert_eq!(sources.split(' ').count(), 2);
        assert!(sources.starts_with("'sha256-a4ayc/80/OGda4BO/1o/V0etpOqiLx1JwB5S3beHW0s='"), "{sources}");
        assert_eq!(hashes(page, "style").split(' ').count(), 1);
    }
}
