//! Tests of the queue: what is due when, and what holds it back.

use chrono::Duration;
use serde_json::json;

use super::*;

const NOW: DateTime<Utc> = DateTime::UNIX_EPOCH;

fn letter(n: u32, order_id: &str) -> Letter {
    Letter::new(format!("whtrans_{n}"), &json!({"n": n}), Some(order_id.to_owned()), NOW)
}

fn due(queue: &mut Queue, now: DateTime<Utc>) -> Vec<u64> {
    queue.take_due(now, 100).into_iter().map(|attempt| attempt.id).collect()
}

#[test]
fn a_refused_webhook_is_tried_eight_times_and_then_given_up() {
    let mut queue = Queue::default();
    let id = queue.add(letter(1, "order-0001"));
    let mut now = NOW;
    for (retried, minutes) in [1, 4, 16, 64, 256, 1_024, 4_096].into_iter().enumerate() {
        let taken = queue.take_due(now, 100);
        assert_eq!(taken.iter().map(|attempt| attempt.retried as usize).collect::<Vec<_>>(), [retried]);
        assert_eq!(queue.due(now), 1);
        // Other successes than 200 will not do.
        queue.sent(id, Heard::Status(204), now);
        let next = now + Duration::minutes(minutes);
        assert_eq!(queue.due(next - Duration::seconds(1)), 0);
        assert_eq!(queue.counts(now).later, 1);
        now = next;
    }
    assert_eq!(due(&mut queue, now), [id]);
    queue.sent(id, Heard::Nothing("refused".into()), now);
    let log = queue.log(None);
    assert_eq!((log[0].state, log[0].attempts, log[0].last_status), (WebhookState::Failed, 8, None));
    assert_eq!(log[0].last_error.as_deref(), Some("refused"));
    assert!(due(&mut queue, now + Duration::days(30)).is_empty() && !queue.waits());
    assert_eq!(queue.resend(None, now), 1);
    assert_eq!(due(&mut queue, now), [id]);
    queue.sent(id, Heard::Status(200), now);
    assert_eq!(queue.counts(now), WebhookCounts { delivered: 1, ..WebhookCounts::default() });
    assert_eq!((queue.resend(None, now), queue.resend(Some("whtrans_1"), now)), (0, 1));
}

#[test]
fn webhooks_of_one_order_wait_for_each_other_and_duplicates_do_not() {
    let mut queue = Queue::default();
    let (one, two) = (queue.add(letter(1, "order-0001")), queue.add(letter(2, "order-0001")));
    let other = queue.add(letter(3, "order-0002"));
    let twin = queue.add(Letter { at_once: true, ..letter(1, "order-0001") });
    assert_eq!(due(&mut queue, NOW), [one, other, twin]);
    assert!(due(&mut queue, NOW).is_empty());
    queue.sent(one, Heard::Status(200), NOW);
    assert!(due(&mut queue, NOW).is_empty());
    queue.sent(twin, Heard::Status(200), NOW);
    assert_eq!(due(&mut queue, NOW), [two]);
    assert_eq!(queue.due(NOW), 2);
}

#[test]
fn only_so_many_are_taken_at_a_time() {
    let mut queue = Queue::default();
    for n in 0..5 {
        queue.add(letter(n, &format!("order-{n:04}")));
    }
    assert_eq!(queue.take_due(NOW, 3).len(), 3);
    assert_eq!(queue.take_due(NOW, 0).len(), 0);
    assert_eq!(queue.take_due(NOW, 3).len(), 2);
}

#[test]
fn what_is_held_back_waits_for_the_right_thing() {
    let held = |n, order: &str, held| Letter {
        state: WebhookState::HeldBack,
        held: Some(held),
        next_at: None,
        ..letter(n, order)
    };
    let mut queue = Queue::default();
    let overtaken = queue.add(held(1, "order-0001", Held::Overtaken));
    let released = queue.add(held(2, "order-0001", Held::Released));
    let answered = queue.add(held(3, "order-0001", Held::Answered));
    let other = queue.add(letter(4, "order-0002"));
    assert_eq!(due(&mut queue, NOW), [other]);
    queue.sent(other, Heard::Status(200), NOW);
    assert!(due(&mut queue, NOW).is_empty());
    let later = queue.add(letter(5, "order-0001"));
    assert_eq!(due(&mut queue, NOW), [later]);
    // Sent is enough: whether the shop took it does not matter.
    queue.sent(later, Heard::Status(500), NOW);
    assert_eq!(due(&mut queue, NOW), [overtaken]);
    queue.sent(overtaken, Heard::Status(200), NOW);
    queue.release(NOW);
    assert_eq!(due(&mut queue, NOW), [released]);
    queue.sent(released, Heard::Status(200), NOW);
    assert!(!queue.tried(&[answered]) && queue.tried(&[released, later]));
    queue.answered(&[answered, released], NOW);
    assert_eq!(due(&mut queue, NOW), [answered]);
    queue.sent(answered, Heard::Status(200), NOW);
    // A delay is let go of too, and the next attempt of one that failed is not.
    let delayed = queue.add(Letter { next_at: Some(NOW + Duration::hours(1)), ..letter(6, "order-0003") });
    assert_eq!(queue.counts(NOW).later, 2);
    queue.release(NOW);
    assert_eq!(due(&mut queue, NOW), [delayed]);
}

#[test]
fn the_log_is_bounded_and_forgets_what_is_done_with_first() {
    let mut queue = Queue::default();
    let waiting = queue.add(Letter { next_at: Some(NOW + Duration::hours(1)), ..letter(0, "order-0000") });
    let done = queue.add(letter(1, "order-0001"));
    due(&mut queue, NOW);
    queue.sent(done, Heard::Status(200), NOW);
    for n in 2..=MAX_LETTERS {
        queue.add(letter(n as u32, &format!("order-{n:05}")));
    }
    assert!(queue.letters.contains_key(&waiting) && !queue.letters.contains_key(&done));
    queue.add(letter(0, "order-none"));
    assert!(!queue.letters.contains_key(&waiting));
    assert_eq!((queue.letters.len(), queue.schedule.len()), (MAX_LETTERS, MAX_LETTERS));
    queue.sent(done, Heard::Status(200), NOW);
    assert_eq!(queue.letters.len(), MAX_LETTERS);
}
