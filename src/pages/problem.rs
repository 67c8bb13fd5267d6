//! What a browser is shown where a program would get a problem document.

use askama::Template;
use poem::Response;
use poem::http::{HeaderValue, header};

use super::{Policy, Shell, page};
use crate::app::App;
use crate::http::code::Code;
use crate::http::error::ApiError;

/// What went wrong, for people: an API's words about fields mean nothing to them.
fn detail(code: Code, shell: &Shell) -> &'static str {
    match code {
        Code::InvalidRequest => shell.say("주소를 이해하지 못했습니다.", "This address makes no sense."),
        code => code.detail(shell.language),
    }
}

/// A page that says what went wrong and what one can do.
#[derive(Template)]
#[template(path = "pages/problem.html")]
struct ProblemPage {
    shell: Shell,
    title: &'static str,
    detail: &'static str,
    code: &'static str,
    request_id: String,
    /// The page again, where another try may help.
    again: Option<String>,
    /// Seconds after which the page tries by itself.
    wait: Option<u32>,
    /// What matters most to whoever waits.
    note: Option<&'static str>,
}

/// The page for `error`; `again` is what to try again, `note` what else to know.
pub(crate) fn problem(
    app: &App,
    shell: Shell,
    request_id: &str,
    again: Option<String>,
    error: &ApiError,
    note: Option<&'static str>,
) -> Response {
    let passing = matches!(
        error.code,
        Code::DatabaseUnavailable | Code::Overloaded | Code::PgUnavailable | Code::RateLimited
    );
    let title = if passing {
        shell.say("잠시만 기다려 주세요", "One moment, please")
    } else if error.code == Code::NotFound {
        shell.say("없는 페이지입니다", "There is no such page")
    } else {
        shell.say("처리하지 못했습니다", "That did not work")
    };
    let again = again.filter(|_| passing);
    // What would do something again is never done by itself.
    let wait = again.is_some().then(|| error.retry_after.unwrap_or(2));
    let header = passing.then(|| error.retry_after.unwrap_or(2));
    let template = ProblemPage {
        title,
        detail: detail(error.code, &shell),
        code: error.code.as_str(),
        request_id: request_id.to_owned(),
        again,
        wait,
        note,
        shell,
    };
    let mut response = page(app, poem::error::ResponseError::status(error), Policy::Own, &template);
    if let Some(seconds) = header {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}
