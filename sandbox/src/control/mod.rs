//! The control calls under `/sandbox`: what buyers, banks, staff and bad luck do.

pub(crate) mod home;
mod requests;
mod webhooks;

use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::{
    books::{cancel::By, cancel_request::CancelRequest, open::Authenticate},
    clock,
    faults::Fault,
    payment::{Payment, view},
    refusal::Refusal,
    state::{Shared, State},
};
use requests::{Advance, ConsoleCancel, Switches};

/// Serves one control call.
pub(crate) fn serve(shared: &Shared, method: &str, path: &str, body: &[u8]) -> Result<Value, Refusal> {
    let parts: Vec<&str> = path.split('/').skip(2).collect();
    shared.change(|state, _| route(shared, state, method, &parts, body))
}

fn route(
    shared: &Shared,
    state: &mut State,
    method: &str,
    parts: &[&str],
    body: &[u8],
) -> Result<Value, Refusal> {
    match (method, parts) {
        ("POST", ["payments"]) => {
            let buyer: Authenticate = read(body)?;
            told(&state.books.open(&buyer, shared.options.clock.now())?)
        }
        ("POST", ["payments", key, event]) => happen(shared, state, key, event, body),
        ("GET", ["receipts", key]) => {
            let now = shared.options.clock.now();
            Ok(shown(shared, state.books.find(key, now)?))
        }
        ("POST", ["faults"]) => {
            let fault: Fault = read(body)?;
            fault.check()?;
            let echo = told(&fault);
            state.faults.add(fault);
            echo
        }
        ("GET", ["faults"]) => Ok(json!({"faults": state.faults.waiting().collect::<Vec<_>>()})),
        ("DELETE", ["faults"]) => Ok(json!({"cleared": state.faults.clear()})),
        (_, ["webhooks", rest @ ..]) => webhooks::route(shared, state, method, rest, body),
        ("GET", ["ledger"]) => Ok(state.books.journal.summary()),
        ("GET", ["requests"]) => Ok(json!({"requests": state.requests.all()})),
        ("GET", ["clock"]) => Ok(now(shared)),
        ("POST", ["clock"]) => {
            let asked: Advance = read(body)?;
            let by = clock::parse_duration(&asked.advance)
                .ok_or_else(|| Refusal::invalid("advance must be like 31d, 2h, 10m or 90s"))?;
            shared.options.clock.advance(by);
            Ok(now(shared))
        }
        ("GET", ["options"]) => Ok(json!({"unknownFields": state.unknown_fields})),
        ("POST", ["options"]) => {
            let asked: Switches = read(body)?;
            state.unknown_fields = asked.unknown_fields;
            Ok(json!({"unknownFields": state.unknown_fields}))
        }
        _ => Err(nothing_here()),
    }
}

/// Something happens to one payment that no shop has asked for.
fn happen(shared: &Shared, state: &mut State, key: &str, event: &str, body: &[u8]) -> Result<Value, Refusal> {
    let now = shared.options.clock.now();
    let books = &mut state.books;
    let payment = match event {
        "authenticate" => return told(&books.authenticate(key, now)?),
        "deposit" => books.deposit(key, now)?,
        "reverse-deposit" => books.reverse_deposit(key, now)?,
        "console-cancel" => {
            let asked: ConsoleCancel = read(body)?;
            asked.check()?;
            let request = CancelRequest::by_staff(asked.cancel_amount, &asked.cancel_reason);
            books.cancel(key, &request, By::Staff, now)?
        }
        _ => return Err(Refusal::custom(404, "NOT_FOUND", "no such event; GET / lists them")),
    };
    Ok(shown(shared, payment))
}

fn shown(shared: &Shared, payment: &Payment) -> Value {
    view::payment(payment, shared.options.clock.now(), &shared.url, false)
}

fn nothing_here() -> Refusal {
    Refusal::custom(404, "NOT_FOUND", "no such control call; GET / lists them")
}

fn now(shared: &Shared) -> Value {
    json!({"now": clock::korean(shared.options.clock.now())})
}

fn told(value: &impl serde::Serialize) -> Result<Value, Refusal> {
    serde_json::to_value(value).map_err(|error| Refusal::custom(500, "UNKNOWN_ERROR", &error.to_string()))
}

/// Reads a body and says plainly what is wrong with it.
fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, Refusal> {
    serde_json::from_slice(body).map_err(|error| Refusal::invalid(error.to_string()))
}
