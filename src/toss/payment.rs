//! Toss's Payment object, read leniently: fields, enum values and codes may appear without notice.

use std::fmt;

use chrono::{DateTime, SubsecRound, Utc};
use secrecy::SecretString;
use serde::{Deserialize, Deserializer, Serialize};

use super::institutions;

/// A payment as Toss shows it (API version 2022-11-16), reduced to what we act on.
#[derive(Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Payment {
    /// Toss's key of the payment.
    pub payment_key: String,
    /// The order id that we gave.
    pub order_id: String,
    /// How it stands.
    pub status: Status,
    /// What was asked for, in minor units; it never changes.
    #[serde(deserialize_with = "whole")]
    pub total_amount: i64,
    /// What can still be cancelled, in minor units.
    #[serde(deserialize_with = "whole")]
    pub balance_amount: i64,
    /// `KRW` for us.
    pub currency: String,
    /// The method's Korean name.
    pub method: Option<String>,
    /// When the buyer opened the payment window.
    #[serde(default, deserialize_with = "instant_if_readable")]
    pub requested_at: Option<DateTime<Utc>>,
    /// When it was approved.
    #[serde(default, deserialize_with = "instant")]
    pub approved_at: Option<DateTime<Utc>>,
    /// Every cancel so far, oldest first.
    pub cancels: Option<Vec<CancelEntry>>,
    /// The card, where one was used.
    pub card: Option<Card>,
    /// The easy-pay provider, where one was used.
    pub easy_pay: Option<EasyPay>,
    /// The account to pay into, where the method is one.
    pub virtual_account: Option<WireVirtualAccount>,
    /// What Toss will repeat in its deposit call-back.
    pub secret: Option<SecretString>,
    /// The receipt page.
    pub receipt: Option<Receipt>,
    /// Why it was declined or expired.
    pub failure: Option<FailureWire>,
}

/// Keys, accounts and the secret are for the books alone.
impl fmt::Debug for Payment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Payment");
        shown.field("order_id", &self.order_id).field("status", &self.status);
        shown.field("balance_amount", &self.balance_amount).finish_non_exhaustive()
    }
}

/// How a payment stands at Toss.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Status {
    /// The window is open.
    Ready,
    /// Authenticated, not confirmed.
    InProgress,
    /// A virtual account waits for its deposit.
    WaitingForDeposit,
    /// Approved.
    Done,
    /// Cancelled in one piece.
    Canceled,
    /// Cancelled in parts.
    PartialCanceled,
    /// Declined.
    Aborted,
    /// Not confirmed in time.
    Expired,
    /// A status that did not exist when this was written: it decides nothing.
    #[serde(other)]
    Unlisted,
}

impl Status {
    /// Toss's word for it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ready => "READY",
            Self::InProgress => "IN_PROGRESS",
            Self::WaitingForDeposit => "WAITING_FOR_DEPOSIT",
            Self::Done => "DONE",
            Self::Canceled => "CANCELED",
            Self::PartialCanceled => "PARTIAL_CANCELED",
            Self::Aborted => "ABORTED",
            Self::Expired => "EXPIRED",
            Self::Unlisted => "UNLISTED",
        }
    }
}

/// One cancel of a payment.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CancelEntry {
    /// How much was given back, in minor units.
    #[serde(deserialize_with = "whole")]
    pub cancel_amount: i64,
    /// Why.
    pub cancel_reason: Option<String>,
    /// When.
    #[serde(default, deserialize_with = "instant_if_readable")]
    pub canceled_at: Option<DateTime<Utc>>,
    /// Toss's key of this cancel; unique.
    pub transaction_key: String,
    /// `DONE` at once for domestic methods.
    pub cancel_status: Option<String>,
}

impl CancelEntry {
    /// Whether the money is on its way back for good.
    pub fn is_done(&self) -> bool {
        self.cancel_status.as_deref().is_none_or(|status| status == "DONE")
    }
}

/// The part of a card that people know.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Card {
    issuer_code: Option<String>,
}

/// The part of an easy payment that people know.
#[derive(Clone, Debug, Deserialize)]
pub struct EasyPay {
    provider: Option<String>,
}

/// Where the receipt is.
#[derive(Clone, Debug, Deserialize)]
pub struct Receipt {
    url: Option<String>,
}

/// Why it was declined or expired.
#[derive(Clone, Debug, Deserialize)]
pub struct FailureWire {
    /// Toss's code.
    pub code: Option<String>,
    /// Toss's words.
    pub message: Option<String>,
}

/// The account to pay into, as Toss sends it.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct WireVirtualAccount {
    account_number: Option<String>,
    bank_code: Option<String>,
    customer_name: Option<String>,
    #[serde(default, deserialize_with = "instant_if_readable")]
    due_date: Option<DateTime<Utc>>,
    expired: Option<bool>,
}

/// The account to pay into, as we keep and show it. The buyer's own account for refunds is never part of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct VirtualAccount {
    /// Toss's code of the bank.
    pub bank_code: Option<String>,
    /// The bank's Korean name.
    pub bank: Option<String>,
    /// The number to pay into.
    pub account_number: Option<String>,
    /// Whose name the account shows.
    pub customer_name: Option<String>,
    /// Until when it can be paid.
    pub due_date: Option<DateTime<Utc>>,
    /// Whether the term has passed.
    pub expired: bool,
}

