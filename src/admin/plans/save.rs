//! Makes and changes plans, by the rules of the API.

use poem::web::Path;
use poem::{Response, handler};

use super::form::{find, show};
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
    let patch = PatchPlan {
        name: Some(text(&fields, "name")),
        price: Some(number(&fields, "price")),
        interval_months: plan.interval_months.map(|_| number(&fields, "months")),
        is_active: Some(fields.is_on("active")),
    };
    let changed = match patch.parse() {
        Ok(change) => {
            plans::change(&desk.app, plan.id, &change, &desk.actor, desk.now).await.map_err(ApiError::from)
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
