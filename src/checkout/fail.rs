//! `/checkout/fail`: where Toss sends a buyer whose payment came to nothing. It writes down why and offers another try.

use askama::Template;
use poem::http::StatusCode;
use poem::web::{Data, Query};
use poem::{Request, Response, handler};
use serde::Deserialize;

use super::link::Token;
use super::refusal::CLOSED;
use super::returns::return_urls;
use super::standing::{Refusal, Standing};
use super::visit;
use crate::app::App;
use crate::http::error::ApiError;
use crate::http::language::Language;
use crate::pages::{Policy, Shell, page, see_other};
use crate::payments::{self, Fail, FailError};
use crate::toss::Failure;

/// The most characters of a code that are kept.
const LONGEST_CODE: usize = 100;
/// The most characters of a message that are kept: Toss's own bound.
const LONGEST_MESSAGE: usize = 510;

/// What Toss adds to the fail URL. It leaves `orderId` out when the buyer closed the window.
#[derive(Debug, Deserialize)]
pub(super) struct Failed {
    order: String,
    #[serde(default)]
    token: String,
    #[serde(default)]
    code: String,
    #[serde(default)]
    message: String,
}

#[derive(Template)]
#[template(path = "checkout/failed.html")]
struct FailedPage {
    shell: Shell,
    refusal: Refusal,
    again: String,
    shop: Option<String>,
}

/// Writes the failure down, and shows it while the order can still be paid.
#[handler]
pub(super) async fn fail(
    app: Data<&App>,
    request: &Request,
    Query(said): Query<Failed>,
) -> Result<Response, ApiError> {
    visit::by_a_person(request)?;
    let now = app.clock.now();
    let token = Token::read(&app, &said.order, &said.token, now)?;
    let order_id = token.order_id().clone();
    let failure = Failure { code: code(&said.code), message: words(&said.message, LONGEST_MESSAGE) };
    let command = Fail { owner: None, order_id: order_id.clone(), failure: failure.clone(), claim: None };
    match payments::fail(&app, &command, now).await {
        // An order that is gone was paid or is over; its page tells.
        Ok(_) | Err(FailError::OrderNotFound) => {}
        Err(error @ (FailError::Claim(_) | FailError::Database(_))) => return Err(error.into()),
    }
    let again = token.page(Language::asked(request));
    if !matches!(Standing::of(&app, &order_id, now).await?, Standing::Open(_)) {
        return Ok(see_other(&app, &again));
    }
    let urls = return_urls(&app, &order_id).await?;
    let template = FailedPage {
        shell: Shell::of(&app, request),
        shop: urls.after_failure(&order_id, &failure.code, &failure.message),
        refusal: Refusal { failure, by_toss: false },
        again,
    };
    Ok(page(&app, StatusCode::OK, Policy::Own, &template))
}

impl FailedPage {
    fn closed(&self) -> bool {
        self.refusal.failure.code == CLOSED
    }
}

/// A code as Toss makes them; anything else that a browser brings is one word.
fn code(said: &str) -> String {
    let sane = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    let known = (1..=LONGEST_CODE).contains(&said.len()) && said.bytes().all(sane);
    if known { said.to_owned() } else { "UNKNOWN".to_owned() }
}

fn words(said: &str, most: usize) -> String {
    said.chars().filter(|c| !c.is_control()).take(most).collect()
}
