//! Every rule, broken by hand in each way it can be, is found by its number, and by no other.

use gudok::check::check;

use super::{Business, drop_guards};
use crate::support::scenario::scenarios;
use crate::support::world::World;

scenarios![
    business_breaks_no_rule,
    a_balance_that_refunds_do_not_explain_breaks_rule_1,
    possessions_that_nobody_paid_for_break_rule_2,
    refunds_beyond_the_amount_break_rule_3,
    gaps_and_leaps_in_the_moves_break_rule_4,
    payment_keys_without_a_claim_break_rule_5,
    a_subscription_that_its_periods_do_not_make_breaks_rule_6,
];

/// One way to break a rule: what to do, whom it must be found at, and how to undo it.
struct Case {
    broken: &'static [&'static str],
    at: &'static str,
    mended: &'static [&'static str],
}

/// Each case must be found as `rule` and nothing else, and be gone when it is undone.
async fn each_is_found(world: &World, rule: u8, cases: &[Case]) {
    let business = Business::done(world).await;
    drop_guards(world).await;
    for Case { broken, at, mended } in cases {
        business.change(world, broken).await;
        let report = check(&world.app).await.expect("checked");
        assert!(!report.breaches.is_empty(), "not found: {broken:?}");
        for breach in &report.breaches {
            assert_eq!(
                (breach.rule, breach.about()),
                (rule, business.named(at).as_str()),
                "{broken:?}: {breach:?}"
            );
            assert!(!breach.detail.is_empty());
        }
        business.change(world, mended).await;
        let report = check(&world.app).await.expect("checked");
        assert!(report.breaches.is_empty(), "after {mended:?}: {report:?}");
    }
}

async fn business_breaks_no_rule(world: &World) {
    Business::done(world).await;
    let report = check(&world.app).await.expect("checked");
    assert_eq!((report.payments, report.subscriptions, report.more), (6, 3, false));
    assert_eq!(report.breaches, []);
    // Nor does it when time has passed and the nightly job has not run yet, or has.
    world.advance(chrono::Duration::days(40));
    assert_eq!(check(&world.app).await.expect("checked").breaches, []);
    world.run_job("expire-subscriptions").await;
    assert_eq!(check(&world.app).await.expect("checked").breaches, []);
}

async fn a_balance_that_refunds_do_not_explain_breaks_rule_1(world: &World) {
    let cases = [
        Case {
            broken: &["UPDATE refund SET amount = 900 WHERE order_id = '{part}'"],
            at: "{part}",
            mended: &["UPDATE refund SET amount = 1000 WHERE order_id = '{part}'"],
        },
        Case {
            broken: &["UPDATE refund SET status = 'FAILED' WHERE order_id = '{part}'"],
            at: "{part}",
            mended: &["UPDATE refund SET status = 'DONE' WHERE order_id = '{part}'"],
        },
        Case {
            broken: &["UPDATE refund SET status = 'FAILED' WHERE order_id = '{event}'"],
            at: "{event}",
            mended: &["UPDATE refund SET status = 'DONE' WHERE order_id = '{event}'"],
        },
    ];
    each_is_found(world, 1, &cases).await;
}

