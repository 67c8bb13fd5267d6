//! The form that asks for a refund.

use askama::Template;
use entity::payment;
use poem::http::StatusCode;
use poem::web::Path;
use poem::{Response, handler};

use super::confirm;
use crate::admin::desk::{Desk, Frame, Nav};
use crate::admin::form::Fields;
use crate::admin::view::{Choice, When};
use crate::http::code::Code;
use crate::http::error::ApiError;
use crate::http::fields::{self, FieldError};
use crate::payments;
use crate::refunds::{pending_of, window_is_open};
use crate::toss;

/// Asks how much, why, and where to.
#[derive(Template)]
#[template(path = "admin/refunds/form.html")]
struct FormPage {
    shell: Frame,
    order_id: String,
    order_name: String,
    user_id: String,
    balance: String,
    amount: String,
    reason: String,
    /// The banks, where the money of a virtual account goes back to an account.
    banks: Option<Vec<Choice>>,
    account_number: String,
    holder_name: String,
    /// Until when money is given back, and whether that is over.
    window: Option<(When, bool)>,
    /// Why nothing can go back.
    closed: Option<&'static str>,
    /// The refund that is under way.
    pending: Option<String>,
    faults: Vec<(String, String)>,
}

/// Shows the form.
#[handler]
pub(in crate::admin) async fn wanted(desk: Desk, Path(order_id): Path<String>) -> poem::Result<Response> {
    let order_id = fields::id("orderId", &order_id).map_err(ApiError::from)?;
    let found = payments::find(desk.app.db.read(), &order_id, None).await.map_err(ApiError::from)?;
    let payment = found.ok_or_else(|| ApiError::from(Code::PaymentNotFound))?;
    let template = FormPage::of(&desk, &payment, None, Vec::new()).await?;
    Ok(desk.page(&template))
}

/// Shows the form again, with what was put in and what is wrong with it.
pub(super) async fn again(
    desk: &Desk,
    payment: &payment::Model,
    fields: &Fields,
    faults: Vec<FieldError>,
    status: StatusCode,
) -> poem::Result<Response> {
    let template = FormPage::of(desk, payment, Some(fields), faults).await?;
    Ok(desk.page_with(status, &template))
}

impl FormPage {
    async fn of(
        desk: &Desk,
        payment: &payment::Model,
        fields: Option<&Fields>,
        faults: Vec<FieldError>,
    ) -> Result<Self, ApiError> {
        let shell = desk.frame(Nav::Payments).await?;
        let put = |name: &str| fields.and_then(|fields| fields.get(name)).unwrap_or_default().to_owned();
        let window = desk.app.config.billing.refund_window();
        let window = payment.approved_at.map(|approved_at| {
            let end = approved_at.checked_add_signed(window).unwrap_or(approved_at);
            (When::exact(&shell, end), !window_is_open(approved_at, window, desk.now))
        });
        let most = payment.balance_amount.get();
        let pending = pending_of(desk.app.db.read(), &payment.order_id).await?;
        let pending = pending.map(|refund| confirm::path(&refund.id.to_string()));
        let closed = if pending.is_some() {
            Some(shell.say(
                    "이 결제의 환불을 이미 처리하고 있습니다. 결과가 나올 때까지 다시 환불하지 마십시오.",
                    "A refund of this payment is being made already. Do not refund again before its outcome is known.",
                ))
        } else if payment.approved_at.is_none() {
            Some(
                shell.say(
                    "들어온 돈이 없어 환불할 것이 없습니다.",
                    "No money came in, so nothing can go back.",
                ),
            )
        } else if most == 0 {
            Some(shell.say("이미 전액 환불되었습니다.", "All of it has gone back already."))
        } else {
            None
        };
        let bank = put("bank");
        let banks = payment.virtual_account.is_some().then(|| {
            let none = Choice::new("", shell.say("은행 선택", "Choose a bank"), Some(&bank));
            let all = toss::banks().map(|(code, name)| Choice::new(code, name, Some(&bank)));
            std::iter::once(none).chain(all).collect()
        });
        let amount = put("amount");
        Ok(Self {
            order_id: payment.order_id.to_string(),
            order_name: payment.order_name.clone(),
            user_id: payment.user_id.to_string(),
            balance: shell.won(most),

            amount: if amount.is_empty() { most.to_string() } else { amount },
            reason: put("reason"),
            banks,
            account_number: put("accountNumber"),
            holder_name: put("holderName"),
            window,
            closed,
            pending,
            faults: faults
                .into_iter()
                .map(|fault| (label(&shell, &fault.field), fault.detail(shell.language)))
                .collect(),
            shell,
        })
    }
}

/// What the form calls a field.
fn label(shell: &Frame, field: &str) -> String {
    let (ko, en) = match field.rsplit('.').next().unwrap_or(field) {
        "amount" => ("금액", "Amount"),
        "reason" => ("사유", "Reason"),
        "bank" => ("은행", "Bank"),
        "accountNumber" => ("계좌번호", "Account number"),
        "holderName" => ("예금주", "Account holder"),
        _ => return field.to_owned(),
    };
    shell.say(ko, en).to_owned()
}
