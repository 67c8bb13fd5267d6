//! How states, times and amounts look on the pages of the dashboard.

use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Tz;
use entity::job_run::JobRunStatus;
use entity::payment::{self, PaymentStatus};
use entity::plan::PlanType;
use entity::refund::RefundStatus;
use entity::subscription::SubscriptionStatus;

use crate::http::fields::{Fault, FieldError};
use crate::pages::Shell;
use crate::subscriptions::calendar::resolve;

/// A state in a word; the colour only repeats what the word says.
#[derive(Clone, Debug)]
pub(super) struct Chip {
    /// The style's name.
    pub(super) class: &'static str,
    /// The word.
    pub(super) text: &'static str,
}

/// An instant: as people read it, and as it is written down.
#[derive(Clone, Debug)]
pub(super) struct When {
    /// In `billing.timezone`.
    pub(super) text: String,
    /// In UTC.
    pub(super) utc: String,
}

impl When {
    /// How `at` looks.
    pub(super) fn of(shell: &Shell, at: DateTime<Utc>) -> Self {
        let utc = at.to_rfc3339_opts(chrono::SecondsFormat::Secs, true);
        Self { text: short(shell, at), utc }
    }

    /// How `at` looks, to the second.
    pub(super) fn exact(shell: &Shell, at: DateTime<Utc>) -> Self {
        let utc = at.to_rfc3339_opts(chrono::SecondsFormat::Micros, true);
        Self { text: at.with_timezone(&shell.zone).format("%Y-%m-%d %H:%M:%S").to_string(), utc }
    }
}

/// Day and minute, for tables.
fn short(shell: &Shell, at: DateTime<Utc>) -> String {
    at.with_timezone(&shell.zone).format("%Y-%m-%d %H:%M").to_string()
}

/// A choice of a select.
#[derive(Clone, Debug)]
pub(super) struct Choice {
    /// What is sent.
    pub(super) value: String,
    /// What is read.
    pub(super) label: String,
    /// Whether it is chosen.
    pub(super) chosen: bool,
}

impl Choice {
    /// A choice; chosen if it is `current`.
    pub(super) fn new(value: impl Into<String>, label: impl Into<String>, current: Option<&str>) -> Self {
        let value = value.into();
        Self { chosen: current.unwrap_or_default() == value, value, label: label.into() }
    }
}

/// The states of payments, with their names in links.
pub(super) const PAYMENT_STATES: [(&str, PaymentStatus); 8] = [
    ("DONE", PaymentStatus::Done),
    ("IN_PROGRESS", PaymentStatus::InProgress),
    ("WAITING_FOR_DEPOSIT", PaymentStatus::WaitingForDeposit),
    ("PARTIAL_CANCELED", PaymentStatus::PartialCanceled),
    ("CANCELED", PaymentStatus::Canceled),
    ("ABORTED", PaymentStatus::Aborted),
    ("EXPIRED", PaymentStatus::Expired),
    ("READY", PaymentStatus::Ready),
];

/// How a state of a payment looks.
pub(super) fn payment_state(shell: &Shell, status: PaymentStatus) -> Chip {
    let (class, ko, en) = match status {
        PaymentStatus::Ready => ("still", "결제창 열림", "Window open"),
        PaymentStatus::InProgress => ("warn", "확인 중", "Being found out"),
        PaymentStatus::WaitingForDeposit => ("info", "입금 대기", "Awaiting deposit"),
        PaymentStatus::Done => ("good", "결제 완료", "Paid"),
        PaymentStatus::Canceled => ("still", "취소됨", "Canceled"),
        PaymentStatus::PartialCanceled => ("info", "부분 환불", "Partly refunded"),
        PaymentStatus::Aborted => ("bad", "실패", "Failed"),
        PaymentStatus::Expired => ("still", "만료", "Expired"),
    };
    Chip { class, text: shell.say(ko, en) }
}

