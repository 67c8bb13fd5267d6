//! Our books as they were seen, and what must hold inside of them whatever Toss says.

use chrono::{DateTime, Utc};

use super::line::{Bought, Piece, lay_out, standing};
use super::step::Plan;
use super::toss::{Status, View};

/// Why a history is not as it should be.
pub(crate) type Breach = String;

/// Refuses what does not hold, with words.
macro_rules! hold {
    ($condition:expr, $($words:tt)+) => {
        if !$condition {
            return Err(format!($($words)+));
        }
    };
}
pub(crate) use hold;

/// What our books say of one order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Ours {
    pub(crate) status: Status,
    pub(crate) key: Option<String>,
    pub(crate) amount: i64,
    pub(crate) balance: i64,
    pub(crate) approved_at: Option<DateTime<Utc>>,
    /// Whether it is known to be paid into an account.
    pub(crate) account: bool,
    /// Every move of its state and the balance after it, oldest first.
    pub(crate) moves: Vec<(Option<Status>, Status, i64)>,
    /// Oldest first.
    pub(crate) refunds: Vec<Refund>,
    pub(crate) period: Option<Period>,
    /// What it added to the event total, entry by entry.
    pub(crate) entries: Vec<i64>,
    /// Approvals of it that are undone: their payment keys, and how that stands.
    pub(crate) compensations: Vec<(String, Undone)>,
}

/// One refund.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refund {
    pub(crate) id: String,
    pub(crate) amount: i64,
    pub(crate) status: Undone,
    pub(crate) created_at: DateTime<Utc>,
}

/// How a refund or a compensation stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Undone {
    Pending,
    Done,
    Failed,
}

/// The time that an order bought.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Period {
    /// Orders periods by when they were recorded.
    pub(crate) id: String,
    pub(crate) from: DateTime<Utc>,
    pub(crate) to: DateTime<Utc>,
    pub(crate) live: bool,
}

/// A subscription, as the API shows it or as its row says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Subscription {
    pub(crate) active: bool,
    pub(crate) canceled: bool,
    /// None when it is no plan of the history.
    pub(crate) plan: Option<Plan>,
    pub(crate) start: DateTime<Utc>,
    pub(crate) end: DateTime<Utc>,
    pub(crate) periods: usize,
}

impl Ours {
    /// What it says of the money, as Toss would.
    pub(crate) fn view(&self) -> View {
        View { status: self.status, approved_at: self.approved_at, held: self.balance }
    }

    /// Whether money came in, by the books.
    pub(crate) fn is_paid(&self) -> bool {
        self.approved_at.is_some()
    }

    /// The refund that is under way.
    pub(crate) fn pending(&self) -> Option<&Refund> {
        self.refunds.iter().find(|refund| refund.status == Undone::Pending)
    }

    /// The refund that was written first since the books stood like `before`.
    pub(crate) fn new_refund(&self, before: Option<&Ours>) -> Option<&Refund> {
        let old = |refund: &Refund| {
            before.is_some_and(|before| before.refunds.iter().any(|old| old.id == refund.id))
        };
        self.refunds.iter().find(|refund| !old(refund))
    }

    /// Won of its refunds that stand like this.
    pub(crate) fn refunded(&self, status: Undone) -> i64 {
        self.refunds.iter().filter(|refund| refund.status == status).map(|refund| refund.amount).sum()
    }

    /// Whether the books of this order, of `plan`, agree with themselves.
    pub(crate) fn is_sound(&self, plan: Plan) -> Result<(), Breach> {
        hold!(self.amount == plan.price(), "it is charged at {} won", self.amount);
        self.status_is_sound()?;
        self.moves_are_sound()?;
        let (done, pending) = (self.refunded(Undone::Done), self.refunded(Undone::Pending));
        hold!(done + pending <= self.amount, "{done} won are back and {pending} on their way");
        if self.is_paid() {
            hold!(done + self.balance == self.amount, "{done} won are back and {} left", self.balance);
        } else {
            hold!(self.balance == 0, "it has a balance without an approval");
        }
        let under_way = self.refunds.iter().filter(|refund| refund.status == Undone::Pending).count();
        hold!(under_way <= 1, "{under_way} refunds are under way");
        let live = self.period.as_ref().is_some_and(|period| period.live);
        let total: i64 = self.entries.iter().sum();
        let (owed, due) = if plan.sells_time() { (self.balance > 0, 0) } else { (false, self.balance) };
        hold!(live == owed, "a live period: {live}, with {} won left", self.balance);
        hold!(total == due, "entries of {total} won, with {} won left", self.balance);
        Ok(())
    }

