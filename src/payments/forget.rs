//! What of a payment is about its buyer alone, and can be taken out without the books losing anything.

use entity::payment;

use crate::toss::VirtualAccount;

/// Takes it out: whose account was paid into and which, and words that a browser may have brought. Which bank it was, when
/// and how much stay, as the law wants.
pub(crate) fn forget(payment: &mut payment::Model) {
    payment.failure_message = None;
    payment.failure_code = payment.failure_code.take().map(super::moves::listed);
    payment.virtual_account = payment.virtual_account.take().and_then(|account| {
        let account: VirtualAccount = serde_json::from_value(account).ok()?;
        serde_json::to_value(VirtualAccount { account_number: None, customer_name: None, ..account }).ok()
    });
}
