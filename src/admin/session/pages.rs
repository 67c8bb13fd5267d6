//! The sign-in page, signing in and signing out.

use std::sync::Arc;

use askama::Template;
use chrono::{DateTime, Utc};
use poem::http::{HeaderValue, StatusCode, header};
use poem::web::{Data, Query};
use poem::{Request, Response, handler};
use serde::Deserialize;
use serde_json::json;

use super::key::Key;
use super::limit::Checked;
use super::{SIGN_IN, SignIns, cookie, destination, forget, open};
use crate::admin::desk::{Desk, Posted, remember_language};
use crate::admin::form::Fields;
use crate::app::App;
use crate::audit::{self, Act, Action, Actor};
use crate::http::error::ApiError;
use crate::http::origin::origin;
use crate::pages::{Policy, Shell, page, see_other};

/// The page on which people sign in.
#[derive(Template)]
#[template(path = "admin/session/sign_in.html")]
struct SignInPage {
    shell: Shell,
    /// Where to go then.
    next: String,
    /// Whether `auth.admin_key` is set; else only keys of the table open it.
    has_admin_key: bool,
    problem: Option<Problem>,
}

/// What went wrong before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::admin) enum Problem {
    /// It is not the key.
    WrongKey,
    /// Too many wrong keys; seconds to wait.
    TooMany(u32),
    /// The session is over, so that nothing was done.
    SignedOut,
}

/// Where the browser wanted to go.
#[derive(Debug, Deserialize)]
pub(in crate::admin) struct Wanted {
    next: Option<String>,
}

/// Asks for the key.
#[handler]
pub(in crate::admin) async fn sign_in_form(
    request: &Request,
    app: Data<&App>,
    Query(wanted): Query<Wanted>,
) -> Response {
    sign_in_page(&app, request, wanted.next.as_deref(), StatusCode::OK, None)
}

/// The sign-in page with what went wrong.
pub(in crate::admin) fn sign_in_page(
    app: &App,
    request: &Request,
    next: Option<&str>,
    status: StatusCode,
    problem: Option<Problem>,
) -> Response {
    let shell = Shell::of(app, request);
    let has_admin_key = app.config.auth.admin_key.is_some();
    let template = SignInPage { shell, next: destination(next).to_owned(), has_admin_key, problem };
    let mut response = page(app, status, Policy::Own, &template);
    if let Some(Problem::TooMany(seconds)) = problem {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    remember_language(request, &mut response);
    response
}

/// Signs in whoever gives a key that may.
#[handler]
pub(in crate::admin) async fn sign_in(
    request: &Request,
    app: Data<&App>,
    fields: Fields,
    Data(sign_ins): Data<&Arc<SignIns>>,
) -> poem::Result<Response> {
    let now = app.clock.now();
    let from = origin(request, &app.config.server.trusted_proxies);
    let next = fields.get("next");
    let again = |status, problem| sign_in_page(&app, request, next, status, Some(problem));
    let text = fields.get("key").unwrap_or_default();
    let checked = sign_ins.check(from, now, Key::of_text(&app, text, now)).await.map_err(ApiError::from)?;
    let key = match checked {
        Checked::Right(key) => key,
        Checked::Wrong { wait, entry } => {
            tracing::warn!(
                ?from,
                "{} at the dashboard",
                wait.map_or("a wrong key", |_| "too many wrong keys")
            );
            if let Some(failures) = entry {
                note_failures(&app, request, failures, now).await;
            }
            return Ok(match wait {
                None => again(StatusCode::UNAUTHORIZED, Problem::WrongKey),
                Some(seconds) => again(StatusCode::TOO_MANY_REQUESTS, Problem::TooMany(seconds)),
            });
        }
    };
    let actor = Actor::dashboard(&app, request, key.name());
    let Some(cookie) = open(&app, &key, &actor, now).await.map_err(ApiError::from)? else {
        return Ok(again(StatusCode::UNAUTHORIZED, Problem::WrongKey));
    };
    tracing::info!(?from, key = actor.name, "somebody signed in at the dashboard");
    let mut response = see_other(&app, destination(next));
    if let Some(value) = cookie.set(&app, now) {
        response.headers_mut().append(header::SET_COOKIE, value);
    }
    Ok(response)
}

/// Tells the audit log that wrong keys came. Whoever gave one is answered anyway.
async fn note_failures(app: &App, request: &Request, failures: u32, now: DateTime<Utc>) {
    let actor = Actor::dashboard(app, request, "nobody".to_owned());
    let act = Act::new(Action::SignInFailed, "dashboard").made(json!({"failuresWithinAnHour": failures}));
    if let Err(error) = audit::record(app, &actor, &act, now).await {
        tracing::warn!(%error, "failed sign-ins could not be written down");
    }
}

/// Ends the session, here and on every replica.
#[handler]
pub(in crate::admin) async fn sign_out(posted: Posted) -> poem::Result<Response> {
    let app = &posted.desk.app;
    forget(app, &posted.desk.session).await.map_err(ApiError::from)?;
    let mut response = see_other(app, SIGN_IN);
    if let Some(value) = cookie::unset(app) {
        response.headers_mut().append(header::SET_COOKIE, value);
    }
    Ok(response)
}

/// Where a link to a form's address leads; nobody is signed out by a link.
#[handler]
pub(in crate::admin) fn stay(desk: Desk) -> Response {
    desk.see_other("/admin")
}
