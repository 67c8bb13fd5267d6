//! How histories are drawn: each in a mood that makes some steps more likely, because what is rare by itself hardly ever
//! happens twice in a row.

use proptest::prelude::*;
use toss_sandbox::WebhookFaultKind;

use super::step::{
    Call, Error, Forgery, Glitch, History, Job, Key, Means, Part, Plan, Price, SLOTS, Span, Step, USERS,
};

/// What happens more often than other things, by weights.
#[derive(Clone, Copy, Debug)]
struct Mood {
    buy: u32,
    retry: u32,
    refund: u32,
    staff: u32,
    deposit: u32,
    reverse: u32,
    /// Faults, of calls and of webhooks.
    faults: u32,
    /// Of ten buyers so many pay into an account.
    accounts: u32,
    /// Of a hundred confirmations and refunds so many suffer.
    struck: u32,
    /// Of a hundred faults of these so many are a no that is not true.
    lies: u32,
    /// Seconds, hours, days and months that pass.
    spans: [u32; 4],
    /// Users that buy.
    users: usize,
    /// Of a hundred histories so many in which Toss approves an order twice.
    several_approvals: u32,
}

const MIXED: Mood = Mood {
    buy: 6,
    retry: 4,
    refund: 5,
    staff: 3,
    deposit: 4,
    reverse: 2,
    faults: 3,
    accounts: 3,
    struck: 40,
    lies: 20,
    spans: [6, 4, 3, 1],
    users: USERS,
    several_approvals: 20,
};

/// Accounts that are paid, taken back and refunded.
const ACCOUNTS: Mood = Mood {
    buy: 5,
    retry: 1,
    refund: 4,
    staff: 3,
    deposit: 10,
    reverse: 7,
    accounts: 9,
    struck: 20,
    spans: [6, 4, 1, 0],
    ..MIXED
};

/// Orders that are paid again and again, because nobody knows better.
const ATTEMPTS: Mood = Mood {
    buy: 4,
    retry: 14,
    refund: 3,
    struck: 70,
    lies: 60,
    spans: [8, 1, 0, 0],
    several_approvals: 60,
    ..MIXED
};

/// Subscriptions that are extended, changed and given back over months.
const MONTHS: Mood = Mood {
    buy: 12,
    retry: 1,
    refund: 8,
    faults: 1,
    accounts: 1,
    struck: 10,
    spans: [1, 2, 6, 6],
    users: 2,
    several_approvals: 0,
    ..MIXED
};

/// Histories, long and short.
pub(crate) fn histories() -> impl Strategy<Value = History> {
    prop_oneof![3 => history(MIXED), 2 => history(ACCOUNTS), 2 => history(ATTEMPTS), 2 => history(MONTHS)]
}

fn history(mood: Mood) -> impl Strategy<Value = History> {
    let day = prop::sample::select(vec![1, 15, 28, 29, 30, 31]);
    let several_approvals = in_a_hundred(mood.several_approvals);
    (day, several_approvals, prop::collection::vec(step(mood), 1..45))
        .prop_map(|(day, several_approvals, steps)| History { day, several_approvals, steps })
}

fn step(mood: Mood) -> impl Strategy<Value = Step> {
    let (slot, user) = (|| 0..SLOTS, || 0..mood.users);
    prop_oneof![
        mood.buy => (slot(), user(), plan(), means(mood), struck(mood))
            .prop_map(|(slot, user, plan, means, fault)| Step::Buy { slot, user, plan, means, fault }),
        1 => (slot(), user(), plan()).prop_map(|(slot, user, plan)| Step::Quote { slot, user, plan }),
        1 => (slot(), means(mood)).prop_map(|(slot, means)| Step::Authenticate { slot, means }),
        3 => (slot(), key(), price()).prop_map(|(slot, key, price)| Step::Confirm { slot, key, price }),
        mood.retry => (slot(), means(mood), struck(mood))
            .prop_map(|(slot, means, fault)| Step::Retry { slot, means, fault }),
        1 => slot().prop_map(|slot| Step::Fail { slot }),
        mood.refund => (slot(), part(), struck(mood))
            .prop_map(|(slot, part, fault)| Step::Refund { slot, part, fault }),
        mood.staff => (slot(), part()).prop_map(|(slot, part)| Step::Staff { slot, part }),
        mood.deposit => slot().prop_map(|slot| Step::Deposit { slot }),
        mood.reverse => slot().prop_map(|slot| Step::Reverse { slot }),
        mood.faults => (slot(), broken(mood)).prop_map(|(slot, (call, fault))| Step::Break { slot, call, fault }),
        mood.faults => (slot(), spoiled()).prop_map(|(slot, fault)| Step::Spoil { slot, fault }),
        1 => Just(Step::Release),
        1 => slot().prop_map(|slot| Step::Resend { slot }),
        1 => (slot(), forgery()).prop_map(|(slot, forgery)| Step::Forge { slot, forgery }),
        6 => span(mood).prop_map(Step::Pass),
        10 => job().prop_map(Step::Run),
    ]
}

