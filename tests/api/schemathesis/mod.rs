//! Scenarios in which Schemathesis makes up requests from the OpenAPI document and holds every answer against it. They run
//! where `tests/schemathesis/run` starts them, which also says how.

use std::path::{Path, PathBuf};
use std::process::Command;

use chrono::Duration;
use gudok_dev::catalogue;
use gudok_dev::demo::{DAYS, Demo};
use serde_json::{Value, json};
use tempfile::TempDir;
use toss_sandbox::Authenticate;

use crate::support::client::{ADMIN_KEY, SERVICE_KEY, user_token};
use crate::support::scenario::scenarios;
use crate::support::world::World;

scenarios![
    admin_every_answer_is_as_documented,
    service_every_answer_is_as_documented,
    user_every_answer_is_as_documented,
    stranger_every_answer_is_as_documented,
];

/// Names the program; without it these scenarios do not run.
const PROGRAM: &str = "GUDOK_TEST_SCHEMATHESIS";
/// Cases of one operation in one phase.
const CASES: &str = "GUDOK_TEST_SCHEMATHESIS_CASES";
/// Settings, hooks and what the settings leave out.
const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/schemathesis");

/// Whether the program is there.
pub(crate) fn is_wanted() -> bool {
    std::env::var_os(PROGRAM).is_some()
}

async fn admin_every_answer_is_as_documented(world: &World) {
    let shop = Shop::open(world).await;
    shop.look(ADMIN_KEY, &[]).await;
    // It has come as far as the money, or it would have looked at refusals only.
    for action in ["plan.create", "plan.change", "refund.request", "job.run", "payment.settle"] {
        let done = world.admin().get(&format!("/v1/admin/audit?actor=auth.admin_key&action={action}")).await;
        assert_ne!(done.expect(200)["items"], json!([]), "{action} was never done");
    }
    let mut bought = 0;
    for order in &shop.waiting {
        let payment = world.admin().get(&format!("/v1/payments/{order}")).await;
        bought += usize::from(
            ["DONE", "PARTIAL_CANCELED", "CANCELED"]
                .contains(&payment.body["status"].as_str().unwrap_or_default()),
        );
    }
    assert!(bought > 0, "no order was paid");
}

async fn service_every_answer_is_as_documented(world: &World) {
    let shop = Shop::open(world).await;
    shop.look(SERVICE_KEY, &[]).await;
}

async fn user_every_answer_is_as_documented(world: &World) {
    let shop = Shop::open(world).await;
    let user = shop.users.first().expect("a user").clone();
    shop.look(&user_token(&user, &world.app.clock), &[]).await;
}

async fn stranger_every_answer_is_as_documented(world: &World) {
    let shop = Shop::open(world).await;
    // Whoever is let in nowhere leaves nothing to go on from.
    shop.look("nobody", &["--phases", "examples,coverage,fuzzing"]).await;
}

/// A service with weeks of business, without limits to how often it is asked.
struct Shop {
    url: String,
    users: Vec<String>,
    /// Orders that are authenticated and can be confirmed.
    waiting: Vec<String>,
    folder: TempDir,
}

impl Shop {
    async fn open(world: &World) -> Self {
        let plans = catalogue::create_all(&world.app).await.expect("plans");
        let end = world.app.clock.now() + Duration::days(DAYS);
        Demo::new(&world.app, &world.toss, &plans).run(end).await.expect("business");
        let mut settings = vec![("GUDOK__TOSS__WEBHOOKS_PER_MINUTE".to_owned(), "1000000".to_owned())];
        for whom in ["USER", "KEY", "ADDRESS"] {
            for what in ["READING", "BUYING", "REFUNDING", "ADMIN"] {
                settings.push((format!("GUDOK__RATES__{whom}__{what}__PER_MINUTE"), "0".to_owned()));
            }
        }
        let settings: Vec<(&str, &str)> =
            settings.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let (app, _client) = world.second_service_with(&settings).await;
        let url = format!("http://{}/openapi.json", app.bound.get().expect("bound"));
        let payments = world.admin().get("/v1/payments?limit=100").await.expect(200)["items"].clone();
        let of = |field: &str| -> Vec<String> {
            let values =
                payments.as_array().into_iter().flatten().filter_map(|payment| payment[field].as_str());
            values.map(str::to_owned).collect()
        };
        let (mut orders, users) = (of("orderId"), of("userId"));
        let folder = tempfile::tempdir().expect("a temporary folder");
        for file in ["schemathesis.toml", "hooks.py"] {
            std::fs::copy(Path::new(FOLDER).join(file), folder.path().join(file)).expect("copied");
        }
        dictionary(folder.path(), "users", &users);
        let all = [&plans.basic, &plans.premium, &plans.yearly, &plans.event].map(|plan| plan.id.to_string());
        dictionary(folder.path(), "plans", &all);
        let (mut waiting, mut confirmations) = (Vec::new(), Vec::new());
        for user in users.iter().take(8) {
            let order = world.order(user, &all[0]).await;
            let key = world.authenticate_with(Authenticate::new(order.order_id.clone(), order.amount));
            confirmations.push(order.confirmation(&key));
            waiting.push(order.order_id.clone());
            orders.push(order.order_id);
        }
        dictionary(folder.path(), "orders", &orders);
        std::fs::write(folder.path().join("payments.json"), Value::from(confirmations).to_string())
            .expect("written");
        Self { url, users, waiting, folder }
    }

    /// Lets the program loose with this credential.
    async fn look(&self, token: &str, arguments: &[&str]) {
        let program = PathBuf::from(std::env::var_os(PROGRAM).expect("the program's path"));
        let cases = std::env::var(CASES).unwrap_or_else(|_| "10".to_owned());
        let mut command = Command::new(program);
        command.current_dir(self.folder.path()).env("GUDOK_TOKEN", token);
        command.args(["--config-file", "schemathesis.toml", "run", &self.url, "--no-color"]);
        command.args(["--max-examples", &cases]).args(arguments);
        let ended = tokio::task::spawn_blocking(move || command.output()).await.expect("not cut off");
        let output = ended.expect("the program runs");
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
        // What it did not look at it found no fault with.
        let count = |what: &str| said.split_once(what).and_then(|(_, rest)| rest.split_whitespace().next());
        let selected = count("Selected:").and_then(|both| both.split_once('/'));
        assert!(selected.is_some_and(|(some, all)| some == all && count("Tested:") == Some(all)), "{said}");
    }
}

fn dictionary(folder: &Path, name: &str, values: &[String]) {
    assert!(!values.is_empty(), "no {name}");
    let lines: String = values.iter().map(|value| format!("{}\n", json!(value))).collect();
    std::fs::write(folder.join(format!("{name}.dict")), lines).expect("written");
}
