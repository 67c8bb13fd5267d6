//! What the form of a refund says, by the rules of the API.

use entity::{Won, payment};

use crate::admin::form::Fields;
use crate::http::fields::{self, Fault, FieldError, MOST_WON, Together};
use crate::refunds::api::RefundReceiveAccount;
use crate::toss::ReceiveAccount;

/// A refund that can be asked for, as far as the form tells.
#[derive(Clone, Debug)]
pub(super) struct Wish {
    /// How much, in won.
    pub(super) amount: Won,
    /// Why.
    pub(super) reason: String,
    /// Where the money of a virtual account goes.
    pub(super) account: Option<ReceiveAccount>,
}

/// Reads the form, for a preview: no more than what is left.
///
/// # Errors
/// Every field at fault.
pub(super) fn parse(payment: &payment::Model, fields: &Fields) -> Result<Wish, Vec<FieldError>> {
    read(payment, fields, payment.balance_amount.get())
}

/// Reads the button of a preview. What is left by now is not for it to judge: a button that is pressed again after all went
/// back must still lead to its refund.
///
/// # Errors
/// Every field at fault.
pub(super) fn parse_again(payment: &payment::Model, fields: &Fields) -> Result<Wish, Vec<FieldError>> {
    read(payment, fields, MOST_WON)
}

fn read(payment: &payment::Model, fields: &Fields, most: i64) -> Result<Wish, Vec<FieldError>> {
    let (amount, reason) =
        (amount(fields, most), fields::text("reason", fields.trimmed("reason").unwrap_or_default(), 1, 200))
            .together()?;
    let account = match payment.virtual_account {
        Some(_) => Some(account(fields).parse()?),
        None => None,
    };
    Ok(Wish { amount, reason, account })
}

/// What was typed, with or without commas.
fn amount(fields: &Fields, most: i64) -> Result<Won, FieldError> {
    let text: String = fields.trimmed("amount").unwrap_or_default().replace(',', "");
    let fault = || FieldError::new("amount", Fault::Range { min: 1, max: most });
    let amount = fields::won("amount", text.parse().map_err(|_| fault())?, 1)?;
    if amount.get() > most { Err(fault()) } else { Ok(amount) }
}

fn account(fields: &Fields) -> RefundReceiveAccount {
    let text = |name: &str| fields.trimmed(name).unwrap_or_default().to_owned();
    RefundReceiveAccount {
        bank: text("bank"),
        account_number: text("accountNumber").replace('-', ""),
        holder_name: text("holderName"),
    }
}
