//! One call of Toss's API, from its headers to its answer, in the order in which Toss judges.
//!
//! Path, key, idempotency, then the call itself; a fault can strike between any two.

pub(crate) mod answer;
mod auth;
pub(crate) mod call;
mod effect;
pub(crate) mod idempotency;
mod transactions;

use std::sync::Arc;

use poem::http::HeaderValue;

use crate::{
    faults::{FaultKind, Operation, Taken},
    ids,
    refusal::Refusal,
    requests::Received,
    state::Shared,
    webhooks,
};
use answer::Answer;
use call::Call;
use idempotency::{Begin, Kept, Scope};

/// A request, read to its end.
#[derive(Debug)]
pub(crate) struct Incoming {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) query: Option<String>,
    pub(crate) authorization: Option<String>,
    pub(crate) idempotency_key: Option<HeaderValue>,
    pub(crate) test_code: Option<String>,
    pub(crate) english: bool,
    /// The body, or nothing when it was too long or broke off.
    pub(crate) body: Option<Vec<u8>>,
}

impl Incoming {
    /// Path and query, which is what an idempotency key covers.
    fn url(&self) -> String {
        match &self.query {
            Some(query) => format!("{}?{query}", self.path),
            None => self.path.clone(),
        }
    }

    /// The idempotency key; it counts on POST only, and an empty one is none.
    fn key(&self) -> Option<String> {
        let header = self.idempotency_key.as_ref().filter(|key| self.method == "POST" && !key.is_empty())?;
        Some(String::from_utf8_lossy(header.as_bytes()).into_owned())
    }
}

/// How a call ends.
#[derive(Debug)]
pub(crate) enum Outcome {
    Answer(Answer),
    /// The connection closes without an answer.
    HangUp,
}

/// Serves one call and logs it. It must run to its end even when the client has gone: Toss does not stop
/// because a shop hangs up.
pub(crate) async fn serve(shared: Arc<Shared>, request: Incoming) -> Outcome {
    let call = Call::of(&request.method, &request.path);
    let ticket = shared.state().requests.arrived(Received {
        method: request.method.clone(),
        path: request.url(),
        idempotency_key: request.key(),
        body: String::from_utf8_lossy(request.body.as_deref().unwrap_or_default()).into_owned(),
        status: None,
        operation: call.as_ref().map_or(Operation::Any, Call::operation),
    });
    let trace = ids::trace();
    let outcome = match call.and_then(|call| admit(&shared, &request).map(|()| call)) {
        Ok(call) => under_key(&shared, &request, &call, &trace).await,
        // Neither a wrong path nor a wrong key reaches the idempotency store.
        Err(refusal) => Outcome::Answer(Answer::refusal(&refusal, request.english)),
    };
    match outcome {
        Outcome::HangUp => Outcome::HangUp,
        Outcome::Answer(mut answer) => {
            answer.traced(&trace);
            answer.echo = request.key().and(request.idempotency_key.clone());
            shared.state().requests.answered(ticket, answer.status);
            Outcome::Answer(answer)
        }
    }
}

fn admit(shared: &Shared, request: &Incoming) -> Result<(), Refusal> {
    auth::check(request.authorization.as_deref(), &shared.options.secret_key)?;
    if request.key().is_some_and(|key| !idempotency::valid(&key)) {
        return Err(Refusal::new("INVALID_IDEMPOTENCY_KEY"));
    }
    Ok(())
}

/// A key in use. Dropping it ends the use: with an answer to keep, or with the key free again.
struct InUse<'a> {
    shared: &'a Shared,
    scope: Scope,
    ticket: u64,
    kept: Option<Kept>,
}

impl Drop for InUse<'_> {
    fn drop(&mut self) {
        self.shared.state().store.end(&self.scope, self.ticket, self.kept.take());
    }
}

