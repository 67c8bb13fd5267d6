//! The objects inside a Payment: its card, its virtual account and its cancels.

use chrono::{DateTime, Duration, Utc};
use serde_json::{Value, json};

use super::{Cancel, Payment, Status};
use crate::{
    clock::korean,
    means::{Card, VirtualAccount},
};

/// One entry of `cancels`. Domestic methods are done at once.
pub(crate) fn cancel(cancel: &Cancel) -> Value {
    json!({
        "cancelAmount": cancel.amount,
        "cancelReason": cancel.reason,
        "taxFreeAmount": cancel.tax_free,
        "taxExemptionAmount": cancel.tax_exemption,
        "refundableAmount": cancel.left,
        "cardDiscountAmount": 0,
        "transferDiscountAmount": 0,
        "easyPayDiscountAmount": 0,
        "canceledAt": korean(cancel.at),
        "transactionKey": cancel.transaction_key,
        "receiptKey": null,
        "cancelStatus": "DONE",
        "cancelRequestId": cancel.request_id,
    })
}

/// The `card` object.
pub(crate) fn card(payment: &Payment, card: &Card, amount: i64, now: DateTime<Utc>) -> Value {
    json!({
        "amount": amount,
        "issuerCode": card.issuer,
        "acquirerCode": card.acquirer,
        "number": card.masked,
        "installmentPlanMonths": 0,
        "isInterestFree": false,
        "interestPayer": null,
        "approveNo": "00000000",
        "useCardPoint": false,
        "cardType": card.kind,
        "ownerType": card.owner,
        "acquireStatus": acquire_status(payment, now),
    })
}

/// Acquisition is asked for after a day and done after two; a full cancel undoes it.
fn acquire_status(payment: &Payment, now: DateTime<Utc>) -> &'static str {
    if payment.status == Status::Canceled {
        return "CANCELED";
    }
    match payment.approved_at.map(|at| now - at) {
        Some(age) if age >= Duration::days(2) => "COMPLETED",
        Some(age) if age >= Duration::days(1) => "REQUESTED",
        _ => "READY",
    }
}

/// The `virtualAccount` object; there is none before the account is issued.
pub(crate) fn virtual_account(payment: &Payment, account: &VirtualAccount, now: DateTime<Utc>) -> Value {
    let Some(due) = account.due else { return Value::Null };
    json!({
        "accountType": "일반",
        "accountNumber": account.number,
        "bankCode": account.bank,
        "customerName": account.customer,
        "depositorName": account.depositor,
        "dueDate": korean(due),
        "refundStatus": account.refund_status(now),
        "expired": payment.status == Status::WaitingForDeposit && account.expired(now),
        "settlementStatus": "INCOMPLETED",
        "refundReceiveAccount": account.readable_refund(now).map(|refund| json!({
            "bankCode": refund.bank,
            "accountNumber": refund.number,
            "holderName": refund.holder,
        })),
    })
}
