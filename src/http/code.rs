//! Every error code of the contract, once: its status and what it says in both languages.

use super::language::Language;

/// Declares the codes. A row: variant, wire name, status, Korean, English.
macro_rules! codes {
    ($($name:ident $wire:literal $status:literal $ko:literal $en:literal;)+) => {
        /// A stable error code.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Code {
            $(#[doc = $en] $name,)+
        }

        impl Code {
            /// The code as clients see it.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$name => $wire,)+ }
            }

            /// The HTTP status that it comes with.
            pub fn status(self) -> u16 {
                match self { $(Self::$name => $status,)+ }
            }

            /// What it says to people.
            pub fn detail(self, language: Language) -> &'static str {
                match (self, language) {
                    $((Self::$name, Language::Korean) => $ko, (Self::$name, Language::English) => $en,)+
                }
            }
        }
    };
}

codes! {
    InvalidRequest "INVALID_REQUEST" 400 "요청 형식이 올바르지 않습니다." "The request is malformed; `errors` names the fields.";
    AmountMismatch "AMOUNT_MISMATCH" 400 "주문 금액과 결제 금액이 다릅니다." "The amount is not the order's.";
    Unauthenticated "UNAUTHENTICATED" 401 "인증이 필요합니다." "A valid API key or user token is needed.";
    PaymentRejected "PAYMENT_REJECTED" 402 "결제가 승인되지 않았습니다. 다른 결제 수단으로 다시 시도해 주세요." "Toss refused the payment; the order can be paid again with a new paymentKey.";
    Forbidden "FORBIDDEN" 403 "이 작업을 할 권한이 없습니다." "These credentials do not allow this.";
    NotFound "NOT_FOUND" 404 "없는 경로입니다." "There is no such path.";
    PlanNotFound "PLAN_NOT_FOUND" 404 "없는 요금제입니다." "There is no such plan.";
    OrderNotFound "ORDER_NOT_FOUND" 404 "없는 주문입니다." "There is no such order.";
    PaymentNotFound "PAYMENT_NOT_FOUND" 404 "없는 결제입니다." "There is no such payment.";
    SubscriptionNotFound "SUBSCRIPTION_NOT_FOUND" 404 "구독이 없습니다." "The user has never had a subscription.";
    JobNotFound "JOB_NOT_FOUND" 404 "없는 작업입니다." "There is no such job.";
    MethodNotAllowed "METHOD_NOT_ALLOWED" 405 "이 경로에서 쓸 수 없는 메서드입니다." "The path does not know this method.";
    NotAcceptable "NOT_ACCEPTABLE" 406 "JSON으로만 응답할 수 있습니다." "Only JSON can be answered.";
    RefundWindowClosed "REFUND_WINDOW_CLOSED" 409 "환불 가능 기간이 지났습니다." "The time in which the payment is given back has passed.";
    AlreadyRefunded "ALREADY_REFUNDED" 409 "이미 전액 환불된 결제입니다." "Nothing of the payment is left to give back.";
    RefundExceedsBalance "REFUND_EXCEEDS_BALANCE" 409 "환불 가능한 금액보다 큰 금액입니다." "More is asked for than what is left of the payment.";
    PaymentNotRefundable "PAYMENT_NOT_REFUNDABLE" 409 "환불할 수 없는 결제입니다." "No money came in, or Toss does not give it back.";
    PlanInactive "PLAN_INACTIVE" 409 "판매하지 않는 요금제입니다." "The plan is not for sale.";
    PaymentKeyConflict "PAYMENT_KEY_CONFLICT" 409 "다른 결제와 충돌하는 결제 키입니다." "The paymentKey is another order's, or the order is being paid, or was paid, with another one.";
    RequestInProgress "REQUEST_IN_PROGRESS" 409 "같은 요청을 처리하고 있습니다." "Another request for the same is under way.";
    JobRunning "JOB_RUNNING" 409 "작업이 이미 실행 중입니다." "The job is running already.";
    OrderExpired "ORDER_EXPIRED" 410 "결제 가능 시간이 지난 주문입니다." "The order can no longer be paid.";
    PayloadTooLarge "PAYLOAD_TOO_LARGE" 413 "요청 본문이 너무 큽니다." "The body is too large.";
    UnsupportedMediaType "UNSUPPORTED_MEDIA_TYPE" 415 "본문은 application/json이어야 합니다." "The body must be application/json.";
    IdempotencyKeyReused "IDEMPOTENCY_KEY_REUSED" 422 "같은 Idempotency-Key로 다른 요청을 보냈습니다." "The Idempotency-Key came with another request before.";
    RateLimited "RATE_LIMITED" 429 "요청이 너무 많습니다. 잠시 후 다시 시도해 주세요." "Too many requests; try again after `Retry-After` seconds.";
    Internal "INTERNAL" 500 "일시적인 오류가 발생했습니다." "Something went wrong on our side.";
    DatabaseUnavailable "DATABASE_UNAVAILABLE" 503 "잠시 후 다시 시도해 주세요." "The database cannot be reached; try again shortly.";
    Overloaded "OVERLOADED" 503 "요청이 몰리고 있습니다. 잠시 후 다시 시도해 주세요." "Too many requests are under way; try again after `Retry-After` seconds.";
    PgUnavailable "PG_UNAVAILABLE" 503 "결제 대행사에 연결할 수 없습니다. 잠시 후 다시 시도해 주세요." "The payment gateway cannot be used at the moment.";
}

/// What any operation can answer.
pub const ALWAYS: &[Code] =
    &[Code::NotAcceptable, Code::RateLimited, Code::Internal, Code::DatabaseUnavailable, Code::Overloaded];
/// What any operation that takes input can answer.
pub const INPUT: &[Code] = &[Code::InvalidRequest];
/// What any operation that takes a body can answer.
pub const BODY: &[Code] = &[Code::InvalidRequest, Code::PayloadTooLarge, Code::UnsupportedMediaType];
/// What any operation that takes an `Idempotency-Key` can answer.
pub const KEYED: &[Code] =
    &[Code::InvalidRequest, Code::RequestInProgress, Code::PayloadTooLarge, Code::IdempotencyKeyReused];
/// What any operation that wants credentials can answer.
pub const AUTH: &[Code] = &[Code::Unauthenticated, Code::Forbidden];
