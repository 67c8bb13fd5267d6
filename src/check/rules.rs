//! The rules, as statements that list what breaks them: who (`subject`) and in what (`detail`), at most `$1` rows. They
//! mean the same on SQLite and PostgreSQL, whose words for an instant as text differ.

use std::borrow::Cow;

use sea_orm::DbBackend;

/// A rule of the design, by its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    /// What was approved minus what was given back is the balance.
    Balance,
    /// A payment with a balance has what it bought, and no other has.
    Possession,
    /// Refunds never exceed the amount, and only what was paid is given back.
    Refunds,
    /// A payment moves only as Toss's do, and every move is written down.
    Moves,
    /// Toss is asked only about what was claimed.
    Claim,
    /// A subscription's row is what its live periods make of it.
    Subscription,
}

impl Rule {
    /// Its number.
    pub fn number(self) -> u8 {
        match self {
            Self::Balance => 1,
            Self::Possession => 2,
            Self::Refunds => 3,
            Self::Moves => 4,
            Self::Claim => 5,
            Self::Subscription => 6,
        }
    }
}

/// Every statement.
pub(super) const ALL: &[(Rule, &str)] = &[
    (Rule::Balance, BALANCE),
    (Rule::Possession, PERIODS),
    (Rule::Possession, WHAT_WAS_BOUGHT),
    (Rule::Possession, ENTRIES),
    (Rule::Possession, ENTRY_OF_ANOTHER),
    (Rule::Refunds, REFUNDS),
    (Rule::Moves, MOVES),
    (Rule::Moves, LAST_MOVE),
    (Rule::Claim, CLAIMS),
    (Rule::Subscription, SUBSCRIPTIONS),
    (Rule::Subscription, COPIES),
];

/// `sql` in the words of `backend`: `{column}` is an instant as RFC 3339 in UTC with microseconds.
pub(super) fn in_words_of(backend: DbBackend, sql: &str) -> Cow<'_, str> {
    if !sql.contains('{') {
        return sql.into();
    }
    let mut words = sql.split('{');
    let mut spoken = words.next().unwrap_or_default().to_owned();
    for word in words {
        let (column, rest) = word.split_once('}').unwrap_or((word, ""));
        spoken += &match backend {
            // It keeps as many digits of a second as there are: none, three, six or nine.
            DbBackend::Sqlite => format!(
                "substr({column}, 1, 19) || '.' || substr(CASE WHEN substr({column}, 20, 1) = '.' \
                 THEN substr({column}, 21, length({column}) - 26) ELSE '' END || '000000', 1, 6) || '+00:00'"
            ),
            _ => format!("to_char({column} AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"+00:00\"')"),
        };
        spoken += rest;
    }
    spoken.into()
}

const BALANCE: &str = "
    SELECT p.order_id AS subject,
        'amount ' || p.amount || ', refunded ' || COALESCE(r.done, 0) || ', balance ' || p.balance_amount AS detail
    FROM payment p
    LEFT JOIN (SELECT order_id, SUM(amount) AS done FROM refund WHERE status = 'DONE' GROUP BY order_id) r
        ON r.order_id = p.order_id
    WHERE p.status IN ('DONE', 'CANCELED', 'PARTIAL_CANCELED') AND p.approved_at IS NOT NULL
        AND p.balance_amount + COALESCE(r.done, 0) <> p.amount
    ORDER BY p.order_id LIMIT $1";

/// An order has at most one period: the column is unique.
const PERIODS: &str = "
    SELECT p.order_id AS subject,
        CASE WHEN q.id IS NULL THEN 'balance ' || p.balance_amount || ' of a plan that sells time, and no live period'
            ELSE 'a live period, and no balance that pays for it' END AS detail
    FROM payment p
    LEFT JOIN subscription_period q ON q.order_id = p.order_id AND q.revoked_at IS NULL
    WHERE (p.interval_months IS NOT NULL AND p.balance_amount > 0) <> (q.id IS NOT NULL)
    ORDER BY p.order_id LIMIT $1";

const WHAT_WAS_BOUGHT: &str = "
    SELECT p.order_id AS subject, 'its live period is not the one that was paid for' AS detail
    FROM subscription_period q
    JOIN payment p ON p.order_id = q.order_id
    JOIN subscription s ON s.id = q.subscription_id
    WHERE q.revoked_at IS NULL AND (q.plan_id <> p.plan_id OR q.amount <> p.amount OR s.user_id <> p.user_id
        OR q.interval_months <> COALESCE(p.interval_months, q.interval_months)
        OR q.purchased_at <> COALESCE(p.approved_at, q.purchased_at))
    ORDER BY p.order_id LIMIT $1";

