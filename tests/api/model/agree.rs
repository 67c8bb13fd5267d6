//! Our books against Toss's: they may lag behind while something is open, and must be equal once everything has come to
//! rest.

use chrono::{DateTime, Duration, Utc};

use super::books::{Breach, Ours, Undone, hold};
use super::expected::{Model, Order};
use super::step::Means;
use super::toss::{Payment, Status};

/// A refund older than this is a person's matter: its idempotency key may have been forgotten.
const REFUND_IS_TRIED_FOR: Duration = Duration::days(13);

impl Model {
    /// Our books of an order say what was true at Toss at some time, and never go back to an earlier truth.
    ///
    /// # Errors
    /// What they say and Toss never said.
    pub(crate) fn follows(&mut self, number: usize, ours: Option<&Ours>) -> Result<(), Breach> {
        let order = &self.orders[number];
        let Some(ours) = ours else {
            hold!(order.claims.is_empty(), "it was offered to Toss and is not in the books");
            hold!(!self.books.get(number).is_some_and(Option::is_some), "it is gone from the books");
            return Ok(());
        };
        let Some(key) = &ours.key else {
            hold!(order.claims.is_empty(), "it was offered to Toss, and the books know no key");
            return Ok(());
        };
        hold!(order.offered(key), "{key} was never offered for it");
        self.money_is_explained(order, ours)?;
        let payment = self.toss.payment(key).filter(|payment| payment.order_id == order.id);
        match ours.status {
            Status::InProgress => {
                let newest = order.claims.last().is_some_and(|claim| claim.key == *key);
                hold!(newest, "it waits for the outcome of an attempt that is not the newest");
            }
            Status::Aborted | Status::Expired => {
                let over = payment.is_none_or(|payment| {
                    matches!(payment.now().status, Status::Aborted | Status::Expired) || order.heard_no(key)
                });
                hold!(over, "it counts as failed, and nobody said no");
            }
            _ => {
                let from = order.followed.get(key).copied().unwrap_or(0);
                let views = payment.map_or(&[][..], |payment| &payment.views[..]);
                let at = views.iter().skip(from).position(|view| *view == ours.view());
                let Some(at) = at else {
                    return Err(format!("Toss said {views:?}, of which the books had followed {from}"));
                };
                self.orders[number].followed.insert(key.clone(), from + at);
            }
        }
        let order = &mut self.orders[number];
        let taken = |&(_, to, _): &(_, Status, _)| matches!(to, Status::Done | Status::WaitingForDeposit);
        order.quoted &= !ours.moves.iter().any(taken);
        Ok(())
    }

    /// Money that Toss holds for an order was asked for, and is not denied without Toss having denied it itself.
    fn money_is_explained(&self, order: &Order, ours: &Ours) -> Result<(), Breach> {
        for payment in self.toss.of_order(&order.id).filter(|payment| payment.now().held > 0) {
            hold!(order.offered(&payment.key), "Toss took money by {}, which nobody confirmed", payment.key);
            let own = ours.key.as_ref() == Some(&payment.key);
            let failed = matches!(ours.status, Status::Aborted | Status::Expired);
            hold!(
                !(own && failed) || order.heard_no(&payment.key),
                "it counts as failed, and Toss holds money"
            );
        }
        Ok(())
    }

    /// What is still open in the books of an order at `now`, by words; none when it has come to rest.
    pub(crate) fn is_open(&self, number: usize, now: DateTime<Utc>) -> Option<String> {
        let ours = self.ours(number)?;
        if ours.status == Status::InProgress {
            return Some(format!("order {number}: its outcome is unknown"));
        }
        if ours.pending().is_some_and(|refund| now - refund.created_at < REFUND_IS_TRIED_FOR) {
            return Some(format!("order {number}: a refund is under way"));
        }
        let undoing = ours.compensations.iter().any(|(_, undone)| *undone == Undone::Pending);
        undoing.then(|| format!("order {number}: an approval is being undone"))
    }

