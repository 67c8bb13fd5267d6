//! Refunds of whole payments, by 32 callers.

use std::cell::RefCell;

use super::{ENGINES, SMALL, buy};
use crate::drive::{closed, each};
use crate::http::Key;
use crate::world::World;

const CLIENTS: usize = 32;

pub(super) async fn run(world: &World) {
    for engine in ENGINES {
        let (toss, books) = (world.toss().await, world.books(engine, SMALL).await);
        let service = world.gudok(&books, &toss).serve().await;
        let addresses = [service.address];
        for run in 1..=world.settings.runs {
            world.say(&format!("{engine:?}: refunds, run {run}"));
            let (orders, load) = (RefCell::new(Vec::new()), world.number());
            let bought = closed(world.plan(&addresses, CLIENTS), async |connection, number| {
                let order = buy(connection, &format!("returner-{load}-{number}")).await?;
                orders.borrow_mut().push(order);
                Ok(())
            });
            world.complain("purchases to refund", &bought.await);
            let orders = orders.take();
            let refunded = each(world.plan(&addresses, CLIENTS), &orders, async |connection, order| {
                let path = format!("/v1/payments/{order}/cancel");
                let answer = connection.post(&path, Key::Service, "{\"cancelReason\":\"load\"}").await?;
                if answer.status == 200 { Ok(()) } else { Err(format!("{} {}", answer.status, answer.body)) }
            });
            world.add_load(engine, "refunds, 32 callers", &refunded.await);
        }
        service.stop().await;
        world.discard(books).await;
    }
}
