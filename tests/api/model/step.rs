//! What a history is made of: steps of buyers, staff, banks, clocks, jobs and bad luck.

use chrono::Duration;
use toss_sandbox::{Fault, FaultKind, Operation, WebhookFaultKind};

/// Users of a history.
pub(crate) const USERS: usize = 3;
/// Orders of a history that later steps can name. Ordering again in a slot leaves the order before it to itself.
pub(crate) const SLOTS: usize = 5;

/// A whole history.
#[derive(Clone, Debug)]
pub(crate) struct History {
    /// On which day of a Korean month it begins.
    pub(crate) day: u32,
    /// Whether Toss approves a second payment of an order that is paid.
    pub(crate) several_approvals: bool,
    /// What happens, in order.
    pub(crate) steps: Vec<Step>,
}

/// One thing that happens. Where it makes no sense for the order in its slot, it happens to the next order for which it
/// does, if there is one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// A user orders a plan, authenticates in Toss's window and confirms.
    Buy { slot: usize, user: usize, plan: Plan, means: Means, fault: Option<Glitch> },
    /// A user orders a plan.
    Quote { slot: usize, user: usize, plan: Plan },
    /// The buyer authenticates in Toss's window.
    Authenticate { slot: usize, means: Means },
    /// The buyer's front end confirms.
    Confirm { slot: usize, key: Key, price: Price },
    /// The buyer authenticates again and confirms with the new key.
    Retry { slot: usize, means: Means, fault: Option<Glitch> },
    /// The buyer comes back by the fail URL.
    Fail { slot: usize },
    /// Money back is asked for through the service.
    Refund { slot: usize, part: Part, fault: Option<Glitch> },
    /// Staff cancel in Toss's own console.
    Staff { slot: usize, part: Part },
    /// An issued account is paid.
    Deposit { slot: usize },
    /// The bank takes a deposit back.
    Reverse { slot: usize },
    /// The next call of this kind about the order suffers.
    Break { slot: usize, call: Call, fault: Glitch },
    /// The next webhook about the order suffers.
    Spoil { slot: usize, fault: WebhookFaultKind },
    /// Webhooks that faults hold back are let go.
    Release,
    /// Toss sends all webhooks about the order again.
    Resend { slot: usize },
    /// Somebody who is not Toss sends a webhook about the order.
    Forge { slot: usize, forgery: Forgery },
    /// Time passes.
    Pass(Span),
    /// A job runs.
    Run(Job),
}

/// A plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Plan {
    /// A month for 9,900 won.
    Basic,
    /// A month for 19,900 won.
    Premium,
    /// No time, 5,000 won.
    Event,
}

/// How a buyer pays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Means {
    /// By a card that works.
    Card,
    /// By a card that is declined.
    BadCard,
    /// By a virtual account.
    Account,
}

/// With which payment key a front end confirms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Key {
    /// The one authenticated last.
    Newest,
    /// The one authenticated first.
    Oldest,
    /// One that Toss never gave.
    Forged,
    /// The newest one of the order in the next slot.
    Foreign,
}

/// What a front end believes to pay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Price {
    /// The quoted price.
    Right,
    /// A won less.
    Wrong,
}

/// How much money goes back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// All that is left.
    Rest,
    /// This much.
    Won(i64),
}

/// A call to Toss.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Call {
    /// The confirmation.
    Approve,
    /// A look-up.
    LookUp,
    /// A cancel.
    Cancel,
}

/// What a call suffers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Glitch {
    /// It never arrives.
    LostBefore,
    /// It works, and its answer never arrives.
    LostAfter,
    /// A proxy's page comes in place of the answer.
    Html,
    /// The answer breaks off.
    Truncated,
    /// Too many calls.
    TooMany,
    /// The same call is said to be running still.
    Running,
    /// An error is answered, and nothing has happened.
    ErrorBefore(Error),
    /// An error is answered although it worked.
    ErrorAfter(Error),
    /// A definite no, which Toss means.
    Reject,
    /// A definite no although it worked, and no answer to the look-up behind it.
    Denied,
}

/// An error that Toss answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Error {
    /// 500.
    Internal,
    /// 400 with a code that means a passing fault.
    Passing,
    /// 400 with a code that nobody knows.
    Strange,
    /// 403 with a code that means no.
    No,
}

/// A webhook that is not Toss's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Forgery {
    /// The payment is said to be approved.
    Approved,
    /// The payment is said to be cancelled.
    Cancelled,
    /// A deposit call-back whose secret is wrong.
    WrongSecret,
    /// It names a payment key of another order.
    ForeignKey,
}

