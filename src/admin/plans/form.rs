//! The form of a plan, new or known.

use askama::Template;
use entity::plan;
use poem::http::StatusCode;
use poem::web::Path;
use poem::{Response, handler};

use crate::admin::desk::{Desk, Frame, Nav};
use crate::admin::form::Fields;
use crate::admin::view::{Choice, plan_type};
use crate::http::code::Code;
use crate::http::error::ApiError;
use crate::http::fields::{self, FieldError};
use crate::plans;

/// What can be said of a plan.
#[derive(Template)]
#[template(path = "admin/plans/form.html")]
struct FormPage {
    shell: Frame,
    /// The plan that is changed; none for a new one.
    known: Option<Known>,
    kinds: Vec<Choice>,
    code: String,
    name: String,
    price: String,
    months: String,
    is_active: bool,
    faults: Vec<(String, String)>,
    /// Whether what was to be saved was about an older state.
    outdated: bool,
}

/// What of a plan never changes.
struct Known {
    id: String,
    code: String,
    kind: &'static str,
    price: String,
    sells_time: bool,
    /// The state that the form is about.
    updated_at: String,
}

/// The empty form.
#[handler]
pub(in crate::admin) async fn fresh(desk: Desk) -> poem::Result<Response> {
    show(&desk, None, None, Vec::new()).await
}

/// The form of a known plan.
#[handler]
pub(in crate::admin) async fn edit(desk: Desk, Path(id): Path<String>) -> poem::Result<Response> {
    let plan = find(&desk, &id).await?;
    show(&desk, Some(&plan), None, Vec::new()).await
}

/// The plan that the path names.
pub(super) async fn find(desk: &Desk, id: &str) -> Result<plan::Model, ApiError> {
    let id = fields::row_id("id", id)?;
    plans::find(desk.app.db.read(), id).await?.ok_or_else(|| Code::PlanNotFound.into())
}

/// The form: empty, or as the plan stands, or with what was put in and what is wrong with it.
pub(super) async fn show(
    desk: &Desk,
    known: Option<&plan::Model>,
    put: Option<&Fields>,
    faults: Vec<FieldError>,
) -> poem::Result<Response> {
    let page = FormPage::of(desk, known, put, faults).await?;
    let status = if page.faults.is_empty() { StatusCode::OK } else { StatusCode::BAD_REQUEST };
    Ok(desk.page_with(status, &page))
}

/// The form of a plan that somebody else has changed meanwhile, as it stands now.
pub(super) async fn outdated(desk: &Desk, plan: &plan::Model) -> poem::Result<Response> {
    let page = FormPage { outdated: true, ..FormPage::of(desk, Some(plan), None, Vec::new()).await? };
    Ok(desk.page_with(StatusCode::CONFLICT, &page))
}

impl FormPage {
    async fn of(
        desk: &Desk,
        known: Option<&plan::Model>,
        put: Option<&Fields>,
        faults: Vec<FieldError>,
    ) -> Result<Self, ApiError> {
        let shell = desk.frame(Nav::Plans).await?;
        let text = |name: &str, stands: Option<String>| match put {
            Some(fields) => fields.get(name).unwrap_or_default().to_owned(),
            None => stands.unwrap_or_default(),
        };
        let kind = text("type", Some("BASIC".to_owned()));
        let kinds = [
            ("BASIC", shell.say("기본 (BASIC)", "Basic (BASIC)")),
            ("PREMIUM", shell.say("프리미엄 (PREMIUM)", "Premium (PREMIUM)")),
            ("EVENT", shell.say("이벤트: 기간 없음 (EVENT)", "Event: sells no time (EVENT)")),
        ];
        Ok(Self {
            known: known.map(|plan| Known {
                id: plan.id.to_string(),
                code: plan.code.to_string(),
                kind: plan_type(plan.r#type),
                price: shell.won(plan.price.get()),
                sells_time: plan.interval_months.is_some(),
                // A form that is shown again is still about the state that it was first shown with.
                updated_at: put.and_then(|fields| fields.get("updatedAt")).map_or_else(
                    || plan.updated_at.to_rfc3339_opts(chrono::SecondsFormat::Micros, true),
                    str::to_owned,
                ),
            }),
            kinds: kinds.into_iter().map(|(value, label)| Choice::new(value, label, Some(&kind))).collect(),
            code: text("code", None),
            name: text("name", known.map(|plan| plan.name.clone())),
            price: text("price", known.map(|plan| plan.price.to_string())),
            months: text(
                "months",
                known.and_then(|plan| plan.interval_months).map(|months| months.to_string()),
            ),
            is_active: put
                .map_or_else(|| known.is_none_or(|plan| plan.is_active), |fields| fields.is_on("active")),
            faults: faults
                .into_iter()
                .map(|fault| (label(&shell, &fault.field), fault.detail(shell.language)))
                .collect(),
            outdated: false,
            shell,
        })
    }
}

/// What the form calls a field of the API.
fn label(shell: &Frame, field: &str) -> String {
    let (ko, en) = match field {
        "code" => ("코드", "Code"),
        "name" => ("이름", "Name"),
        "type" => ("종류", "Type"),
        "price" => ("가격", "Price"),
        "intervalMonths" => ("개월 수", "Months"),
        _ => return field.to_owned(),
    };
    shell.say(ko, en).to_owned()
}
