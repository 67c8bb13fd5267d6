//! What every page of the dashboard has: somebody who is signed in, the time, a language, and the frame around it.

use askama::Template;
use chrono::{DateTime, Utc};
use poem::http::{HeaderValue, Method, StatusCode, header};
use poem::{FromRequest, Request, RequestBody, Response};

use super::form::Fields;
use super::session::{Cookie, Problem, SIGN_IN, find, sign_in_page};
use crate::app::App;
use crate::attention::{self, Part};
use crate::audit::Actor;
use crate::http::code::Code;
use crate::http::error::ApiError;
use crate::http::language::Language;
use crate::http::page::PageRequest;
use crate::pages::{self, Policy, Shell};

/// What signatures of forms are for.
const FORM: &str = "admin-form";
/// Matters that are counted one by one.
const MOST_COUNTED: usize = 99;

/// A request by somebody who is signed in.
#[derive(Clone, Debug)]
pub(super) struct Desk {
    /// The service.
    pub(super) app: App,
    /// The session's id.
    pub(super) session: String,
    /// Who acts, for the audit log.
    pub(super) actor: Actor,
    /// When the request came; everything on the page is as of then.
    pub(super) now: DateTime<Utc>,
    /// Language, zone and the like.
    pub(super) shell: Shell,
    /// The language that the link asks for.
    language_asked: Option<Language>,
}

/// Pages that the navigation leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Nav {
    /// The figures.
    Overview,
    /// Payments and refunds.
    Payments,
    /// Subscriptions.
    Subscriptions,
    /// Plans.
    Plans,
    /// The event total.
    Events,
    /// Jobs.
    Jobs,
    /// What needs a person.
    Attention,
    /// CSV files.
    Exports,
    /// Who did what.
    Audit,
}

impl Nav {
    /// Every page, in the order of the navigation.
    const ALL: [Nav; 9] = [
        Nav::Overview,
        Nav::Attention,
        Nav::Payments,
        Nav::Subscriptions,
        Nav::Plans,
        Nav::Events,
        Nav::Jobs,
        Nav::Exports,
        Nav::Audit,
    ];

    fn path(self) -> &'static str {
        match self {
            Self::Overview => "/admin",
            Self::Attention => "/admin/attention",
            Self::Payments => "/admin/payments",
            Self::Subscriptions => "/admin/subscriptions",
            Self::Plans => "/admin/plans",
            Self::Events => "/admin/event-amounts",
            Self::Jobs => "/admin/jobs",
            Self::Exports => "/admin/exports",
            Self::Audit => "/admin/audit",
        }
    }

    fn label(self, shell: &Shell) -> &'static str {
        match self {
            Self::Overview => shell.say("개요", "Overview"),
            Self::Attention => shell.say("확인 필요", "Attention"),
            Self::Payments => shell.say("결제", "Payments"),
            Self::Subscriptions => shell.say("구독", "Subscriptions"),
            Self::Plans => shell.say("요금제", "Plans"),
            Self::Events => shell.say("이벤트 금액", "Event amounts"),
            Self::Jobs => shell.say("작업", "Jobs"),
            Self::Exports => shell.say("내보내기", "Exports"),
            Self::Audit => shell.say("감사 기록", "Audit log"),
        }
    }
}

/// A link of the navigation.
#[derive(Clone, Debug)]
pub(super) struct NavLink {
    pub(super) path: &'static str,
    pub(super) label: &'static str,
    pub(super) here: bool,
    /// What is said beside it.
    pub(super) badge: Option<String>,
}

/// What surrounds the content of a page of the dashboard.
#[derive(Clone, Debug)]
pub(super) struct Frame {
    shell: Shell,
    /// The navigation.
    pub(super) links: Vec<NavLink>,
    /// What forms carry to show that they are ours.
    pub(super) csrf: String,
}

impl std::ops::Deref for Frame {
    type Target = Shell;

    fn deref(&self) -> &Shell {
        &self.shell
    }
}

impl Desk {
    /// The frame of a page below `here`.
    ///
    /// # Errors
    /// The database's own.
    pub(super) async fn frame(&self, here: Nav) -> Result<Frame, ApiError> {
        let waiting = self.waiting().await?;
        let links = Nav::ALL.map(|nav| NavLink {
            path: nav.path(),
            label: nav.label(&self.shell),
            here: nav == here,
            badge: waiting.clone().filter(|_| nav == Nav::Attention),
        });
        let csrf = self.app.signer.sign(FORM, &[&self.session]);
        Ok(Frame { shell: self.shell.clone(), links: links.into(), csrf })
    }