async fn possessions_that_nobody_paid_for_break_rule_2(world: &World) {
    let cases = [
        // Paid, and nothing to show for it.
        Case {
            broken: &[
                "UPDATE subscription_period SET revoked_at = ends_at WHERE order_id = '{part}'",
                "UPDATE subscription SET status = 'CANCELED', is_active = false, changes_at = NULL, periods = NULL \
                 WHERE user_id = 'part-back'",
            ],
            at: "{part}",
            mended: &[
                "UPDATE subscription_period SET revoked_at = NULL WHERE order_id = '{part}'",
                "UPDATE subscription SET status = 'ACTIVE', is_active = true, changes_at = end_date WHERE user_id = 'part-back'",
            ],
        },
        // Given back, and still there.
        Case {
            broken: &[
                "UPDATE subscription_period SET revoked_at = NULL WHERE order_id = '{gone}'",
                "UPDATE subscription SET status = 'ACTIVE', is_active = true, periods = NULL, \
                 changes_at = (SELECT ends_at FROM subscription_period WHERE order_id = '{gone}'), \
                 end_date = (SELECT ends_at FROM subscription_period WHERE order_id = '{gone}') WHERE user_id = 'all-back'",
            ],
            at: "{gone}",
            mended: &[
                "UPDATE subscription_period SET revoked_at = ends_at WHERE order_id = '{gone}'",
                "UPDATE subscription SET status = 'CANCELED', is_active = false, changes_at = NULL WHERE user_id = 'all-back'",
            ],
        },
        Case {
            broken: &["UPDATE subscription_period SET amount = amount + 1 WHERE order_id = '{part}'"],
            at: "{part}",
            mended: &["UPDATE subscription_period SET amount = amount - 1 WHERE order_id = '{part}'"],
        },
        Case {
            broken: &["UPDATE subscription_period SET interval_months = 12 WHERE order_id = '{second}'"],
            at: "{second}",
            mended: &["UPDATE subscription_period SET interval_months = 1 WHERE order_id = '{second}'"],
        },
        Case {
            broken: &[
                "UPDATE event_amount SET amount = amount + 1 WHERE order_id = '{event}' AND amount > 0",
            ],
            at: "{event}",
            mended: &[
                "UPDATE event_amount SET amount = amount - 1 WHERE order_id = '{event}' AND amount > 0",
            ],
        },
        // An entry that stands for the move of another order.
        Case {
            broken: &["UPDATE event_amount SET payment_event_id = \
                (SELECT MAX(id) FROM payment_event WHERE order_id = '{first}') WHERE amount < 0"],
            at: "{event}",
            mended: &["UPDATE event_amount SET payment_event_id = \
                (SELECT MAX(id) FROM payment_event WHERE order_id = '{event}') WHERE amount < 0"],
        },
    ];
    each_is_found(world, 2, &cases).await;
}

async fn refunds_beyond_the_amount_break_rule_3(world: &World) {
    let cases = [
        Case {
            broken: &[
                "INSERT INTO refund (id, order_id, amount, reason, status, expected_balance, next_settle_at, settle_tries, \
                created_at) SELECT 'beyond', order_id, balance_amount + 1, '-', 'PENDING', amount, created_at, 0, created_at \
                FROM payment WHERE order_id = '{part}'",
            ],
            at: "{part}",
            mended: &["DELETE FROM refund WHERE id = 'beyond'"],
        },
        Case {
            broken: &[
                "INSERT INTO refund (id, order_id, amount, reason, status, expected_balance, next_settle_at, settle_tries, \
                created_at) SELECT 'unpaid', order_id, 100, '-', 'PENDING', amount, created_at, 0, created_at \
                FROM payment WHERE order_id = '{declined}'",
            ],
            at: "{declined}",
            mended: &["DELETE FROM refund WHERE id = 'unpaid'"],
        },
    ];
    each_is_found(world, 3, &cases).await;
}