const ENTRIES: &str = "
    SELECT p.order_id AS subject,
        'balance ' || p.balance_amount || ', entries of the event total ' || COALESCE(e.total, 0) AS detail
    FROM payment p
    LEFT JOIN (SELECT order_id, SUM(amount) AS total FROM event_amount GROUP BY order_id) e
        ON e.order_id = p.order_id
    WHERE COALESCE(e.total, 0) <> CASE WHEN p.interval_months IS NULL THEN p.balance_amount ELSE 0 END
    ORDER BY p.order_id LIMIT $1";

const ENTRY_OF_ANOTHER: &str = "
    SELECT e.order_id AS subject, 'an entry of the event total stands for a move of ' || m.order_id AS detail
    FROM event_amount e
    JOIN payment_event m ON m.id = e.payment_event_id
    WHERE m.order_id <> e.order_id
    ORDER BY e.order_id LIMIT $1";

const REFUNDS: &str = "
    SELECT p.order_id AS subject,
        CASE WHEN p.approved_at IS NULL THEN 'refunds of what was never paid'
            ELSE 'amount ' || p.amount || ', refunds done ' || r.done || ' and pending ' || r.pending END AS detail
    FROM payment p
    JOIN (SELECT order_id, SUM(CASE WHEN status = 'DONE' THEN amount ELSE 0 END) AS done,
            SUM(CASE WHEN status = 'PENDING' THEN amount ELSE 0 END) AS pending
        FROM refund WHERE status <> 'FAILED' GROUP BY order_id) r
        ON r.order_id = p.order_id
    WHERE r.done + r.pending > p.amount OR p.approved_at IS NULL
    ORDER BY p.order_id LIMIT $1";

/// Each move begins where the one before ended, is one that can happen, and leaves a balance that fits its state.
/// Nothing was ever paid in `READY`, and nobody writes it; `ABORTED` can become anything that a new attempt can.
const MOVES: &str = "
    SELECT m.order_id AS subject,
        'from ' || COALESCE(m.from_status, 'nothing') || ' to ' || m.to_status || ' with balance ' || m.balance_amount
            || ', after ' || COALESCE(m.last_status, 'nothing') || ' with ' || COALESCE(m.last_balance, 0) AS detail
    FROM (SELECT e.order_id, e.id, e.from_status, e.to_status, e.balance_amount, p.amount,
            LAG(e.to_status) OVER (PARTITION BY e.order_id ORDER BY e.id) AS last_status,
            LAG(e.balance_amount) OVER (PARTITION BY e.order_id ORDER BY e.id) AS last_balance
        FROM payment_event e JOIN payment p ON p.order_id = e.order_id) m
    WHERE COALESCE(m.from_status, '') <> COALESCE(m.last_status, '')
        OR (COALESCE(m.from_status, '') || '>' || m.to_status) NOT IN (
            '>IN_PROGRESS', '>ABORTED',
            'ABORTED>ABORTED', 'ABORTED>IN_PROGRESS', 'ABORTED>WAITING_FOR_DEPOSIT', 'ABORTED>DONE',
            'EXPIRED>IN_PROGRESS', 'EXPIRED>WAITING_FOR_DEPOSIT', 'EXPIRED>DONE',
            'IN_PROGRESS>DONE', 'IN_PROGRESS>WAITING_FOR_DEPOSIT', 'IN_PROGRESS>ABORTED', 'IN_PROGRESS>EXPIRED',
            'IN_PROGRESS>CANCELED',
            'WAITING_FOR_DEPOSIT>DONE', 'WAITING_FOR_DEPOSIT>CANCELED', 'WAITING_FOR_DEPOSIT>ABORTED',
            'WAITING_FOR_DEPOSIT>EXPIRED',
            'DONE>CANCELED', 'DONE>PARTIAL_CANCELED', 'DONE>WAITING_FOR_DEPOSIT',
            'PARTIAL_CANCELED>PARTIAL_CANCELED', 'PARTIAL_CANCELED>CANCELED')
        OR CASE m.to_status WHEN 'DONE' THEN m.balance_amount <> m.amount
            WHEN 'PARTIAL_CANCELED' THEN m.balance_amount >= COALESCE(m.last_balance, 0)
            ELSE m.balance_amount <> 0 END
    ORDER BY m.order_id, m.id LIMIT $1";

