//! `/checkout/success`: where Toss sends a buyer who has authenticated. It charges, once, and sends the browser to the
//! order's page: what the address bar then shows can be reloaded as often as one likes.

use std::time::Duration;

use entity::{PaymentKey, Won};
use poem::web::{Data, Query};
use poem::{Request, Response, handler};
use serde::Deserialize;

use super::link::Token;
use super::returns::return_urls;
use super::standing::Standing;
use super::visit;
use crate::app::App;
use crate::http::error::ApiError;
use crate::http::language::Language;
use crate::http::problems::RequestId;
use crate::pages::{self, Shell, see_other};
use crate::payments::{Confirm, ConfirmError, confirm_within};

/// How long the browser waits before it is shown that the confirmation takes its time.
const SHOWS_WITHIN: Duration = Duration::from_millis(1_500);

/// What Toss adds to the success URL. All of it comes through the browser, so that none of it is believed, and none of it
/// is for a log line.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[derive(Default)]
pub(super) struct Success {
    token: String,
    payment_key: String,
    order_id: String,
    amount: String,
}

/// Confirms, and sends on to where the truth is shown.
#[handler]
pub(super) async fn success(
    app: Data<&App>,
    request: &Request,
    Query(said): Query<Success>,
) -> Result<Response, ApiError> {
    visit::by_a_person(request)?;
    let now = app.clock.now();
    let token = Token::read(&app, &said.order_id, &said.token, now)?;
    if let (Ok(payment_key), Some(amount)) = (said.payment_key.parse(), won(&said.amount)) {
        let command = confirmation(&token, payment_key, amount);
        match confirm_within(&app, command, now, SHOWS_WITHIN).await {
            // Where it stands by now, the order's page tells: also where the key is being put right, or where the browser
            // has made an amount up and nothing was asked.
            Ok(_)
            | Err(
                ConfirmError::Rejected(_)
                | ConfirmError::OrderExpired
                | ConfirmError::OrderNotFound
                | ConfirmError::AmountMismatch
                | ConfirmError::PaymentKeyConflict
                | ConfirmError::Misconfigured,
            ) => {}
            Err(
                error @ (ConfirmError::Unavailable(_) | ConfirmError::Claim(_) | ConfirmError::Database(_)),
            ) => return Ok(busy(&app, request, error)),
        }
    }
    Ok(see_other(&app, &place(&app, &token, Language::asked(request)).await?))
}

fn confirmation(token: &Token, payment_key: PaymentKey, amount: Won) -> Confirm {
    let order_id = token.order_id().clone();
    Confirm { owner: None, payment_key, order_id, amount, claim: None }
}

fn won(text: &str) -> Option<Won> {
    Won::new(text.parse().ok()?)
}

/// Nothing could be begun, or nobody knows whether it was: the same address again will tell, and charges once.
fn busy(app: &App, request: &Request, error: ConfirmError) -> Response {
    let shell = Shell::of(app, request);
    let note = shell.say(
        "아직 결제되지 않았을 수 있습니다. 이 창을 닫지 마세요. 자동으로 다시 시도하며, 두 번 결제되지 않습니다.",
        "You may not have paid yet. Keep this window open: it tries again by itself, and you are never charged twice.",
    );
    let again = request.uri().path_and_query().map(|path| path.as_str().to_owned());
    let request_id = request.data::<RequestId>().map_or("", |id| &id.0);
    pages::problem(app, shell, request_id, again, &error.into(), Some(note))
}

/// The order's page, or the shop's own once it is paid.
async fn place(app: &App, token: &Token, language: Option<Language>) -> Result<String, ApiError> {
    let order_id = token.order_id();
    if Standing::of(app, order_id, app.clock.now()).await?.is_done()
        && let Some(shop) = return_urls(app, order_id).await?.after_success(order_id)
    {
        return Ok(shop);
    }
    Ok(token.page(language))
}
