//! The bank: virtual accounts that wait, and a button that pays into them.

use askama::Template;
use poem::Response;

use super::{
    Language, Visit, ask, choices,
    write::{self, Frames},
};
use crate::{
    payment::{Payment, Status},
    refusal::Refusal,
    state::Shared,
};

/// How many accounts a page lists.
const MAX_SHOWN: usize = 100;

#[derive(Template)]
#[template(path = "pages/bank.html")]
struct Bank<'a> {
    lang: Language,
    order_id: Option<&'a str>,
    accounts: Vec<Account>,
    paid: Option<Paid>,
}

/// An account that waits.
struct Account {
    payment_key: String,
    order_id: String,
    order_name: String,
    bank: String,
    number: String,
    customer: String,
    amount: String,
    due: String,
    expired: bool,
}

/// A deposit that was just made.
struct Paid {
    order_id: String,
    amount: String,
}

/// Lists the accounts that wait, of one order or of all.
pub(super) fn show(shared: &Shared, visit: &Visit, order_id: Option<&str>) -> Response {
    let lang = visit.language;
    let (accounts, paid) = shared.change(|state, now| {
        let waiting = state.books.waiting(order_id);
        let accounts = waiting.filter_map(|payment| account(payment, now, lang)).take(MAX_SHOWN).collect();
        let paid = visit.asked("paid").and_then(|key| state.books.find(key, now).ok());
        let paid = paid
            .filter(|payment| payment.status == Status::Done)
            .map(|payment| Paid { order_id: payment.order_id.clone(), amount: lang.won(payment.amount) });
        (accounts, paid)
    });
    write::page(&Bank { lang, order_id, accounts, paid }, Frames::Nobody)
}

fn account(payment: &Payment, now: chrono::DateTime<chrono::Utc>, lang: Language) -> Option<Account> {
    let account = payment.means.virtual_account()?;
    let (korean, english) = choices::bank(account.bank);
    Some(Account {
        payment_key: payment.key.clone(),
        order_id: payment.order_id.clone(),
        order_name: payment.order_name.clone(),
        bank: lang.say(korean, english).to_owned(),
        number: account.number.clone(),
        customer: account.customer.clone(),
        amount: lang.won(payment.amount),
        due: account.due.map(write::time).unwrap_or_default(),
        expired: account.expired(now),
    })
}

/// Pays into an account, as `POST /sandbox/payments/{paymentKey}/deposit` does, and goes back to the list.
pub(super) fn deposit(shared: &Shared, visit: &Visit, body: &[u8]) -> Response {
    let fields = ask::fields(&String::from_utf8_lossy(body));
    let field = |name: &str| fields.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str());
    let key = field("paymentKey").unwrap_or_default();
    let paid: Result<(), Refusal> = shared.change(|state, now| state.books.deposit(key, now).map(|_| ()));
    let lang = field("lang").map_or(visit.language, |named| Language::of(Some(named), ""));
    match paid {
        // The key was found, so it is one of ours: letters, digits and an underscore.
        Ok(()) => write::see_other(&format!("/sandbox/bank?paid={key}&lang={}", lang.tag())),
        Err(refusal) => write::refused(lang, &refusal, Frames::Nobody, ""),
    }
}