impl Payment {
    /// How it was paid, for people: the provider of an easy payment, else the card's issuer, else the method.
    pub fn method_for_people(&self) -> Option<String> {
        let provider = self.easy_pay.as_ref().and_then(|easy| easy.provider.as_deref());
        let provider = provider.map(|name| institutions::easy_pay(name).unwrap_or(name));
        let issuer = self.card.as_ref().and_then(|card| card.issuer_code.as_deref());
        let issuer = issuer.and_then(institutions::card_issuer);
        provider.or(issuer).or(self.method.as_deref()).map(str::to_owned)
    }

    /// The receipt page.
    pub fn receipt_url(&self) -> Option<&str> {
        self.receipt.as_ref().and_then(|receipt| receipt.url.as_deref())
    }

    /// The account to pay into, as we keep it.
    pub fn virtual_account(&self) -> Option<VirtualAccount> {
        let wire = self.virtual_account.as_ref()?;
        let bank = wire.bank_code.as_deref().and_then(institutions::bank).map(str::to_owned);
        Some(VirtualAccount {
            bank_code: wire.bank_code.clone(),
            bank,
            account_number: wire.account_number.clone(),
            customer_name: wire.customer_name.clone(),
            due_date: wire.due_date,
            expired: wire.expired.unwrap_or(false),
        })
    }

    /// The cancels that are final, oldest first.
    pub fn done_cancels(&self) -> impl Iterator<Item = &CancelEntry> {
        self.cancels.iter().flatten().filter(|cancel| cancel.is_done())
    }
}

/// Toss's amounts are JSON numbers that may have decimals in other currencies; won are whole.
pub(super) fn whole<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i64, D::Error> {
    let number = serde_json::Number::deserialize(deserializer)?;
    let text = number.to_string();
    let digits = text.strip_suffix(".0").unwrap_or(&text);
    digits.parse().map_err(|_| serde::de::Error::custom(format!("{text} is no whole amount")))
}

/// Toss's instants carry `+09:00`, but some have no offset; those mean Korean time. As fine as the books keep them:
/// what is compared with a row must not differ from it by less than a microsecond.
fn instant<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<DateTime<Utc>>, D::Error> {
    let Some(text) = Option::<String>::deserialize(deserializer)? else { return Ok(None) };
    let with_offset = DateTime::parse_from_rfc3339(&text).map(|at| at.with_timezone(&Utc));
    let korean = || DateTime::parse_from_rfc3339(&format!("{text}+09:00")).map(|at| at.with_timezone(&Utc));
    let at = with_offset.or_else(|_| korean()).map_err(serde::de::Error::custom)?;
    Ok(Some(at.trunc_subsecs(6)))
}

/// A date that nothing depends on: an unreadable one must not hide an approval.
pub(super) fn instant_if_readable<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<DateTime<Utc>>, D::Error> {
    let value = serde_json::Value::deserialize(deserializer)?;
    Ok(instant(value).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn payment(extra: serde_json::Value) -> Payment {
        let mut value = serde_json::json!({
            "paymentKey": "k", "orderId": "order-1", "status": "DONE", "totalAmount": 9900,
            "balanceAmount": 9900, "currency": "KRW", "method": "카드", "somethingNew": {"a": [1]},
            "requestedAt": "2026-01-31T15:00:00+09:00", "approvedAt": "2026-01-31T15:00:05.12345",
        });
        let fields = extra.as_object().expect("an object").clone();
        value.as_object_mut().expect("an object").extend(fields);
        serde_json::from_value(value).expect("a payment")
    }

    #[test]
    fn unknown_fields_and_values_break_nothing() {
        assert_eq!(payment(serde_json::json!({"status": "TELEPORTED"})).status, Status::Unlisted);
        assert_eq!(payment(serde_json::json!({"requestedAt": "yesterday"})).requested_at, None);
        let at = payment(serde_json::json!({})).approved_at.expect("approved");
        assert_eq!(at.to_rfc3339(), "2026-01-31T06:00:05.123450+00:00");
        let finer = payment(serde_json::json!({"approvedAt": "2026-01-31T15:00:05.123456789+09:00"}));
        assert_eq!(
            finer.approved_at.map(|at| at.to_rfc3339()).as_deref(),
            Some("2026-01-31T06:00:05.123456+00:00")
        );
    }

    #[test]
    fn people_see_the_provider_else_the_issuer_else_the_method() {
        let card = serde_json::json!({"issuerCode": "51"});
        assert_eq!(payment(serde_json::json!({"card": card})).method_for_people().as_deref(), Some("삼성"));
        let easy = serde_json::json!({"provider": "토스페이", "amount": 9900});
        let both = payment(serde_json::json!({"card": card, "easyPay": easy}));
        assert_eq!(both.method_for_people().as_deref(), Some("토스페이"));
        let unknown = payment(serde_json::json!({"card": {"issuerCode": "??"}}));
        assert_eq!(unknown.method_for_people().as_deref(), Some("카드"));
    }

    #[test]
    fn a_fraction_of_a_won_is_no_amount() {
        let value = serde_json::json!({"cancelAmount": 726.24, "transactionKey": "t"});
        assert!(serde_json::from_value::<CancelEntry>(value).is_err());
    }
}
