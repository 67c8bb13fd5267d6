//! The payment window, seen from Toss: a buyer opens it, chooses how to pay, and authenticates.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::Books;
use crate::{
    ids,
    means::{Card, Means, PayMethod, VirtualAccount, card, easy_pay},
    payment::{Payment, Status},
    refusal::Refusal,
};

/// No single payment may be larger, so that sums of all of them stay far from overflow.
const MAX_AMOUNT: i64 = 1_000_000_000_000;

/// What a buyer does in the payment window.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Authenticate {
    /// The shop's order.
    pub order_id: String,
    /// Won.
    pub amount: i64,
    /// What is bought; made up when absent.
    #[serde(default)]
    pub order_name: Option<String>,
    /// The shop's name for its customer.
    #[serde(default)]
    pub customer_key: Option<String>,
    /// The buyer's name; shown for a virtual account.
    #[serde(default)]
    pub customer_name: Option<String>,
    /// How the buyer pays.
    #[serde(default)]
    pub method: PayMethod,
    /// The card, for `CARD` and, behind the wallet, for `EASY_PAY`.
    #[serde(default)]
    pub card: Option<CardInput>,
    /// The wallet's code, for `EASY_PAY`; Toss Pay when absent.
    #[serde(default)]
    pub easy_pay_provider: Option<String>,
    /// The bank of a `VIRTUAL_ACCOUNT`, by its code; 88 (신한) when absent.
    #[serde(default)]
    pub bank: Option<String>,
    /// The part of the amount that bears no tax.
    #[serde(default)]
    pub tax_free_amount: i64,
    /// Whether the buyer gets through; with `false` the window just stands open.
    #[serde(default = "yes")]
    pub authenticated: bool,
}

fn yes() -> bool {
    true
}

/// A card as the buyer types it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CardInput {
    /// The number, 14 to 19 digits. It decides issuer and outcome.
    pub number: String,
}

impl Authenticate {
    /// A buyer who pays by the default card and authenticates at once.
    pub fn new(order_id: impl Into<String>, amount: i64) -> Self {
        Self {
            order_id: order_id.into(),
            amount,
            order_name: None,
            customer_key: None,
            customer_name: None,
            method: PayMethod::Card,
            card: None,
            easy_pay_provider: None,
            bank: None,
            tax_free_amount: 0,
            authenticated: true,
        }
    }

    /// The same buyer with this card.
    #[must_use]
    pub fn card(mut self, number: impl Into<String>) -> Self {
        self.card = Some(CardInput { number: number.into() });
        self
    }

    /// The same buyer with another method.
    #[must_use]
    pub fn method(mut self, method: PayMethod) -> Self {
        self.method = method;
        self
    }

    /// The same buyer, who opens the window and does not authenticate.
    #[must_use]
    pub fn only_opened(mut self) -> Self {
        self.authenticated = false;
        self
    }

    /// Refuses what Toss would not open a window for.
    pub(crate) fn check(&self) -> Result<(), Refusal> {
        if !valid_order_id(&self.order_id) {
            return Err(Refusal::invalid("orderId must be 6 to 64 of A-Z a-z 0-9 - _ ="));
        }
        if !(1..=MAX_AMOUNT).contains(&self.amount) {
            return Err(Refusal::invalid("amount must be a whole number of won above zero"));
        }
        if !(0..=self.amount).contains(&self.tax_free_amount) {
            return Err(Refusal::invalid("taxFreeAmount must lie between zero and the amount"));
        }
        let sized = |text: &Option<String>, max: usize| {
            text.as_ref().is_none_or(|text| (1..=max).contains(&text.chars().count()))
        };
        if !sized(&self.order_name, 100)
            || !sized(&self.customer_name, 100)
            || !sized(&self.customer_key, 300)
        {
            return Err(Refusal::invalid("orderName, customerName or customerKey is empty or too long"));
        }
        Ok(())
    }