async fn gaps_and_leaps_in_the_moves_break_rule_4(world: &World) {
    let cases = [
        // The state is not where the moves end.
        Case {
            broken: &["UPDATE payment SET status = 'CANCELED' WHERE order_id = '{gone}'"],
            at: "{gone}",
            mended: &["UPDATE payment SET status = 'PARTIAL_CANCELED' WHERE order_id = '{gone}'"],
        },
        Case {
            broken: &["UPDATE payment SET status = 'EXPIRED' WHERE order_id = '{declined}'"],
            at: "{declined}",
            mended: &["UPDATE payment SET status = 'ABORTED' WHERE order_id = '{declined}'"],
        },
        // A move is missing at the end; it comes back as another row, which is as good.
        Case {
            broken: &["DELETE FROM payment_event WHERE order_id = '{first}' AND to_status = 'DONE'"],
            at: "{first}",
            mended: &[
                "INSERT INTO payment_event (id, order_id, from_status, to_status, cause, balance_amount, payment_key, created_at) \
                SELECT 'ffffffff-ffff-7fff-8fff-ffffffffffff', order_id, 'IN_PROGRESS', 'DONE', 'CONFIRM', amount, payment_key, created_at FROM payment \
                WHERE order_id = '{first}'",
            ],
        },
        // A move begins elsewhere than the one before ended.
        Case {
            broken: &[
                "UPDATE payment_event SET from_status = 'WAITING_FOR_DEPOSIT' WHERE order_id = '{part}' AND to_status = 'DONE'",
            ],
            at: "{part}",
            mended: &[
                "UPDATE payment_event SET from_status = 'IN_PROGRESS' WHERE order_id = '{part}' AND to_status = 'DONE'",
            ],
        },
        Case {
            broken: &[
                "UPDATE payment_event SET from_status = 'ABORTED' WHERE order_id = '{part}' AND to_status = 'IN_PROGRESS'",
            ],
            at: "{part}",
            mended: &[
                "UPDATE payment_event SET from_status = NULL WHERE order_id = '{part}' AND to_status = 'IN_PROGRESS'",
            ],
        },
        // Moves that no payment of Toss's makes.
        Case {
            broken: &[
                "INSERT INTO payment_event (id, order_id, from_status, to_status, cause, balance_amount, created_at) \
                 SELECT 'ffffffff-ffff-7fff-8fff-fffffffffffe', order_id, 'ABORTED', 'EXPIRED', 'SETTLE', 0, created_at FROM payment WHERE order_id = '{declined}'",
                "UPDATE payment SET status = 'EXPIRED' WHERE order_id = '{declined}'",
            ],
            at: "{declined}",
            mended: &[
                "DELETE FROM payment_event WHERE id = 'ffffffff-ffff-7fff-8fff-fffffffffffe'",
                "UPDATE payment SET status = 'ABORTED' WHERE order_id = '{declined}'",
            ],
        },
        Case {
            broken: &[
                "INSERT INTO payment_event (id, order_id, to_status, cause, balance_amount, created_at) \
                 SELECT '00000000-0000-7000-8000-000000000000', order_id, 'READY', 'FAIL', 0, created_at FROM payment WHERE order_id = '{part}'",
                "UPDATE payment_event SET from_status = 'READY' WHERE order_id = '{part}' AND to_status = 'IN_PROGRESS'",
            ],
            at: "{part}",
            mended: &[
                "DELETE FROM payment_event WHERE id = '00000000-0000-7000-8000-000000000000'",
                "UPDATE payment_event SET from_status = NULL WHERE order_id = '{part}' AND to_status = 'IN_PROGRESS'",
            ],
        },
        // Balances that do not fit the move.
        Case {
            broken: &[
                "UPDATE payment_event SET balance_amount = 9900 WHERE order_id = '{part}' AND to_status = 'PARTIAL_CANCELED'",
            ],
            at: "{part}",
            mended: &[
                "UPDATE payment_event SET balance_amount = 8900 WHERE order_id = '{part}' AND to_status = 'PARTIAL_CANCELED'",
            ],
        },
        Case {
            broken: &[
                "UPDATE payment_event SET balance_amount = 9901 WHERE order_id = '{part}' AND to_status = 'DONE'",
            ],
            at: "{part}",
            mended: &[
                "UPDATE payment_event SET balance_amount = 9900 WHERE order_id = '{part}' AND to_status = 'DONE'",
            ],
        },
        Case {
            broken: &[
                "UPDATE payment_event SET balance_amount = 1 WHERE order_id = '{part}' AND to_status = 'IN_PROGRESS'",
            ],
            at: "{part}",
            mended: &[
                "UPDATE payment_event SET balance_amount = 0 WHERE order_id = '{part}' AND to_status = 'IN_PROGRESS'",
            ],
        },
    ];
    each_is_found(world, 4, &cases).await;
}

async fn payment_keys_without_a_claim_break_rule_5(world: &World) {
    let cases = [
        Case {
            broken: &["UPDATE payment SET payment_key = 'never-offered' WHERE order_id = '{first}'"],
            at: "{first}",
            mended: &[
                "UPDATE payment SET payment_key = (SELECT MAX(payment_key) FROM payment_event WHERE order_id = '{first}') \
                WHERE order_id = '{first}'",
            ],
        },
        Case {
            broken: &[
                "UPDATE payment_event SET cause = 'SETTLE' WHERE order_id = '{part}' AND to_status = 'IN_PROGRESS'",
            ],
            at: "{part}",
            mended: &[
                "UPDATE payment_event SET cause = 'CONFIRM' WHERE order_id = '{part}' AND to_status = 'IN_PROGRESS'",
            ],
        },
        Case {
            broken: &[
                "UPDATE payment_event SET payment_key = 'another' WHERE order_id = '{part}' AND to_status = 'DONE'",
            ],
            at: "{part}",
            mended: &[
                "UPDATE payment_event SET payment_key = (SELECT payment_key FROM payment WHERE order_id = '{part}') \
                WHERE order_id = '{part}' AND to_status = 'DONE'",
            ],
        },
    ];
    each_is_found(world, 5, &cases).await;
}

