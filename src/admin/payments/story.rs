//! Tells an order's history in plain sentences, in the order in which it happened.

use chrono::{DateTime, Utc};
use entity::payment::PaymentStatus;
use entity::payment_event::{self, Cause};
use entity::refund::{self, RefundStatus};
use entity::webhook::{self, WebhookStatus};
use entity::{compensation, payment, subscription_period};

use super::told::Told;
use crate::admin::view::{When, payment_state};
use crate::attention;
use crate::findings;
use crate::pages::Shell;

/// One thing that happened.
#[derive(Clone, Debug)]
pub(super) struct Line {
    pub(super) at: When,
    /// The style's name.
    pub(super) class: &'static str,
    /// What happened.
    pub(super) text: String,
    /// What experts want to know of it.
    pub(super) fine: Vec<String>,
    /// Where there is more about it.
    pub(super) link: Option<String>,
}

/// Lines on their way into order: when, and which comes first of what was written at one instant.
type Dated = (DateTime<Utc>, u8, Line);

/// The history of an order.
pub(super) fn story(shell: &Shell, payment: &payment::Model, told: &Told) -> Vec<Line> {
    let mut lines: Vec<Dated> = Vec::new();
    lines.push(quoted(shell, payment, told));
    lines.extend(told.webhooks.iter().flat_map(|row| webhook(shell, row)));
    let mut balance = 0;
    for event in &told.moves {
        lines.push(movement(shell, event, balance));
        balance = event.balance_amount.get();
    }
    lines.extend(told.refunds.iter().map(|row| refund(shell, row)));
    lines.extend(told.periods.iter().flat_map(|row| period(shell, row)));
    lines.extend(told.entries.iter().map(|entry| {
        let amount = shell.won(entry.amount.get().saturating_abs());
        let text = match (shell.code(), entry.amount.get() < 0) {
            ("ko", false) => format!("이벤트 금액에 {amount}이 더해졌습니다."),
            ("ko", true) => format!("이벤트 금액에서 {amount}이 빠졌습니다."),
            (_, false) => format!("{amount} was added to the event total."),
            (_, true) => format!("{amount} was taken off the event total."),
        };
        line(shell, entry.created_at, 6, "info", text, Vec::new())
    }));
    lines.extend(told.compensations.iter().flat_map(|row| compensated(shell, row)));
    lines.extend(told.findings.iter().flat_map(|row| found(shell, row)));
    lines.sort_by_key(|(at, rank, _)| (*at, *rank));
    lines.into_iter().map(|(_, _, line)| line).collect()
}

/// What the buyer was offered. The quote itself is forgotten some time after it can no longer be paid; the payment knows
/// what it said.
fn quoted(shell: &Shell, payment: &payment::Model, told: &Told) -> Dated {
    let (name, amount) = (&payment.order_name, shell.won(payment.amount.get()));
    let text = match shell.code() {
        "ko" => format!("주문이 만들어졌습니다: {name} {amount}. 이 금액만 결제될 수 있습니다."),
        _ => format!("The order was quoted: {name} for {amount}. No other amount can be charged."),
    };
    match &told.quote {
        Some(quote) => line(shell, quote.created_at, 0, "still", text, Vec::new()),
        None => {
            let gone = shell.say(
                "견적의 시각은 지워졌습니다. 이것은 결제가 시작된 시각입니다.",
                "When it was quoted is forgotten by now; this is when its payment began.",
            );
            line(shell, payment.created_at, 0, "still", text, vec![gone.to_owned()])
        }
    }
}

fn line(
    shell: &Shell,
    at: DateTime<Utc>,
    rank: u8,
    class: &'static str,
    text: String,
    fine: Vec<String>,
) -> Dated {
    (at, rank, Line { at: When::exact(shell, at), class, text, fine, link: None })
}

/// A move of the payment's state. `before` is the balance before it, in won.
fn movement(shell: &Shell, event: &payment_event::Model, before: i64) -> Dated {
    let (ko, en) = what(event, before);
    let class = match event.to_status {
        PaymentStatus::Done => "good",
        PaymentStatus::Aborted => "bad",
        PaymentStatus::InProgress => "warn",
        PaymentStatus::WaitingForDeposit | PaymentStatus::Canceled | PaymentStatus::PartialCanceled => "info",
        PaymentStatus::Ready | PaymentStatus::Expired => "still",
    };
    let (cause_ko, cause_en) = cause(event.cause);
    let mut text = format!("{} {}", shell.say(ko, en), shell.say(cause_ko, cause_en));
    if event.balance_amount.get() != before {
        let (had, has) = (shell.won(before), shell.won(event.balance_amount.get()));
        let label = shell.say("받은 돈", "Money held");
        text.push_str(&format!(" {label}: {had} → {has}."));
    }
    let mut fine = Vec::new();
    let to = payment_state(shell, event.to_status).text;
    fine.push(match event.from_status {
        Some(from) => format!("{} → {to}", payment_state(shell, from).text),
        None => to.to_owned(),
    });
    if let Some(code) = &event.code {
        fine.push(format!("{code} {}", event.message.as_deref().unwrap_or_default()));
    }
    if let Some(key) = &event.payment_key {
        fine.push(format!("paymentKey {key}"));
    }
    if let Some(key) = &event.idempotency_key {
        fine.push(format!("Idempotency-Key {}…", key.as_str().chars().take(8).collect::<String>()));
    }
    line(shell, event.created_at, 2, class, text, fine)
}

