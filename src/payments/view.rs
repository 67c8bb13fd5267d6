//! How payments look to callers.

use entity::payment::{self, PaymentStatus};
use poem_openapi::{Enum, Object};

use super::receipt::Receipt;
use crate::http::nullable::Nullable;
use crate::http::page::Page;
use crate::http::time::Instant;
use crate::subscriptions::api::SubscriptionView;
use crate::toss;

/// Toss's eight states of a payment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[oai(rename = "PaymentStatus", rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Standing {
    /// The window is open, the buyer has not authenticated.
    Ready,
    /// The outcome of the confirmation is not known yet; the service finds it out by itself.
    InProgress,
    /// A virtual account was issued and waits for its deposit.
    WaitingForDeposit,
    /// Approved.
    Done,
    /// Cancelled in one piece.
    Canceled,
    /// Cancelled in parts; also when nothing is left.
    PartialCanceled,
    /// A definite no; the order can be paid again with a new payment key while it lasts.
    Aborted,
    /// It was not confirmed in time.
    Expired,
}

impl From<PaymentStatus> for Standing {
    fn from(status: PaymentStatus) -> Self {
        match status {
            PaymentStatus::Ready => Self::Ready,
            PaymentStatus::InProgress => Self::InProgress,
            PaymentStatus::WaitingForDeposit => Self::WaitingForDeposit,
            PaymentStatus::Done => Self::Done,
            PaymentStatus::Canceled => Self::Canceled,
            PaymentStatus::PartialCanceled => Self::PartialCanceled,
            PaymentStatus::Aborted => Self::Aborted,
            PaymentStatus::Expired => Self::Expired,
        }
    }
}

impl From<Standing> for PaymentStatus {
    fn from(standing: Standing) -> Self {
        match standing {
            Standing::Ready => Self::Ready,
            Standing::InProgress => Self::InProgress,
            Standing::WaitingForDeposit => Self::WaitingForDeposit,
            Standing::Done => Self::Done,
            Standing::Canceled => Self::Canceled,
            Standing::PartialCanceled => Self::PartialCanceled,
            Standing::Aborted => Self::Aborted,
            Standing::Expired => Self::Expired,
        }
    }
}

/// Why Toss, or its payment window, said no.
#[derive(Clone, Debug, Object)]
#[oai(rename = "PaymentFailure")]
pub struct FailureView {
    /// Toss's code.
    pub code: String,
    /// Toss's words.
    pub message: String,
}

/// The account to pay into.
#[derive(Clone, Debug, Object)]
#[oai(rename = "VirtualAccount", rename_all = "camelCase")]
pub struct VirtualAccountView {
    /// Toss's code of the bank.
    pub bank_code: Nullable<String>,
    /// The bank's Korean name.
    pub bank: Nullable<String>,
    /// The number to pay into.
    pub account_number: Nullable<String>,
    /// Whose name the account shows.
    pub customer_name: Nullable<String>,
    /// Until when it can be paid.
    pub due_date: Nullable<Instant>,
    /// Whether the term has passed.
    pub expired: bool,
}

impl From<toss::VirtualAccount> for VirtualAccountView {
    fn from(account: toss::VirtualAccount) -> Self {
        Self {
            bank_code: account.bank_code.into(),
            bank: account.bank.into(),
            account_number: account.account_number.into(),
            customer_name: account.customer_name.into(),
            due_date: account.due_date.map(Instant::from).into(),
            expired: account.expired,
        }
    }
}

/// A payment.
#[derive(Clone, Debug, Object)]
#[oai(rename = "Payment", rename_all = "camelCase")]
pub struct PaymentView {
    /// Identifies the purchase, here and at Toss.
    pub order_id: String,
    /// Who buys.
    pub user_id: String,
    /// What is bought.
    pub plan_id: String,
    /// The price, in won.
    pub amount: i64,
    /// Approved minus cancelled, in won: what can still be refunded.
    pub balance_amount: i64,
    /// `KRW`.
    pub currency: String,
    /// Toss's own status.
    pub status: Standing,
    /// The card issuer's name, the provider of an easy payment, else the method's name.
    pub payment_method: Nullable<String>,
    /// Toss's key of the newest attempt.
    pub payment_key: Nullable<String>,
    /// Toss's receipt page.
    pub receipt_url: Nullable<String>,
    /// Why it failed, if it did.
    pub failure: Nullable<FailureView>,
    /// The account to pay into, where the method is one.
    pub virtual_account: Nullable<VirtualAccountView>,
    /// When the buyer opened the payment window, by Toss.
    pub requested_at: Nullable<Instant>,
    /// When Toss approved it; the refund window counts from here.
    pub approved_at: Nullable<Instant>,
    /// When it was first written.
    pub created_at: Instant,
    /// When it last changed.
    pub updated_at: Instant,
}

impl From<payment::Model> for PaymentView {
    fn from(payment: payment::Model) -> Self {
        let account = payment.virtual_account;
        let account = account.and_then(|value| serde_json::from_value::<toss::VirtualAccount>(value).ok());
        let message = payment.failure_message.unwrap_or_default();
        Self {
            order_id: payment.order_id.to_string(),
            user_id: payment.user_id.to_string(),
            plan_id: payment.plan_id.to_string(),
            amount: payment.amount.get(),
            balance_amount: payment.balance_amount.get(),
            currency: "KRW".to_owned(),
            status: payment.status.into(),
            payment_method: payment.payment_method.into(),
            payment_key: payment.payment_key.map(|key| key.to_string()).into(),
            receipt_url: payment.receipt_url.into(),
            failure: payment.failure_code.map(|code| FailureView { code, message }).into(),
            virtual_account: account.map(VirtualAccountView::from).into(),
            requested_at: payment.requested_at.map(Instant::from).into(),
            approved_at: payment.approved_at.map(Instant::from).into(),
            created_at: payment.created_at.into(),
            updated_at: payment.updated_at.into(),
        }
    }
}

/// One page of payments, newest first.
#[derive(Clone, Debug, Object)]
#[oai(rename_all = "camelCase")]
pub(super) struct PaymentPage {
    /// The payments.
    pub items: Vec<PaymentView>,
    /// Where the next page begins; null at the end.
    pub next_cursor: Nullable<String>,
}

impl From<Page<payment::Model>> for PaymentPage {
    fn from(page: Page<payment::Model>) -> Self {
        let page = page.map(PaymentView::from);
        Self { items: page.items, next_cursor: page.next_cursor.into() }
    }
}

/// What an event order added.
#[derive(Clone, Debug, Object)]
#[oai(rename = "EventAmountReceipt")]
pub(super) struct EventAmountView {
    /// The order's contribution, in won.
    pub amount: i64,
    /// The total since, in won.
    pub total: i64,
}

/// A confirmation and what it gave.
#[derive(Clone, Debug, Object)]
#[oai(rename = "Confirmation", rename_all = "camelCase")]
pub(super) struct ConfirmationView {
    /// The payment.
    pub payment: PaymentView,
    /// The buyer's subscription, for a plan that sells time; null for an event, and while no money came in.
    pub subscription: Nullable<SubscriptionView>,
    /// What the order added, for an event; else null.
    pub event_amount: Nullable<EventAmountView>,
}

impl ConfirmationView {
    /// How `receipt` looks to callers.
    pub(super) fn of(receipt: Receipt) -> Self {
        let subscription = receipt.subscription.map(SubscriptionView::of);
        let event =
            receipt.event_amount.map(|(amount, total)| EventAmountView { amount: amount.get(), total });
        Self {
            payment: receipt.payment.into(),
            subscription: subscription.into(),
            event_amount: event.into(),
        }
    }
}
