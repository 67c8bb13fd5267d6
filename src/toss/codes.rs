//! What each of Toss's error codes tells about the money, for the operation that it answers.

use Class::{Declined, LookUp, Misconfigured, NotFound, Unknown};

/// What an error code tells about the request that it answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// A definite no: no money moved and none will by this request.
    Declined,
    /// Our key or contract is wrong: stop asking and call a person.
    Misconfigured,
    /// Already done, or being done: look it up.
    LookUp,
    /// Nothing is known about the money.
    Unknown,
    /// At a lookup only: Toss holds no such payment.
    NotFound,
}

/// The request that was answered with a code; the same code can mean different things for different ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// The approval of a payment that the buyer has authenticated.
    Confirm,
    /// The reading of a payment.
    Lookup,
    /// The cancellation of a payment, whole or in part.
    Cancel,
    /// A page of the list of all transactions.
    Transactions,
}

/// Tells what `code` says about the money when it answers `operation`.
///
/// Only the code counts. The HTTP status is no help: most declines come with 403, some transient faults
/// with 400, and a wrong key with 400, 401, 403 or 404. Unlisted codes are [`Class::Unknown`], because Toss
/// adds codes without notice and a lookup too many costs less than a payment that is given up by mistake.
pub fn classify(operation: Operation, code: &str) -> Class {
    let Some(&(_, _, confirm, lookup, cancel)) = CODES.iter().find(|row| row.0 == code) else {
        return Unknown;
    };
    match operation {
        Operation::Confirm => confirm,
        // No codes are documented for the list; a wrong key shows there as it does at a lookup.
        Operation::Lookup | Operation::Transactions => lookup,
        Operation::Cancel => cancel,
    }
}

