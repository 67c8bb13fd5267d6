//! The model of a history: what was asked of whom, what Toss did with it, and what our books may say of it after every
//! step. Pure: it is shown what was seen, and refuses what cannot be.

use std::collections::HashMap;

use chrono::{DateTime, Duration, Utc};

use super::books::{Breach, Ours, Subscription, Undone, hold, time_is_sound};
use super::replies::Told;
use super::step::{Job, Plan, USERS};
use super::tally::Tally;
use super::toss::{Answer, Ask, Heard, Status, Toss};

/// An order of the history.
#[derive(Debug)]
pub(crate) struct Order {
    pub(crate) id: String,
    pub(crate) user: usize,
    pub(crate) plan: Plan,
    pub(crate) expires_at: DateTime<Utc>,
    /// Whether the quote is still there.
    pub(crate) quoted: bool,
    /// Its offers to Toss, oldest first.
    pub(crate) claims: Vec<Claim>,
    /// How far our books have followed each payment at Toss: they never go back.
    pub(crate) followed: HashMap<String, usize>,
    /// Whether a webhook about it got lost for good.
    pub(crate) lost_webhook: bool,
    /// Requests to give money back: for which refund or payment, under which key, with which answer.
    cancels: Vec<(String, String, Answer)>,
}

/// One offer of an order to Toss.
#[derive(Debug)]
pub(crate) struct Claim {
    pub(crate) key: String,
    /// Under which idempotency key it was sent, and what was heard.
    pub(crate) sends: Vec<(String, Answer)>,
    /// What was heard of the first question behind it.
    pub(crate) looked_up: Option<Answer>,
}

/// What has just happened.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Act<'a> {
    /// Something that asks nothing of the service: a quote, the payment window, Toss's console, a bank, a webhook.
    Elsewhere,
    Confirm {
        order: usize,
        key: &'a str,
        amount: i64,
    },
    Fail {
        order: usize,
    },
    Refund {
        order: usize,
        amount: Option<i64>,
    },
    Run(Job),
}

/// What was seen after it.
#[derive(Debug)]
pub(crate) struct Seen {
    /// When it began, and when it had ended.
    pub(crate) time: (DateTime<Utc>, DateTime<Utc>),
    /// The answer of the service.
    pub(crate) told: Option<Told>,
    /// What Toss was asked meanwhile, in the order of arrival.
    pub(crate) heard: Vec<Heard>,
    /// Our books, order by order.
    pub(crate) ours: Vec<Option<Ours>>,
    /// Toss's payments.
    pub(crate) theirs: Vec<Theirs>,
    /// What the API shows of each user's subscription.
    pub(crate) subscriptions: Vec<Option<Subscription>>,
    /// What the rows say of it to readers by SQL.
    pub(crate) rows: Vec<Option<Subscription>>,
    /// Won that the history has added to the event total.
    pub(crate) event_total: i64,
}

/// A payment as Toss shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Theirs {
    pub(crate) key: String,
    pub(crate) status: Status,
    pub(crate) balance: i64,
    pub(crate) approved_at: Option<DateTime<Utc>>,
    pub(crate) cancels: Vec<i64>,
}

/// The model.
#[derive(Debug, Default)]
pub(crate) struct Model {
    pub(crate) toss: Toss,
    pub(crate) orders: Vec<Order>,
    /// Our books as they were seen last.
    pub(crate) books: Vec<Option<Ours>>,
    /// Calls in a row that Toss did not answer, until when it wants a pause.
    failures: u32,
    paused_until: Option<DateTime<Utc>>,
    /// What was come by.
    pub(crate) tally: Tally,
}

impl Order {
    /// An order that has just been quoted.
    pub(crate) fn new(id: String, user: usize, plan: Plan, expires_at: DateTime<Utc>) -> Self {
        let (claims, cancels, followed) = (Vec::new(), Vec::new(), HashMap::new());
        Self { id, user, plan, expires_at, quoted: true, claims, followed, lost_webhook: false, cancels }
    }

