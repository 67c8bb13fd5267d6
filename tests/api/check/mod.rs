//! Scenarios about the check of our own books.

mod found;
mod told;

use sea_orm::ConnectionTrait;

use crate::support::scenario::{Backend, Scenario};
use crate::support::world::{Order, World};

/// The scenarios of this folder.
pub(crate) fn scenarios() -> Vec<Scenario> {
    [found::scenarios(), told::scenarios()].into_iter().flatten().collect()
}

/// Some business, whose orders statements can name.
struct Business(Vec<(&'static str, Order)>);

impl Business {
    /// A user with two months, one with a part back, one with all back in parts, an event with a part back, and a no.
    async fn done(world: &World) -> Self {
        let (basic, event) = (world.basic().await, world.event().await);
        let first = world.buy("two-months", &basic).await;
        let second = world.buy("two-months", &basic).await;
        let part = world.buy("part-back", &basic).await;
        world.refund(&part, Some(1_000)).await.expect(200);
        let gone = world.buy("all-back", &basic).await;
        world.refund(&gone, Some(900)).await.expect(200);
        world.refund(&gone, None).await.expect(200);
        let event = world.buy("eventful", &event).await;
        world.refund(&event, Some(1_000)).await.expect(200);
        let declined = world.order("declined", &basic).await;
        let buyer = toss_sandbox::Authenticate::new(declined.order_id.clone(), declined.amount);
        let key = world.authenticate_with(buyer.card("4000000000000001"));
        world.confirm(&declined, &key).await.expect_problem(402, "PAYMENT_REJECTED");
        let business = [
            ("{first}", first),
            ("{second}", second),
            ("{part}", part),
            ("{gone}", gone),
            ("{event}", event),
            ("{declined}", declined),
        ];
        Self(business.into())
    }

    /// The order that statements call `name`, or the name itself.
    fn named(&self, name: &str) -> String {
        let found = self.0.iter().find(|(known, _)| *known == name);
        found.map_or_else(|| name.to_owned(), |(_, order)| order.order_id.clone())
    }

    /// Changes the books by hand.
    async fn change(&self, world: &World, statements: &[&str]) {
        for statement in statements {
            let sql = self
                .0
                .iter()
                .fold((*statement).to_owned(), |sql, (name, order)| sql.replace(name, &order.order_id));
            let changed = world.app.db.read().execute_unprepared(&sql).await;
            let changed = changed.unwrap_or_else(|error| panic!("{sql}: {error}"));
            assert!(changed.rows_affected() > 0, "it changes nothing: {sql}");
        }
    }
}

/// Takes away what keeps the database itself from changing what is append-only.
async fn drop_guards(world: &World) {
    for table in ["payment_event", "event_amount"] {
        let sql = match world.backend {
            Backend::Sqlite => format!(
                "DROP TRIGGER {table}_no_update; DROP TRIGGER {table}_no_delete; DROP TRIGGER {table}_no_replace"
            ),
            Backend::Postgres => format!("DROP TRIGGER {table}_append_only ON {table}"),
        };
        world.app.db.read().execute_unprepared(&sql).await.expect("dropped");
    }
}
