//! Weeks of business: people buy, renew, leave, are declined and get money back, each through the operations that real
//! buyers use, while the shared clock walks from the past to now. The same every time.

use std::collections::BTreeMap;

use chrono::{DateTime, Duration, Utc};
use entity::payment_event::Cause;
use entity::{OrderId, PaymentKey, UserId, Won, plan};
use gudok::app::App;
use gudok::audit::Actor;
use gudok::checkout::ReturnUrls;
use gudok::payments::{self, Confirm, Confirmed};
use gudok::refunds::{self, RequestRefund};
use gudok::temp_orders::{self, Quoted};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use toss_sandbox::{Authenticate, PayMethod, Sandbox};

use crate::Broken;
use crate::catalogue::Catalogue;

/// How far back the business began, in days.
pub const DAYS: i64 = 45;

const SURNAMES: [&str; 10] = ["kim", "lee", "park", "choi", "jung", "kang", "cho", "yoon", "jang", "lim"];
const NAMES: [&str; 12] = [
    "minjun", "seoyeon", "doyun", "hayoon", "jiho", "subin", "yejun", "jiwoo", "eunseo", "hyunwoo", "sora",
    "taeyang",
];
/// What cards say no with: the sandbox's card numbers by what usually happens.
const DECLINES: [&str; 5] =
    ["4000000000000001", "4000000000000001", "4000000000000002", "4000000000000003", "4000000000000004"];
const REASONS: [&str; 4] = ["단순 변심", "다른 요금제로 변경", "중복 결제", "서비스 불만족"];

/// Something that somebody does.
#[derive(Clone, Debug)]
enum Act {
    /// Buys, for the first time or again.
    Buy { user: UserId, plan: plan::Model },
    /// Pays into the account that was issued.
    Deposit { order: Quoted, key: String },
    /// Wants money back.
    Refund { order_id: OrderId, amount: Option<Won>, reason: &'static str },
}

/// A month and a half of a small shop.
#[derive(Debug)]
pub struct Demo<'a> {
    app: &'a App,
    toss: &'a Sandbox,
    plans: &'a Catalogue,
    dice: StdRng,
    agenda: BTreeMap<(DateTime<Utc>, u32), Act>,
    acts: u32,
}

impl<'a> Demo<'a> {
    /// The business of `plans`, with everything that happens by itself on the agenda.
    pub fn new(app: &'a App, toss: &'a Sandbox, plans: &'a Catalogue) -> Self {
        let dice = StdRng::seed_from_u64(20_261_121);
        let mut demo = Self { app, toss, plans, dice, agenda: BTreeMap::new(), acts: 0 };
        demo.newcomers(app.clock.now());
        demo
    }

    /// Lets it all happen, until the clock has come to `end`. Gives how many payments there were.
    ///
    /// # Errors
    /// When an operation fails that should not.
    pub async fn run(mut self, end: DateTime<Utc>) -> Result<u32, Broken> {
        let mut bought = 0;
        while let Some(((at, _), act)) = self.agenda.pop_first() {
            if at >= end {
                break;
            }
            self.wait_until(at);
            match act {
                Act::Buy { user, plan } => {
                    self.buy(&user, &plan).await?;
                    bought += 1;
                }
                Act::Deposit { order, key } => self.deposit(&order, &key).await?,
                Act::Refund { order_id, amount, reason } => self.refund(order_id, amount, reason).await?,
            }
        }
        self.wait_until(end);
        Ok(bought)
    }

    fn wait_until(&self, at: DateTime<Utc>) {
        let ahead = at - self.app.clock.now();
        if ahead > Duration::zero() {
            self.toss.clock().advance(ahead);
        }
    }

    fn plan_for(&mut self, at: DateTime<Utc>, act: Act) {
        self.acts += 1;
        self.agenda.insert((at, self.acts), act);
    }

    fn chance(&mut self, percent: u32) -> bool {
        self.dice.random_ratio(percent, 100)
    }

    /// People who come for the first time: more of them every week, and most in the evening.
    fn newcomers(&mut self, start: DateTime<Utc>) {
        let mut number = 0;
        for day in 0..DAYS {
            let today = 2 + day / 14 + self.dice.random_range(0..3);
            for _ in 0..today {
                let surname = SURNAMES[self.dice.random_range(0..SURNAMES.len())];
                let name = NAMES[self.dice.random_range(0..NAMES.len())];
                number += 1;
                let Ok(user) = format!("{name}.{surname}{number}").parse() else { continue };
                let hour = self.dice.random_range(8..23).max(self.dice.random_range(8..23));
                let at = start
                    + Duration::days(day)
                    + Duration::minutes(hour * 60 + self.dice.random_range(0..60));
                let plan = match self.dice.random_range(0..100) {
                    0..55 => &self.plans.basic,
                    55..80 => &self.plans.premium,
                    80..86 => &self.plans.yearly,
                    _ => &self.plans.event,
                };
                let plan = plan.clone();
                self.plan_for(at, Act::Buy { user, plan });
            }
        }
    }

