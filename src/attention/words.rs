//! Every kind of thing that needs a person, once: its name, why, and what to do, in both languages.

use crate::findings;
use crate::http::language::Language;

/// Declares the kinds. A row: variant, wire name, why in Korean and English, what to do in Korean and English.
macro_rules! kinds {
    ($($name:ident $wire:literal $why_ko:literal $why_en:literal $do_ko:literal $do_en:literal;)+) => {
        /// What kind of thing needs a person.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Kind {
            $(#[doc = $why_en] $name,)+
        }

        impl Kind {
            /// The kind as callers see it.
            pub fn name(self) -> &'static str {
                match self { $(Self::$name => $wire,)+ }
            }

            /// What is wrong. `{job}` stands for a job's name.
            pub(crate) fn detail(self, language: Language) -> &'static str {
                match (self, language) {
                    $((Self::$name, Language::Korean) => $why_ko, (Self::$name, Language::English) => $why_en,)+
                }
            }

            /// What to do. `{orderId}` stands for the order, `{job}` for a job's name.
            pub(super) fn what_to_do(self, language: Language) -> &'static str {
                match (self, language) {
                    $((Self::$name, Language::Korean) => $do_ko, (Self::$name, Language::English) => $do_en,)+
                }
            }
        }
    };
}

kinds! {
    JobFailed "JOB_FAILED"
        "작업 실행이 실패하고 있습니다: {job}."
        "The job {job} fails."
        "오류의 원인을 없앤 뒤 POST /v1/jobs/{job}/run 으로 실행하십시오."
        "Remove the cause that the error names, then POST /v1/jobs/{job}/run.";
    JobOverdue "JOB_OVERDUE"
        "작업이 제때 끝나지 않았습니다: {job}."
        "No run of the job {job} has ended since it was due."
        "scheduler.enabled가 켜진 gudok 프로세스가 있는지 확인하십시오. POST /v1/jobs/{job}/run 으로 지금 실행할 수 있습니다."
        "See that a gudok process with scheduler.enabled lives; POST /v1/jobs/{job}/run runs the job now.";
    Misconfigured "MISCONFIGURED"
        "토스가 우리 키나 계약을 거부합니다. 바로잡을 때까지 결제와 환불이 미결로 남습니다."
        "Toss refuses our key or contract; payments and refunds stay open until that is put right."
        "토스 개발자센터의 API 키와 계약을 toss.secret_key와 비교하고, 맞는 키로 gudok을 다시 시작하십시오."
        "Compare toss.secret_key with the API keys and the contract in Toss's developer centre (개발자센터), and restart gudok with the right key.";
    InvariantBroken "INVARIANT_BROKEN"
        "장부 안의 규칙이 깨졌습니다. 버그입니다."
        "An invariant of our own books does not hold, which is a bug."
        "행을 손으로 고치지 마십시오. 그 주문의 로그를 보관하고 버그로 알리십시오."
        "Correct no row by hand; keep the order's log lines and report the bug.";
    MissingHere "MISSING_HERE"
        "토스가 받은 돈이 우리 장부에 없습니다."
        "Toss took money that our books do not have."
        "토스 상점관리자에서 그 결제를 찾아 누가 판 것인지 확인하고, 줄 것이 없다면 거기서 취소하십시오. gudok은 모르는 결제를 취소하지 않습니다."
        "Find the payment in Toss's merchant console (상점관리자) and who sold it; cancel it there if nobody is owed anything for it. gudok cancels nothing that it does not know.";
    MissingAtToss "MISSING_AT_TOSS"
        "우리 장부에 있는 돈이 토스에 없습니다."
        "Our books have money that Toss does not."
        "POST /v1/admin/payments/{orderId}/settle 로 다시 물으십시오. 그대로라면 토스 상점관리자에서 주문을 확인하고 토스에 문의하십시오."
        "POST /v1/admin/payments/{orderId}/settle asks again. If that changes nothing, look the order up in Toss's merchant console (상점관리자) and ask Toss.";
    AmountDiffers "AMOUNT_DIFFERS"
        "토스와 우리 장부의 금액이 다릅니다."
        "The amounts in Toss's books and ours differ."
        "POST /v1/admin/payments/{orderId}/settle 로 다시 물으십시오. 그대로라면 토스 상점관리자의 결제와 ours, theirs를 비교하십시오."
        "POST /v1/admin/payments/{orderId}/settle asks again. If that changes nothing, compare `ours` and `theirs` with the payment in Toss's merchant console (상점관리자).";
    StateDiffers "STATE_DIFFERS"
        "토스와 우리 장부의 결제 상태가 다릅니다."
        "The states in Toss's books and ours differ."
        "POST /v1/admin/payments/{orderId}/settle 로 다시 물으십시오. 그대로라면 토스 상점관리자의 결제와 ours, theirs를 비교하십시오."
        "POST /v1/admin/payments/{orderId}/settle asks again. If that changes nothing, compare `ours` and `theirs` with the payment in Toss's merchant console (상점관리자).";
    Unapplicable "UNAPPLICABLE"
        "토스가 알려 준 결제를 우리 장부에 반영할 수 없습니다."
        "What Toss says of a payment cannot be applied to our books."
        "POST /v1/admin/payments/{orderId}/settle 로 다시 물으십시오. 그대로라면 토스 상점관리자의 결제와 우리 결제를 비교하고, 줄 것이 없다면 거기서 취소하십시오."
        "POST /v1/admin/payments/{orderId}/settle asks again. If that changes nothing, compare the payment in Toss's merchant console (상점관리자) with ours, and cancel it there if nobody is owed anything for it.";
    Unlisted "UNLISTED"
        "이 버전이 모르는 종류입니다."
        "A newer version has found it; this one does not know its kind."
        "모든 gudok 프로세스를 같은 버전으로 올리십시오."
        "Bring every gudok process to the same version.";
    CompensationFailed "COMPENSATION_FAILED"
        "제공할 수 없는 결제가 승인되었는데 토스가 취소를 거부합니다. 구매자의 돈이 아직 돌아가지 않았습니다."
        "Toss approved a payment that cannot be honoured and refuses to cancel it; the buyer does not have the money back."
        "토스 상점관리자에서 그 결제를 취소하거나 토스에 문의한 뒤 POST /v1/admin/payments/{orderId}/settle 를 호출하십시오."
        "Cancel the payment in Toss's merchant console (상점관리자), or ask Toss; then POST /v1/admin/payments/{orderId}/settle.";
    PaymentUnknown "PAYMENT_UNKNOWN"
        "한 시간이 넘도록 결제가 승인되었는지 알 수 없습니다."
        "For more than an hour it is not known whether this payment was approved."
        "POST /v1/admin/payments/{orderId}/settle 로 지금 토스에 물으십시오. 그대로라면 토스 상점관리자에서 주문을 확인하십시오. 알기 전에는 다시 결제받지 마십시오."
        "POST /v1/admin/payments/{orderId}/settle asks Toss now. If it stays open, look the order up in Toss's merchant console (상점관리자). Do not charge the buyer again before it is known.";
    RefundPending "REFUND_PENDING"
        "한 시간이 넘도록 환불이 되었는지 알 수 없습니다."
        "For more than an hour it is not known whether this refund was made."
        "POST /v1/admin/payments/{orderId}/settle 로 지금 토스에 물으십시오. 그대로라면 토스 상점관리자에서 확인하십시오. 거기서 취소한 것도 장부에 반영됩니다."
        "POST /v1/admin/payments/{orderId}/settle asks Toss now. If it stays open, look the payment up in Toss's merchant console (상점관리자); a cancel made there is taken over.";
    CompensationPending "COMPENSATION_PENDING"
        "제공할 수 없는 결제가 승인되었는데 한 시간이 넘도록 취소되지 않았습니다."
        "Toss approved a payment that cannot be honoured, and for more than an hour it has not been cancelled."
        "POST /v1/admin/payments/{orderId}/settle 로 지금 취소를 시도하십시오. 그대로라면 토스 상점관리자에서 취소하십시오."
        "POST /v1/admin/payments/{orderId}/settle tries to cancel it now. If it stays open, cancel it in Toss's merchant console (상점관리자).";
    WebhookPending "WEBHOOK_PENDING"
        "한 시간이 넘도록 토스의 웹훅을 처리하지 못했습니다."
        "For more than an hour a webhook of Toss's has not been worked off."
        "POST /v1/jobs/process-webhooks/run 으로 처리하십시오. 그대로라면 토스가 답하는지 /metrics에서 확인하십시오."
        "POST /v1/jobs/process-webhooks/run works it off. If it stays, see in /metrics whether Toss answers.";
    CompensationDone "COMPENSATION_DONE"
        "제공할 수 없는 결제가 승인되어 전액 취소했습니다."
        "Toss approved a payment that could not be honoured; all of it has been cancelled."
        "돈이 돌아간다고 구매자에게 알리십시오. 이 항목은 7일 뒤 사라집니다."
        "Tell the buyer that the money is on its way back. This goes by itself after seven days.";
}

impl From<findings::Kind> for Kind {
    fn from(kind: findings::Kind) -> Self {
        match kind {
            findings::Kind::MissingHere => Self::MissingHere,
            findings::Kind::MissingAtToss => Self::MissingAtToss,
            findings::Kind::AmountDiffers => Self::AmountDiffers,
            findings::Kind::StateDiffers => Self::StateDiffers,
            findings::Kind::Unapplicable => Self::Unapplicable,
            findings::Kind::Misconfigured => Self::Misconfigured,
            findings::Kind::InvariantBroken => Self::InvariantBroken,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn findings_are_called_what_their_rows_call_them() {
        for kind in findings::Kind::ALL {
            assert_eq!(Kind::from(kind).name(), kind.name());
        }
    }
}
