//! The signed, expiring links to an order's page and to what Toss sends its buyer back to.

use std::fmt;

use chrono::{DateTime, Utc};
use entity::{OrderId, temp_order};
use url::form_urlencoded::Serializer;

use super::standing::Standing;
use crate::app::App;
use crate::http::code::Code;
use crate::http::language::Language;

/// What the signature is for.
const PURPOSE: &str = "checkout";

/// The right to see one order's page, as links carry it: `{seconds since 1970}.{signature}`.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Token {
    order_id: OrderId,
    text: String,
    over: bool,
}

/// Whoever has its text sees the page.
impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Token").field("order_id", &self.order_id).finish_non_exhaustive()
    }
}

impl Token {
    /// The right to the page of `order_id` until `expires_at`.
    pub(super) fn new(app: &App, order_id: &OrderId, expires_at: DateTime<Utc>) -> Self {
        let expires = expires_at.timestamp().to_string();
        let signature = app.signer.sign(PURPOSE, &[order_id.as_str(), &expires]);
        Self { order_id: order_id.clone(), text: format!("{expires}.{signature}"), over: false }
    }

    /// Reads a token for `order_id`.
    ///
    /// # Errors
    /// [`Code::OrderNotFound`] when it is no token of ours for this order.
    pub(super) fn read(app: &App, order_id: &str, text: &str, now: DateTime<Utc>) -> Result<Self, Code> {
        let order_id: OrderId = order_id.parse().map_err(|_| Code::OrderNotFound)?;
        let (expires, signature) = text.split_once('.').ok_or(Code::OrderNotFound)?;
        let signed = app.signer.verify(PURPOSE, &[order_id.as_str(), expires], signature);
        if !signed {
            return Err(Code::OrderNotFound);
        }
        let over = expires.parse::<i64>().is_ok_and(|expires| now.timestamp() >= expires);
        Ok(Self { order_id, text: text.to_owned(), over })
    }

    /// Whether the page has closed. One that shows where to pay stays open for as long as it waits for the money.
    pub(super) fn closed_for(&self, standing: &Standing) -> bool {
        self.over && !matches!(standing, Standing::Deposit(_))
    }

    /// The order.
    pub(super) fn order_id(&self) -> &OrderId {
        &self.order_id
    }

    /// The order's page, relative to the service.
    pub(super) fn page(&self, language: Option<Language>) -> String {
        format!("/checkout/{}?{}", self.order_id, self.query(language))
    }

    /// Where a page asks how the order stands, relative to the service.
    pub(super) fn state(&self) -> String {
        format!("/checkout/{}/state?{}", self.order_id, self.query(None))
    }

    /// Where Toss sends the buyer after authentication; it adds what it says.
    pub(super) fn success(&self, app: &App, language: Option<Language>) -> String {
        format!("{}/checkout/success?{}", app.public_url(), self.query(language))
    }

    /// Where Toss sends the buyer otherwise. Toss does not always name the order, so that the link does.
    pub(super) fn fail(&self, app: &App, language: Option<Language>) -> String {
        format!("{}/checkout/fail?order={}&{}", app.public_url(), self.order_id, self.query(language))
    }

    fn query(&self, language: Option<Language>) -> String {
        let mut query = Serializer::new(String::new());
        query.append_pair("token", &self.text);
        match language {
            Some(Language::Korean) => drop(query.append_pair("lang", "ko")),
            Some(Language::English) => drop(query.append_pair("lang", "en")),
            None => {}
        }
        query.finish()
    }
}

/// The link to the page of `order`, good until its page closes; the same one whenever it is asked for.
pub fn page_url(app: &App, order: &temp_order::Model) -> String {
    let token = Token::new(app, &order.order_id, page_closes_at(app, order));
    format!("{}{}", app.public_url(), token.page(None))
}

/// From when on the page of `order` is closed.
pub(super) fn page_closes_at(app: &App, order: &temp_order::Model) -> DateTime<Utc> {
    // Never before the order itself, whatever the settings say.
    (order.created_at + app.config.checkout.link_ttl()).max(order.expires_at)
}
