//! `cargo dev`: gudok and the Toss sandbox side by side on loopback, with a demo catalogue and well-known keys.

use std::collections::HashMap;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use gudok::app::App;
use gudok::checkout::ReturnUrls;
use gudok::clock::Clock;
use gudok::config::Config;
use gudok::temp_orders;
use gudok_dev::Broken;
use gudok_dev::catalogue::{self, Catalogue};
use gudok_dev::demo::{DAYS, Demo};
use toss_sandbox::{Options, Sandbox};

mod guide;

/// The keys that everybody knows; they open nothing but this.
const ADMIN_KEY: &str = "dev-admin-key";
const SERVICE_KEY: &str = "dev-service-key";
/// What the demo SaaS signs its users' JWTs with.
const JWT_SECRET: &str = "dev-jwt-secret-of-more-than-32-bytes";

#[tokio::main]
async fn main() -> ExitCode {
    gudok::telemetry::init();
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            guide::say(&format!("cargo dev: {error}"));
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<(), Broken> {
    let empty = std::env::args().skip(1).any(|argument| argument == "--empty");
    // One clock for both: what moves the sandbox's time moves gudok's. The demo begins in the past and walks to now.
    let shift = Arc::new(AtomicI64::new(if empty { 0 } else { -DAYS * 24 * 3_600_000_000 }));
    let end = Clock::system().now();
    let clock = toss_sandbox::Clock::with_offset(Arc::clone(&shift));
    let toss = Sandbox::start(Options { bind: port(8081), clock, ..Options::default() }).await?;
    let bind = port(8080);
    let database = database(bind);
    forget(&database)?;
    let config = Config::from_variables(settings(&toss, bind, &database))?;
    gudok::db::migrate::up(&config.database.url).await?;
    let app = App::build(config, Clock::shifted_by(Arc::clone(&shift))).await?;
    let plans = catalogue::create_all(&app).await?;
    if !empty {
        let bought = Demo::new(&app, &toss, &plans).run(end).await?;
        shift.store(0, Ordering::Relaxed);
        guide::say(&format!("{bought} demo purchases of the last {DAYS} days are in the books."));
    }
    let service = gudok::run::start(&app).await?;
    toss.set_webhook_url(Some(format!("http://{}/v1/webhooks/toss", service.address())))?;
    let order = quote(&app, &plans).await?;
    guide::print(&app.public_url(), &toss.url(), &plans.basic.id.to_string(), &order);
    let stopping = app.stopping.clone();
    tokio::spawn(async move {
        if tokio::signal::ctrl_c().await.is_ok() {
            stopping.cancel();
        }
    });
    service.finished().await?;
    toss.stop().await;
    if bind.port() == 0 {
        forget(&database)?;
    }
    Ok(())
}

/// An order to try the checkout with: the link to its page.
async fn quote(app: &App, plans: &Catalogue) -> Result<String, Broken> {
    let (user, now) = ("alice".parse()?, app.clock.now());
    let quoted = temp_orders::create(app, &user, plans.basic.id, &ReturnUrls::default(), None, now).await?;
    Ok(gudok::checkout::page_url(app, &quoted.order))
}

/// Begins anew with every start, because the sandbox's ledger does. One that runs beside another has its own.
fn database(bind: SocketAddr) -> String {
    if bind.port() == 0 { format!("data/dev-{}.db", std::process::id()) } else { "data/dev.db".to_owned() }
}

/// The usual port, or any other when it is taken.
fn port(usual: u16) -> SocketAddr {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, usual));
    let free = TcpListener::bind(address).is_ok();
    if free { address } else { SocketAddr::from((Ipv4Addr::LOCALHOST, 0)) }
}

/// A book of payments that the new sandbox has never seen would be worse than none.
fn forget(database: &str) -> std::io::Result<()> {
    for suffix in ["", "-wal", "-shm"] {
        match std::fs::remove_file(format!("{database}{suffix}")) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
            Ok(()) | Err(_) => {}
        }
    }
    Ok(())
}

fn settings(toss: &Sandbox, bind: SocketAddr, database: &str) -> HashMap<String, String> {
    [
        ("GUDOK__SERVER__BIND", bind.to_string()),
        ("GUDOK__DATABASE__URL", format!("sqlite://{database}?mode=rwc")),
        ("GUDOK__TOSS__BASE_URL", toss.url()),
        ("GUDOK__TOSS__SDK_URL", format!("{}/v2/standard", toss.url())),
        ("GUDOK__CHECKOUT__SHOP_NAME", "구독 데모".to_owned()),
        ("GUDOK__TOSS__SECRET_KEY", toss.secret_key().to_owned()),
        ("GUDOK__TOSS__CLIENT_KEY", toss.client_key().to_owned()),
        ("GUDOK__AUTH__ADMIN_KEY", ADMIN_KEY.to_owned()),
        ("GUDOK__AUTH__SERVICE_KEY", SERVICE_KEY.to_owned()),
        ("GUDOK__AUTH__JWT_HS256_SECRET", JWT_SECRET.to_owned()),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into()
}
