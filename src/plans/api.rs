//! Plans over HTTP.

use entity::plan::{self, PlanType};
use poem::web::Data;
use poem_openapi::param::{Path, Query};
use poem_openapi::types::Example;
use poem_openapi::{ApiResponse, Enum, Object, OpenApi};
use serde::{Deserialize, Serialize};

use super::{ChangeError, ChangePlan, CreateError, NewPlan, Sells, change, create};
use crate::app::App;
use crate::audit::Actor;
use crate::auth::Caller;
use crate::http::Tag;
use crate::http::body::Json;
use crate::http::code::{AUTH, BODY, Code, INPUT, KEYED};
use crate::http::error::{Answer, ApiError, refusals};
use crate::http::fields::{self, Fault, FieldError, Together};
use crate::http::idempotency::Keyed;
use crate::http::nullable::Nullable;
use crate::http::page::{Page, PageRequest};
use crate::http::time::Instant;
use crate::idempotency::Claim;

/// The least that Toss takes, in won (a card; a bank account takes 200).
pub(crate) const LEAST_PRICE: i64 = 100;
/// The longest interval, in months.
pub(crate) const LONGEST: i32 = 120;

/// What kind of plan it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum, Deserialize, Serialize)]
#[oai(rename = "PlanType", rename_all = "SCREAMING_SNAKE_CASE")]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum PlanKind {
    /// Sells time.
    Basic,
    /// Sells time.
    Premium,
    /// Sells no time: each order adds to the event total.
    Event,
}

/// A plan.
#[derive(Clone, Debug, Object, Serialize)]
#[oai(rename = "Plan", rename_all = "camelCase")]
#[serde(rename_all = "camelCase")]
pub struct PlanView {
    /// Identifies the plan.
    pub id: String,
    /// Its name in code; unique.
    pub code: String,
    /// Its name for people.
    pub name: String,
    /// What kind of plan it is.
    pub r#type: PlanKind,
    /// Price of one order, in won.
    pub price: i64,
    /// `KRW`.
    pub currency: String,
    /// Calendar months that one order buys; null for an event.
    pub interval_months: Nullable<i32>,
    /// Whether new orders are taken.
    pub is_active: bool,
    /// When it was made.
    pub created_at: Instant,
    /// When it was last changed.
    pub updated_at: Instant,
}

impl From<plan::Model> for PlanView {
    fn from(plan: plan::Model) -> Self {
        let kind = match plan.r#type {
            PlanType::Basic => PlanKind::Basic,
            PlanType::Premium => PlanKind::Premium,
            PlanType::Event => PlanKind::Event,
        };
        Self {
            id: plan.id.to_string(),
            code: plan.code.to_string(),
            name: plan.name,
            r#type: kind,
            price: plan.price.get(),
            currency: "KRW".to_owned(),
            interval_months: plan.interval_months.into(),
            is_active: plan.is_active,
            created_at: plan.created_at.into(),
            updated_at: plan.updated_at.into(),
        }
    }
}

/// One page of plans, newest first.
#[derive(Clone, Debug, Object)]
#[oai(rename_all = "camelCase")]
pub struct PlanPage {
    /// The plans.
    pub items: Vec<PlanView>,
    /// Where the next page begins; null at the end.
    pub next_cursor: Nullable<String>,
}

impl From<Page<plan::Model>> for PlanPage {
    fn from(page: Page<plan::Model>) -> Self {
        let page = page.map(PlanView::from);
        Self { items: page.items, next_cursor: page.next_cursor.into() }
    }
}

/// A plan to be made.
#[derive(Debug, Object, Deserialize)]
#[oai(rename_all = "camelCase", example, skip_serializing_if_is_none)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct CreatePlan {
    /// Its name in code, unique: 1 to 64 characters of `A-Z a-z 0-9 - _ .`.
    #[oai(validator(min_length = 1, max_length = 64))]
    pub(crate) code: String,
    /// Its name for people, 1 to 100 characters; the payment window shows it.
    #[oai(validator(min_length = 1, max_length = 100))]
    pub(crate) name: String,
    /// What kind of plan it is.
    pub(crate) r#type: PlanKind,
    /// Price of one order, in won, at least 100 (the least that Toss takes).
    pub(crate) price: i64,
    /// `KRW`, the default.
    pub(crate) currency: Option<String>,
    /// Calendar months that one order buys, 1 to 120; left out for an event, which sells no time.
    pub(crate) interval_months: Option<i64>,
    /// Whether new orders are taken; true unless said otherwise.
    pub(crate) is_active: Option<bool>,
}

