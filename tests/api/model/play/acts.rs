//! What the steps of a history do in the world.

use serde_json::json;
use toss_sandbox::{Authenticate, PayMethod, WebhookFault, WebhookFaultKind};

use super::super::books::{Breach, hold};
use super::super::expected::{Act, Order};
use super::super::step::{Call, Forgery, Glitch, Job, Key, Means, Part, Plan, Price, SLOTS};
use super::Play;
use crate::support::world::instant;

/// A card that is declined.
const BAD_CARD: &str = "4000000000000001";

impl Play<'_> {
    pub(super) async fn quote(&mut self, slot: usize, user: usize, plan: Plan) -> Result<(), Breach> {
        self.begin();
        let body = json!({"planId": self.plans[plan as usize], "userId": self.users[user]});
        let reply = self.admin.post("/v1/temp-orders", body).await;
        hold!(reply.status == 201, "no quote: {}", reply.text);
        hold!(reply.body["totalAmount"] == plan.price(), "a wrong quote: {}", reply.text);
        let id = reply.body["orderId"].as_str().unwrap_or_default().to_owned();
        let order = Order::new(id, user, plan, instant(&reply.body["expiresAt"]));
        self.slots[slot] = Some(self.model.orders.len());
        self.model.orders.push(order);
        self.keys.push(Vec::new());
        self.witness(Act::Elsewhere, None).await
    }

    /// Authenticates and confirms with the new key.
    pub(super) async fn pay(
        &mut self,
        slot: usize,
        means: Means,
        fault: Option<Glitch>,
    ) -> Result<(), Breach> {
        self.break_call(slot, Call::Approve, fault);
        self.authenticate(slot, means);
        self.confirm(slot, Key::Newest, Price::Right).await
    }

    pub(super) fn authenticate(&mut self, slot: usize, means: Means) {
        let Some(number) = self.slots[slot] else { return };
        self.begin();
        let order = &self.model.orders[number];
        let buyer = Authenticate::new(order.id.clone(), order.plan.price());
        let buyer = match means {
            Means::Card => buyer,
            Means::BadCard => buyer.card(BAD_CARD),
            Means::Account => buyer.method(PayMethod::VirtualAccount),
        };
        let key = self.world.authenticate_with(buyer);
        let (id, price) = (order.id.clone(), order.plan.price());
        self.model.toss.authenticated(&key, &id, (price, means), self.began);
        self.keys[number].push(key);
    }

    pub(super) async fn confirm(&mut self, slot: usize, key: Key, price: Price) -> Result<(), Breach> {
        let Some(number) = self.slots[slot] else { return Ok(()) };
        let foreign = self.slots[(slot + 1) % SLOTS].filter(|other| *other != number);
        let key = match key {
            Key::Newest => self.keys[number].last().cloned(),
            Key::Oldest => self.keys[number].first().cloned(),
            Key::Forged => Some(format!("tgen_forged_{number}_{}", self.users[0])),
            Key::Foreign => foreign.and_then(|other| self.keys[other].last().cloned()),
        };
        let Some(key) = key else { return Ok(()) };
        let order = &self.model.orders[number];
        let amount = order.plan.price() - i64::from(price == Price::Wrong);
        let body = json!({"paymentKey": key, "orderId": order.id, "amount": amount});
        self.begin();
        let reply = self.admin.post("/v1/payments/confirm", body).await;
        self.witness(Act::Confirm { order: number, key: &key, amount }, Some(reply)).await
    }

    pub(super) async fn fail(&mut self, slot: usize) -> Result<(), Breach> {
        let Some(order) = self.slots[slot] else { return Ok(()) };
        self.begin();
        let id = &self.model.orders[order].id;
        let body = json!({"orderId": id, "code": "PAY_PROCESS_CANCELED", "message": "취소"});
        let reply = self.admin.post("/v1/payments/fail", body).await;
        self.witness(Act::Fail { order }, Some(reply)).await
    }

    pub(super) async fn refund(&mut self, slot: usize, part: Part) -> Result<(), Breach> {
        let Some(order) = self.slots[slot] else { return Ok(()) };
        let amount = part.amount();
        let mut body = json!({"cancelReason": "변심"});
        if let Some(amount) = amount {
            body["cancelAmount"] = amount.into();
        }
        if self.model.ours(order).is_some_and(|ours| ours.account) {
            let account = json!({"bank": "88", "accountNumber": "110123456789", "holderName": "김토스"});
            body["refundReceiveAccount"] = account;
        }
        self.begin();
        let path = format!("/v1/payments/{}/cancel", self.model.orders[order].id);
        let reply = self.admin.post(&path, body).await;
        self.witness(Act::Refund { order, amount }, Some(reply)).await
    }

    pub(super) async fn staff(&mut self, slot: usize, part: Part) -> Result<(), Breach> {
        let Some(key) = self.key_with_money(slot) else { return Ok(()) };
        self.begin();
        let done = self.world.toss.console_cancel(&key, part.amount(), "고객 요청").is_ok();
        let must = self.model.toss.staff_cancel(&key, part.amount(), self.began);
        hold!(done == must, "staff cancelled: {done}, and should have: {must}");
        self.elsewhere().await
    }

    pub(super) async fn deposit(&mut self, slot: usize) -> Result<(), Breach> {
        let Some(key) = self.key_of_account(slot) else { return Ok(()) };
        self.begin();
        let done = self.world.toss.deposit(&key).is_ok();
        let must = self.model.toss.deposit(&key, self.began);
        hold!(done == must, "a deposit came: {done}, and should have: {must}");
        self.elsewhere().await
    }

    pub(super) async fn reverse(&mut self, slot: usize) -> Result<(), Breach> {
        let Some(key) = self.key_of_account(slot) else { return Ok(()) };
        self.begin();
        let done = self.world.toss.reverse_deposit(&key).is_ok();
        let must = self.model.toss.reverse(&key);
        hold!(done == must, "a deposit went: {done}, and should have: {must}");
        self.elsewhere().await
    }

    /// The payment of the order that holds money, else the newest.
    pub(super) fn key_with_money(&self, slot: usize) -> Option<String> {
        let keys = &self.keys[self.slots[slot]?];
        let held = |key: &&String| self.model.toss.payment(key).is_some_and(|payment| payment.now().held > 0);
        keys.iter().find(held).or(keys.last()).cloned()
    }

    /// The newest payment of the order by an account.
    pub(super) fn key_of_account(&self, slot: usize) -> Option<String> {
        let account = |key: &&String| {
            self.model.toss.payment(key).is_some_and(|payment| payment.means == Means::Account)
        };
        self.keys[self.slots[slot]?].iter().rev().find(account).cloned()
    }

    pub(super) fn break_call(&mut self, slot: usize, call: Call, glitch: Option<Glitch>) {
        if let (Some(number), Some(glitch)) = (self.slots[slot], glitch) {
            let id = self.model.orders[number].id.clone();
            for (call, glitch) in glitch.parts(call) {
                self.world.toss.inject(glitch.fault(call, &id));
                self.model.toss.break_call(&id, call, glitch);
            }
        }
    }

    pub(super) fn spoil(&mut self, slot: usize, fault: WebhookFaultKind) {
        let Some(number) = self.slots[slot] else { return };
        let id = &self.model.orders[number].id;
        let delay = std::time::Duration::from_secs(90);
        self.world.toss.inject_webhook(WebhookFault::new(fault).delay(delay).for_order(id));
        if fault == WebhookFaultKind::Drop {
            *self.losses.entry(id.clone()).or_default() += 1;
        }
    }

    pub(super) async fn resend(&mut self, slot: usize) -> Result<(), Breach> {
        let Some(number) = self.slots[slot] else { return Ok(()) };
        let id = &self.model.orders[number].id;
        let about = |webhook: &toss_sandbox::Webhook| webhook.order_id.as_ref() == Some(id);
        for webhook in self.world.toss.webhooks().into_iter().filter(about) {
            if webhook.attempts > 0 {
                self.world.toss.resend_webhooks(Some(&webhook.transmission_id));
            }
        }
        self.elsewhere().await
    }

    pub(super) async fn forge(&mut self, slot: usize, forgery: Forgery) -> Result<(), Breach> {
        let Some(number) = self.slots[slot] else { return Ok(()) };
        let (id, price) = (&self.model.orders[number].id, self.model.orders[number].plan.price());
        let own = self.keys[number].last().cloned().unwrap_or_else(|| "tgen_forged".to_owned());
        let other = self.keys.iter().flatten().next_back().cloned().unwrap_or_else(|| own.clone());
        let changed = |key: &str, status: &str, balance: i64| {
            json!({"eventType": "PAYMENT_STATUS_CHANGED", "createdAt": "2026-11-21T10:00:00.1", "data": {
                "orderId": id, "paymentKey": key, "status": status, "totalAmount": price, "currency": "KRW",
                "balanceAmount": balance, "approvedAt": "2026-11-21T10:00:00+09:00",
                "cancels": [{"cancelAmount": price - balance, "transactionKey": "t", "cancelStatus": "DONE"}],
            }})
        };
        let body = match forgery {
            Forgery::Approved => changed(&own, "DONE", price),
            Forgery::Cancelled => changed(&own, "CANCELED", 0),
            Forgery::ForeignKey => changed(&other, "CANCELED", 0),
            Forgery::WrongSecret => json!({"createdAt": "2026-11-21T10:00:00+09:00", "secret": "ps_wrong",
                "status": "DONE", "transactionKey": "t", "orderId": id}),
        };
        self.begin();
        let reply = self.admin.with_token(None).post("/v1/webhooks/toss", body).await;
        hold!(reply.status == 200, "a webhook was answered {}", reply.text);
        self.witness(Act::Elsewhere, None).await
    }

    pub(super) async fn run(&mut self, job: Job) -> Result<(), Breach> {
        if job == Job::ProcessWebhooks {
            self.world.toss.webhooks_idle().await;
        }
        self.begin();
        let path = format!("/v1/jobs/{}/run", job.name());
        let reply = self.admin.post(&path, json!({})).await;
        hold!(reply.body["status"] == "DONE", "{job:?} failed: {}", reply.text);
        self.witness(Act::Run(job), None).await
    }
}

impl Part {
    fn amount(self) -> Option<i64> {
        match self {
            Self::Rest => None,
            Self::Won(won) => Some(won),
        }
    }
}
