//! Questions to Toss share connections that stay open: a new one for each would cost a purchase two round trips, four by TLS.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::future::join_all;
use serde_json::json;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use toss_sandbox::Authenticate;

use crate::support::scenario::scenarios;
use crate::support::world::World;

scenarios![purchases_declines_and_refunds_go_to_toss_by_one_connection_and_as_many_as_are_at_once];

/// Buyers at once.
const AT_ONCE: usize = 48;

/// A way to `server` that counts connections.
async fn counted_way(server: String) -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("bound"));
    let opened = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&opened);
    tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            counter.fetch_add(1, Ordering::SeqCst);
            let mut server = TcpStream::connect(&server).await.expect("the sandbox takes connections");
            tokio::spawn(async move { copy_bidirectional(&mut client, &mut server).await });
        }
    });
    (url, opened)
}

async fn purchases_declines_and_refunds_go_to_toss_by_one_connection_and_as_many_as_are_at_once(
    world: &World,
) {
    let toss = world.variables["GUDOK__TOSS__BASE_URL"].replace("http://", "");
    let (url, opened) = counted_way(toss).await;
    let (_app, client) = world.second_service_with(&[("GUDOK__TOSS__BASE_URL", &url)]).await;
    let plan = world.basic().await;
    let buy = async |user: &str, card: &str| {
        let order = world.order_by(&client, user, &plan).await;
        let key = world.authenticate_with(Authenticate::new(order.order_id.clone(), order.amount).card(card));
        let reply = client.post("/v1/payments/confirm", order.confirmation(&key)).await;
        (order, reply.status)
    };
    for number in 0..5 {
        let (order, status) = buy(&format!("u{number}"), "9410001234567890").await;
        assert_eq!(status, 200);
        let path = format!("/v1/payments/{}/cancel", order.order_id);
        client.post(&path, json!({"cancelReason": "변심"})).await.expect(200);
        assert_eq!(buy(&format!("u{number}"), "4000000000000001").await.1, 402);
    }
    assert_eq!(opened.load(Ordering::SeqCst), 1);
    for round in 0..3 {
        let users: Vec<String> = (0..AT_ONCE).map(|number| format!("r{round}-{number}")).collect();
        let all = join_all(users.iter().map(|user| buy(user, "9410001234567890"))).await;
        assert!(all.iter().all(|(_, status)| *status == 200));
    }
    let opened = opened.load(Ordering::SeqCst);
    assert!(opened <= AT_ONCE, "{opened} connections for {AT_ONCE} buyers at once");
}
