//! What a call does to the books, and what is answered for it.

use serde_json::Value;

use super::{Incoming, answer::Answer, call::Call, idempotency::Kept, transactions};
use crate::{
    books::{cancel::By, cancel_request::CancelRequest, open::valid_order_id},
    codes,
    faults::{Fault, FaultKind, Taken},
    payment::view,
    refusal::Refusal,
    sprinkle,
    state::{Shared, State},
    webhooks::Caused,
};

/// Takes the fault that waits for this call, if one does.
pub(crate) fn fault(shared: &Shared, request: &Incoming, call: &Call, replay: bool) -> Option<Taken> {
    let mut state = shared.state();
    let order_id = match call {
        Call::GetByOrder(order_id) => Some(order_id.clone()),
        Call::Get(key) | Call::Cancel(key) => state.books.order_of(key).map(str::to_owned),
        Call::Confirm => json(request).ok().and_then(|body| body["orderId"].as_str().map(str::to_owned)),
        Call::Transactions => None,
    };
    state.faults.take(call.operation(), order_id.as_deref(), replay)
}

/// Repeats a kept answer; only an error on the way can take its place.
pub(crate) fn repeat(kept: &Kept, fault: Option<&Fault>, english: bool) -> Answer {
    match fault {
        Some(fault) if matches!(fault.fault, FaultKind::ErrorBefore | FaultKind::ErrorAfter) => {
            Answer::refusal(&fault.refusal(), english)
        }
        _ => Answer::repeated(kept.status, &kept.body, &kept.trace),
    }
}

/// Executes a call, unless a fault or a test code forbids it, and answers.
pub(crate) fn run(shared: &Shared, request: &Incoming, call: &Call, fault: Option<&Fault>) -> Answer {
    let kind = fault.map(|fault| fault.fault);
    let error = fault.map(Fault::refusal);
    let mut caused = Caused::default();
    let mut decide = |decline| {
        let mut state = shared.state();
        let decided = decide(shared, &mut state, request, call, decline);
        caused = shared.announce(&mut state, true);
        decided
    };
    let result = match (kind, error) {
        (Some(FaultKind::ErrorBefore), Some(error)) => Err(error),
        (Some(FaultKind::Reject), Some(error)) => test_code(request).and_then(|()| decide(Some(error))),
        (Some(FaultKind::ErrorAfter), Some(error)) => {
            // Whether it worked or not, the shop hears only of the error.
            let _ = decide(None);
            Err(error)
        }
        _ => test_code(request).and_then(|()| decide(None)),
    };
    let mut answer = match result {
        Ok(value) => Answer::ok(&value),
        Err(refusal) => Answer::refusal(&refusal, request.english),
    };
    answer.caused = caused;
    answer
}

/// `TossPayments-Test-Code` on a POST: fails with that code, before anything happens.
fn test_code(request: &Incoming) -> Result<(), Refusal> {
    match request.test_code.as_deref().filter(|_| request.method == "POST") {
        None => Ok(()),
        Some(code) if codes::find(code).is_some() => Err(Refusal::new(code)),
        Some(_) => Err(Refusal::new("INVALID_TEST_CODE")),
    }
}

fn decide(
    shared: &Shared,
    state: &mut State,
    request: &Incoming,
    call: &Call,
    decline: Option<Refusal>,
) -> Result<Value, Refusal> {
    let mut value = match (call, decline) {
        (Call::Confirm, decline) => confirm(shared, state, request, decline)?,
        // Only a confirm changes anything by being declined.
        (_, Some(decline)) => return Err(decline),
        (Call::Transactions, None) => transactions::list(shared, state, request.query.as_deref())?,
        (call, None) => payment(shared, state, request, call)?,
    };
    if state.unknown_fields {
        sprinkle::over(&mut value);
    }
    Ok(value)
}

fn confirm(
    shared: &Shared,
    state: &mut State,
    request: &Incoming,
    decline: Option<Refusal>,
) -> Result<Value, Refusal> {
    let invalid = || Refusal::new("INVALID_REQUEST");
    let body = json(request)?;
    let text = |name: &str| body[name].as_str().ok_or_else(invalid);
    let (key, order_id) = (text("paymentKey")?, text("orderId")?);
    // A float or a string is not an amount of won.
    let amount = body["amount"].as_i64().ok_or_else(invalid)?;
    if key.is_empty() || key.len() > 200 || !valid_order_id(order_id) {
        return Err(invalid());
    }
    let now = shared.options.clock.now();
    let confirmed = state.books.confirm(key, order_id, amount, decline, now)?;
    Ok(view::payment(confirmed, now, &shared.url, request.english))
}

/// The calls that look at one payment.
fn payment(shared: &Shared, state: &mut State, request: &Incoming, call: &Call) -> Result<Value, Refusal> {
    let now = shared.options.clock.now();
    let payment = match call {
        Call::Get(key) => state.books.find(key, now)?,
        Call::GetByOrder(order_id) => state.books.find_order(order_id, now)?,
        Call::Cancel(key) => {
            let asked = CancelRequest::parse(&json(request)?)?;
            let by = By::Shop { consecutive_limit: shared.options.consecutive_cancel_limit };
            state.books.cancel(key, &asked, by, now)?
        }
        Call::Confirm | Call::Transactions => return Err(Refusal::new("NOT_FOUND")),
    };
    Ok(view::payment(payment, now, &shared.url, request.english))
}

fn json(request: &Incoming) -> Result<Value, Refusal> {
    let body = request.body.as_deref().unwrap_or_default();
    serde_json::from_slice(body).map_err(|_| Refusal::new("INVALID_REQUEST"))
}