    /// Whether the service looks by itself for the deposit of an order: for as long as it can come.
    pub(crate) fn is_looked_at(&self, number: usize, now: DateTime<Utc>) -> bool {
        let Some(ours) = self.ours(number).filter(|ours| ours.status == Status::WaitingForDeposit) else {
            return false;
        };
        let key = ours.key.as_deref().unwrap_or_default();
        self.toss.payment(key).is_some_and(|payment| payment.may_be_deposited(now))
    }

    /// Everything about an order has come to rest: our books and Toss's are equal. Money that came and went by an attempt
    /// that failed must have left its trace only once it has been `named` after the order had come to rest: a webhook
    /// about it may have come while another attempt was under way.
    ///
    /// # Errors
    /// In what they differ.
    pub(crate) fn agrees(&self, number: usize, named: bool) -> Result<(), Breach> {
        let order = &self.orders[number];
        let theirs: Vec<&Payment> =
            self.toss.of_order(&order.id).filter(|payment| order.offered(&payment.key)).collect();
        self.equal(order, &theirs, self.ours(number), named).map_err(|breach| {
            let ours = self.ours(number);
            format!("order {number} at rest: {breach}\n  ours: {ours:?}\n  theirs: {theirs:?}")
        })
    }

    fn equal(
        &self,
        order: &Order,
        theirs: &[&Payment],
        ours: Option<&Ours>,
        named: bool,
    ) -> Result<(), Breach> {
        let money: Vec<&&Payment> = theirs.iter().filter(|payment| payment.now().held > 0).collect();
        let Some(ours) = ours else {
            hold!(theirs.is_empty(), "the books do not know it");
            return Ok(());
        };
        let own = theirs.iter().find(|payment| ours.key.as_ref() == Some(&payment.key));
        for payment in &money {
            let given_up = ours.compensations.contains(&(payment.key.clone(), Undone::Failed));
            hold!(
                ours.key.as_ref() == Some(&payment.key) || given_up,
                "Toss holds {} won by {}",
                payment.now().held,
                payment.key
            );
        }
        let came = theirs.iter().any(|payment| payment.now().approved_at.is_some());
        let Some(own) = own else {
            hold!(!came && !ours.is_paid(), "Toss holds nothing by its key");
            return Ok(());
        };
        let view = own.now();
        match view.status {
            Status::Done | Status::PartialCanceled => {
                hold!(ours.view() == view, "they differ");
            }
            Status::Canceled if view.approved_at.is_some() => hold!(ours.view() == view, "they differ"),
            Status::WaitingForDeposit => hold!(ours.status == Status::WaitingForDeposit, "an account waits"),
            Status::Canceled | Status::Aborted | Status::Expired | Status::InProgress | Status::Ready => {
                let over = matches!(ours.status, Status::Canceled | Status::Aborted | Status::Expired);
                hold!(over && !ours.is_paid(), "Toss holds nothing and will not");
            }
        }
        if named && view.approved_at.is_none() && came && !self.leaves_no_trace(own) {
            return Err(
                "money came and went by an earlier attempt, and the books say nothing of it".to_owned()
            );
        }
        let mut back: Vec<i64> = ours
            .refunds
            .iter()
            .filter(|refund| refund.status == Undone::Done)
            .map(|refund| refund.amount)
            .collect();
        let mut cancels = if view.approved_at.is_some() { own.cancels.clone() } else { Vec::new() };
        back.sort_unstable();
        cancels.sort_unstable();
        hold!(back == cancels, "{cancels:?} won went back at Toss, and {back:?} by the books");
        let refused = |(key, undone): &(String, Undone)| {
            let by_account = self.toss.payment(key).is_some_and(|payment| payment.means == Means::Account);
            *undone != Undone::Failed || order.refund_was_refused(key) || by_account
        };
        hold!(ours.compensations.iter().all(refused), "an approval was not undone");
        Ok(())
    }

    /// An attempt that stands in the way of an earlier one, whose money came and went.
    fn leaves_no_trace(&self, own: &Payment) -> bool {
        matches!(own.now().status, Status::WaitingForDeposit | Status::Canceled)
    }
}