    /// How much needs a person; none when nothing does.
    async fn waiting(&self) -> Result<Option<String>, ApiError> {
        let first = Part::ALL.first().map_or("", |part| part.name());
        let begin = (0, PageRequest::first_of(first, MOST_COUNTED));
        let page = attention::list(&self.app, begin, self.now).await?;
        let count = page.items.len();
        let more = if page.next_cursor.is_some() { "+" } else { "" };
        Ok((count > 0).then(|| format!("{count}{more}")))
    }

    /// A page.
    pub(super) fn page(&self, template: &impl Template) -> Response {
        self.page_with(StatusCode::OK, template)
    }

    /// A page with a status of its own.
    pub(super) fn page_with(&self, status: StatusCode, template: &impl Template) -> Response {
        let mut response = pages::page(&self.app, status, Policy::Own, template);
        if let Some(language) = self.language_asked {
            keep_language(language, &mut response);
        }
        response
    }

    /// Sends the browser on.
    pub(super) fn see_other(&self, location: &str) -> Response {
        let mut response = pages::see_other(&self.app, location);
        if let Some(language) = self.language_asked {
            keep_language(language, &mut response);
        }
        response
    }
}

impl<'a> FromRequest<'a> for Desk {
    async fn from_request(request: &'a Request, _body: &mut RequestBody) -> poem::Result<Self> {
        let app = request.data::<App>().ok_or_else(|| ApiError::from(Code::Internal))?;
        let now = app.clock.now();
        let session = match Cookie::of(app, request, now) {
            Some(cookie) => find(app, &cookie, now).await.map_err(ApiError::from)?,
            None => None,
        };
        let Some(session) = session else {
            return Err(poem::Error::from_response(turned_away(app, request)));
        };
        let shell = Shell::of(app, request);
        let actor = Actor::dashboard(app, request, session.holder);
        let (app, session) = (app.clone(), session.id);
        Ok(Self { app, session, actor, now, shell, language_asked: Language::asked(request) })
    }
}

/// Somebody who is not signed in asks to be; what was posted is not done.
fn turned_away(app: &App, request: &Request) -> Response {
    if request.method() != Method::GET && request.method() != Method::HEAD {
        return sign_in_page(app, request, None, StatusCode::UNAUTHORIZED, Some(Problem::SignedOut));
    }
    let wanted = request.original_uri().path_and_query().map_or("/admin", |path| path.as_str());
    let query = url::form_urlencoded::Serializer::new(String::new()).append_pair("next", wanted).finish();
    let mut response = pages::see_other(app, &format!("{SIGN_IN}?{query}"));
    remember_language(request, &mut response);
    response
}

/// A form that somebody who is signed in has sent from one of our own pages. Whatever changes anything takes this.
#[derive(Clone, Debug)]
pub(super) struct Posted {
    /// Who, when, how.
    pub(super) desk: Desk,
    /// What.
    pub(super) fields: Fields,
}

impl<'a> FromRequest<'a> for Posted {
    async fn from_request(request: &'a Request, body: &mut RequestBody) -> poem::Result<Self> {
        let desk = Desk::from_request(request, body).await?;
        let fields = Fields::from_request(request, body).await?;
        if !desk.app.signer.verify(FORM, &[&desk.session], fields.get("csrf").unwrap_or_default()) {
            tracing::warn!("a form without its session's token was refused");
            return Err(ApiError::from(Code::Forbidden).into());
        }
        Ok(Self { desk, fields })
    }
}

/// A language that was asked for by a link holds for the pages after it.
pub(super) fn remember_language(request: &Request, response: &mut Response) {
    if let Some(language) = Language::asked(request) {
        keep_language(language, response);
    }
}

fn keep_language(language: Language, response: &mut Response) {
    let code = match language {
        Language::Korean => "ko",
        Language::English => "en",
    };
    let cookie = format!("lang={code}; Path=/; Max-Age=31536000; SameSite=Lax");
    if let Ok(value) = HeaderValue::from_str(&cookie) {
        response.headers_mut().append(header::SET_COOKIE, value);
    }
}
