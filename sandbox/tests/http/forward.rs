//! Forward compatibility: fields and values that no client can know.

use reqwest::Method;
use serde_json::json;

use crate::support::{Shop, path};

#[tokio::test]
async fn unknown_fields_and_values_are_sprinkled_when_asked() {
    let shop = Shop::open().await;
    let told = shop.control(Method::POST, "options", r#"{"unknownFields":true}"#).await;
    assert_eq!(told.json(), json!({"unknownFields": true, "oneApprovalPerOrder": true}));
    let body = shop.buyer("order-0001", 1_000);
    let payment = shop.confirm(&body).await.json();
    assert!(payment["sandboxUnknown"].is_object());
    assert_eq!(payment["card"]["acquireStatus"], "SANDBOX_UNKNOWN");
    assert_eq!((&payment["status"], &payment["totalAmount"]), (&json!("DONE"), &json!(1_000)));
    let canceled = shop.cancel(&path(&body), json!({})).await.json();
    assert!(canceled["cancels"][0]["sandboxUnknown"].is_object());
    let days = "startDate=2000-01-01&endDate=2100-01-01";
    let rows = shop.get(&format!("/v1/transactions?{days}")).await.json();
    assert!(rows[0]["sandboxUnknown"].is_object());
    shop.toss.unknown_fields(false);
    assert!(shop.get(&path(&body)).await.json().get("sandboxUnknown").is_none());
}