/// What a move says, in Korean and in English.
fn what(event: &payment_event::Model, before: i64) -> (&'static str, &'static str) {
    let less = event.balance_amount.get() < before;
    match (event.from_status, event.to_status) {
        (_, PaymentStatus::InProgress) => (
            "구매자가 결제창에서 인증을 마쳐, 토스에 결제 승인을 요청했습니다.",
            "The buyer finished in the payment window, and Toss was asked to charge.",
        ),
        (Some(PaymentStatus::WaitingForDeposit), PaymentStatus::Done) => {
            ("가상계좌에 입금되어 결제가 완료되었습니다.", "The deposit arrived; the payment is complete.")
        }
        (Some(PaymentStatus::Done | PaymentStatus::PartialCanceled), PaymentStatus::Done) => {
            ("결제는 완료 상태 그대로입니다.", "The payment stays complete.")
        }
        (_, PaymentStatus::Done) => (
            "토스가 결제를 승인했습니다: 구매자에게 청구되었습니다.",
            "Toss approved: the buyer was charged.",
        ),
        (Some(PaymentStatus::Done | PaymentStatus::PartialCanceled), PaymentStatus::WaitingForDeposit) => (
            "은행이 입금을 되돌렸습니다. 다시 입금을 기다립니다.",
            "The bank took the deposit back; it is awaited again.",
        ),
        (_, PaymentStatus::WaitingForDeposit) => (
            "가상계좌가 발급되었습니다. 입금 전에는 아무것도 청구되지 않습니다.",
            "A virtual account was issued; nothing is charged before the deposit.",
        ),
        (_, PaymentStatus::Aborted) => (
            "결제가 되지 않았습니다: 청구된 것이 없습니다.",
            "The payment did not go through: nothing was charged.",
        ),
        (_, PaymentStatus::Expired) => (
            "승인 없이 결제 시간이 지났습니다: 청구된 것이 없습니다.",
            "The time to pay ran out: nothing was charged.",
        ),
        (_, PaymentStatus::Canceled | PaymentStatus::PartialCanceled) if less => {
            ("돈이 구매자에게 돌아갔습니다.", "Money went back to the buyer.")
        }
        (_, PaymentStatus::Canceled | PaymentStatus::PartialCanceled) => {
            ("결제가 취소되었습니다.", "The payment was canceled.")
        }
        (_, PaymentStatus::Ready) => ("결제창이 열렸습니다.", "The payment window was opened."),
    }
}

fn cause(cause: Cause) -> (&'static str, &'static str) {
    match cause {
        Cause::Confirm => ("(구매자의 승인 요청)", "(By the buyer's confirmation.)"),
        Cause::Fail => {
            ("(구매자가 결제창에서 실패로 돌아옴)", "(The buyer came back from the window with a failure.)")
        }
        Cause::Cancel => ("(우리를 통한 환불)", "(By a refund asked for here.)"),
        Cause::Settle => ("(답이 없어 다시 물어 알아냄)", "(Found out by asking Toss again.)"),
        Cause::Webhook => ("(토스의 알림을 받고 다시 물음)", "(Found out after Toss called.)"),
        Cause::Reconcile => ("(장부 대조에서 발견)", "(Found by comparing the books.)"),
        Cause::Compensate => ("(제공할 수 없어 되돌림)", "(Undone, since it could not be honoured.)"),
    }
}

