//! The demo plans.

use entity::{Won, plan};
use gudok::app::App;
use gudok::audit::Actor;
use gudok::plans::{NewPlan, Sells, create};

use crate::Broken;

/// The demo plans, from the one that most people buy.
#[derive(Clone, Debug)]
pub struct Catalogue {
    /// A month for little money.
    pub basic: plan::Model,
    /// A month for more.
    pub premium: plan::Model,
    /// A year.
    pub yearly: plan::Model,
    /// An event, which sells no time.
    pub event: plan::Model,
}

/// Makes the demo plans.
///
/// # Errors
/// When they exist already, or the database does not answer.
pub async fn create_all(app: &App) -> Result<Catalogue, Broken> {
    Ok(Catalogue {
        basic: make(app, "BASIC_MONTHLY", "베이직 월간", Sells::Basic(1), 9_900).await?,
        premium: make(app, "PREMIUM_MONTHLY", "프리미엄 월간", Sells::Premium(1), 19_900).await?,
        yearly: make(app, "PREMIUM_YEARLY", "프리미엄 연간", Sells::Premium(12), 199_000).await?,
        event: make(app, "EVENT", "이벤트 후원", Sells::Event, 5_000).await?,
    })
}

async fn make(app: &App, code: &str, name: &str, sells: Sells, won: i64) -> Result<plan::Model, Broken> {
    let price = Won::new(won).ok_or("a price is never negative")?;
    let name = name.to_owned();
    let new = NewPlan {
        code: code.parse()?,
        name,
        sells,
        price,
        is_active: true,
        claim: None,
        actor: Actor::system(),
    };
    Ok(create(app, new, app.clock.now()).await?)
}
