//! Cancel: money goes back, whole or in parts, by the rules that Toss documents or was seen to follow.

use std::time::{Duration as RealTime, Instant};

use chrono::{DateTime, Datelike, Duration, Utc};

use super::{Books, cancel_request::CancelRequest, journal::LedgerKind};
use crate::{
    clock, ids,
    means::{Means, RefundAccount, account::Refund},
    payment::{Cancel, Payment, Status},
    refusal::Refusal,
};

/// Two cancels of one payment within this time are one too many.
const CONSECUTIVE: RealTime = RealTime::from_secs(1);

/// No maximum of partial cancels is documented; this one keeps a payment from growing without end.
const MAX_CANCELS: usize = 1_000;

/// Who cancels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum By {
    /// The shop, by the API; the flag says whether the one-second rule holds.
    Shop { consecutive_limit: bool },
    /// Staff, in Toss's admin console.
    Staff,
}

impl Books {
    /// Cancels a payment as asked, or says why not; a refusal changes nothing.
    pub(crate) fn cancel(
        &mut self,
        key: &str,
        asked: &CancelRequest,
        by: By,
        now: DateTime<Utc>,
    ) -> Result<&Payment, Refusal> {
        let payment = self.find(key, now)?;
        let moved = payment.status != Status::WaitingForDeposit;
        check_state(payment)?;
        if asked.refundable.is_some_and(|expected| expected != payment.balance) {
            return Err(Refusal::new("NOT_MATCHES_REFUNDABLE_AMOUNT"));
        }
        let amount = check_amount(payment, asked)?;
        check_due(payment, now)?;
        let tax_free = tax_free_part(payment, asked, amount)?;
        let account = if moved { refund_account(payment, asked, by)? } else { None };
        check_pace(payment, by)?;
        apply(payment, asked, amount, tax_free, now);
        if by != By::Staff {
            payment.last_cancel = Some(Instant::now());
        }
        if let (Some(account), Some(to)) = (account, payment.means.virtual_account_mut()) {
            to.refund = Some(Refund { account, at: now });
        }
        let canceled = payment.clone();
        self.journal.write(&canceled, LedgerKind::Cancel, amount, moved, now);
        self.changed(key, true, now);
        self.find(key, now).map(|payment| &*payment)
    }
}

/// A payment canceled in one piece answers with another code than one that was used up in parts.
fn check_state(payment: &Payment) -> Result<(), Refusal> {
    match payment.status {
        Status::Done | Status::PartialCanceled | Status::WaitingForDeposit => Ok(()),
        Status::Canceled => Err(Refusal::new("ALREADY_CANCELED_PAYMENT")),
        _ => Err(Refusal::new("NOT_CANCELABLE_PAYMENT")),
    }
}

fn check_amount(payment: &Payment, asked: &CancelRequest) -> Result<i64, Refusal> {
    let amount = asked.amount.unwrap_or(payment.balance);
    if payment.status == Status::WaitingForDeposit && amount != payment.balance {
        return Err(Refusal::new("NOT_ALLOWED_PARTIAL_REFUND_WAITING_DEPOSIT"));
    }
    if payment.balance == 0 || amount > payment.balance {
        return Err(Refusal::new("NOT_CANCELABLE_AMOUNT"));
    }
    Ok(amount)
}

/// How long money can go back depends on how it came. Nothing is documented for wallets and gift
/// certificates, and cards have no limit.
fn check_due(payment: &Payment, now: DateTime<Utc>) -> Result<(), Refusal> {
    let Some(approved) = payment.approved_at else { return Ok(()) };
    let late = match payment.means {
        Means::Transfer { .. } => now - approved > Duration::days(180),
        Means::VirtualAccount(_) => now - approved > Duration::days(365),
        Means::MobilePhone { .. } => {
            let month = |at| (clock::korean_naive(at).year(), clock::korean_naive(at).month());
            month(now) != month(approved)
        }
        Means::Card(_) | Means::EasyPay { .. } | Means::GiftCertificate { .. } => false,
    };
    if late { Err(Refusal::new("EXCEED_MAX_REFUND_DUE")) } else { Ok(()) }
}

/// The tax-free part of a cancel. What ends the balance takes what is left of it; else the shop
/// says so, and zero is the default.
fn tax_free_part(payment: &Payment, asked: &CancelRequest, amount: i64) -> Result<i64, Refusal> {
    if amount == payment.balance {
        return Ok(payment.tax_free_left);
    }
    let part = asked.tax_free.unwrap_or(0);
    // What stays must hold the tax-free part that stays.
    let left = payment.tax_free_left - part;
    if part > amount || left < 0 || left > payment.balance - amount {
        return Err(Refusal::new("INVALID_REQUEST"));
    }
    Ok(part)
}

/// After a deposit the money needs somewhere to go; for other methods the account is ignored.
fn refund_account(
    payment: &Payment,
    asked: &CancelRequest,
    by: By,
) -> Result<Option<RefundAccount>, Refusal> {
    match (payment.means.virtual_account(), by) {
        (None, _) => Ok(None),
        (Some(account), By::Staff) => Ok(Some(RefundAccount::typed_by_staff(&account.customer))),
        (Some(_), By::Shop { .. }) => asked.account().map(Some),
    }
}

/// Judged last and by real time: only a cancel that would otherwise be executed can come too soon.
fn check_pace(payment: &Payment, by: By) -> Result<(), Refusal> {
    if payment.cancels.len() >= MAX_CANCELS {
        return Err(Refusal::new("EXCEED_CANCEL_LIMIT"));
    }
    let limited = by == By::Shop { consecutive_limit: true };
    if limited && payment.last_cancel.is_some_and(|last| last.elapsed() < CONSECUTIVE) {
        return Err(Refusal::new("FORBIDDEN_CONSECUTIVE_REQUEST"));
    }
    Ok(())
}

fn apply(payment: &mut Payment, asked: &CancelRequest, amount: i64, tax_free: i64, now: DateTime<Utc>) {
    let in_one_piece = payment.cancels.is_empty() && amount == payment.balance;
    payment.status = if in_one_piece { Status::Canceled } else { Status::PartialCanceled };
    payment.balance -= amount;
    payment.tax_free_left -= tax_free;
    let transaction_key = ids::transaction_key();
    payment.last_transaction_key = Some(transaction_key.clone());
    payment.cancels.push(Cancel {
        amount,
        tax_free,
        tax_exemption: asked.tax_exemption,
        reason: asked.reason.clone(),
        left: payment.balance,
        at: now,
        transaction_key,
        request_id: asked.request_id.clone(),
    });
}

#[cfg(test)]
#[path = "cancel_tests.rs"]
mod tests;