    async fn buy(&mut self, user: &UserId, plan: &plan::Model) -> Result<(), Broken> {
        let now = self.app.clock.now();
        let quoted = temp_orders::create(self.app, user, plan.id, &ReturnUrls::default(), None, now).await?;
        if self.chance(12) {
            let declined = DECLINES[self.dice.random_range(0..DECLINES.len())];
            let buyer = self.buyer(&quoted).card(declined);
            self.pay(&quoted, buyer).await?;
            // Some give up.
            if self.chance(35) {
                return Ok(());
            }
        }
        let buyer = self.buyer(&quoted);
        let buyer = self.with_method(buyer);
        let account = buyer.method == PayMethod::VirtualAccount;
        let key = self.pay(&quoted, buyer).await?;
        if account {
            let at = now + Duration::minutes(self.dice.random_range(20..1_200));
            // Some never pay in.
            if self.chance(80) {
                self.plan_for(at, Act::Deposit { order: quoted, key });
            }
            return Ok(());
        }
        self.afterwards(user, plan, &quoted);
        Ok(())
    }

    fn buyer(&self, quoted: &Quoted) -> Authenticate {
        let order = &quoted.order;
        let buyer = Authenticate::new(order.order_id.to_string(), order.total_amount.get());
        Authenticate { order_name: Some(order.order_name.clone()), ..buyer }
    }

    fn with_method(&mut self, buyer: Authenticate) -> Authenticate {
        match self.dice.random_range(0..100) {
            0..62 => {
                // The fifth and sixth digits choose the issuer.
                let issuer = [0, 3, 4, 9, 12, 15, 20][self.dice.random_range(0..7)];
                buyer.card(format!("9410{issuer:02}0000000001"))
            }
            62..90 => {
                let provider = ["TOSSPAY", "KAKAOPAY", "NAVERPAY"][self.dice.random_range(0..3)];
                let buyer = buyer.method(PayMethod::EasyPay);
                Authenticate { easy_pay_provider: Some(provider.to_owned()), ..buyer }
            }
            90..96 => buyer.method(PayMethod::VirtualAccount),
            _ => buyer.method(PayMethod::MobilePhone),
        }
    }

    /// Authenticates in the payment window and comes back; a decline is an answer like any other.
    async fn pay(&self, quoted: &Quoted, buyer: Authenticate) -> Result<String, Broken> {
        let key = self.toss.authenticate(buyer).map_err(|refusal| format!("{refusal:?}"))?.payment_key;
        let payment_key: PaymentKey = key.parse()?;
        let order = &quoted.order;
        let command = Confirm {
            owner: None,
            payment_key,
            order_id: order.order_id.clone(),
            amount: order.total_amount,
            claim: None,
        };
        match payments::confirm(self.app, command, self.app.clock.now()).await {
            Ok(Confirmed::Recorded(_) | Confirmed::Pending(_)) | Err(payments::ConfirmError::Rejected(_)) => {
                Ok(key)
            }
            Err(error) => Err(error.into()),
        }
    }

    /// What a purchase leads to: a renewal when its time is over, or money back.
    fn afterwards(&mut self, user: &UserId, plan: &plan::Model, quoted: &Quoted) {
        let now = self.app.clock.now();
        if self.chance(6) {
            let part = self.chance(30);
            let amount = if part { Won::new(quoted.order.total_amount.get() / 2) } else { None };
            let reason = REASONS[self.dice.random_range(0..REASONS.len())];
            let at = now + Duration::minutes(self.dice.random_range(30..3_000));
            let order_id = quoted.order.order_id.clone();
            self.plan_for(at, Act::Refund { order_id, amount, reason });
            return;
        }
        if plan.interval_months == Some(1) && self.chance(78) {
            let early = Duration::minutes(self.dice.random_range(-600..2_800));
            let at = now + Duration::days(30) - early;
            // Some want more the second time.
            let upgrades = self.chance(12);
            let plan = if upgrades { self.plans.premium.clone() } else { plan.clone() };
            self.plan_for(at, Act::Buy { user: user.clone(), plan });
        }
    }

    async fn deposit(&mut self, order: &Quoted, key: &str) -> Result<(), Broken> {
        self.toss.deposit(key).map_err(|refusal| format!("{refusal:?}"))?;
        payments::reread(self.app, &order.order.order_id, Cause::Webhook).await?;
        Ok(())
    }

    async fn refund(&self, order_id: OrderId, amount: Option<Won>, reason: &str) -> Result<(), Broken> {
        let reason = reason.to_owned();
        let command = RequestRefund {
            owner: None,
            order_id,
            reason,
            amount,
            believed_balance: None,
            receive_account: None,
            claim: None,
            actor: Actor::system(),
        };
        refunds::request(self.app, command, self.app.clock.now()).await?;
        Ok(())
    }
}