const LAST_MOVE: &str = "
    SELECT p.order_id AS subject,
        p.status || ' with balance ' || p.balance_amount || ', and its last move went to '
            || COALESCE(m.to_status || ' with ' || m.balance_amount, 'nothing') AS detail
    FROM payment p
    LEFT JOIN (SELECT order_id, MAX(id) AS id FROM payment_event GROUP BY order_id) l ON l.order_id = p.order_id
    LEFT JOIN payment_event m ON m.id = l.id
    WHERE m.id IS NULL OR m.to_status <> p.status OR m.balance_amount <> p.balance_amount
    ORDER BY p.order_id LIMIT $1";

/// A key in a payment or a move without the claim that offered it.
const CLAIMS: &str = "
    SELECT k.order_id AS subject, 'a payment key that no claim has offered' AS detail
    FROM (SELECT order_id, payment_key FROM payment WHERE payment_key IS NOT NULL
        UNION SELECT order_id, payment_key FROM payment_event WHERE payment_key IS NOT NULL) k
    WHERE NOT EXISTS (SELECT 1 FROM payment_event c WHERE c.order_id = k.order_id AND c.payment_key = k.payment_key
        AND c.cause = 'CONFIRM' AND c.to_status = 'IN_PROGRESS' AND c.idempotency_key IS NOT NULL)
    ORDER BY k.order_id LIMIT $1";

/// The row as the live periods make it, by the clock of its last change: the nightly job moves it on from there.
const SUBSCRIPTIONS: &str = "
    SELECT s.user_id AS subject,
        CASE WHEN f.subscription_id IS NULL THEN s.status || ', and no live period'
            WHEN f.overlaps > 0 THEN 'periods overlap'
            WHEN s.status <> CASE WHEN f.running IS NULL THEN 'EXPIRED' ELSE 'ACTIVE' END
                THEN s.status || ', which its periods do not say'
            WHEN s.end_date <> f.end_date OR s.start_date <> f.start_date THEN 'its dates are not those of its periods'
            ELSE 'its plan or its next change is not that of its periods' END AS detail
    FROM subscription s
    LEFT JOIN (SELECT l.subscription_id, MAX(l.ends_at) AS end_date, MAX(l.starts_at) AS last_start,
            MAX(CASE WHEN l.ends_before = l.starts_at THEN NULL ELSE l.starts_at END) AS start_date,
            MIN(CASE WHEN l.ends_at > l.updated_at THEN l.starts_at END) AS running,
            SUM(CASE WHEN l.ends_before > l.starts_at THEN 1 ELSE 0 END) AS overlaps
        FROM (SELECT q.subscription_id, q.starts_at, q.ends_at, t.updated_at,
                LAG(q.ends_at) OVER (PARTITION BY q.subscription_id ORDER BY q.starts_at) AS ends_before
            FROM subscription_period q JOIN subscription t ON t.id = q.subscription_id
            WHERE q.revoked_at IS NULL) l
        GROUP BY l.subscription_id) f ON f.subscription_id = s.id
    LEFT JOIN subscription_period c ON c.subscription_id = s.id AND c.revoked_at IS NULL
        AND c.starts_at = COALESCE(f.running, f.last_start)
    WHERE (f.subscription_id IS NULL AND s.status <> 'CANCELED')
        OR (f.subscription_id IS NOT NULL AND (f.overlaps > 0
            OR s.status <> CASE WHEN f.running IS NULL THEN 'EXPIRED' ELSE 'ACTIVE' END
            OR s.end_date <> f.end_date OR s.start_date <> f.start_date OR s.plan_id <> c.plan_id
            OR (f.running IS NOT NULL AND s.changes_at <> COALESCE((SELECT MIN(n.starts_at) FROM subscription_period n
                WHERE n.subscription_id = s.id AND n.revoked_at IS NULL AND n.starts_at > f.running
                AND n.plan_id <> c.plan_id), f.end_date))))
    ORDER BY s.user_id LIMIT $1";

/// The copy that the row keeps of its live periods, where it counts, is what would be written of them now, to the letter.
const COPIES: &str = r#"
    SELECT s.user_id AS subject, 'its copy of its periods is not what they are' AS detail
    FROM subscription s
    LEFT JOIN (SELECT p.subscription_id, string_agg('["' || p.order_id || '","' || p.plan_id || '","' || {p.starts_at}
                || '","' || {p.ends_at} || '"]', ',' ORDER BY p.starts_at) AS entries
        FROM subscription_period p WHERE p.revoked_at IS NULL GROUP BY p.subscription_id) f ON f.subscription_id = s.id
    WHERE s.periods_as_of = s.updated_at AND s.periods <> '[' || COALESCE(f.entries, '') || ']'
    ORDER BY s.user_id LIMIT $1"#;
