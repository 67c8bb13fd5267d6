//! The log of calls: what the shop sent, so that a test can count its confirms.

use std::collections::VecDeque;

use serde::Serialize;

use crate::faults::Operation;

/// How many calls are remembered; the oldest is forgotten first.
const MAX_CALLS: usize = 10_000;

/// How much of each text of a call is remembered.
const MAX_TEXT: usize = 4_096;

/// One call to the API, written down when it arrives.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Received {
    /// The HTTP method.
    pub method: String,
    /// Path and query.
    pub path: String,
    /// The `Idempotency-Key`, if one was sent.
    pub idempotency_key: Option<String>,
    /// The body, its first 4 KiB.
    pub body: String,
    /// The status of the answer; absent while the call runs, and for good when it got no answer.
    pub status: Option<u16>,
    /// Which call it was.
    pub operation: Operation,
}

/// The calls, oldest first.
#[derive(Debug, Default)]
pub(crate) struct Requests {
    calls: VecDeque<Received>,
    /// How many calls were forgotten: what tickets are counted from.
    forgotten: usize,
}

impl Requests {
    /// Writes down a call and returns the ticket under which its answer is noted.
    pub(crate) fn arrived(&mut self, mut call: Received) -> usize {
        if self.calls.len() >= MAX_CALLS {
            self.calls.pop_front();
            self.forgotten += 1;
        }
        for text in [&mut call.body, &mut call.path].into_iter().chain(&mut call.idempotency_key) {
            text.truncate(text.floor_char_boundary(MAX_TEXT));
        }
        self.calls.push_back(call);
        self.forgotten + self.calls.len() - 1
    }

    /// Notes the answer of a call.
    pub(crate) fn answered(&mut self, ticket: usize, status: u16) {
        let at = ticket.checked_sub(self.forgotten);
        if let Some(call) = at.and_then(|at| self.calls.get_mut(at)) {
            call.status = Some(status);
        }
    }

    /// All calls that are remembered.
    pub(crate) fn all(&self) -> Vec<Received> {
        self.calls.iter().cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_log_is_bounded_and_answers_find_their_call() {
        let mut requests = Requests::default();
        let call = |n: usize| Received {
            method: "GET".into(),
            path: format!("/{n}"),
            idempotency_key: None,
            body: "가".repeat(MAX_TEXT),
            status: None,
            operation: Operation::Get,
        };
        let tickets: Vec<_> = (0..MAX_CALLS + 2).map(|n| requests.arrived(call(n))).collect();
        requests.answered(tickets[0], 200);
        requests.answered(tickets[MAX_CALLS + 1], 404);
        let all = requests.all();
        assert_eq!(all.len(), MAX_CALLS);
        assert_eq!(all[0].status, None);
        assert_eq!(all.last().map(|call| (call.status, call.path.as_str())), Some((Some(404), "/10001")));
        assert!(all[0].body.len() <= MAX_TEXT);
    }
}
