//! Toss's list of all transactions (`GET /v1/transactions`), a page at a time: every approval and every cancel is a row
//! of its own.

use chrono::{DateTime, Duration, Utc};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use super::answer::Answer;
use super::client::Client;
use super::codes::Operation;
use super::payment::{Status, instant_if_readable, whole};

/// Which rows are wanted.
#[derive(Clone, Debug)]
pub struct TransactionsQuery {
    /// The first second.
    pub from: DateTime<Utc>,
    /// The last second, which is still inside.
    pub to: DateTime<Utc>,
    /// The transaction key of the last row of the page before; none for the first page.
    pub after: Option<String>,
    /// Rows on a page, at most 5,000. Fewer come only on the last one.
    pub limit: u32,
}

/// One row: something that happened to a payment, which need not have moved money.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Transaction {
    /// Toss's key of the row; of a cancel the same as in the payment.
    pub transaction_key: String,
    /// Toss's key of the payment.
    pub payment_key: String,
    /// The order id that the shop gave; empty where there is none.
    #[serde(default, deserialize_with = "text_or_nothing")]
    pub order_id: String,
    /// How the payment stood after it.
    #[serde(default = "unlisted", deserialize_with = "status_or_unlisted")]
    pub status: Status,
    /// How much it was about, in minor units and without a sign, which Toss does not promise; none where it is not whole.
    #[serde(default, deserialize_with = "size")]
    pub amount: Option<u64>,
    /// `KRW` for us.
    #[serde(default)]
    pub currency: Option<String>,
    /// When it happened.
    #[serde(default, deserialize_with = "instant_if_readable")]
    pub transaction_at: Option<DateTime<Utc>>,
}

impl Client {
    /// Asks Toss for one page of transactions, oldest first.
    ///
    /// # Errors
    /// What came instead of a page; never [`Answer::Payment`].
    pub async fn transactions(&self, query: &TransactionsQuery) -> Result<Vec<Transaction>, Answer> {
        let mut url = self.url(&["transactions"]);
        let limit = query.limit.to_string();
        let (from, to) = (korean(query.from), korean(query.to));
        url.query_pairs_mut()
            .append_pair("startDate", &from)
            .append_pair("endDate", &to)
            .append_pair("limit", &limit);
        if let Some(after) = &query.after {
            url.query_pairs_mut().append_pair("startingAfter", after);
        }
        let request = self.get(url);
        self.call(Operation::Transactions, &format!("{from}/{to}"), request, read).await
    }
}

fn read(value: Value) -> Result<Vec<Transaction>, Answer> {
    serde_json::from_value(value)
        .map_err(|error| Answer::Silent { cause: format!("unreadable transactions: {error}") })
}

/// Toss's query takes Korean time, to the second.
fn korean(at: DateTime<Utc>) -> String {
    let shown = at.naive_utc().checked_add_signed(Duration::hours(9)).unwrap_or(at.naive_utc());
    shown.format("%Y-%m-%dT%H:%M:%S").to_string()
}

fn unlisted() -> Status {
    Status::Unlisted
}

fn text_or_nothing<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    Ok(Option::<String>::deserialize(deserializer)?.unwrap_or_default())
}

fn status_or_unlisted<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Status, D::Error> {
    Ok(Option::<Status>::deserialize(deserializer)?.unwrap_or_else(unlisted))
}

/// An amount that is not whole, of another currency perhaps, must not hide the row.
fn size<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    let value = Value::deserialize(deserializer)?;
    Ok(whole(value).ok().map(i64::unsigned_abs))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(extra: Value) -> Transaction {
        let mut value = serde_json::json!({
            "mId": "shop", "transactionKey": "t", "paymentKey": "p", "orderId": "order-1", "method": "카드",
            "status": "DONE", "transactionAt": "2026-01-31T15:00:00+09:00", "currency": "KRW", "amount": 9900,
            "somethingNew": [1],
        });
        let fields = extra.as_object().expect("an object").clone();
        value.as_object_mut().expect("an object").extend(fields);
        read(Value::Array(vec![value])).expect("a page").remove(0)
    }

    #[test]
    fn the_sign_of_an_amount_says_nothing() {
        let cancel = row(serde_json::json!({"status": "CANCELED", "amount": -9900}));
        assert_eq!((cancel.status, cancel.amount), (Status::Canceled, Some(9_900)));
        assert_eq!(row(serde_json::json!({"amount": i64::MIN})).amount, Some(1 << 63));
    }

    #[test]
    fn unknown_values_hide_no_row() {
        let odd = serde_json::json!({
            "status": null, "orderId": null, "amount": 726.24, "currency": null, "transactionAt": "soon",
        });
        let row = row(odd);
        assert_eq!((row.status, row.amount, row.currency), (Status::Unlisted, None, None));
        assert_eq!((row.transaction_key.as_str(), row.transaction_at), ("t", None));
    }

    #[test]
    fn what_is_no_list_of_transactions_is_no_page() {
        for odd in [serde_json::json!({}), serde_json::json!([1]), serde_json::json!([{"orderId": "o"}])] {
            assert!(matches!(read(odd), Err(Answer::Silent { .. })));
        }
    }

    #[test]
    fn seconds_are_asked_for_in_korean_time() {
        let at = "2026-01-31T14:59:59.999999Z".parse().expect("an instant");
        assert_eq!(korean(at), "2026-01-31T23:59:59");
    }
}
