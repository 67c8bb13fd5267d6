//! The payment window: what the buyer sees, and the three ways in which it ends.

use askama::Template;
use poem::{Response, http::StatusCode};
use serde_json::{Value, json};

use super::{
    Language, Visit,
    ask::{self, Ask, End},
    choices::{BANKS, CARDS, CARRIERS, Choice, DemoCard, MISHAPS, Mishap, PROVIDERS},
    write::{self, Frames},
};
use crate::{
    books::open::{Authenticate, CardInput},
    means::PayMethod,
    refusal::Refusal,
    state::Shared,
};

#[derive(Template)]
#[template(path = "pages/window.html")]
struct Window<'a> {
    lang: Language,
    ask: &'a Ask,
    cards: &'static [DemoCard],
    providers: &'static [Choice],
    banks: &'static [Choice],
    carriers: &'static [Choice],
    mishaps: &'static [Mishap],
}

impl Window<'_> {
    fn amount(&self) -> String {
        self.lang.won(self.ask.buyer.amount)
    }

    fn method(&self) -> &'static str {
        let (korean, english) = match self.ask.buyer.method {
            PayMethod::Card => ("신용·체크카드", "credit or check card"),
            PayMethod::EasyPay => ("간편결제", "easy pay"),
            PayMethod::VirtualAccount => ("가상계좌", "virtual account"),
            PayMethod::MobilePhone => ("휴대폰", "mobile phone"),
            PayMethod::Transfer => ("계좌이체", "transfer"),
            PayMethod::CultureGiftCertificate => ("문화상품권", "culture gift certificate"),
            PayMethod::BookGiftCertificate => ("도서문화상품권", "book gift certificate"),
            PayMethod::GameGiftCertificate => ("게임문화상품권", "game gift certificate"),
        };
        self.lang.say(korean, english)
    }

    /// Which part of the form belongs to the method.
    fn is(&self, part: &str) -> bool {
        match self.ask.buyer.method {
            PayMethod::Card => part == "card",
            PayMethod::EasyPay => part == "easy-pay",
            PayMethod::VirtualAccount => part == "virtual-account",
            PayMethod::MobilePhone => part == "phone",
            _ => part == "other",
        }
    }

    fn provider(&self, value: &str) -> bool {
        self.ask.buyer.easy_pay_provider.as_deref().unwrap_or("TOSSPAY") == value
    }
}

/// Opens the window.
pub(super) fn show(shared: &Shared, visit: &Visit) -> Response {
    let lang = visit.language;
    match Ask::read(shared, &visit.query) {
        Ok(ask) => {
            let window = Window {
                lang,
                ask: &ask,
                cards: &CARDS,
                providers: &PROVIDERS,
                banks: &BANKS,
                carriers: &CARRIERS,
                mishaps: &MISHAPS,
            };
            write::page(&window, Frames::Anyone)
        }
        Err(refusal) => {
            let origin = ask::origin(visit.asked("origin")).unwrap_or_default();
            write::refused(lang, &refusal, Frames::Anyone, &origin)
        }
    }
}

/// Ends the window: the buyer pays, closes it, or is refused. Nothing when it is none of these.
pub(super) fn end(shared: &Shared, visit: &Visit, event: &str, body: &[u8]) -> Option<Response> {
    let fields = ask::fields(&String::from_utf8_lossy(body));
    let named = fields.iter().find(|(name, _)| name == "lang").map(|(_, value)| value.as_str());
    let lang = named.map_or(visit.language, |named| Language::of(Some(named), ""));
    let ended = match event {
        "pay" => Ask::read(shared, &fields).and_then(|ask| pay(shared, ask, &fields)),
        "close" => Ask::read(shared, &fields).map(|ask| over(&ask, &End::closed(lang))),
        "refuse" => Ask::read(shared, &fields).map(|ask| over(&ask, &End::refused(lang))),
        _ => return None,
    };
    Some(match ended {
        Ok(told) => answer(StatusCode::OK, &told),
        Err(refusal) => {
            let status = StatusCode::from_u16(refusal.status()).unwrap_or(StatusCode::BAD_REQUEST);
            answer(status, &refusal.body(lang == Language::English))
        }
    })
}

/// The buyer authenticates, by the way that the control calls take; what should go wrong waits for the confirm.
fn pay(shared: &Shared, mut ask: Ask, fields: &[(String, String)]) -> Result<Value, Refusal> {
    let chosen = |name: &str| fields.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str());
    choose(&mut ask.buyer, chosen)?;
    let mishap = chosen("fault").unwrap_or("none");
    let mishap = MISHAPS.iter().find(|known| known.choice.value == mishap);
    let mishap = mishap.ok_or_else(|| Refusal::invalid("no such fault"))?;
    let opened = shared.change(|state, now| {
        let opened = state.books.open(&ask.buyer, now)?;
        if let Some(fault) = mishap.fault(&opened.order_id) {
            state.faults.add(fault);
        }
        Ok(opened)
    })?;
    Ok(json!({
        "location": ask.succeeded(&opened.payment_key),
        "result": {
            "paymentType": opened.payment_type,
            "orderId": opened.order_id,
            "paymentKey": opened.payment_key,
            "amount": {"currency": "KRW", "value": opened.amount},
        },
    }))
}

/// What the buyer chose for the method that the shop asked for.
fn choose<'a>(buyer: &mut Authenticate, chosen: impl Fn(&str) -> Option<&'a str>) -> Result<(), Refusal> {
    match buyer.method {
        PayMethod::Card => {
            let card = chosen("card").unwrap_or("approve");
            let card = CARDS.iter().find(|known| known.choice.value == card);
            let card = card.ok_or_else(|| Refusal::invalid("no such card"))?;
            buyer.card = Some(CardInput { number: card.number.to_owned() });
        }
        PayMethod::EasyPay => {
            let provider = chosen("wallet").map(str::to_owned);
            buyer.easy_pay_provider = provider.or(buyer.easy_pay_provider.take());
        }
        PayMethod::VirtualAccount => buyer.bank = chosen("bank").map(str::to_owned),
        _ => {}
    }
    Ok(())
}

fn over(ask: &Ask, end: &End) -> Value {
    json!({"location": ask.failed(end), "error": {"code": end.code, "message": end.message}})
}

fn answer(status: StatusCode, told: &Value) -> Response {
    Response::builder()
        .status(status)
        .content_type("application/json; charset=utf-8")
        .header("x-content-type-options", "nosniff")
        .header("cache-control", "no-store")
        .body(told.to_string())
}
