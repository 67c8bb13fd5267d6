//! The receipt of a payment, where `receipt.url` leads a browser.

use askama::Template;
use chrono::{DateTime, Utc};
use poem::Response;

use super::{
    Language, Visit, choices,
    write::{self, Frames},
};
use crate::{
    means::Means,
    payment::{Payment, Status},
    state::Shared,
};

#[derive(Template)]
#[template(path = "pages/receipt.html")]
struct Receipt {
    lang: Language,
    payment_key: String,
    order_id: String,
    order_name: String,
    method: String,
    status: &'static str,
    requested_at: String,
    approved_at: Option<String>,
    supplied: String,
    vat: String,
    tax_free: Option<String>,
    total: String,
    balance: String,
    cancels: Vec<Cancel>,
}

/// A row of money that went back.
struct Cancel {
    at: String,
    reason: String,
    amount: String,
}

/// Shows the receipt.
pub(super) fn show(shared: &Shared, visit: &Visit, key: &str) -> Response {
    let lang = visit.language;
    let receipt =
        shared.change(|state, now| state.books.find(key, now).map(|payment| receipt(payment, lang)));
    match receipt {
        Ok(receipt) => write::page(&receipt, Frames::Nobody),
        Err(refusal) => write::refused(lang, &refusal, Frames::Nobody, ""),
    }
}

fn receipt(payment: &Payment, lang: Language) -> Receipt {
    let at = |at: DateTime<Utc>| write::time(at);
    Receipt {
        lang,
        payment_key: payment.key.clone(),
        order_id: payment.order_id.clone(),
        order_name: payment.order_name.clone(),
        method: method(&payment.means, lang),
        status: status(payment.status, lang),
        requested_at: at(payment.requested_at),
        approved_at: payment.approved_at.map(at),
        supplied: lang.won(payment.supplied()),
        vat: lang.won(payment.vat()),
        tax_free: (payment.tax_free_left > 0).then(|| lang.won(payment.tax_free_left)),
        total: lang.won(payment.amount),
        balance: lang.won(payment.balance),
        cancels: payment
            .cancels
            .iter()
            .map(|cancel| Cancel {
                at: at(cancel.at),
                reason: cancel.reason.clone(),
                amount: lang.won(-cancel.amount),
            })
            .collect(),
    }
}

fn method(means: &Means, lang: Language) -> String {
    match means {
        Means::Card(card) => format!("{} {}", lang.say("카드", "Card"), card.masked),
        Means::EasyPay { provider, card: None } => (*provider).to_owned(),
        Means::EasyPay { provider, card: Some(card) } => format!("{provider} {}", card.masked),
        Means::VirtualAccount(account) => {
            let (korean, english) = choices::bank(account.bank);
            let label = lang.say("가상계좌", "Virtual account");
            format!("{label} {} {}", lang.say(korean, english), account.number)
        }
        Means::Transfer { .. } => lang.say("계좌이체", "Transfer").to_owned(),
        Means::MobilePhone { .. } => lang.say("휴대폰", "Mobile phone").to_owned(),
        Means::GiftCertificate { label } => (*label).to_owned(),
    }
}

fn status(status: Status, lang: Language) -> &'static str {
    let (korean, english) = match status {
        Status::Ready => ("결제 대기", "Not paid yet"),
        Status::InProgress => ("승인 대기", "Waits for the shop"),
        Status::WaitingForDeposit => ("입금 대기", "Waits for a deposit"),
        Status::Done => ("결제 완료", "Paid"),
        Status::Canceled => ("전체 취소", "Refunded"),
        Status::PartialCanceled => ("부분 취소", "Partly refunded"),
        Status::Aborted => ("승인 거절", "Declined"),
        Status::Expired => ("시간 만료", "Expired"),
    };
    lang.say(korean, english)
}
