//! Plays a history: does what its steps say in a world, and has the model judge what is seen after each.

mod acts;

use std::collections::{BTreeMap, HashMap, HashSet};

use chrono::{DateTime, Datelike, Duration, Utc};
use serde_json::{Value, json};

use super::books::{Breach, Ours};
use super::expected::{Act, Model, Seen};
use super::look;
use super::replies::Told;
use super::step::{Call, History, Job, Means, SLOTS, Step, USERS};
use super::toss::{Heard, Status};
use crate::support::client::{Client, Reply};
use crate::support::world::World;

/// How often Toss is asked again until everything has come to rest, once nothing goes wrong any more.
const ROUNDS: usize = 12;

/// A world in which histories are played, one after another.
pub(crate) struct Stage {
    world: World,
    /// Whoever calls the service: one client for all, because making one takes longer than most calls.
    admin: Client,
    /// The ids of the plans.
    plans: [String; 3],
    /// Histories played here.
    pub(crate) played: usize,
    /// Whether Toss has approved orders twice here, for which the usual check of the books has no words.
    several_approvals: bool,
    /// Orders and payment keys of earlier histories, about which Toss may still be asked: accounts that wait.
    earlier: HashSet<String>,
    /// What the histories have come by, and how often.
    pub(crate) tally: BTreeMap<String, usize>,
}

/// A history under way.
struct Play<'a> {
    world: &'a World,
    admin: &'a Client,
    plans: &'a [String; 3],
    users: [String; USERS],
    model: Model,
    /// The number of the order in each slot.
    slots: [Option<usize>; SLOTS],
    /// The payment keys of each order, oldest first.
    keys: Vec<Vec<String>>,
    /// Webhooks that will go astray, by order.
    losses: HashMap<String, usize>,
    /// Calls to Toss that have been looked at.
    calls: usize,
    /// Orders and payment keys of earlier histories.
    earlier: &'a HashSet<String>,
    /// The event total before the history.
    total: i64,
    /// When the act that is under way began.
    began: DateTime<Utc>,
}

impl Stage {
    /// A stage in a world of its own, which Toss tells what happens.
    pub(crate) async fn new(world: World) -> Self {
        let plans = [world.basic().await, world.premium().await, world.event().await];
        world.listen_to_webhooks();
        let admin = world.admin();
        Self {
            world,
            admin,
            plans,
            played: 0,
            several_approvals: false,
            earlier: HashSet::new(),
            tally: BTreeMap::new(),
        }
    }

    /// Moves to the next Korean morning of a month's `day`.
    fn begin_on(&self, day: u32) {
        let korean = self.world.app.clock.now() + Duration::hours(9);
        let days = korean.date_naive().iter_days().skip(1);
        let begins = days.take(70).find(|date| date.day() == day).expect("every other month has 31 days");
        let begins = begins.and_hms_opt(9, 0, 0).expect("an hour").and_utc();
        self.world.advance(begins - korean);
    }

    /// Closes the world.
    pub(crate) async fn close(&self) {
        if self.several_approvals {
            self.world.stop().await;
        } else {
            self.world.end().await;
        }
    }

    /// Plays `history` with users of its own.
    ///
    /// # Errors
    /// The first breach, with the step at which it was seen.
    pub(crate) async fn play(&mut self, history: &History) -> Result<(), Breach> {
        self.played += 1;
        self.several_approvals |= history.several_approvals;
        let users = std::array::from_fn(|user| format!("user-{}-{user}", self.played));
        self.begin_on(history.day);
        self.world.toss.one_approval_per_order(!history.several_approvals);
        let model = Model::default();
        let mut play = Play {
            world: &self.world,
            admin: &self.admin,
            plans: &self.plans,
            users,
            model,
            slots: [None; SLOTS],
            keys: Vec::new(),
            losses: HashMap::new(),
            calls: self.world.toss.received().len(),
            earlier: &self.earlier,
            total: look::event_total(&self.admin).await,
            began: self.world.app.clock.now(),
        };
        play.model.toss.several_approvals = history.several_approvals;
        for (number, step) in history.steps.iter().enumerate() {
            play.step(*step).await.map_err(|breach| format!("at step {number}, {step:?}: {breach}"))?;
        }
        play.come_to_rest().await.map_err(|breach| format!("at the end: {breach}"))?;
        play.model.sum_up();
        for (what, times) in play.model.tally.counts() {
            *self.tally.entry(what).or_default() += times;
        }
        let orders = play.model.orders.into_iter().map(|order| order.id);
        let over: Vec<String> = orders.chain(play.keys.into_iter().flatten()).collect();
        self.earlier.extend(over);
        Ok(())
    }
}

