//! The Payment object of API version 2022-11-16, as answers show it.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::{Payment, parts};
use crate::{clock::korean, means::Means};

/// The shop's identifier, the same for every payment here.
pub(crate) const MID: &str = "tosssandbox";

/// The version of the Payment object that is served.
const VERSION: &str = "2022-11-16";

/// Shows a payment the way Toss does at this moment; `base` is where links in it lead.
pub(crate) fn payment(payment: &Payment, now: DateTime<Utc>, base: &str, english: bool) -> Value {
    let mut shown = json!({
        "version": VERSION,
        "paymentKey": payment.key,
        "type": "NORMAL",
        "orderId": payment.order_id,
        "orderName": payment.order_name,
        "mId": MID,
        "currency": "KRW",
        "method": payment.means.label(),
        "totalAmount": payment.amount,
        "balanceAmount": payment.balance,
        "status": payment.status,
        "requestedAt": korean(payment.requested_at),
        "approvedAt": payment.approved_at.map(korean),
        "useEscrow": false,
        "lastTransactionKey": payment.last_transaction_key,
        "suppliedAmount": payment.supplied(),
        "vat": payment.vat(),
        "cultureExpense": false,
        "taxFreeAmount": payment.tax_free_left,
        "taxExemptionAmount": 0,
        "isPartialCancelable": true,
        "cancels": null,
        "easyPayAmount": 0,
        "easyPayDiscountAmount": 0,
        "cashReceipt": null,
        "cashReceipts": null,
        "discount": null,
        "secret": payment.secret,
        "metadata": null,
        "receipt": payment.last_transaction_key.as_ref().map(|_| json!({"url": receipt_url(payment, base)})),
        "checkout": {"url": format!("{base}/v1/payments/{}/checkout", payment.key)},
        "country": "KR",
        "failure": payment.failure.as_ref().map(|failure| failure.body(english)),
        "card": null,
        "virtualAccount": null,
        "transfer": null,
        "mobilePhone": null,
        "giftCertificate": null,
        "easyPay": null,
    });
    if !payment.cancels.is_empty() {
        shown["cancels"] = payment.cancels.iter().map(parts::cancel).collect();
    }
    means(payment, now, base, &mut shown);
    shown
}

/// Where the receipt of a payment can be read.
pub(crate) fn receipt_url(payment: &Payment, base: &str) -> String {
    format!("{base}/sandbox/receipts/{}", payment.key)
}

/// Fills in exactly the object of the method; a wallet may stand beside its card.
fn means(payment: &Payment, now: DateTime<Utc>, base: &str, shown: &mut Value) {
    match &payment.means {
        Means::Card(card) => shown["card"] = parts::card(payment, card, payment.amount, now),
        Means::EasyPay { provider, card } => {
            let by_card = card.as_ref().map(|card| parts::card(payment, card, payment.amount, now));
            let amount = if by_card.is_some() { 0 } else { payment.amount };
            shown["easyPay"] = json!({"provider": provider, "amount": amount, "discountAmount": 0});
            shown["easyPayAmount"] = amount.into();
            shown["card"] = by_card.unwrap_or_default();
        }
        Means::VirtualAccount(account) => {
            shown["virtualAccount"] = parts::virtual_account(payment, account, now);
        }
        Means::Transfer { bank } => {
            shown["transfer"] = json!({"bankCode": bank, "settlementStatus": "INCOMPLETED"});
        }
        Means::MobilePhone { number } => {
            shown["mobilePhone"] = json!({
                "customerMobilePhone": number,
                "settlementStatus": "INCOMPLETED",
                "receiptUrl": receipt_url(payment, base),
            });
        }
        Means::GiftCertificate { .. } => {
            shown["giftCertificate"] = json!({"approveNo": "00000000", "settlementStatus": "INCOMPLETED"});
        }
    }
}