    fn status_is_sound(&self) -> Result<(), Breach> {
        use Status::{
            Aborted, Canceled, Done, Expired, InProgress, PartialCanceled, Ready, WaitingForDeposit,
        };
        let paid = self.is_paid();
        let fits = match self.status {
            Ready => false,
            InProgress | WaitingForDeposit | Aborted | Expired => !paid && self.balance == 0,
            Done => paid && self.balance == self.amount,
            PartialCanceled => paid && self.balance < self.amount,
            Canceled => self.balance == 0,
        };
        hold!(fits, "{:?} with {} won left, approved {:?}", self.status, self.balance, self.approved_at);
        hold!(self.key.is_some() || self.status == Aborted, "{:?} without a payment key", self.status);
        Ok(())
    }

    /// Every move starts where the one before it ended, and is one that a payment can make.
    fn moves_are_sound(&self) -> Result<(), Breach> {
        use Status::{Aborted, Canceled, Done, Expired, InProgress, PartialCanceled, WaitingForDeposit};
        let mut standing = None;
        for &(from, to, balance) in &self.moves {
            hold!(from == standing.map(|(status, _)| status), "a gap in its moves {:?}", self.moves);
            let can = match from {
                None => matches!(to, InProgress | Aborted),
                Some(InProgress) => to != InProgress && to != PartialCanceled,
                Some(WaitingForDeposit) => matches!(to, Done | Canceled | Aborted | Expired),
                Some(Done) => matches!(to, Canceled | PartialCanceled | WaitingForDeposit),
                Some(PartialCanceled) => to == PartialCanceled,
                // Another attempt, or an earlier one that worked after all.
                Some(Aborted | Expired) => matches!(to, InProgress | WaitingForDeposit | Done | Aborted),
                Some(Canceled | Status::Ready) => false,
            };
            hold!(can, "it moved from {from:?} to {to:?}");
            standing = Some((to, balance));
        }
        hold!(standing == Some((self.status, self.balance)), "its moves {:?} lead elsewhere", self.moves);
        Ok(())
    }
}

/// Whether the periods of one user's orders lie where what was paid puts them, and the subscription that is `shown` at
/// `now` says so. `ours` are the user's orders with their numbers.
pub(crate) fn time_is_sound(
    ours: &[(usize, Plan, &Ours)],
    shown: Option<Subscription>,
    now: DateTime<Utc>,
) -> Result<(), Breach> {
    let mut paid: Vec<(DateTime<Utc>, &Period, Bought)> = Vec::new();
    for &(order, plan, books) in ours {
        let live = books.period.as_ref().filter(|_| plan.sells_time() && books.balance > 0);
        if let (Some(period), Some(at)) = (live, books.approved_at) {
            paid.push((at, period, Bought { order, plan, at }));
        }
    }
    // Of one instant, the one that was recorded first comes first.
    paid.sort_by(|one, other| (one.0, &one.1.id).cmp(&(other.0, &other.1.id)));
    let bought: Vec<Bought> = paid.iter().map(|(.., bought)| *bought).collect();
    let line = lay_out(&bought);
    for Piece { order, from, to, .. } in &line {
        let (.., books) = ours.iter().find(|(number, ..)| number == order).expect("an order of the user");
        let period = books.period.as_ref().expect("it was found above");
        hold!(
            (period.from, period.to) == (*from, *to),
            "order {order} bought {from} to {to} and has {} to {}",
            period.from,
            period.to
        );
    }
    let ever = ours.iter().any(|(.., books)| books.period.is_some());
    match (shown, standing(&line, now)) {
        (None, None) if !ever => Ok(()),
        (Some(shown), None) if ever => {
            hold!(
                !shown.active && shown.canceled && shown.periods == 0,
                "nothing is paid, and it is {shown:?}"
            );
            Ok(())
        }
        (Some(shown), Some(due)) => {
            let said = (shown.active, shown.canceled, shown.plan, shown.start, shown.end, shown.periods);
            let must = (due.active, false, Some(due.plan), due.start, due.end, line.len());
            hold!(said == must, "the subscription is {said:?} and must be {must:?}");
            Ok(())
        }
        (shown, due) => Err(format!("the subscription is {shown:?} and must be {due:?}")),
    }
}