impl Play<'_> {
    async fn step(&mut self, step: Step) -> Result<(), Breach> {
        match step {
            Step::Buy { slot, user, plan, means, fault } => {
                self.quote(slot, user, plan).await?;
                self.pay(slot, means, fault).await
            }
            Step::Quote { slot, user, plan } => self.quote(slot, user, plan).await,
            Step::Authenticate { slot, means } => {
                self.authenticate(slot, means);
                self.elsewhere().await
            }
            Step::Confirm { slot, key, price } => self.confirm(slot, key, price).await,
            Step::Retry { slot, means, fault } => {
                let slot = self.aim(slot, |play, order| play.can_be_paid_again(order));
                self.pay(slot, means, fault).await
            }
            Step::Fail { slot } => self.fail(slot).await,
            Step::Refund { slot, part, fault } => {
                let slot = self.aim(slot, |play, order| {
                    play.model.ours(order).is_some_and(|ours| ours.balance > 0 && ours.pending().is_none())
                });
                self.break_call(slot, Call::Cancel, fault);
                self.refund(slot, part).await
            }
            Step::Staff { slot, part } => self.staff(slot, part).await,
            Step::Deposit { slot } => {
                let slot = self.aim(slot, |play, order| play.account_is(order, Status::WaitingForDeposit));
                self.deposit(slot).await
            }
            Step::Reverse { slot } => {
                let slot = self.aim(slot, |play, order| play.account_is(order, Status::Done));
                self.reverse(slot).await
            }
            Step::Break { slot, call, fault } => {
                self.break_call(slot, call, Some(fault));
                Ok(())
            }
            Step::Spoil { slot, fault } => {
                self.spoil(slot, fault);
                Ok(())
            }
            Step::Release => {
                self.world.toss.clear_webhook_faults();
                self.losses.clear();
                self.elsewhere().await
            }
            Step::Resend { slot } => self.resend(slot).await,
            Step::Forge { slot, forgery } => self.forge(slot, forgery).await,
            Step::Pass(span) => {
                self.world.advance(span.duration());
                self.elsewhere().await
            }
            Step::Run(job) => self.run(job).await,
        }
    }

    /// The slot itself, or the next one with an order that `fits`, if there is any.
    fn aim(&self, slot: usize, fits: impl Fn(&Self, usize) -> bool) -> usize {
        let mut slots = (0..SLOTS).map(|further| (slot + further) % SLOTS);
        slots.find(|slot| self.slots[*slot].is_some_and(|order| fits(self, order))).unwrap_or(slot)
    }

    fn can_be_paid_again(&self, order: usize) -> bool {
        let failed = |ours: &Ours| matches!(ours.status, Status::Aborted | Status::Expired);
        self.model.orders[order].quoted && self.model.ours(order).is_none_or(failed)
    }

    fn account_is(&self, order: usize, status: Status) -> bool {
        let mut payments = self.model.toss.of_order(&self.model.orders[order].id);
        payments.any(|payment| payment.means == Means::Account && payment.now().status == status)
    }

    fn begin(&mut self) {
        self.began = self.world.app.clock.now();
    }

    async fn elsewhere(&mut self) -> Result<(), Breach> {
        self.witness(Act::Elsewhere, None).await
    }

    /// Shows the model what can be seen now.
    async fn witness(&mut self, act: Act<'_>, reply: Option<Reply>) -> Result<(), Breach> {
        let ended = self.world.app.clock.now();
        let orders: Vec<String> = self.model.orders.iter().map(|order| order.id.clone()).collect();
        let calls = self.world.toss.received();
        let own = |heard: &Heard| !self.earlier.contains(heard.ask.about());
        let heard = calls[self.calls..].iter().map(look::heard).filter(own).collect();
        self.calls = calls.len();
        let (mut subscriptions, mut rows) = (Vec::new(), Vec::new());
        for user in &self.users {
            subscriptions.push(look::subscription(self.admin, user, self.plans).await);
            rows.push(match act {
                Act::Run(Job::Expire) => look::row(self.world, user, self.plans).await,
                _ => None,
            });
        }
        let told =
            reply.map(|reply| Told { status: reply.status, code: reply.code().to_owned(), body: reply.body });
        let seen = Seen {
            time: (self.began.min(ended), ended),
            told,
            heard,
            ours: look::ours(self.world, &orders).await,
            theirs: look::theirs(self.world, &orders),
            subscriptions,
            rows,
            event_total: look::event_total(self.admin).await - self.total,
        };
        self.notice_losses();
        self.model.witness(act, seen)
    }

    /// Webhooks that went astray are gone for good.
    fn notice_losses(&mut self) {
        if self.losses.is_empty() {
            return;
        }
        let log = self.world.toss.webhooks();
        for order in &mut self.model.orders {
            let lost = |webhook: &&toss_sandbox::Webhook| {
                webhook.state == toss_sandbox::WebhookState::Dropped
                    && webhook.order_id.as_ref() == Some(&order.id)
            };
            order.lost_webhook |= log.iter().any(|webhook| lost(&webhook));
        }
    }

    /// Nothing goes wrong any more: everything must come to rest, and then our books and Toss's must be equal. First
    /// for every order of which no webhook was lost or whose deposit is looked for; then for all, once each has been
    /// named to the service again.
    async fn come_to_rest(&mut self) -> Result<(), Breach> {
        self.notice_losses();
        self.world.toss.clear_faults();
        self.model.toss.repair();
        self.world.toss.clear_webhook_faults();
        self.world.advance(Duration::seconds(61));
        self.settle_all().await?;
        let now = self.world.app.clock.now();
        for number in 0..self.model.orders.len() {
            if !self.model.orders[number].lost_webhook || self.model.is_looked_at(number, now) {
                self.model.agrees(number, false)?;
            }
        }
        self.name_all().await?;
        self.settle_all().await?;
        for number in 0..self.model.orders.len() {
            self.model.agrees(number, true)?;
        }
        self.run(Job::Expire).await
    }

    /// Lets time pass and jobs run until nothing is open.
    async fn settle_all(&mut self) -> Result<(), Breach> {
        let mut open: Vec<String> = Vec::new();
        for round in 0..ROUNDS {
            self.run(Job::ProcessWebhooks).await?;
            self.run(Job::Settle).await?;
            let now = self.world.app.clock.now();
            open = (0..self.model.orders.len()).filter_map(|order| self.model.is_open(order, now)).collect();
            // Accounts are looked at once more, which is what finds a deposit that nobody told of.
            if open.is_empty() && round > 0 {
                return Ok(());
            }
            self.world.advance(Duration::hours(2));
        }
        Err(format!("it does not come to rest: {open:?}"))
    }

    /// Names every payment that was offered to the service, as Toss's webhooks do.
    async fn name_all(&mut self) -> Result<(), Breach> {
        for order in &self.model.orders {
            for claim in &order.claims {
                let data = json!({"orderId": order.id, "paymentKey": claim.key, "status": "DONE"});
                let body: Value = json!({"eventType": "PAYMENT_STATUS_CHANGED", "data": data});
                self.world.toss.send_webhook(body, None).map_err(|refusal| refusal.to_string())?;
            }
        }
        Ok(())
    }
}