/// How a payment stands: where nothing is left of it, that is what counts.
pub(super) fn payment_chip(shell: &Shell, payment: &payment::Model) -> Chip {
    let given_back = payment.approved_at.is_some() && payment.balance_amount.is_zero();
    if given_back && matches!(payment.status, PaymentStatus::Canceled | PaymentStatus::PartialCanceled) {
        return Chip { class: "still", text: shell.say("전액 환불", "Refunded") };
    }
    payment_state(shell, payment.status)
}

/// How a refund stands.
pub(super) fn refund_chip(shell: &Shell, status: RefundStatus) -> Chip {
    let (class, ko, en) = match status {
        RefundStatus::Pending => ("warn", "확인 중", "Being found out"),
        RefundStatus::Done => ("good", "환불 완료", "Refunded"),
        RefundStatus::Failed => ("bad", "거절됨", "Refused"),
    };
    Chip { class, text: shell.say(ko, en) }
}

/// How a subscription stands.
pub(super) fn subscription_chip(shell: &Shell, status: SubscriptionStatus) -> Chip {
    let (class, ko, en) = match status {
        SubscriptionStatus::Active => ("good", "이용 중", "Active"),
        SubscriptionStatus::Expired => ("still", "만료", "Expired"),
        SubscriptionStatus::Canceled => ("bad", "환불로 해지", "Refunded"),
    };
    Chip { class, text: shell.say(ko, en) }
}

/// How a run of a job stands.
pub(super) fn run_chip(shell: &Shell, status: JobRunStatus) -> Chip {
    let (class, ko, en) = match status {
        JobRunStatus::Running => ("info", "실행 중", "Running"),
        JobRunStatus::Done => ("good", "성공", "Done"),
        JobRunStatus::Failed => ("bad", "실패", "Failed"),
    };
    Chip { class, text: shell.say(ko, en) }
}

/// Whether a plan is for sale.
pub(super) fn sale_chip(shell: &Shell, is_active: bool) -> Chip {
    if is_active {
        Chip { class: "good", text: shell.say("판매 중", "For sale") }
    } else {
        Chip { class: "still", text: shell.say("판매 중지", "Not for sale") }
    }
}

/// What kind of plan it is.
pub(super) fn plan_type(kind: PlanType) -> &'static str {
    match kind {
        PlanType::Basic => "BASIC",
        PlanType::Premium => "PREMIUM",
        PlanType::Event => "EVENT",
    }
}

/// What one order buys.
pub(super) fn interval(shell: &Shell, months: Option<i32>) -> String {
    match months {
        None => shell.say("기간 없음", "no time").to_owned(),
        Some(1) => shell.say("1개월", "1 month").to_owned(),
        Some(months) => format!("{months}{}", shell.say("개월", " months")),
    }
}

/// The first instant of a day such as `2026-11-21`, or of the day after it; nothing where none is given.
///
/// # Errors
/// The field that is no day.
pub(super) fn day_start(
    field: &'static str,
    text: Option<&str>,
    zone: Tz,
    days_later: u64,
) -> Result<Option<DateTime<Utc>>, FieldError> {
    let Some(text) = text.map(str::trim).filter(|text| !text.is_empty()) else { return Ok(None) };
    let parse = || {
        let day = NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()?;
        let in_range = (1970..9_999).contains(&chrono::Datelike::year(&day));
        let day = day.checked_add_days(chrono::Days::new(days_later)).filter(|_| in_range)?;
        resolve(day.and_time(chrono::NaiveTime::MIN), zone)
    };
    parse().map(Some).ok_or_else(|| FieldError::new(field, Fault::Instant))
}

/// `path` with these parameters; those without a value are left out.
pub(super) fn link(path: &str, pairs: &[(&str, Option<&str>)]) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    let mut any = false;
    for (name, value) in pairs {
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            query.append_pair(name, value);
            any = true;
        }
    }
    if any { format!("{path}?{}", query.finish()) } else { path.to_owned() }
}

/// A text as one step of a path; identifiers may hold `=` and `@`, which need no escape, and nothing that does.
pub(super) fn user_link(user_id: &str) -> String {
    format!("/admin/subscriptions/{user_id}")
}
