//! Makes and changes plans, by the rules of the API.

use chrono::{DateTime, Utc};
use poem::web::Path;
use poem::{Response, handler};

use super::form::{find, outdated, show};
use crate::admin::desk::Posted;
use crate::admin::form::Fields;
use crate::audit::Actor;
use crate::http::code::Code;
use crate::http::error::ApiError;
use crate::http::fields::{Fault, FieldError};
use crate::plans;
use crate::plans::api::{CreatePlan, PatchPlan, PlanKind};

/// Makes a plan.
#[handler]
pub(in crate::admin) async fn create(posted: Posted) -> poem::Result<Response> {
    let Posted { desk, fields } = posted;
    let made = match parse_new(&fields, desk.actor.clone()) {
        Ok(new) => plans::create(&desk.app, new, desk.now).await.map_err(ApiError::from),
        Err(error) => Err(error),
    };
    match made {
        Ok(_) => Ok(desk.see_other("/admin/plans?notice=made")),
        Err(error) if error.code == Code::InvalidRequest => {
            show(&desk, None, Some(&fields), error.errors).await
        }
        Err(error) => Err(error.into()),
    }
}

/// Changes a plan, for orders from now on.
#[handler]
pub(in crate::admin) async fn change(posted: Posted, Path(id): Path<String>) -> poem::Result<Response> {
    let Posted { desk, fields } = posted;
    let plan = find(&desk, &id).await?;
    let seen = fields.get("updatedAt").and_then(|text| text.parse::<DateTime<Utc>>().ok());
    let seen = seen.ok_or_else(|| ApiError::from(FieldError::new("updatedAt", Fault::Instant)))?;
    let price = number(&fields, "price");
    let (name, is_active) = (text(&fields, "name"), fields.is_on("active"));
    let months = plan.interval_months.map(|months| (number(&fields, "months"), i64::from(months)));
    // What was not touched is not said.
    let patch = PatchPlan {
        name: Some(name).filter(|name| *name != plan.name),
        price: Some(price).filter(|price| *price != plan.price.get()),
        interval_months: months.filter(|(put, stands)| put != stands).map(|(put, _)| put),
        is_active: Some(is_active).filter(|is_active| *is_active != plan.is_active),
    };
    let changed = match patch.parse() {
        Ok(change) => {
            let change = plans::ChangePlan { unchanged_since: Some(seen), ..change };
            match plans::change(&desk.app, plan.id, &change, &desk.actor, desk.now).await {
                Err(plans::ChangeError::Outdated) => return outdated(&desk, &find(&desk, &id).await?).await,
                changed => changed.map_err(ApiError::from),
            }
        }
        Err(error) => Err(error),
    };
    match changed {
        Ok(_) => Ok(desk.see_other("/admin/plans?notice=changed")),
        Err(error) if error.code == Code::InvalidRequest => {
            show(&desk, Some(&plan), Some(&fields), error.errors).await
        }
        Err(error) => Err(error.into()),
    }
}

fn parse_new(fields: &Fields, actor: Actor) -> Result<plans::NewPlan, ApiError> {
    let kind = match fields.get("type") {
        Some("BASIC") => PlanKind::Basic,
        Some("PREMIUM") => PlanKind::Premium,
        Some("EVENT") => PlanKind::Event,
        _ => return Err(FieldError::new("type", Fault::OneOf("BASIC, PREMIUM, EVENT")).into()),
    };
    let plan = CreatePlan {
        code: text(fields, "code"),
        name: text(fields, "name"),
        r#type: kind,
        price: number(fields, "price"),
        currency: None,
        interval_months: fields.trimmed("months").map(|_| number(fields, "months")),
        is_active: Some(fields.is_on("active")),
    };
    plan.parse(None, actor)
}

fn text(fields: &Fields, name: &str) -> String {
    fields.trimmed(name).unwrap_or_default().to_owned()
}

/// What was typed, with or without commas; no number is one that the rules refuse.
fn number(fields: &Fields, name: &str) -> i64 {
    fields.trimmed(name).and_then(|text| text.replace(',', "").parse().ok()).unwrap_or(-1)
}