impl Example for CreatePlan {
    fn example() -> Self {
        CreatePlan {
            code: "BASIC_MONTHLY".to_owned(),
            name: "베이직 월간".to_owned(),
            r#type: PlanKind::Basic,
            price: 9_900,
            currency: Some("KRW".to_owned()),
            interval_months: Some(1),
            is_active: Some(true),
        }
    }
}

impl CreatePlan {
    /// The plan to be made, if its fields make sense.
    ///
    /// # Errors
    /// Every field at fault.
    pub(crate) fn parse(&self, claim: Option<Claim>, actor: Actor) -> Result<NewPlan, ApiError> {
        let (code, name, price, _krw, sells) = (
            fields::id("code", &self.code),
            fields::text("name", &self.name, 1, 100),
            fields::won("price", self.price, LEAST_PRICE),
            krw(self.currency.as_deref()),
            self.sells(),
        )
            .together()?;
        Ok(NewPlan { code, name, sells, price, is_active: self.is_active.unwrap_or(true), claim, actor })
    }

    fn sells(&self) -> Result<Sells, FieldError> {
        let field = "intervalMonths";
        let months =
            self.interval_months.map(|months| fields::number(field, months, 1, LONGEST)).transpose()?;
        match (self.r#type, months) {
            (PlanKind::Event, None) => Ok(Sells::Event),
            (PlanKind::Event, Some(_)) => {
                Err(FieldError::new(field, Fault::Misplaced("an EVENT plan sells no time")))
            }
            (PlanKind::Basic, Some(months)) => Ok(Sells::Basic(months)),
            (PlanKind::Premium, Some(months)) => Ok(Sells::Premium(months)),
            (PlanKind::Basic | PlanKind::Premium, None) => Err(FieldError::new(field, Fault::Missing)),
        }
    }
}

fn krw(currency: Option<&str>) -> Result<(), FieldError> {
    let known = currency.is_none_or(|currency| currency == "KRW");
    if known { Ok(()) } else { Err(FieldError::new("currency", Fault::OneOf("KRW"))) }
}

/// What is to change; what is left out stays.
#[derive(Debug, Object, Deserialize)]
#[oai(rename_all = "camelCase", example, skip_serializing_if_is_none)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct PatchPlan {
    /// The name for people, 1 to 100 characters.
    #[oai(validator(min_length = 1, max_length = 100))]
    pub(crate) name: Option<String>,
    /// The price of later orders, in won, at least 100.
    pub(crate) price: Option<i64>,
    /// The calendar months of later orders, 1 to 120.
    pub(crate) interval_months: Option<i64>,
    /// Whether new orders are taken.
    pub(crate) is_active: Option<bool>,
}

impl Example for PatchPlan {
    fn example() -> Self {
        PatchPlan { name: None, price: Some(12_900), interval_months: None, is_active: Some(true) }
    }
}

impl PatchPlan {
    /// The change, if its fields make sense.
    ///
    /// # Errors
    /// Every field at fault.
    pub(crate) fn parse(&self) -> Result<ChangePlan, ApiError> {
        let (name, price, interval_months) = (
            self.name.as_deref().map(|name| fields::text("name", name, 1, 100)).transpose(),
            self.price.map(|price| fields::won("price", price, LEAST_PRICE)).transpose(),
            self.interval_months
                .map(|months| fields::number("intervalMonths", months, 1, LONGEST))
                .transpose(),
        )
            .together()?;
        Ok(ChangePlan { name, price, interval_months, is_active: self.is_active, unchanged_since: None })
    }
}

/// A plan was made.
#[derive(Debug, ApiResponse)]
enum Created {
    /// The plan.
    #[oai(status = 201)]
    Plan(Json<PlanView>),
}

