//! Fills the books by set-based SQL with what so many purchases would have left: buyers, payments and their moves,
//! subscriptions and their periods. `gudok check` finds nothing in it. Half of all subscriptions have run out, and no
//! nightly job has noticed yet.

use sea_orm::{ConnectOptions, ConnectionTrait, Database, DatabaseConnection, DbBackend, Statement};

/// How much to fill in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Seed {
    /// Payments, a multiple of the users.
    pub(crate) payments: u64,
    /// Users, each with a subscription.
    pub(crate) users: u64,
}

/// The plan that everybody buys: a month for 9,900 won.
pub(crate) const PLAN: &str = "01900000-0000-7000-8000-000000000001";
pub(crate) const PRICE: u64 = 9_900;
/// The first user's id; the others follow.
pub(crate) const FIRST_USER: u64 = 1_000_000_000;

/// Connects for work of one's own, without a bound on time.
pub(crate) async fn connect(url: &str) -> DatabaseConnection {
    let mut options = ConnectOptions::new(url);
    // Settings of the session hold for all statements only where there is one session.
    options.max_connections(1).sqlx_logging(false);
    Database::connect(options).await.expect("the database takes connections")
}

/// Runs a statement.
pub(crate) async fn run(db: &DatabaseConnection, sql: &str) {
    db.execute_unprepared(sql).await.unwrap_or_else(|error| panic!("{error}: {sql}"));
}

/// The first columns of all rows, as text.
pub(crate) async fn column(db: &DatabaseConnection, sql: &str) -> Vec<String> {
    let statement = Statement::from_string(db.get_database_backend(), sql);
    let rows = db.query_all_raw(statement).await.unwrap_or_else(|error| panic!("{error}: {sql}"));
    rows.iter().map(|row| row.try_get_by_index(0).expect("text")).collect()
}

/// Fills the database at `url`, whose schema is in place and whose tables are empty.
pub(crate) async fn fill(url: &str, seed: Seed) {
    let db = connect(url).await;
    let sqlite = db.get_database_backend() == DbBackend::Sqlite;
    // The rows satisfy keys and triggers by the way they are made, and indexes are built faster in one go.
    let (relax, indexes) = if sqlite {
        let sql = "SELECT sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL";
        ("PRAGMA foreign_keys = OFF; PRAGMA synchronous = OFF", column(&db, sql).await)
    } else {
        let sql = "SELECT indexdef FROM pg_indexes WHERE schemaname = 'public' AND indexname NOT IN
            (SELECT conname FROM pg_constraint)";
        ("SET session_replication_role = replica; SET synchronous_commit = off", column(&db, sql).await)
    };
    run(&db, relax).await;
    for index in &indexes {
        run(&db, &format!("DROP INDEX {}", name_of(index))).await;
    }
    for statement in statements(seed, sqlite) {
        run(&db, &statement).await;
    }
    for index in &indexes {
        run(&db, index).await;
    }
    if sqlite {
        run(&db, "ANALYZE; PRAGMA wal_checkpoint(TRUNCATE)").await;
    } else {
        run(&db, "VACUUM (FREEZE, ANALYZE)").await;
        run(&db, "CHECKPOINT").await;
    }
    db.close().await.expect("closed");
}

/// The third or fourth word of `CREATE [UNIQUE] INDEX name`.
fn name_of(index: &str) -> &str {
    let mut words = index.split_whitespace().skip_while(|word| *word != "INDEX").skip(1);
    words.next().expect("an index has a name")
}

