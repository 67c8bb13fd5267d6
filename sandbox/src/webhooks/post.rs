//! The task that sends: it takes what is due, posts it, and notes what the shop answered.

use std::{sync::Arc, time::Duration};

use tokio::task::JoinSet;

use super::{letter::Heard, queue::Attempt};
use crate::{clock::korean, state::Shared};

/// How many webhooks are under way at a time.
const MAX_FLIGHTS: usize = 32;

/// How often the clock is looked at while something waits for it: whoever moves it tells nobody.
const TICK: Duration = Duration::from_millis(20);

/// Sends webhooks for as long as the sandbox runs.
pub(crate) async fn run(shared: Arc<Shared>) {
    let wake = shared.state().webhooks.wake();
    let mut client = None;
    let mut flights = JoinSet::new();
    loop {
        let (due, ticks) = {
            let mut state = shared.state();
            shared.announce(&mut state, false);
            let now = shared.options.clock.now();
            let due = state.webhooks.take_due(now, MAX_FLIGHTS - flights.len());
            let ticks = due.is_some() && (state.webhooks.queue.waits() || state.books.waits());
            (due, ticks)
        };
        if let Some((url, attempts)) = due {
            for attempt in attempts {
                let client =
                    client.get_or_insert_with(|| make_client(shared.options.webhook_timeout)).clone();
                flights.spawn(deliver(Arc::clone(&shared), client, url.clone(), attempt));
            }
        }
        tokio::select! {
            () = wake.notified() => {}
            Some(_) = flights.join_next() => {}
            () = tokio::time::sleep(TICK), if ticks => {}
        }
    }
}

/// Waits until each of these was sent once, or could have been.
pub(crate) async fn tried(shared: &Shared, ids: &[u64]) {
    let mut progress = shared.state().webhooks.progress();
    let all_tried = async {
        loop {
            progress.mark_unchanged();
            let tried = shared.state().webhooks.queue.tried(ids);
            if tried || progress.changed().await.is_err() {
                return;
            }
        }
    };
    // One may have to wait for its turn behind another one that gets no answer.
    let _ = tokio::time::timeout(shared.options.webhook_timeout * 2, all_tried).await;
}

/// A client that leaves no connection behind, so that a shop which restarts is met afresh.
fn make_client(timeout: Duration) -> Result<reqwest::Client, String> {
    // A second call finds the provider installed, which is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder()
        .no_proxy()
        .timeout(timeout)
        .redirect(reqwest::redirect::Policy::none())
        .pool_max_idle_per_host(0)
        .user_agent(concat!("toss-sandbox/", env!("CARGO_PKG_VERSION")))
        .build()
        .map_err(|error| said(&error))
}

async fn deliver(
    shared: Arc<Shared>,
    client: Result<reqwest::Client, String>,
    url: String,
    attempt: Attempt,
) {
    let id = attempt.id;
    let heard = match client {
        Ok(client) => post(&client, &url, attempt).await,
        Err(why) => Heard::Nothing(why),
    };
    let now = shared.options.clock.now();
    shared.state().webhooks.sent(id, heard, now);
}

async fn post(client: &reqwest::Client, url: &str, attempt: Attempt) -> Heard {
    let request = client
        .post(url)
        .header("content-type", "application/json")
        .header("tosspayments-webhook-transmission-id", attempt.transmission_id)
        .header("tosspayments-webhook-transmission-time", korean(attempt.at))
        .header("tosspayments-webhook-transmission-retried-count", attempt.retried.to_string())
        .body(attempt.body.to_string());
    match request.send().await {
        Ok(answer) => Heard::Status(answer.status().as_u16()),
        Err(error) => Heard::Nothing(said(&error)),
    }
}

/// An error with its causes, which is where the reason stands.
fn said(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text = format!("{text}: {inner}");
        cause = inner.source();
    }
    text
}