refusals! {
    /// Listing plans.
    ListRefusals = [INPUT];
    /// Reading a plan.
    GetRefusals = [INPUT, &[Code::PlanNotFound]];
    /// Making a plan.
    CreateRefusals = [BODY, AUTH, KEYED];
    /// Changing a plan.
    ChangeRefusals = [BODY, AUTH, &[Code::PlanNotFound]];
}

impl From<CreateError> for ApiError {
    fn from(error: CreateError) -> Self {
        match error {
            CreateError::CodeTaken => FieldError::new("code", Fault::Taken).into(),
            CreateError::Claim(error) => error.into(),
            CreateError::Database(error) => error.into(),
        }
    }
}

impl From<ChangeError> for ApiError {
    fn from(error: ChangeError) -> Self {
        match error {
            ChangeError::PlanNotFound => Code::PlanNotFound.into(),
            ChangeError::EventHasNoInterval => {
                FieldError::new("intervalMonths", Fault::Misplaced("an EVENT plan sells no time")).into()
            }
            ChangeError::Outdated => {
                FieldError::new("updatedAt", Fault::Misplaced("is that of an older state")).into()
            }
            ChangeError::Database(error) => error.into(),
        }
    }
}

/// Plans.
#[derive(Clone, Copy, Debug, Default)]
pub struct PlansApi;

#[OpenApi(prefix_path = "/v1", tag = "Tag::Plans")]
impl PlansApi {
    /// List plans
    ///
    /// All plans, newest first. Needs no credentials.
    #[oai(path = "/plans", method = "get", operation_id = "listPlans")]
    async fn list(
        &self,
        app: Data<&App>,
        /// Rows on the page, 1 to 100; 20 unless said otherwise.
        limit: Query<Option<u32>>,
        /// `nextCursor` of the page before.
        cursor: Query<Option<String>>,
        /// Only plans that are, or are not, for sale.
        #[oai(name = "isActive")]
        is_active: Query<Option<bool>>,
    ) -> Answer<Json<PlanPage>, ListRefusals> {
        let page = PageRequest::parse("plans", limit.0, cursor.0.as_deref())?;
        Ok(Json(super::list(app.db.read(), is_active.0, &page).await?.into()))
    }

    /// Read a plan
    ///
    /// Needs no credentials.
    #[oai(path = "/plans/:id", method = "get", operation_id = "getPlan")]
    async fn get(
        &self,
        app: Data<&App>,
        /// The plan's `id`.
        id: Path<String>,
    ) -> Answer<Json<PlanView>, GetRefusals> {
        let found = super::find(app.db.read(), fields::row_id("id", &id.0)?).await?;
        Ok(Json(found.ok_or(Code::PlanNotFound)?.into()))
    }

    /// Make a plan
    ///
    /// Role `admin`.
    #[oai(path = "/plans", method = "post", operation_id = "createPlan")]
    async fn create(
        &self,
        caller: Caller,
        app: Data<&App>,
        /// 1 to 255 printable ASCII characters that the caller makes up for this one request. For a day, the same request
        /// with the same key is done once; a repeat gets the first answer again, with `Idempotency-Replayed: true`.
        #[oai(name = "Idempotency-Key")]
        key: Keyed,
        body: Json<CreatePlan>,
    ) -> Answer<Created, CreateRefusals> {
        caller.admin()?;
        let new = body.0.parse(key.claim(), caller.actor())?;
        let plan = match key.made()? {
            Some(id) => super::find(app.db.read(), id).await?.ok_or(Code::Internal)?,
            None => create(&app, new, app.clock.now()).await?,
        };
        Ok(Created::Plan(Json(plan.into())))
    }

    /// Change a plan
    ///
    /// Role `admin`. A new price or interval holds for later orders; what is sold or quoted stays as it was.
    #[oai(path = "/plans/:id", method = "patch", operation_id = "changePlan")]
    async fn change(
        &self,
        caller: Caller,
        app: Data<&App>,
        /// The plan's `id`.
        id: Path<String>,
        body: Json<PatchPlan>,
    ) -> Answer<Json<PlanView>, ChangeRefusals> {
        caller.admin()?;
        let id = fields::row_id("id", &id.0)?;
        Ok(Json(change(&app, id, &body.0.parse()?, &caller.actor(), app.clock.now()).await?.into()))
    }
}