/// One statement a table. Row `n` is the `n / users`th purchase of user `n % users`, in the order of time.
fn statements(seed: Seed, sqlite: bool) -> Vec<String> {
    let Seed { payments, users } = seed;
    let each = payments / users;
    let rows = |count: u64| {
        if sqlite {
            format!(
                "(WITH RECURSIVE s(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM s WHERE n + 1 < {count}) SELECT n FROM s) s"
            )
        } else {
            format!("generate_series(0, {count}::bigint - 1) AS s(n)")
        }
    };
    // Months are Seoul's, and no day lies beyond the 28th, so that none is clamped.
    let at = |months: &str, days: i64| {
        let months = format!("({months}) - {each} - CASE WHEN n % {users} % 2 = 0 THEN 1 ELSE 0 END + 1");
        let seconds = format!("n % {users} % 2332800");
        if sqlite {
            format!(
                "strftime('%Y-%m-%dT%H:%M:%S+00:00', 'now', '+9 hours', 'start of month', ({months}) || ' months', \
                 ({seconds}) || ' seconds', '{days} days', '-9 hours')"
            )
        } else {
            format!(
                "((date_trunc('month', now() AT TIME ZONE 'Asia/Seoul') + make_interval(months => ({months})::int, \
                 days => {days}, secs => {seconds})) AT TIME ZONE 'Asia/Seoul')"
            )
        }
    };
    let id = |number: &str| {
        let hex = if sqlite {
            format!("printf('%012x', {number})")
        } else {
            format!("lpad(to_hex({number}), 12, '0')")
        };
        format!("'01900000-0000-7000-8000-' || {hex}")
    };
    let user = format!("CAST({FIRST_USER} + n % {users} AS text)");
    let order = format!("'01seed' || CAST({} + n AS text)", 10_000_000_000_u64);
    let turn = format!("n / {users}");
    // The first purchase begins a period at once, the others were made a day before the last period ended.
    let bought = format!("CASE WHEN {turn} = 0 THEN {} ELSE {} END", at(&turn, 0), at(&turn, -1));
    let last = each - 1;
    let last_bought = if each == 1 { at("0", 0) } else { at(&last.to_string(), -1) };
    let (begin, end) = (at(&turn, 0), at(&format!("{turn} + 1"), 0));
    let (start, over) = (at("0", 0), at(&each.to_string(), 0));
    let (all, people) = (rows(payments), rows(users));
    // The copy of its periods that a subscription keeps, one element for each turn of its user's.
    let text = |time: &str| {
        if sqlite {
            format!("replace({time}, '+', '.000000+')")
        } else {
            format!("to_char({time} AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"+00:00\"')")
        }
    };
    let turns: Vec<String> = (0..each).map(|turn| format!("SELECT {turn} AS turn")).collect();
    let copy = format!(
        "(SELECT '[' || {list}('[\"' || {order} || '\",\"{PLAN}\",\"' || {from} || '\",\"' || {to} || '\"]', ',') || ']'
         FROM (SELECT s.n + turn * {users} AS n FROM ({turns}) t) q)",
        list = if sqlite { "group_concat" } else { "string_agg" },
        from = text(&begin),
        to = text(&end),
        turns = turns.join(" UNION ALL "),
    );
    vec![
        format!(
            "INSERT INTO plan (id, code, name, type, price, currency, interval_months, is_active, created_at, updated_at)
             SELECT '{PLAN}', 'LOAD', 'LOAD', 'BASIC', {PRICE}, 'KRW', 1, true, {start}, {start} FROM {}", rows(1)
        ),
        format!(
            "INSERT INTO customer (user_id, customer_key, created_at)
             SELECT {user}, 'seed-' || CAST(n AS text), {start} FROM {people}"
        ),
        format!(
            "INSERT INTO payment (order_id, user_id, plan_id, order_name, amount, balance_amount, currency,
                interval_months, status, payment_method, payment_key, receipt_url, requested_at, approved_at, attempt,
                idempotency_key, attempted_at, settle_tries, not_found_count, created_at, updated_at)
             SELECT {order}, {user}, '{PLAN}', 'LOAD', {PRICE}, {PRICE}, 'KRW', 1, 'DONE', '현대',
                'seed_payment_key_' || CAST(n AS text), 'https://dashboard.tosspayments.com/receipt/' || CAST(n AS text),
                at, at, 1, {key}, at, 0, 0, at, at FROM (SELECT n, {bought} AS at FROM {all}) s",
            key = id("n")
        ),
        format!(
            "INSERT INTO payment_event (id, order_id, from_status, to_status, cause, balance_amount, payment_key,
                idempotency_key, created_at)
             SELECT {event}, {order}, CASE step WHEN 0 THEN NULL ELSE 'IN_PROGRESS' END,
                CASE step WHEN 0 THEN 'IN_PROGRESS' ELSE 'DONE' END, 'CONFIRM', step * {PRICE},
                'seed_payment_key_' || CAST(n AS text), {key}, {bought}
             FROM (SELECT n, step FROM {all} CROSS JOIN (SELECT 0 AS step UNION ALL SELECT 1) t) s",
            event = id("n * 2 + step"),
            key = id("n")
        ),
        format!(
            "INSERT INTO subscription (id, user_id, plan_id, status, is_active, start_date, end_date, changes_at,
                created_at, updated_at, periods, periods_as_of)
             SELECT {}, {user}, '{PLAN}', 'ACTIVE', true, {start}, {over}, {over}, {start}, {last_bought}, {copy},
                {last_bought} FROM {people}",
            id("n")
        ),
        format!(
            "INSERT INTO subscription_period (id, subscription_id, order_id, plan_id, amount, interval_months,
                purchased_at, starts_at, ends_at, created_at, renews)
             SELECT {}, {}, {order}, '{PLAN}', {PRICE}, 1, {bought}, {begin}, {end}, {bought}, {turn} > 0 FROM {all}",
            id("n"),
            id(&format!("n % {users}"))
        ),
    ]
}