    fn means(&self) -> Result<Means, Refusal> {
        let number = self.card.as_ref().map(|card| card.number.as_str());
        Ok(match self.method {
            PayMethod::Card => Means::Card(Card::of(number.unwrap_or(card::DEFAULT_NUMBER))?),
            PayMethod::EasyPay => {
                let code = self.easy_pay_provider.as_deref().unwrap_or("TOSSPAY");
                let provider = easy_pay::name_of(code).ok_or_else(|| Refusal::new("INVALID_EASY_PAY"))?;
                Means::EasyPay { provider, card: number.map(Card::of).transpose()? }
            }
            PayMethod::VirtualAccount => {
                let customer = self.customer_name.as_deref().unwrap_or("김토스");
                Means::VirtualAccount(VirtualAccount::new(customer, self.bank.as_deref())?)
            }
            PayMethod::Transfer => Means::Transfer { bank: "88" },
            PayMethod::MobilePhone => Means::MobilePhone { number: "01012345678" },
            PayMethod::CultureGiftCertificate => Means::GiftCertificate { label: "문화상품권" },
            PayMethod::BookGiftCertificate => Means::GiftCertificate { label: "도서문화상품권" },
            PayMethod::GameGiftCertificate => Means::GiftCertificate { label: "게임문화상품권" },
        })
    }
}

/// What the shop's success page is told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Authenticated {
    /// The key under which the payment is confirmed.
    pub payment_key: String,
    /// The shop's order.
    pub order_id: String,
    /// Won.
    pub amount: i64,
    /// `IN_PROGRESS`, or `READY` when the buyer only opened the window.
    pub status: Status,
    /// Always `NORMAL` here.
    pub payment_type: &'static str,
}

/// 6 to 64 characters; the equals sign is allowed by the browser SDK.
pub(crate) fn valid_order_id(text: &str) -> bool {
    (6..=64).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'='))
}

impl Books {
    /// A buyer opens the window and, unless told otherwise, authenticates.
    pub(crate) fn open(
        &mut self,
        buyer: &Authenticate,
        now: DateTime<Utc>,
    ) -> Result<Authenticated, Refusal> {
        self.open_as(ids::payment_key(now), buyer, now)
    }

    /// The same, under a key that was chosen elsewhere.
    pub(super) fn open_as(
        &mut self,
        key: String,
        buyer: &Authenticate,
        now: DateTime<Utc>,
    ) -> Result<Authenticated, Refusal> {
        buyer.check()?;
        let payment = Payment {
            key,
            order_id: buyer.order_id.clone(),
            order_name: buyer.order_name.clone().unwrap_or_else(|| "샌드박스 주문".to_owned()),
            customer_key: buyer.customer_key.clone(),
            amount: buyer.amount,
            means: buyer.means()?,
            status: if buyer.authenticated { Status::InProgress } else { Status::Ready },
            requested_at: now,
            authenticated_at: buyer.authenticated.then_some(now),
            approved_at: None,
            balance: buyer.amount,
            tax_free_left: buyer.tax_free_amount,
            last_transaction_key: None,
            cancels: Vec::new(),
            failure: None,
            secret: None,
            last_cancel: None,
        };
        let opened = told(&payment);
        self.insert(payment);
        Ok(opened)
    }

    /// The buyer of an open window authenticates after all.
    pub(crate) fn authenticate(&mut self, key: &str, now: DateTime<Utc>) -> Result<Authenticated, Refusal> {
        let payment = self.any(key, now)?;
        let before = payment.deadline();
        payment.authenticate(now)?;
        let opened = told(payment);
        self.reschedule(key, before);
        Ok(opened)
    }
}

fn told(payment: &Payment) -> Authenticated {
    Authenticated {
        payment_key: payment.key.clone(),
        order_id: payment.order_id.clone(),
        amount: payment.amount,
        status: payment.status,
        payment_type: "NORMAL",
    }
}
