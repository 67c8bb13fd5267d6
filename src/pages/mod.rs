//! What all pages for people share: headers that browsers must heed, language, figures and dates, and the files.

use askama::Template;
use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use entity::payment::PaymentStatus;
use poem::http::{HeaderValue, StatusCode, header};
use poem::{Request, Response};
use sea_orm::ActiveEnum;

use crate::app::App;
use crate::config::TossKeyKind;
use crate::http::language::Language;

pub mod assets;
mod format;
mod headers;
mod problem;

pub use format::{date, instant, won};
pub(crate) use headers::Policy;
pub(crate) use problem::problem;

/// What surrounds the content of every page.
#[derive(Clone, Debug)]
pub(crate) struct Shell {
    /// The language of the page.
    pub(crate) language: Language,
    /// What buyers know the shop by, if the operator has said.
    pub(crate) shop_name: Option<String>,
    /// Whether no real money moves, for sure.
    pub(crate) test: bool,
    /// Where people get help, if the operator has said.
    pub(crate) support_url: Option<String>,
    /// The same page in the other language, as a relative link.
    pub(crate) other_language: String,
    /// Where times of day are counted.
    pub(crate) zone: Tz,
}

impl Shell {
    /// The shell of the page that `request` asks for.
    pub(crate) fn of(app: &App, request: &Request) -> Self {
        let language = Language::of_page(request);
        let other = match language {
            Language::Korean => "en",
            Language::English => "ko",
        };
        let pairs = url::form_urlencoded::parse(request.uri().query().unwrap_or_default().as_bytes());
        let rest = pairs.filter(|(name, _)| name != "lang");
        let query = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs(rest)
            .append_pair("lang", other)
            .finish();
        Self {
            language,
            shop_name: app.config.checkout.shop_name.clone(),
            test: app.config.toss_key_kind() == Some(TossKeyKind::Test),
            support_url: app.config.checkout.support_url.as_ref().map(ToString::to_string),
            other_language: format!("?{query}"),
            zone: app.config.billing.timezone,
        }
    }

    /// The text of the page's language.
    pub(crate) fn say<'a>(&self, korean: &'a str, english: &'a str) -> &'a str {
        match self.language {
            Language::Korean => korean,
            Language::English => english,
        }
    }

    /// `ko` or `en`.
    pub(crate) fn code(&self) -> &'static str {
        match self.language {
            Language::Korean => "ko",
            Language::English => "en",
        }
    }

    /// An amount as people read it.
    pub(crate) fn won(&self, amount: impl Into<i64>) -> String {
        won(amount.into(), self.language)
    }

    /// A day as people read it, in `billing.timezone`.
    pub(crate) fn date(&self, at: &DateTime<Utc>) -> String {
        date(*at, self.zone, self.language)
    }

    /// A day and a time as people read them, in `billing.timezone`.
    pub(crate) fn instant(&self, at: &DateTime<Utc>) -> String {
        instant(*at, self.zone, self.language)
    }

    /// Toss's word for how a payment stands, for scripts and styles.
    #[expect(clippy::unused_self, reason = "templates know the shell alone")]
    pub(crate) fn status(&self, status: &PaymentStatus) -> String {
        status.to_value()
    }

    /// The link to one of our files.
    #[expect(clippy::unused_self, reason = "templates know the shell alone")]
    pub(crate) fn asset(&self, name: &str) -> String {
        assets::link(name)
    }
}

/// A page, whole: rendered, and with the headers that it needs.
pub(crate) fn page(app: &App, status: StatusCode, policy: Policy, template: &impl Template) -> Response {
    let html = match template.render() {
        Ok(html) => html,
        Err(error) => {
            tracing::error!(%error, "a page cannot be rendered");
            let mut response = Response::builder().status(StatusCode::INTERNAL_SERVER_ERROR).finish();
            headers::secure(app, Policy::Own, &mut response);
            return response;
        }
    };
    let mut response = Response::builder().status(status).content_type("text/html; charset=utf-8").body(html);
    headers::secure(app, policy, &mut response);
    response
}

/// Sends the browser on with a GET, and lets nobody keep where.
pub(crate) fn see_other(app: &App, location: &str) -> Response {
    let mut response = Response::builder().status(StatusCode::SEE_OTHER).finish();
    match HeaderValue::from_str(location) {
        Ok(value) => drop(response.headers_mut().insert(header::LOCATION, value)),
        Err(error) => {
            tracing::error!(%error, "a page cannot be sent on");
            response.set_status(StatusCode::INTERNAL_SERVER_ERROR);
        }
    }
    headers::secure(app, Policy::Own, &mut response);
    response
}