    /// Whether the order was offered with this key.
    pub(crate) fn offered(&self, key: &str) -> bool {
        self.claims.iter().any(|claim| claim.key == key)
    }

    /// Whether Toss ever said a definite no to this key, which need not have been true.
    pub(crate) fn heard_no(&self, key: &str) -> bool {
        let mut sends = self.claims.iter().filter(|claim| claim.key == key).flat_map(|claim| &claim.sends);
        sends.any(|(_, answer)| is_no(answer))
    }

    /// What Toss answered last when it was asked for the money of this refund or payment.
    pub(crate) fn last_cancel(&self, subject: &str) -> Option<&Answer> {
        self.cancels.iter().rev().find(|(about, ..)| about == subject).map(|(.., answer)| answer)
    }

    /// Whether Toss ever refused to give money back for this refund or payment.
    pub(crate) fn refund_was_refused(&self, subject: &str) -> bool {
        self.cancels.iter().any(|(about, _, answer)| {
            about == subject && matches!(answer, Answer::Error { status: 400..=408 | 410..=428, .. })
        })
    }
}

/// Whether an answer to a confirmation means that no money moved and none will.
pub(crate) fn is_no(answer: &Answer) -> bool {
    const NO: [&str; 4] =
        ["REJECT_CARD_PAYMENT", "INVALID_REQUEST", "NOT_FOUND_PAYMENT", "NOT_FOUND_PAYMENT_SESSION"];
    matches!(answer, Answer::Error { code, .. } if NO.contains(&code.as_str()))
}

/// Whether an answer leaves open what became of the request, so that only the same key may be sent again.
fn leaves_open(answer: &Answer) -> bool {
    matches!(answer, Answer::Silence | Answer::Error { status: 409 | 429, .. })
}

impl Model {
    /// Counts how every order ended.
    pub(crate) fn sum_up(&mut self) {
        for (order, ours) in self.orders.iter().zip(&self.books) {
            self.tally.order(order, ours.as_ref());
        }
    }

    /// What our books said of the order before the act that is being looked at.
    pub(crate) fn ours(&self, order: usize) -> Option<&Ours> {
        self.books.get(order).and_then(Option::as_ref)
    }

    /// The number of an order.
    fn number(&self, id: &str) -> Option<usize> {
        self.orders.iter().position(|order| order.id == id)
    }

    /// Whether the service may say that Toss cannot be asked now.
    pub(crate) fn may_be_refused(&self, now: DateTime<Utc>) -> bool {
        self.failures >= 10 || self.paused_until.is_some_and(|until| now <= until)
    }

    /// Takes in what happened, and what was seen after it.
    ///
    /// # Errors
    /// What cannot be.
    pub(crate) fn witness(&mut self, act: Act<'_>, seen: Seen) -> Result<(), Breach> {
        let expected = self.expected(act, seen.time.0);
        let claimed = self.goes_to_toss(&expected, &seen)?;
        self.tally.act(&expected, !claimed);
        self.hear(act, claimed, &seen)?;
        self.toss.pass(seen.time.1);
        self.toss_agrees(&seen)?;
        self.replies(act, &expected, claimed, &seen)?;
        if matches!(act, Act::Run(Job::PurgeOrders)) {
            self.quotes_are_purged(seen.time.0);
        }
        for (number, ours) in seen.ours.iter().enumerate() {
            let about = |breach| format!("order {number}: {breach}\n  ours: {ours:?}");
            if let Some(ours) = ours {
                ours.is_sound(self.orders[number].plan).map_err(about)?;
                self.is_finished_rightly(number, ours).map_err(about)?;
            }
            self.follows(number, ours.as_ref()).map_err(about)?;
        }
        self.users_are_served(act, &seen)?;
        self.books = seen.ours;
        Ok(())
    }

