//! The sandbox as a process of its own, which another process works over HTTP alone.

use std::{
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
};

use reqwest::Client;
use serde_json::{Value, json};

use crate::{receiver::Receiver, support::until};

/// Ends the process with the test, however that ends.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[tokio::test]
async fn a_process_is_told_where_webhooks_go_and_is_worked_over_http() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let receiver = Receiver::start().await;
    let started = Command::new(env!("CARGO_BIN_EXE_toss-sandbox"))
        .args(["--bind", "127.0.0.1:0", "--secret-key", "test_sk_mine", "--several-approvals-per-order"])
        .args(["--webhook-url", &receiver.url])
        .stdout(Stdio::piped())
        .spawn();
    let mut process = Running(started.unwrap());
    let mut said = BufReader::new(process.0.stdout.take().unwrap());
    let mut first = String::new();
    said.read_line(&mut first).unwrap();
    let base = first.strip_prefix("toss-sandbox serves ").unwrap().trim_end().to_owned();
    let http = Client::builder().no_proxy().build().unwrap();
    let post = async |path: &str, body: Value| {
        let request = http.post(format!("{base}{path}")).basic_auth("test_sk_mine", Some(""));
        let answer = request.body(body.to_string()).send().await.unwrap();
        let (status, text) = (answer.status().as_u16(), answer.text().await.unwrap());
        (status, serde_json::from_str::<Value>(&text).unwrap())
    };
    for _ in 0..2 {
        let (_, opened) = post("/sandbox/payments", json!({"orderId": "order-0001", "amount": 1_000})).await;
        let body = json!({"paymentKey": opened["paymentKey"], "orderId": "order-0001", "amount": 1_000});
        assert_eq!(post("/v1/payments/confirm", body).await.0, 200);
    }
    until(|| receiver.told() == ["payment DONE", "payment DONE"]).await;
    let order = http.get(format!("{base}/sandbox/orders/order-0001")).send().await.unwrap();
    let order: Value = serde_json::from_str(&order.text().await.unwrap()).unwrap();
    assert_eq!(order["totals"]["balance"], 2_000);
}