/// Looks at the idempotency key, then runs the call or repeats its answer.
///
/// The key stays in use until the answer leaves, a delay included: what looks slow to the shop is Toss at work.
async fn under_key(shared: &Shared, request: &Incoming, call: &Call, trace: &str) -> Outcome {
    let Some(key) = request.key() else {
        let fault = effect::fault(shared, request, call, false);
        return strike(shared, request, call, fault, Source::Run(None), trace).await;
    };
    let scope = Scope::new(&key, &shared.options.secret_key, &request.method, &request.url());
    let begin = shared.state().store.begin(&scope, shared.options.clock.now());
    match begin {
        Begin::Running => {
            let refusal = Refusal::new("IDEMPOTENT_REQUEST_PROCESSING");
            Outcome::Answer(Answer::refusal(&refusal, request.english))
        }
        Begin::Repeat(kept) => {
            let fault = effect::fault(shared, request, call, true);
            strike(shared, request, call, fault, Source::Repeat(kept), trace).await
        }
        Begin::Run(ticket) => {
            let in_use = InUse { shared, scope, ticket, kept: None };
            let fault = effect::fault(shared, request, call, false);
            strike(shared, request, call, fault, Source::Run(Some(in_use)), trace).await
        }
    }
}

/// Webhooks that wait for the answer of the call that caused them. Dropping it lets go of them.
struct AfterAnswer<'a> {
    shared: &'a Shared,
    webhooks: Vec<u64>,
}

impl Drop for AfterAnswer<'_> {
    fn drop(&mut self) {
        if !self.webhooks.is_empty() {
            self.shared.change(|state, now| state.webhooks.answered(&self.webhooks, now));
        }
    }
}

/// Where the answer comes from.
enum Source<'a> {
    /// The call is executed, maybe under a key.
    Run(Option<InUse<'a>>),
    /// The key's first answer is repeated.
    Repeat(Kept),
}

/// Gives the answer, and lets a fault strike before or after it.
async fn strike(
    shared: &Shared,
    request: &Incoming,
    call: &Call,
    mut taken: Option<Taken>,
    mut source: Source<'_>,
    trace: &str,
) -> Outcome {
    let fault = taken.as_ref().map(|taken| taken.fault.clone());
    let kind = fault.as_ref().map(|fault| fault.fault);
    match kind {
        Some(FaultKind::DropBefore) => return Outcome::HangUp,
        Some(FaultKind::RateLimited) => {
            let retry_after = fault.as_ref().and_then(|fault| fault.retry_after);
            return Outcome::Answer(Answer::rate_limited(retry_after.unwrap_or(1)));
        }
        Some(FaultKind::InFlight) => {
            let refusal = Refusal::new("IDEMPOTENT_REQUEST_PROCESSING");
            return Outcome::Answer(Answer::refusal(&refusal, request.english));
        }
        _ => {}
    }
    let mut delay = taken.as_mut().filter(|_| kind == Some(FaultKind::Delay));
    if let Some(taken) = delay.take_if(|taken| taken.fault.delay_before) {
        taken.wait().await;
    }
    let mut answer = match &mut source {
        Source::Repeat(kept) => effect::repeat(kept, fault.as_ref(), request.english),
        Source::Run(in_use) => {
            let answer = effect::run(shared, request, call, fault.as_ref());
            if let Some(in_use) = in_use.as_mut().filter(|_| idempotency::keeps(answer.status)) {
                let body = Arc::from(answer.body.as_slice());
                in_use.kept = Some(Kept { status: answer.status, body, trace: trace.to_owned() });
            }
            answer
        }
    };
    let caused = std::mem::take(&mut answer.caused);
    // Let go when this call ends, however it ends.
    let _after = AfterAnswer { shared, webhooks: caused.after };
    webhooks::post::tried(shared, &caused.before).await;
    if let Some(taken) = delay {
        taken.wait().await;
    }
    match kind {
        Some(FaultKind::DropAfter) => return Outcome::HangUp,
        Some(FaultKind::Html) => answer.become_html(fault.as_ref().and_then(|fault| fault.status)),
        Some(FaultKind::TruncatedJson) => answer.truncate(),
        _ => {}
    }
    Outcome::Answer(answer)
}
