//! The control calls under `/sandbox`: what buyers, banks, staff and bad luck do.

pub(crate) mod home;
mod requests;
mod webhooks;

use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::{
    api::call::decode,
    books::{cancel::By, cancel_request::CancelRequest, open::Authenticate},
    clock,
    faults::{Chaos, Fault},
    payment::{Payment, view},
    refusal::Refusal,
    state::{Shared, State},
};
use requests::{Advance, ConsoleCancel, Switches};

/// Serves one control call.
pub(crate) fn serve(shared: &Shared, method: &str, path: &str, body: &[u8]) -> Result<Value, Refusal> {
    let parts: Vec<String> = path.split('/').skip(2).map(decode).collect();
    let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
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
        ("GET", ["payments", key]) => {
            let now = shared.options.clock.now();
            Ok(shown(shared, state.books.any(key, now)?))
        }
        ("GET", ["orders", order_id]) => order(shared, state, order_id),
        ("POST", ["payments", key, event]) => happen(shared, state, key, event, body),
        ("GET", ["receipts", key]) => {
            let now = shared.options.clock.now();
            Ok(shown(shared, state.books.find(key, now)?))
        }
        (_, ["faults", rest @ ..]) => faults(state, method, rest, body),
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
        ("GET", ["options"]) => Ok(options(state)),
        ("POST", ["options"]) => {
            let asked: Switches = read(body)?;
            state.unknown_fields = asked.unknown_fields.unwrap_or(state.unknown_fields);
            if let Some(one) = asked.one_approval_per_order {
                state.books.several_approvals = !one;
            }
            Ok(options(state))
        }
        _ => Err(nothing_here()),
    }
}

/// What goes wrong with calls; `parts` is what follows `/sandbox/faults`.
fn faults(state: &mut State, method: &str, parts: &[&str], body: &[u8]) -> Result<Value, Refusal> {
    let faults = &mut state.faults;
    match (method, parts) {
        ("POST", []) => {
            let fault: Fault = read(body)?;
            fault.check()?;
            let echo = told(&fault);
            faults.add(fault);
            echo
        }
        ("POST", ["random"]) => {
            let chaos: Chaos = read(body)?;
            chaos.check()?;
            let echo = told(&chaos);
            faults.by_chance(chaos);
            echo
        }
        ("GET", []) => Ok(json!({
            "faults": faults.waiting().collect::<Vec<_>>(),
            "random": faults.chaos(),
            "struck": faults.struck(),
        })),
        ("DELETE", []) => Ok(json!({"cleared": faults.clear()})),
        _ => Err(nothing_here()),
    }
}

/// Everything that the sandbox knows about one order.
fn order(shared: &Shared, state: &mut State, order_id: &str) -> Result<Value, Refusal> {
    let payments = state.books.all_of(order_id, shared.options.clock.now());
    let payments: Vec<_> = payments.map(|payment| shown(shared, payment)).collect();
    let mut order = state.books.journal.order(order_id);
    order["webhooks"] = told(&state.webhooks.queue.log(Some(order_id)))?;
    order["payments"] = payments.into();
    Ok(order)
}

fn options(state: &State) -> Value {
    json!({"unknownFields": state.unknown_fields, "oneApprovalPerOrder": !state.books.several_approvals})
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