/// Code, HTTP status, class at confirm, class at lookup, class at cancel.
type Row = (&'static str, u16, Class, Class, Class);

/// Toss's error-code page, with our reading of each code.
///
/// Where the page does not list a code for an operation, its class there is `Unknown`. The status is never
/// read by the program: it is here to compare the table with the page.
const CODES: &[Row] = &[
    // The key, the contract or the shop's set-up. Those that do not depend on the operation fill every column,
    // or a wrong key would be asked about for ever when a lookup is the first to meet it.
    ("INVALID_API_KEY", 400, Misconfigured, Misconfigured, Misconfigured),
    ("INVALID_CLIENT_KEY", 400, Misconfigured, Misconfigured, Misconfigured),
    ("INVALID_TEST_CODE", 400, Misconfigured, Misconfigured, Misconfigured),
    ("API_VERSION_UPDATE_NEEDED", 400, Misconfigured, Misconfigured, Misconfigured),
    ("UNAUTHORIZED_KEY", 401, Misconfigured, Misconfigured, Misconfigured),
    ("INCORRECT_BASIC_AUTH_FORMAT", 403, Misconfigured, Misconfigured, Misconfigured),
    ("NOT_FOUND_MERCHANT", 404, Misconfigured, Misconfigured, Misconfigured),
    ("NOT_FOUND_MERCHANT_INTEGRATION", 404, Misconfigured, Misconfigured, Misconfigured),
    ("FORBIDDEN_REQUEST", 403, Misconfigured, Unknown, Misconfigured),
    // Toss ignores the idempotency key of a GET.
    ("INVALID_IDEMPOTENCY_KEY", 400, Misconfigured, Unknown, Misconfigured),
    ("NOT_FOUND_TERMINAL_ID", 400, Misconfigured, Unknown, Unknown),
    ("INVALID_UNREGISTERED_SUBMALL", 400, Misconfigured, Unknown, Unknown),
    ("NOT_REGISTERED_BUSINESS", 400, Misconfigured, Unknown, Unknown),
    // Malformed or mismatching requests. A buyer can provoke them with a forged payment key or amount, so they
    // must neither raise an alarm nor stop the payments of others: they are a no to this request alone.
    ("INVALID_REQUEST", 400, Declined, Unknown, Declined),
    ("INVALID_PAYMENT_KEY", 400, Declined, Unknown, Declined),
    ("NOT_FOUND_PAYMENT", 404, Declined, NotFound, Declined),
    ("NOT_FOUND", 404, Unknown, NotFound, Unknown),
    ("BELOW_MINIMUM_AMOUNT", 400, Declined, Unknown, Unknown),
    ("BELOW_ZERO_AMOUNT", 400, Declined, Unknown, Unknown),
    ("REQUIRED_AMOUNT", 400, Declined, Unknown, Unknown),
    ("INVALID_CURRENCY", 400, Declined, Unknown, Unknown),
    ("INVALID_ORDER_ID", 400, Declined, Unknown, Unknown),
    ("INVALID_ORDER_NAME", 400, Declined, Unknown, Unknown),
    ("INVALID_CARD_INSTALLMENT_PLAN", 400, Declined, Unknown, Unknown),
    ("EXCEED_MIN_CARD_INSTALLMENT_PLAN", 400, Declined, Unknown, Unknown),
    // Already done, or being done.
    ("ALREADY_PROCESSED_PAYMENT", 400, LookUp, Unknown, Unknown),
    ("ALREADY_PROCESSING_REQUEST", 400, LookUp, Unknown, Unknown),
    ("ALREADY_COMPLETED_PAYMENT", 400, LookUp, Unknown, Unknown),
    ("DUPLICATED_ORDER_ID", 400, LookUp, Unknown, Unknown),
    ("DUPLICATED_REQUEST", 400, LookUp, Unknown, LookUp),
    ("IDEMPOTENT_REQUEST_PROCESSING", 409, LookUp, Unknown, LookUp),
    ("ALREADY_CANCELED_PAYMENT", 400, Unknown, Unknown, LookUp),
    ("ALREADY_REFUND_PAYMENT", 400, Unknown, Unknown, LookUp),
    ("ALREADY_REFUNDING_PAYMENT", 400, Unknown, Unknown, LookUp),
    // The balance is not what we thought, which an earlier cancel of ours may have caused. After the last of
    // several partial cancels Toss answers NOT_CANCELABLE_AMOUNT instead of saying that all is cancelled.
    ("NOT_MATCHES_REFUNDABLE_AMOUNT", 400, Unknown, Unknown, LookUp),
    ("INVALID_REFUND_AMOUNT", 400, Unknown, Unknown, LookUp),
    ("NOT_CANCELABLE_AMOUNT", 403, Unknown, Unknown, LookUp),
    // A cancel right after another one, which may have gone through. A lookup is only to be asked again later.
    ("FORBIDDEN_CONSECUTIVE_REQUEST", 403, Unknown, Unknown, LookUp),
    // The card.
    ("INVALID_CARD", 400, Declined, Unknown, Unknown),
    ("INVALID_CARD_COMPANY", 400, Declined, Unknown, Unknown),
    ("INVALID_CARD_EXPIRATION", 400, Declined, Unknown, Unknown),
    ("INVALID_CARD_LOST_OR_STOLEN", 400, Declined, Unknown, Unknown),
    ("INVALID_CARD_NUMBER", 400, Declined, Unknown, Unknown),
    ("INVALID_REJECT_CARD", 400, Declined, Unknown, Unknown),
    ("INVALID_STOPPED_CARD", 400, Declined, Unknown, Unknown),
    ("NOT_ALLOWED_POINT_USE", 400, Declined, Unknown, Unknown),
    ("NOT_SUPPORTED_USD", 400, Declined, Unknown, Unknown),
    ("EXCEED_MAX_CARD_INSTALLMENT_PLAN", 400, Declined, Unknown, Unknown),
    ("NOT_ALLOWED_INSTALLMENT_BELOW_AMOUNT", 400, Declined, Unknown, Unknown),
    ("NOT_SUPPORTED_INSTALLMENT_PLAN_CARD_OR_MERCHANT", 400, Declined, Unknown, Unknown),
    ("NOT_SUPPORTED_MONTHLY_INSTALLMENT_PLAN", 400, Declined, Unknown, Unknown),
    // The page lists this one for the lookup alone, where it says nothing about the money.
    ("NOT_SUPPORTED_MONTHLY_INSTALLMENT_PLAN_BELOW_AMOUNT", 400, Unknown, Unknown, Unknown),
    ("REJECT_CARD_COMPANY", 403, Declined, Unknown, Unknown),
    ("REJECT_CARD_PAYMENT", 403, Declined, Unknown, Unknown),
    // The account, the easy-pay wallet, the phone and the buyer's authentication.
    ("INVALID_ACCOUNT_INFO_RE_REGISTER", 400, Declined, Unknown, Unknown),
    ("INVALID_AUTHORIZE_AUTH", 400, Declined, Unknown, Unknown),
    ("INVALID_EASY_PAY", 400, Declined, Unknown, Unknown),
    ("NOT_SUPPORTED_CARRIER", 400, Declined, Unknown, Unknown),
    ("PAY_PROCESS_CANCELED", 400, Declined, Unknown, Unknown),
    ("RESTRICTED_TRANSFER_ACCOUNT", 400, Declined, Unknown, Unknown),
    ("USER_ACCOUNT_ON_HOLD", 400, Declined, Unknown, Unknown),
    ("EXCEED_MAX_AUTH_COUNT", 403, Declined, Unknown, Unknown),
    ("FDS_ERROR", 403, Declined, Unknown, Unknown),
    ("INVALID_PASSWORD", 403, Declined, Unknown, Unknown),
    ("REJECT_ACCOUNT_PAYMENT", 403, Declined, Unknown, Unknown),
    ("REJECT_TOSSPAY_INVALID_ACCOUNT", 403, Declined, Unknown, Unknown),
    ("NOT_FOUND_PAYMENT_SESSION", 404, Declined, Unknown, Unknown),
    // Limits and opening hours: a no for now, and another try is another request.
    ("EXCEED_MAX_AMOUNT", 400, Declined, Unknown, Unknown),
    ("EXCEED_MAX_DAILY_PAYMENT_COUNT", 400, Declined, Unknown, Unknown),
    ("EXCEED_MAX_MONTHLY_PAYMENT_AMOUNT", 400, Declined, Unknown, Unknown),
    ("EXCEED_MAX_ONE_DAY_WITHDRAW_AMOUNT", 400, Declined, Unknown, Unknown),
    ("EXCEED_MAX_ONE_TIME_WITHDRAW_AMOUNT", 400, Declined, Unknown, Unknown),
    ("EXCEED_MAX_PAYMENT_AMOUNT", 400, Declined, Unknown, Unknown),
    ("EXCEED_MAX_ONE_DAY_AMOUNT", 403, Declined, Unknown, Unknown),
    ("MAINTAINED_METHOD", 400, Declined, Unknown, Unknown),
    ("NOT_AVAILABLE_PAYMENT", 400, Declined, Unknown, Unknown),
    ("NOT_AVAILABLE_BANK", 403, Declined, Unknown, Declined),
    // The issue of a virtual account; a cancel checks the bank of the refund account.
    ("INVALID_BANK", 400, Declined, Unknown, Declined),
    ("EXCEED_MAX_DUE_DATE", 400, Declined, Unknown, Unknown),
    ("EXCEED_MAX_VALID_HOURS", 400, Declined, Unknown, Unknown),
    ("INVALID_DATE", 400, Declined, Unknown, Unknown),
    ("INVALID_REGISTRATION_NUMBER_TYPE", 400, Declined, Unknown, Unknown),
    ("INVALID_VALID_HOURS_WITH_DUE_DATE_AND_SINGLE", 400, Declined, Unknown, Unknown),
    ("REQUIRED_ACCOUNT_KEY", 400, Declined, Unknown, Unknown),
    // Refused refunds.
    ("EXCEED_CANCEL_AMOUNT_DISCOUNT_AMOUNT", 400, Unknown, Unknown, Declined),
    ("FORBIDDEN_BANK_REFUND_REQUEST", 400, Unknown, Unknown, Declined),
    ("INVALID_REFUND_ACCOUNT_INFO", 400, Unknown, Unknown, Declined),
    ("INVALID_REFUND_ACCOUNT_NUMBER", 400, Unknown, Unknown, Declined),
    ("REFUND_REJECTED", 400, Unknown, Unknown, Declined),
    ("EXCEED_CANCEL_LIMIT", 403, Unknown, Unknown, Declined),
    ("EXCEED_MAX_REFUND_AMOUNT", 403, Unknown, Unknown, Declined),
    ("EXCEED_MAX_REFUND_DUE", 403, Unknown, Unknown, Declined),
    ("NOT_ALLOWED_PARTIAL_REFUND", 403, Unknown, Unknown, Declined),
    ("NOT_ALLOWED_PARTIAL_REFUND_WAITING_DEPOSIT", 403, Unknown, Unknown, Declined),
    ("NOT_ALLOWED_REFUND_BANK", 403, Unknown, Unknown, Declined),
    ("NOT_CANCELABLE_PAYMENT", 403, Unknown, Unknown, Declined),
    ("NOT_CANCELABLE_PAYMENT_FOR_DORMANT_USER", 403, Unknown, Unknown, Declined),
    ("NOT_SUPPORTED_REFUND", 403, Unknown, Unknown, Declined),
    // Nothing is known. These rows change no answer: they show that the codes were considered.
    ("CARD_PROCESSING_ERROR", 400, Unknown, Unknown, Unknown),
    ("EXCEED_UNKNOWN_CASE", 400, Unknown, Unknown, Unknown),
    ("NOT_SUPPORTED_PROCESS", 400, Unknown, Unknown, Unknown),
    ("PAY_PROCESS_ABORTED", 400, Unknown, Unknown, Unknown),
    ("PROVIDER_ERROR", 400, Unknown, Unknown, Unknown),
    ("UNAPPROVED_ORDER_ID", 400, Unknown, Unknown, Unknown),
    ("NOT_FOUND_METHOD", 404, Unknown, Unknown, Unknown),
    ("COMMON_ERROR", 500, Unknown, Unknown, Unknown),
    ("FAILED_DB_PROCESSING", 500, Unknown, Unknown, Unknown),
    ("FAILED_HASH_DATA_CREATION", 500, Unknown, Unknown, Unknown),
    ("FAILED_INTERNAL_SYSTEM_PROCESSING", 500, Unknown, Unknown, Unknown),
    ("FAILED_METHOD_HANDLING", 500, Unknown, Unknown, Unknown),
    ("FAILED_METHOD_HANDLING_CANCEL", 500, Unknown, Unknown, Unknown),
    ("FAILED_PARTIAL_REFUND", 500, Unknown, Unknown, Unknown),
    ("FAILED_PAYMENT_INTERNAL_SYSTEM_PROCESSING", 500, Unknown, Unknown, Unknown),
    ("FAILED_REFUND_PROCESS", 500, Unknown, Unknown, Unknown),
    ("UNKNOWN_ERROR", 500, Unknown, Unknown, Unknown),
    ("UNKNOWN_PAYMENT_ERROR", 500, Unknown, Unknown, Unknown),
];

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use Operation::{Cancel, Confirm, Lookup};

    #[test]
    fn no_code_is_listed_twice() {
        let mut seen = HashSet::new();
        for row in CODES {
            assert!(seen.insert(row.0), "{} is listed twice", row.0);
        }
    }

    #[test]
    fn codes_and_statuses_are_well_formed() {
        for &(code, status, ..) in CODES {
            assert!(code.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_'), "{code}");
            assert!([400, 401, 403, 404, 409, 500].contains(&status), "{code}: {status}");
        }
    }

    #[test]
    fn a_server_error_says_nothing_about_the_money() {
        for &(code, status, confirm, _, cancel) in CODES {
            if status >= 500 {
                assert_eq!((confirm, cancel), (Unknown, Unknown), "{code}");
            }
        }
    }

    #[test]
    fn a_lookup_is_never_declined_and_only_a_lookup_finds_nothing() {
        for &(code, _, confirm, lookup, cancel) in CODES {
            assert!(matches!(lookup, Misconfigured | NotFound | Unknown), "{code}");
            assert!(confirm != NotFound && cancel != NotFound, "{code}");
        }
    }

    #[test]
    fn each_class_at_each_operation() {
        for (operation, code, class) in [
            (Confirm, "REJECT_CARD_PAYMENT", Declined),
            (Confirm, "INVALID_STOPPED_CARD", Declined),
            (Confirm, "NOT_AVAILABLE_PAYMENT", Declined),
            (Confirm, "NOT_FOUND_PAYMENT_SESSION", Declined),
            (Confirm, "UNAUTHORIZED_KEY", Misconfigured),
            (Confirm, "NOT_REGISTERED_BUSINESS", Misconfigured),
            (Confirm, "ALREADY_PROCESSED_PAYMENT", LookUp),
            (Confirm, "IDEMPOTENT_REQUEST_PROCESSING", LookUp),
            (Confirm, "PROVIDER_ERROR", Unknown),
            (Confirm, "UNAPPROVED_ORDER_ID", Unknown),
            (Lookup, "NOT_FOUND_PAYMENT", NotFound),
            (Lookup, "NOT_FOUND", NotFound),
            (Lookup, "INVALID_API_KEY", Misconfigured),
            (Lookup, "FORBIDDEN_CONSECUTIVE_REQUEST", Unknown),
            (Lookup, "FAILED_PAYMENT_INTERNAL_SYSTEM_PROCESSING", Unknown),
            (Cancel, "REFUND_REJECTED", Declined),
            (Cancel, "NOT_AVAILABLE_BANK", Declined),
            (Cancel, "INVALID_TEST_CODE", Misconfigured),
            (Cancel, "ALREADY_CANCELED_PAYMENT", LookUp),
            (Cancel, "NOT_CANCELABLE_AMOUNT", LookUp),
            (Cancel, "NOT_MATCHES_REFUNDABLE_AMOUNT", LookUp),
            (Cancel, "FORBIDDEN_CONSECUTIVE_REQUEST", LookUp),
            (Cancel, "FAILED_REFUND_PROCESS", Unknown),
        ] {
            assert_eq!(classify(operation, code), class, "{operation:?} {code}");
        }
    }

    #[test]
    fn a_forged_request_neither_alarms_nor_blocks() {
        for code in ["INVALID_REQUEST", "NOT_FOUND_PAYMENT", "INVALID_PAYMENT_KEY"] {
            assert_eq!(classify(Confirm, code), Declined, "{code}");
            assert_eq!(classify(Cancel, code), Declined, "{code}");
        }
        for code in ["BELOW_MINIMUM_AMOUNT", "INVALID_CARD_INSTALLMENT_PLAN"] {
            assert_eq!(classify(Confirm, code), Declined, "{code}");
        }
    }

    #[test]
    fn the_operation_decides_with_the_code() {
        assert_eq!(classify(Confirm, "REFUND_REJECTED"), Unknown);
        assert_eq!(classify(Cancel, "REJECT_CARD_PAYMENT"), Unknown);
        assert_eq!(classify(Lookup, "INVALID_REQUEST"), Unknown);
    }

    #[test]
    fn the_status_decides_nothing() {
        for status in [400, 403, 404] {
            let classes: Vec<_> = CODES.iter().filter(|row| row.1 == status).map(|row| row.2).collect();
            for class in [Declined, Misconfigured, Unknown] {
                assert!(classes.contains(&class), "no {class:?} with {status}");
            }
        }
    }

    #[test]
    fn an_unlisted_code_is_unknown() {
        for operation in [Confirm, Lookup, Cancel] {
            for code in ["", "A_CODE_OF_TOMORROW", "not_found_payment", "UNAUTHORIZED_KEY "] {
                assert_eq!(classify(operation, code), Unknown, "{operation:?} {code:?}");
            }
        }
    }
}