/// True so many times in a hundred.
fn in_a_hundred(times: u32) -> impl Strategy<Value = bool> {
    (0..100_u32).prop_map(move |roll| roll < times)
}

/// What a confirmation or a refund suffers, if anything.
fn struck(mood: Mood) -> impl Strategy<Value = Option<Glitch>> {
    (in_a_hundred(mood.struck), call_glitch(mood)).prop_map(|(struck, glitch)| struck.then_some(glitch))
}

fn plan() -> impl Strategy<Value = Plan> {
    prop_oneof![4 => Just(Plan::Basic), 4 => Just(Plan::Premium), 2 => Just(Plan::Event)]
}

fn means(mood: Mood) -> impl Strategy<Value = Means> {
    let cards = 10 - mood.accounts;
    prop_oneof![
        8 * cards => Just(Means::Card),
        cards => Just(Means::BadCard),
        9 * mood.accounts => Just(Means::Account)
    ]
}

fn key() -> impl Strategy<Value = Key> {
    prop_oneof![6 => Just(Key::Newest), 3 => Just(Key::Oldest), 1 => Just(Key::Forged), 1 => Just(Key::Foreign)]
}

fn price() -> impl Strategy<Value = Price> {
    prop_oneof![9 => Just(Price::Right), 1 => Just(Price::Wrong)]
}

fn part() -> impl Strategy<Value = Part> {
    let won = prop::sample::select(vec![1, 1_000, 4_900, 5_000, 9_900, 19_900]);
    prop_oneof![3 => Just(Part::Rest), 3 => won.prop_map(Part::Won)]
}

/// A call and what it suffers. A look-up is never a no.
fn broken(mood: Mood) -> impl Strategy<Value = (Call, Glitch)> {
    prop_oneof![
        2 => (Just(Call::Approve), call_glitch(mood)),
        3 => (Just(Call::LookUp), glitch()),
        3 => (Just(Call::Cancel), call_glitch(mood)),
    ]
}

fn error() -> impl Strategy<Value = Error> {
    prop::sample::select(vec![Error::Internal, Error::Passing, Error::Strange])
}

/// What any call can suffer.
fn glitch() -> impl Strategy<Value = Glitch> {
    let plain = vec![Glitch::LostBefore, Glitch::LostAfter, Glitch::Html, Glitch::Truncated, Glitch::Running];
    prop_oneof![
        6 => prop::sample::select(plain),
        1 => Just(Glitch::TooMany),
        2 => error().prop_map(Glitch::ErrorBefore),
        2 => error().prop_map(Glitch::ErrorAfter),
    ]
}

/// What a call that moves money can suffer: a no as well, meant or not.
fn call_glitch(mood: Mood) -> impl Strategy<Value = Glitch> {
    prop_oneof![
        95 - mood.lies => glitch(),
        5 => prop::sample::select(vec![Glitch::Reject, Glitch::ErrorBefore(Error::No)]),
        mood.lies => prop::sample::select(vec![Glitch::ErrorAfter(Error::No), Glitch::Denied, Glitch::Denied]),
    ]
}

fn spoiled() -> impl Strategy<Value = WebhookFaultKind> {
    use WebhookFaultKind::{Delay, Drop, Duplicate, DuplicateNewId, Hold, Reorder};
    prop_oneof![
        3 => Just(Drop),
        4 => prop::sample::select(vec![Duplicate, DuplicateNewId, Reorder, Hold, Delay]),
    ]
}

fn forgery() -> impl Strategy<Value = Forgery> {
    use Forgery::{Approved, Cancelled, ForeignKey, WrongSecret};
    prop::sample::select(vec![Approved, Cancelled, WrongSecret, ForeignKey])
}

fn span(mood: Mood) -> impl Strategy<Value = Span> {
    let [seconds, hours, days, months] = mood.spans;
    prop_oneof![
        seconds => prop::sample::select(vec![Span::Seconds, Span::Minute]),
        hours => prop::sample::select(vec![Span::Minutes, Span::HalfHour, Span::Hours]),
        days => prop::sample::select(vec![Span::Day, Span::Days, Span::Week]),
        months => prop::sample::select(vec![Span::Fortnight, Span::Month]),
    ]
}

fn job() -> impl Strategy<Value = Job> {
    prop_oneof![
        5 => Just(Job::Settle),
        4 => Just(Job::ProcessWebhooks),
        2 => Just(Job::Expire),
        1 => Just(Job::PurgeOrders),
        1 => Just(Job::PurgeWebhooks),
    ]
}
