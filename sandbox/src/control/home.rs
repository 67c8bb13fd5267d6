//! The page at `/`: what this is, and how to work it.

/// A plain text that a person with curl can follow.
pub(crate) const PAGE: &str = "\
toss-sandbox: a local Toss Payments to develop and test against. No money moves here.

Toss's API, with the secret key as Basic authentication:
  POST /v1/payments/confirm
  GET  /v1/payments/{paymentKey}
  GET  /v1/payments/orders/{orderId}
  POST /v1/payments/{paymentKey}/cancel
  GET  /v1/transactions?startDate=&endDate=&startingAfter=&limit=

For a checkout page, in the place of Toss's script, with the client key:
  GET  /v2/standard                         TossPayments(clientKey): widgets and the payment window

Pages for a browser, in Korean or English (?lang=en):
  GET  /sandbox/bank   /sandbox/bank/{orderId}   virtual accounts that wait, and a button that pays into them
  GET  /sandbox/receipts/{key}                   a receipt; without Accept: text/html the payment as JSON

Control calls, without authentication, JSON:
  POST   /sandbox/payments                  {orderId, amount, method?, card?: {number}, bank?, authenticated?, ...}
                                            a buyer opens the payment window and authenticates
  GET    /sandbox/payments/{key}            GET /sandbox/orders/{orderId}   with its money and webhooks
  POST   /sandbox/payments/{key}/authenticate
  POST   /sandbox/payments/{key}/deposit          a virtual account is paid
  POST   /sandbox/payments/{key}/reverse-deposit  and its deposit taken back
  POST   /sandbox/payments/{key}/console-cancel   {cancelAmount?, cancelReason}
  POST   /sandbox/faults                    {operation, fault, times?, delayMs?, delayBefore?, status?, code?, message?, orderId?, retryAfter?}
                                            operation: confirm get cancel transactions any
                                            fault: drop_before drop_after delay error_before error_after
                                                   html truncated_json rate_limited in_flight reject
  POST   /sandbox/faults/random             {seed, perMille, kinds, operations?, maxDelayMs?}
  GET    /sandbox/faults      DELETE /sandbox/faults
  GET    /sandbox/webhooks    POST /sandbox/webhooks {url?, paymentStatusChanged?, depositCallback?}
  GET    /sandbox/webhooks/counts           due is 0 when none is being sent or is to be sent now
  POST   /sandbox/webhooks/send             {body, transmissionId?}
  POST   /sandbox/webhooks/resend           {transmissionId?}
  POST   /sandbox/webhooks/faults           {fault, times?, copies?, delayMs?, orderId?}
                                            fault: duplicate duplicate_new_id reorder hold delay drop
                                                   before_answer after_answer
  POST   /sandbox/webhooks/faults/random    {seed, perMille, kinds, maxDelayMs?}
  GET    /sandbox/webhooks/faults           DELETE /sandbox/webhooks/faults
  GET    /sandbox/ledger      every approval and cancel, with sums
  GET    /sandbox/requests    the calls that were received
  GET    /sandbox/clock       POST /sandbox/clock    {advance: \"31d\" | \"2h\" | \"10m\" | \"90s\"}
  GET    /sandbox/options     POST /sandbox/options  {unknownFields?: bool, oneApprovalPerOrder?: bool}
";
