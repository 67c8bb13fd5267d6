//! `cargo dev`: gudok and the Toss sandbox side by side on loopback, with a demo catalogue and well-known keys.

use std::collections::HashMap;
use std::error::Error;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::process::ExitCode;

use gudok::app::App;
use gudok::clock::Clock;
use gudok::config::Config;
use toss_sandbox::{Options, Sandbox};

mod catalogue;
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

async fn run() -> Result<(), Box<dyn Error>> {
    let toss = Sandbox::start(Options { bind: port(8081), ..Options::default() }).await?;
    let bind = port(8080);
    let database = database(bind);
    forget(&database)?;
    let config = Config::from_variables(settings(&toss, bind, &database))?;
    gudok::db::migrate::up(&config.database.url).await?;
    // One clock for both: what moves the sandbox's time moves gudok's.
    let app = App::build(config, Clock::shifted_by(toss.clock().offset())).await?;
    let plan_id = catalogue::create_all(&app).await?;
    let service = gudok::run::start(&app).await?;
    toss.set_webhook_url(Some(format!("http://{}/v1/webhooks/toss", service.address())))?;
    guide::print(&format!("http://{}", service.address()), &toss.url(), &plan_id);
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
