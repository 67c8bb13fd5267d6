//! HTTP in and out: reads a request, hands it to the API, to the control calls or to the pages, writes the answer.

use std::sync::Arc;

use poem::{Endpoint, Request, Response, endpoint, http::HeaderMap};

use crate::{
    api::{self, Incoming, Outcome, answer::Answer},
    control,
    pages::{self, Visit},
    socket::Switches,
    state::Shared,
};

/// The longest body that is read. Toss's own bodies are a few hundred bytes.
const MAX_BODY: usize = 65_536;

/// Everything that is served.
pub(crate) fn endpoint(
    shared: Arc<Shared>,
    switches: Switches,
) -> impl Endpoint<Output = Response> + 'static {
    endpoint::make(move |request| {
        let (shared, switches) = (Arc::clone(&shared), switches.clone());
        async move { Ok::<_, poem::Error>(serve(shared, switches, request).await) }
    })
}

async fn serve(shared: Arc<Shared>, switches: Switches, mut request: Request) -> Response {
    let body = request.take_body().into_bytes_limit(MAX_BODY).await.ok().map(|body| body.to_vec());
    let (method, path) = (request.method().to_string(), request.uri().path().to_owned());
    let visit = Visit::of(&method, &path, request.uri().query(), request.headers());
    if let Some(page) = pages::serve(&shared, &visit, body.as_deref().unwrap_or_default()) {
        return page;
    }
    if path == "/" {
        return Response::builder().content_type("text/plain; charset=utf-8").body(control::home::PAGE);
    }
    if path == "/sandbox" || path.starts_with("/sandbox/") {
        let served = control::serve(&shared, &method, &path, &body.unwrap_or_default());
        let answer =
            served.map_or_else(|refusal| Answer::refusal(&refusal, true), |value| Answer::ok(&value));
        return answer.into_response();
    }
    let incoming = incoming(&request, method, path, body);
    // A task of its own: it goes on even if the server drops this future because the client hung up.
    match tokio::spawn(api::serve(shared, incoming)).await {
        Ok(Outcome::Answer(answer)) => answer.into_response(),
        Ok(Outcome::HangUp) | Err(_) => {
            if let Some(peer) = request.remote_addr().as_socket_addr() {
                switches.cut(*peer);
            }
            // Nobody will see this: the socket refuses to write it.
            Response::default()
        }
    }
}

fn incoming(request: &Request, method: String, path: String, body: Option<Vec<u8>>) -> Incoming {
    let headers = request.headers();
    Incoming {
        method,
        path,
        query: request.uri().query().map(str::to_owned),
        authorization: text(headers, "authorization"),
        idempotency_key: headers.get("idempotency-key").cloned(),
        test_code: text(headers, "tosspayments-test-code"),
        english: text(headers, "accept-language").is_some_and(|language| language.starts_with("en")),
        body,
    }
}

fn text(headers: &HeaderMap, name: &str) -> Option<String> {
    headers.get(name).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
}