/// So much time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Span {
    Seconds,
    Minute,
    /// Longer than Toss waits for a confirmation.
    Minutes,
    /// Longer than a quote lives.
    HalfHour,
    Hours,
    Day,
    /// Longer than refunds are given.
    Days,
    /// Longer than an account waits for its deposit.
    Week,
    /// Longer than an idempotency key lives.
    Fortnight,
    /// Longer than the longest month.
    Month,
}

/// A job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Job {
    Settle,
    ProcessWebhooks,
    Expire,
    PurgeOrders,
    PurgeWebhooks,
}

impl Plan {
    /// Every plan.
    pub(crate) const ALL: [Plan; 3] = [Plan::Basic, Plan::Premium, Plan::Event];

    /// Its price, in won.
    pub(crate) fn price(self) -> i64 {
        match self {
            Self::Basic => 9_900,
            Self::Premium => 19_900,
            Self::Event => 5_000,
        }
    }

    /// Whether it sells a month.
    pub(crate) fn sells_time(self) -> bool {
        self != Self::Event
    }
}

impl Span {
    /// How long it is. No few of them add up to a limit of the product or of Toss: what happens at the very instant of
    /// a limit would depend on how fast the test runs.
    pub(crate) fn duration(self) -> Duration {
        match self {
            Self::Seconds => Duration::seconds(3),
            Self::Minute => Duration::seconds(71),
            Self::Minutes => Duration::seconds(11 * 60 + 7),
            Self::HalfHour => Duration::seconds(37 * 60 + 11),
            Self::Hours => Duration::seconds(5 * 3_600 + 173),
            Self::Day => Duration::seconds(25 * 3_600 + 431),
            Self::Days => Duration::seconds(97 * 3_600 + 1_009),
            Self::Week => Duration::seconds(193 * 3_600 + 2_017),
            Self::Fortnight => Duration::seconds(389 * 3_600 + 3_001),
            Self::Month => Duration::seconds(769 * 3_600 + 4_003),
        }
    }
}

impl Job {
    /// Its name in the API.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Settle => "settle-payments",
            Self::ProcessWebhooks => "process-webhooks",
            Self::Expire => "expire-subscriptions",
            Self::PurgeOrders => "purge-temp-orders",
            Self::PurgeWebhooks => "purge-webhooks",
        }
    }
}

impl Call {
    /// The sandbox's word.
    pub(crate) fn operation(self) -> Operation {
        match self {
            Self::Approve => Operation::Confirm,
            Self::LookUp => Operation::Get,
            Self::Cancel => Operation::Cancel,
        }
    }
}

impl Error {
    /// Its status and code.
    pub(crate) fn answer(self, call: Call) -> (u16, &'static str) {
        match (self, call) {
            (Self::Internal, _) => (500, "FAILED_INTERNAL_SYSTEM_PROCESSING"),
            (Self::Passing, _) => (400, "PROVIDER_ERROR"),
            (Self::Strange, _) => (400, "A_CODE_OF_TOMORROW"),
            (Self::No, Call::Cancel) => (403, "NOT_CANCELABLE_PAYMENT"),
            (Self::No, Call::Approve | Call::LookUp) => (403, "REJECT_CARD_PAYMENT"),
        }
    }
}

impl Glitch {
    /// The glitches of single calls that it stands for.
    pub(crate) fn parts(self, call: Call) -> Vec<(Call, Self)> {
        match self {
            Self::Denied => vec![(call, Self::ErrorAfter(Error::No)), (Call::LookUp, Self::LostBefore)],
            one => vec![(call, one)],
        }
    }

    /// The sandbox's fault.
    pub(crate) fn fault(self, call: Call, order_id: &str) -> Fault {
        let new = |kind| Fault::new(call.operation(), kind).for_order(order_id);
        let coded = |kind, error: Error| {
            let (status, code) = error.answer(call);
            new(kind).status(status).code(code)
        };
        match self {
            Self::LostBefore => new(FaultKind::DropBefore),
            Self::LostAfter => new(FaultKind::DropAfter),
            Self::Html => new(FaultKind::Html),
            Self::Truncated => new(FaultKind::TruncatedJson),
            Self::TooMany => new(FaultKind::RateLimited),
            Self::Running => new(FaultKind::InFlight),
            Self::ErrorBefore(error) => coded(FaultKind::ErrorBefore, error),
            Self::ErrorAfter(error) => coded(FaultKind::ErrorAfter, error),
            Self::Denied => coded(FaultKind::ErrorAfter, Error::No),
            Self::Reject => coded(FaultKind::Reject, Error::No),
        }
    }
}
