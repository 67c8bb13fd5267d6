//! The demo plans.

use std::error::Error;

use entity::Won;
use gudok::app::App;
use gudok::plans::{NewPlan, Sells, create};

/// Makes the demo plans and gives the id of the first.
pub(crate) async fn create_all(app: &App) -> Result<String, Box<dyn Error>> {
    let plans = [
        ("BASIC_MONTHLY", "베이직 월간", Sells::Basic(1), 9_900),
        ("PREMIUM_MONTHLY", "프리미엄 월간", Sells::Premium(1), 19_900),
        ("PREMIUM_YEARLY", "프리미엄 연간", Sells::Premium(12), 199_000),
        ("EVENT", "이벤트 후원", Sells::Event, 5_000),
    ];
    let mut first = None;
    for (code, name, sells, won) in plans {
        let price = Won::new(won).ok_or("a price is never negative")?;
        let new = NewPlan {
            code: code.parse()?,
            name: name.to_owned(),
            sells,
            price,
            is_active: true,
            claim: None,
        };
        let plan = create(app, new, app.clock.now()).await?;
        first.get_or_insert(plan.id.to_string());
    }
    first.ok_or_else(|| "no plan was made".into())
}
