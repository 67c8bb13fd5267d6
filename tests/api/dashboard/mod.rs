//! Scenarios about the dashboard at `/admin`.

mod forms;
mod jobs;
mod pages;
mod payments;
mod plans;
mod refunds;
mod session;

use reqwest::RequestBuilder;
use reqwest::redirect::Policy;

use crate::support::client::{ADMIN_KEY, Reply, send};
use crate::support::scenario::Scenario;
use crate::support::world::World;

/// The scenarios of this folder.
pub(crate) fn scenarios() -> Vec<Scenario> {
    [
        forms::scenarios(),
        jobs::scenarios(),
        pages::scenarios(),
        payments::scenarios(),
        plans::scenarios(),
        refunds::scenarios(),
        session::scenarios(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// Somebody's browser at the dashboard: it keeps its session, and goes nowhere by itself.
#[derive(Clone)]
pub(crate) struct Desk {
    http: reqwest::Client,
    base: String,
    /// `name=value` of the session.
    pub(crate) session: Option<String>,
}

impl Desk {
    /// Nobody is signed in.
    pub(crate) fn stranger(base: &str) -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = reqwest::Client::builder().redirect(Policy::none()).build().expect("a client");
        Self { http, base: base.to_owned(), session: None }
    }

    /// Somebody signs in with the admin key.
    pub(crate) async fn open(world: &World) -> Self {
        let mut desk = Self::stranger(&world.base);
        let reply = desk.sign_in(ADMIN_KEY, "").await;
        assert_eq!(reply.status, 303, "{}", reply.text);
        desk.session = Some(session_of(&reply));
        desk
    }

    /// A request to be shaped by hand, with the session.
    pub(crate) fn request(&self, method: &str, path: &str) -> RequestBuilder {
        let method = method.parse().expect("a method");
        let request = self.http.request(method, format!("{}{path}", self.base)).header("accept", "text/html");
        match &self.session {
            Some(session) => request.header("cookie", session),
            None => request,
        }
    }

    /// Opens a page.
    pub(crate) async fn get(&self, path: &str) -> Reply {
        send(self.request("GET", path)).await
    }

    /// Opens a page, which must be there.
    pub(crate) async fn page(&self, path: &str) -> String {
        let reply = self.get(path).await;
        assert_eq!(reply.status, 200, "{path}: {}", reply.text);
        reply.text
    }

    /// Sends a form as it is given.
    pub(crate) async fn submit(&self, path: &str, fields: &[(&str, &str)]) -> Reply {
        send(self.form(path, fields)).await
    }

    /// A form as it is given, to be shaped further.
    pub(crate) fn form(&self, path: &str, fields: &[(&str, &str)]) -> RequestBuilder {
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        self.request("POST", path).header("content-type", "application/x-www-form-urlencoded").body(body)
    }

    /// Sends a form as a page of the dashboard does.
    pub(crate) async fn post(&self, path: &str, fields: &[(&str, &str)]) -> Reply {
        let csrf = self.csrf().await;
        self.submit(path, &[&[("csrf", csrf.as_str())], fields].concat()).await
    }

    /// What the session's forms carry.
    pub(crate) async fn csrf(&self) -> String {
        value_of(&self.page("/admin/jobs").await, "csrf").expect("a token")
    }

    /// Sends the sign-in form.
    pub(crate) async fn sign_in(&self, key: &str, next: &str) -> Reply {
        self.submit("/admin/sign-in", &[("key", key), ("next", next)]).await
    }
}

/// `name=value` of the session that an answer gives.
pub(crate) fn session_of(reply: &Reply) -> String {
    let cookies = reply.headers.get_all("set-cookie").iter().filter_map(|value| value.to_str().ok());
    let pairs = cookies.filter_map(|cookie| cookie.split(';').next());
    pairs.filter(|pair| pair.contains("gudok_session=")).map(str::to_owned).next().expect("a session")
}

/// What a page's form holds in the field `name`, as far as it needs no unescaping.
pub(crate) fn value_of(html: &str, name: &str) -> Option<String> {
    let (_, rest) = html.split_once(&format!("name=\"{name}\" value=\""))?;
    rest.split('"').next().map(str::to_owned)
}

/// The text of the element with this id, without tags.
pub(crate) fn text_of(html: &str, id: &str) -> String {
    let (_, rest) = html.split_once(&format!("id=\"{id}\"")).unwrap_or_else(|| panic!("no #{id}: {html}"));
    let inner = rest.split_once('>').expect("an element").1;
    let mut text = String::new();
    let mut depth = 0;
    let mut left = inner;
    while let Some((before, tag)) = left.split_once('<') {
        text.push_str(before);
        let (tag, after) = tag.split_once('>').expect("a tag");
        if let Some(_closing) = tag.strip_prefix('/') {
            if depth == 0 {
                break;
            }
            depth -= 1;
        } else if !["input", "br", "img"].contains(&tag.split([' ', '/']).next().unwrap_or_default()) {
            depth += 1;
        }
        left = after;
    }
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
