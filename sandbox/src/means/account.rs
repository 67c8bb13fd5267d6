//! Virtual accounts, and the bank account to which one is refunded.

use chrono::{DateTime, Duration, Utc};
use serde_json::Value;

use crate::{ids, refusal::Refusal};

/// Bank and securities codes that a refund may name.
const BANKS: [&str; 51] = [
    "39", "34", "12", "32", "45", "64", "88", "48", "27", "20", "71", "50", "37", "35", "90", "89", "92",
    "81", "54", "31", "03", "02", "06", "11", "23", "07", "S8", "SE", "SK", "S5", "SM", "S3", "SN", "S2",
    "S0", "SJ", "SQ", "SB", "ST", "SR", "SH", "S9", "S6", "SG", "SA", "SI", "S4", "SP", "SO", "SL", "SD",
];

/// The bank of an account when the buyer named none.
const DEFAULT_BANK: &str = "88";

/// How long a refund account can be read.
const READABLE: Duration = Duration::minutes(30);

/// How long a virtual account waits for its deposit unless the shop says otherwise.
const VALID: Duration = Duration::hours(168);

/// A one-time account that waits for a deposit.
#[derive(Debug, Clone)]
pub(crate) struct VirtualAccount {
    pub(crate) number: String,
    pub(crate) bank: &'static str,
    pub(crate) customer: String,
    /// Set when the account is issued, which is at confirm.
    pub(crate) due: Option<DateTime<Utc>>,
    pub(crate) depositor: Option<String>,
    pub(crate) refund: Option<Refund>,
}

/// A refund of a virtual account.
#[derive(Debug, Clone)]
pub(crate) struct Refund {
    pub(crate) account: RefundAccount,
    pub(crate) at: DateTime<Utc>,
}

impl VirtualAccount {
    /// An account for this customer, at the default bank unless one is named; the `X` marks it as one of a test
    /// shop.
    pub(crate) fn new(customer: &str, bank: Option<&str>) -> Result<Self, Refusal> {
        let code = bank.unwrap_or(DEFAULT_BANK);
        let bank = BANKS.iter().find(|known| **known == code).ok_or_else(|| Refusal::new("INVALID_BANK"))?;
        Ok(Self {
            number: format!("X{}", ids::digits(13)),
            bank,
            customer: customer.to_owned(),
            due: None,
            depositor: None,
            refund: None,
        })
    }

    /// Starts the term within which the deposit must come.
    pub(crate) fn issue(&mut self, now: DateTime<Utc>) {
        self.due = Some(now + VALID);
    }

    /// Whether the term has passed.
    pub(crate) fn expired(&self, now: DateTime<Utc>) -> bool {
        self.due.is_some_and(|due| now > due)
    }

    /// The refund account, while it can still be read.
    pub(crate) fn readable_refund(&self, now: DateTime<Utc>) -> Option<&RefundAccount> {
        self.refund.as_ref().filter(|refund| now - refund.at < READABLE).map(|refund| &refund.account)
    }

    /// `PENDING` for two days after a refund, then `COMPLETED`.
    pub(crate) fn refund_status(&self, now: DateTime<Utc>) -> &'static str {
        match &self.refund {
            None => "NONE",
            Some(refund) if now - refund.at < Duration::days(2) => "PENDING",
            Some(_) => "COMPLETED",
        }
    }
}

/// Where the money of a virtual account goes back to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RefundAccount {
    pub(crate) bank: String,
    pub(crate) number: String,
    pub(crate) holder: String,
}

impl RefundAccount {
    /// Reads `{bank, accountNumber, holderName}`. What is missing is refused like what is wrong: by the code of
    /// its field. What is no text at all is a wrong request.
    pub(crate) fn parse(value: &Value) -> Result<Self, Refusal> {
        let invalid = || Refusal::new("INVALID_REQUEST");
        let fields = value.as_object().ok_or_else(invalid)?;
        let text = |name: &str| match fields.get(name) {
            None | Some(Value::Null) => Ok(String::new()),
            Some(value) => value.as_str().map(str::to_owned).ok_or_else(invalid),
        };
        let (bank, number, holder) = (text("bank")?, text("accountNumber")?, text("holderName")?);
        if !BANKS.contains(&bank.as_str()) {
            return Err(Refusal::new("INVALID_BANK"));
        }
        if number.is_empty() || number.len() > 20 || !number.bytes().all(|b| b.is_ascii_digit()) {
            return Err(Refusal::new("INVALID_REFUND_ACCOUNT_NUMBER"));
        }
        if holder.is_empty() || holder.chars().count() > 60 {
            return Err(Refusal::new("INVALID_REFUND_ACCOUNT_INFO"));
        }
        Ok(Self { bank, number, holder })
    }

    /// The account that staff typed into the console.
    pub(crate) fn typed_by_staff(holder: &str) -> Self {
        Self { bank: "88".into(), number: "1100000000000".into(), holder: holder.to_owned() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn refund_accounts_are_checked_by_field() {
        let account = |bank: &str, number: &str, holder: &str| {
            RefundAccount::parse(&json!({"bank": bank, "accountNumber": number, "holderName": holder}))
        };
        assert!(account("88", "110123456789", "김토스").is_ok());
        assert!(account("SD", &"1".repeat(20), &"김".repeat(60)).is_ok());
        let refused = |account: Value| RefundAccount::parse(&account).unwrap_err().code().to_owned();
        let with = |name: &str, value: Value| {
            let mut account = json!({"bank": "88", "accountNumber": "110", "holderName": "김토스"});
            account[name] = value;
            refused(account)
        };
        for bad in [json!("ZZ"), json!(""), json!("088"), json!(null)] {
            assert_eq!(with("bank", bad.clone()), "INVALID_BANK", "{bad}");
        }
        for bad in [json!("11-0"), json!(""), json!("1".repeat(21)), json!("１１０"), json!(null)] {
            assert_eq!(with("accountNumber", bad.clone()), "INVALID_REFUND_ACCOUNT_NUMBER", "{bad}");
        }
        for bad in [json!(""), json!("김".repeat(61)), json!(null)] {
            assert_eq!(with("holderName", bad.clone()), "INVALID_REFUND_ACCOUNT_INFO", "{bad}");
        }
        assert_eq!(with("accountNumber", json!(110)), "INVALID_REQUEST");
        assert_eq!(refused(json!("88")), "INVALID_REQUEST");
        assert_eq!(refused(json!({})), "INVALID_BANK");
    }
}