async fn a_subscription_that_its_periods_do_not_make_breaks_rule_6(world: &World) {
    let cases = [
        Case {
            broken: &["UPDATE subscription SET end_date = (SELECT MIN(ends_at) FROM subscription_period \
                WHERE subscription_id = subscription.id) WHERE user_id = 'two-months'"],
            at: "two-months",
            mended: &["UPDATE subscription SET end_date = (SELECT MAX(ends_at) FROM subscription_period \
                WHERE subscription_id = subscription.id) WHERE user_id = 'two-months'"],
        },
        Case {
            broken: &[
                "UPDATE subscription SET start_date = (SELECT MAX(starts_at) FROM subscription_period \
                WHERE subscription_id = subscription.id) WHERE user_id = 'two-months'",
            ],
            at: "two-months",
            mended: &[
                "UPDATE subscription SET start_date = (SELECT MIN(starts_at) FROM subscription_period \
                WHERE subscription_id = subscription.id) WHERE user_id = 'two-months'",
            ],
        },
        Case {
            broken: &["UPDATE subscription SET changes_at = (SELECT MIN(ends_at) FROM subscription_period \
                WHERE subscription_id = subscription.id) WHERE user_id = 'two-months'"],
            at: "two-months",
            mended: &["UPDATE subscription SET changes_at = end_date WHERE user_id = 'two-months'"],
        },
        Case {
            broken: &[
                "UPDATE subscription SET plan_id = (SELECT id FROM plan WHERE code = 'EVENT') WHERE user_id = 'part-back'",
            ],
            at: "part-back",
            mended: &[
                "UPDATE subscription SET plan_id = (SELECT id FROM plan WHERE code = 'BASIC') WHERE user_id = 'part-back'",
            ],
        },
        Case {
            broken: &[
                "UPDATE subscription SET status = 'EXPIRED', is_active = false, changes_at = NULL WHERE user_id = 'part-back'",
            ],
            at: "part-back",
            mended: &[
                "UPDATE subscription SET status = 'ACTIVE', is_active = true, changes_at = end_date WHERE user_id = 'part-back'",
            ],
        },
        Case {
            broken: &[
                "UPDATE subscription SET status = 'CANCELED', is_active = false, changes_at = NULL WHERE user_id = 'part-back'",
            ],
            at: "part-back",
            mended: &[
                "UPDATE subscription SET status = 'ACTIVE', is_active = true, changes_at = end_date WHERE user_id = 'part-back'",
            ],
        },
        Case {
            broken: &["UPDATE subscription SET status = 'EXPIRED' WHERE user_id = 'all-back'"],
            at: "all-back",
            mended: &["UPDATE subscription SET status = 'CANCELED' WHERE user_id = 'all-back'"],
        },
        // What the row keeps of its periods: none is there, one is of another time, one is of another plan, it makes no sense.
        Case {
            broken: &["UPDATE subscription SET periods = '[]' WHERE user_id = 'two-months'"],
            at: "two-months",
            mended: &["UPDATE subscription SET periods = NULL WHERE user_id = 'two-months'"],
        },
        Case {
            broken: &[
                "UPDATE subscription SET periods = replace(periods, '+00:00', '+01:00') WHERE user_id = 'part-back'",
            ],
            at: "part-back",
            mended: &[
                "UPDATE subscription SET periods = replace(periods, '+01:00', '+00:00') WHERE user_id = 'part-back'",
            ],
        },
        Case {
            broken: &[
                "UPDATE subscription SET periods = replace(periods, plan_id, user_id) WHERE user_id = 'part-back'",
            ],
            at: "part-back",
            mended: &[
                "UPDATE subscription SET periods = replace(periods, user_id, plan_id) WHERE user_id = 'part-back'",
            ],
        },
        Case {
            broken: &["UPDATE subscription SET periods = user_id WHERE user_id = 'part-back'"],
            at: "part-back",
            mended: &["UPDATE subscription SET periods = NULL WHERE user_id = 'part-back'"],
        },
        // The second month begins before the first one ends.
        Case {
            broken: &["UPDATE subscription_period SET starts_at = purchased_at WHERE order_id = '{second}'"],
            at: "two-months",
            mended: &[
                "UPDATE subscription_period SET starts_at = (SELECT q.ends_at FROM subscription_period q \
                WHERE q.order_id = '{first}') WHERE order_id = '{second}'",
            ],
        },
    ];
    each_is_found(world, 6, &cases).await;
}