fn refund(shell: &Shell, row: &refund::Model) -> Dated {
    let amount = shell.won(row.amount.get());
    let by_staff = row.idempotency_key.is_none();
    let (class, ko, en) = match row.status {
        RefundStatus::Done if by_staff => {
            ("info", "토스 상점관리자에서 환불했습니다", "A refund was made in Toss's console")
        }
        RefundStatus::Done => ("info", "환불을 요청했고 완료되었습니다", "A refund was asked for and made"),
        RefundStatus::Pending => (
            "warn",
            "환불을 요청했고 결과를 확인하고 있습니다",
            "A refund was asked for; its outcome is being found out",
        ),
        RefundStatus::Failed => {
            ("bad", "환불을 요청했지만 토스가 거절했습니다", "A refund was asked for and Toss refused it")
        }
    };
    let text = format!("{}: {amount}. {} “{}”", shell.say(ko, en), shell.say("사유:", "Reason:"), row.reason);
    let mut fine = Vec::new();
    if let Some(at) = row.refunded_at {
        fine.push(format!("{} {}", shell.say("완료", "done"), When::exact(shell, at).text));
    }
    if let Some(code) = &row.failure_code {
        fine.push(format!("{code} {}", row.failure_message.as_deref().unwrap_or_default()));
    }
    fine.push(format!("refund {}", row.id));
    // A refund of ours is asked for before the payment moves; one of staff's is known by that move.
    let (at, rank, told) = line(shell, row.created_at, if by_staff { 3 } else { 1 }, class, text, fine);
    (at, rank, Line { link: Some(format!("/admin/refunds/{}", row.id)), ..told })
}

fn period(shell: &Shell, row: &subscription_period::Model) -> Vec<Dated> {
    let span = format!("{} ~ {}", When::of(shell, row.starts_at).text, When::of(shell, row.ends_at).text);
    let given = shell.say("이용 기간이 주어졌습니다", "Time was given");
    let note = shell.say(
        "더 비싼 요금제나 환불로 옮겨졌다면 지금의 위치입니다.",
        "As it lies now, should a dearer plan or a refund have moved it.",
    );
    let mut lines =
        vec![line(shell, row.created_at, 5, "good", format!("{given}: {span}."), vec![note.to_owned()])];
    if let Some(at) = row.revoked_at {
        let text = shell
            .say("환불로 이용 기간을 거두었습니다.", "The time was taken back, since its money went back.");
        lines.push(line(shell, at, 5, "still", text.to_owned(), Vec::new()));
    }
    lines
}

fn compensated(shell: &Shell, row: &compensation::Model) -> Vec<Dated> {
    let amount = shell.won(row.amount.get());
    let began = shell.say(
        "승인된 결제를 제공할 수 없어 전액 취소하기로 했습니다",
        "An approved payment could not be honoured, so all of it is to be cancelled",
    );
    let fine = vec![row.reason.clone(), format!("paymentKey {}", row.payment_key)];
    let mut lines = vec![line(shell, row.created_at, 3, "warn", format!("{began}: {amount}."), fine)];
    if let Some(at) = row.finished_at {
        let (class, ko, en) = match row.status {
            RefundStatus::Done => {
                ("info", "그 결제의 취소가 끝났습니다.", "That payment has been cancelled.")
            }
            RefundStatus::Failed => (
                "bad",
                "토스가 그 취소를 거절했습니다. 사람이 확인해야 합니다.",
                "Toss refused that cancel; a person must look.",
            ),
            RefundStatus::Pending => {
                ("warn", "그 취소를 다시 시도하고 있습니다.", "That cancel is being tried again.")
            }
        };
        let code = row.failure_code.as_ref();
        let fine = code.map(|code| format!("{code} {}", row.failure_message.as_deref().unwrap_or_default()));
        lines.push(line(shell, at, 4, class, shell.say(ko, en).to_owned(), fine.into_iter().collect()));
    }
    lines
}

fn found(shell: &Shell, row: &entity::finding::Model) -> Vec<Dated> {
    let kind = findings::Kind::named(&row.kind).map_or(attention::Kind::Unlisted, attention::Kind::from);
    let fine =
        [Some(row.detail.clone()), row.ours.clone(), row.theirs.clone()].into_iter().flatten().collect();
    let text = kind.detail(shell.language).to_owned();
    let mut lines = vec![line(shell, row.first_seen_at, 7, "bad", text, fine)];
    if let Some(at) = row.resolved_at {
        let text = shell.say("그 문제가 해결된 것을 확인했습니다.", "That matter was found to be over.");
        lines.push(line(shell, at, 8, "good", text.to_owned(), vec![row.kind.clone()]));
    }
    lines
}

fn webhook(shell: &Shell, row: &webhook::Model) -> Vec<Dated> {
    let (ko, en) = match row.status {
        WebhookStatus::Pending => (
            "토스가 이 주문에 대해 알려 왔고, 아직 처리하지 않았습니다.",
            "Toss called about this order; it has not been worked off yet.",
        ),
        WebhookStatus::Done => (
            "토스가 이 주문에 대해 알려 와, 결제를 다시 확인했습니다.",
            "Toss called about this order, and the payment was read again.",
        ),
        WebhookStatus::Ignored => (
            "이 주문에 대한 알림이 왔지만 근거가 없어 무시했습니다.",
            "A call about this order came and was ignored: nothing bore it out.",
        ),
    };
    let fine = [Some(row.event_type.clone()), row.outcome.clone()].into_iter().flatten().collect();
    vec![line(shell, row.received_at, 1, "still", shell.say(ko, en).to_owned(), fine)]
}