    /// The calls to Toss, one by one: each must be one that somebody wished for.
    fn hear(&mut self, act: Act<'_>, claimed: bool, seen: &Seen) -> Result<(), Breach> {
        let mut looked_up: Vec<usize> = Vec::new();
        let mut sent: Vec<String> = Vec::new();
        for heard in &seen.heard {
            let order = match &heard.ask {
                Ask::Confirm { order_id, .. } | Ask::LookUpOrder { order_id } => self.number(order_id),
                Ask::Cancel { key, .. } => {
                    self.toss.payment(key).and_then(|payment| self.number(&payment.order_id))
                }
                // A stranger's key is looked up for the order that it was offered for.
                Ask::LookUp { key } => self.orders.iter().rposition(|order| order.offered(key)),
            };
            let asks = match act {
                Act::Confirm { .. } | Act::Refund { .. } => claimed,
                Act::Run(Job::Settle | Job::ProcessWebhooks) => true,
                Act::Elsewhere | Act::Fail { .. } | Act::Run(_) => false,
            };
            hold!(asks, "{act:?} asked Toss {:?}", heard.ask);
            let known = match (order, act) {
                (Some(order), _) => order,
                // The very first offer of a key that is not Toss's own.
                (None, Act::Confirm { order, .. }) => order,
                (None, _) => return Err(format!("Toss was asked {:?}, of no order", heard.ask)),
            };
            let subject = match &heard.ask {
                Ask::LookUp { .. } | Ask::LookUpOrder { .. } => {
                    looked_up.push(known);
                    None
                }
                Ask::Confirm { .. } => Some(self.may_confirm(act, known, heard, &looked_up)?),
                Ask::Cancel { .. } => Some(self.may_cancel(act, known, heard, &looked_up, seen)?),
            };
            if let Some(subject) = &subject {
                hold!(!sent.contains(subject), "{act:?} sent {:?} twice", heard.ask);
                sent.push(subject.clone());
            }
            let answer = self.toss.hear(heard, seen.time.1);
            self.feel(&answer, seen.time.1);
            self.tally.answer(&heard.ask, &answer);
            let key = heard.idempotency_key.clone().unwrap_or_default();
            let order = &mut self.orders[known];
            match (&heard.ask, subject) {
                (Ask::Confirm { .. }, _) => {
                    order.claims.last_mut().expect("it was checked above").sends.push((key, answer));
                }
                (Ask::Cancel { .. }, Some(subject)) => order.cancels.push((subject, key, answer)),
                (Ask::LookUp { key }, _) => {
                    if let Some(claim) = order.claims.last_mut().filter(|claim| claim.key == *key) {
                        claim.looked_up.get_or_insert(answer);
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Toss is asked to confirm only what was claimed, at its price; again only by the settle job after a look-up, and
    /// under another key only after an answer that said something.
    fn may_confirm(
        &mut self,
        act: Act<'_>,
        number: usize,
        heard: &Heard,
        looked_up: &[usize],
    ) -> Result<String, Breach> {
        let Ask::Confirm { key, amount, .. } = &heard.ask else { return Err("no confirm".to_owned()) };
        let price = self.orders[number].plan.price();
        hold!(*amount == price, "Toss was asked for {amount} won of order {number}");
        let idempotency_key = heard.idempotency_key.clone().unwrap_or_default();
        match act {
            Act::Confirm { order, key: offered, .. } if order == number && offered == key => {
                let fresh = |order: &Order| {
                    let mut sends = order.claims.iter().flat_map(|claim| &claim.sends);
                    sends.all(|(used, _)| *used != idempotency_key)
                };
                hold!(self.orders.iter().all(fresh), "a new attempt under an old idempotency key");
                self.orders[number].claims.push(Claim {
                    key: key.clone(),
                    sends: Vec::new(),
                    looked_up: None,
                });
            }
            Act::Run(Job::Settle) => {
                let open = self
                    .ours(number)
                    .is_some_and(|ours| ours.status == Status::InProgress && ours.key.as_ref() == Some(key));
                hold!(open, "order {number} was confirmed again although nothing was open");
                hold!(looked_up.contains(&number), "order {number} was confirmed again without a look-up");
                let last = self.orders[number].claims.last().and_then(|claim| claim.sends.last());
                keeps_its_key(last.map(|(key, answer)| (key, answer)), &idempotency_key)?;
            }
            _ => return Err(format!("{act:?} confirmed order {number} with {key}")),
        }
        Ok(format!("confirm {number}"))
    }

    /// Toss is asked only for money that somebody wants back: a refund that is under way, or an approval of an order
    /// that is paid already. Gives which of them.
    fn may_cancel(
        &self,
        act: Act<'_>,
        number: usize,
        heard: &Heard,
        looked_up: &[usize],
        seen: &Seen,
    ) -> Result<String, Breach> {
        let Ask::Cancel { key, amount, refundable, account } = &heard.ask else {
            return Err("no cancel".to_owned());
        };
        let before = self.ours(number);
        let after = seen.ours[number].as_ref();
        // An account that was cancelled before anybody paid into it leaves no trace afterwards.
        let undone = [before, after].into_iter().flatten().flat_map(|ours| &ours.compensations);
        let undone = undone.into_iter().any(|(undone, _)| undone == key);
        let idempotency_key = heard.idempotency_key.as_deref().unwrap_or_default();
        let settles = matches!(act, Act::Run(Job::Settle));
        // Toss forgets a key after fifteen days: from then on the same one would be another request anyway.
        let mut forgotten = false;
        let subject = if undone {
            hold!(settles && amount.is_none(), "{act:?} undid {key} in part or out of turn");
            key.clone()
        } else {
            let wish = match act {
                Act::Refund { order, .. } if order == number => {
                    after.and_then(|after| after.new_refund(before))
                }
                Act::Run(Job::Settle) => before.and_then(Ours::pending),
                _ => None,
            };
            let Some(wish) = wish else { return Err(format!("{act:?} cancelled {key} for nobody")) };
            let own = before.is_some_and(|ours| ours.key.as_ref() == Some(key));
            hold!(own, "the refund of order {number} was asked of another payment");
            hold!(
                amount.or(*refundable) == Some(wish.amount),
                "Toss was asked for {amount:?} of {refundable:?} won back, and the refund is of {}",
                wish.amount
            );
            let paid_in = before.is_some_and(|ours| ours.account);
            hold!(*account == paid_in, "an account for the money: {account}");
            forgotten = seen.time.1 - wish.created_at > chrono::Duration::days(14);
            wish.id.clone()
        };
        if settles {
            hold!(looked_up.contains(&number), "order {number} was cancelled again without a look-up");
        }
        let sends = self.orders[number].cancels.iter().rev();
        let last = sends.clone().find(|(about, ..)| *about == subject && !forgotten);
        keeps_its_key(last.map(|(_, key, answer)| (key, answer)), idempotency_key)?;
        Ok(subject)
    }

    /// How the service must feel about Toss after an answer.
    fn feel(&mut self, answer: &Answer, now: DateTime<Utc>) {
        match answer {
            Answer::Error { status: 429, .. } => self.paused_until = Some(now + Duration::seconds(2)),
            Answer::Payment | Answer::Error { status: 0..500, .. } => self.failures = 0,
            Answer::Silence | Answer::Error { .. } => self.failures += 1,
        }
    }

    /// Toss stands as the model says, payment by payment.
    fn toss_agrees(&mut self, seen: &Seen) -> Result<(), Breach> {
        hold!(seen.theirs.len() == self.toss.payments.len(), "Toss has other payments: {:?}", seen.theirs);
        for payment in &mut self.toss.payments {
            let shown = seen.theirs.iter().find(|shown| shown.key == payment.key);
            let Some(shown) = shown else { return Err(format!("Toss lacks {}", payment.key)) };
            // Toss shows whole seconds, and the model does not know the instant.
            if let (Some(at), Some(guess)) = (shown.approved_at, payment.now().approved_at) {
                for view in payment.views.iter_mut().filter(|view| view.approved_at == Some(guess)) {
                    view.approved_at = Some(at);
                }
            }
            let view = payment.now();
            let must = Theirs {
                key: payment.key.clone(),
                status: view.status,
                balance: payment.balance(),
                approved_at: view.approved_at,
                cancels: payment.cancels.clone(),
            };
            hold!(*shown == must, "Toss shows {shown:?} and should show {must:?}");
        }
        Ok(())
    }

    /// A refund fails only where Toss refused it or the bank took the money away, and never while Toss has given back
    /// what the books do not have.
    fn is_finished_rightly(&self, number: usize, ours: &Ours) -> Result<(), Breach> {
        let before = self.ours(number);
        for refund in ours.refunds.iter().filter(|refund| refund.status == Undone::Failed) {
            let failed = before.and_then(|before| before.refunds.iter().find(|old| old.id == refund.id));
            if failed.is_some_and(|old| old.status == Undone::Failed) || !ours.is_paid() {
                continue;
            }
            hold!(
                self.orders[number].refund_was_refused(&refund.id),
                "{refund:?} failed, and nobody refused it"
            );
            let key = ours.key.as_deref().unwrap_or_default();
            let theirs = self.toss.payment(key).map(|payment| payment.now());
            hold!(theirs == Some(ours.view()), "{refund:?} failed while Toss says {theirs:?}");
        }
        for (key, undone) in &ours.compensations {
            let held = self.toss.payment(key).map_or(0, |payment| payment.now().held);
            match undone {
                Undone::Done => hold!(held == 0, "{key} counts as undone, and Toss holds {held} won"),
                Undone::Failed => {
                    hold!(
                        self.orders[number].refund_was_refused(key),
                        "{key} was given up, and nobody refused"
                    );
                }
                Undone::Pending => {}
            }
        }
        Ok(())
    }

    /// Quotes that have expired go, except those whose payment is being found out.
    fn quotes_are_purged(&mut self, now: DateTime<Utc>) {
        for number in 0..self.orders.len() {
            let open = self.ours(number).is_some_and(|ours| ours.status == Status::InProgress);
            let order = &mut self.orders[number];
            order.quoted &= open || now < order.expires_at;
        }
    }

    /// Every user has what was paid for, and the event total is what was paid for events.
    fn users_are_served(&self, act: Act<'_>, seen: &Seen) -> Result<(), Breach> {
        for user in 0..USERS {
            let own: Vec<(usize, Plan, &Ours)> = (self.orders.iter().enumerate())
                .filter(|(_, order)| order.user == user)
                .filter_map(|(number, order)| Some((number, order.plan, seen.ours[number].as_ref()?)))
                .collect();
            let about = |breach| format!("user {user}: {breach}");
            time_is_sound(&own, seen.subscriptions[user], seen.time.1).map_err(about)?;
            if matches!(act, Act::Run(Job::Expire)) {
                let same = |one: Subscription, other: Subscription| {
                    (one.active, one.canceled, one.plan) == (other.active, other.canceled, other.plan)
                };
                let (shown, row) = (seen.subscriptions[user], seen.rows[user]);
                let agree = shown.is_none() && row.is_none()
                    || shown.zip(row).is_some_and(|(shown, row)| same(shown, row));
                hold!(agree, "user {user}: the row says {row:?} and the API {shown:?}");
            }
        }
        let events = self.orders.iter().zip(&seen.ours).filter(|(order, _)| !order.plan.sells_time());
        let due: i64 = events.filter_map(|(_, ours)| ours.as_ref()).map(|ours| ours.balance).sum();
        hold!(seen.event_total == due, "the event total is {} and must be {due}", seen.event_total);
        Ok(())
    }
}

/// After silence only the same key tells Toss that it is the same request.
fn keeps_its_key(last: Option<(&String, &Answer)>, key: &str) -> Result<(), Breach> {
    if let Some((used, answer)) = last {
        hold!(used == key || !leaves_open(answer), "a new idempotency key after {answer:?}");
    }
    Ok(())
}
