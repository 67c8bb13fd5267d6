//! Subscriptions over HTTP.

use entity::plan;
use entity::subscription::{self, SubscriptionStatus};
use poem::web::Data;
use poem_openapi::param::{Header, Path, Query};
use poem_openapi::{ApiResponse, Enum, Object, OpenApi};
use sea_orm::DbErr;
use serde::Serialize;

use super::list::{SubscriptionFilter, list};
use super::read::Subscribed;
use super::schedule::Slot;
use super::told::Told;
use crate::app::App;
use crate::auth::Caller;
use crate::http::Tag;
use crate::http::body::{Json, Written};
use crate::http::code::{AUTH, Code, INPUT};
use crate::http::error::{Answer, refusals};
use crate::http::fields::{self, Together};
use crate::http::nullable::Nullable;
use crate::http::page::PageRequest;
use crate::http::time::Instant;
use crate::plans;
use crate::plans::api::PlanView;

/// How a subscription stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum, Serialize)]
#[oai(rename = "SubscriptionStatus", rename_all = "SCREAMING_SNAKE_CASE")]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Standing {
    /// It runs.
    Active,
    /// It ran out.
    Expired,
    /// Everything that was paid for it was refunded.
    Canceled,
}

/// The time that one order bought.
#[derive(Clone, Debug, Object, Serialize)]
#[oai(rename = "SubscriptionPeriod", rename_all = "camelCase")]
#[serde(rename_all = "camelCase")]
pub struct PeriodView {
    /// The order that paid for it.
    pub order_id: String,
    /// The plan that it gives.
    pub plan_id: String,
    /// First instant inside. Of a period that a dearer plan interrupted, where what is left of it begins.
    pub starts_at: Instant,
    /// First instant after.
    pub ends_at: Instant,
}

/// A user's subscription.
#[derive(Clone, Debug, Object, Serialize)]
#[oai(rename = "Subscription", rename_all = "camelCase")]
#[serde(rename_all = "camelCase")]
pub struct SubscriptionView {
    /// Identifies the subscription.
    pub id: String,
    /// Whose it is.
    pub user_id: String,
    /// The plan that runs, or ran last.
    pub plan_id: String,
    /// That plan.
    pub plan: PlanView,
    /// How it stands, by the clock.
    pub status: Standing,
    /// Whether it runs, by the clock.
    pub is_active: bool,
    /// Start of the unbroken run of periods that ends at `endDate`.
    pub start_date: Instant,
    /// From this instant on it no longer runs.
    pub end_date: Instant,
    /// The periods that no refund took back, in the order of time; only where one subscription is read.
    #[oai(skip_serializing_if_is_none)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub periods: Option<Vec<PeriodView>>,
    /// When it was first bought.
    pub created_at: Instant,
    /// When it last changed.
    pub updated_at: Instant,
}

/// One page of subscriptions, newest first.
#[derive(Clone, Debug, Object)]
#[oai(rename_all = "camelCase")]
pub struct SubscriptionPage {
    /// The subscriptions.
    pub items: Vec<SubscriptionView>,
    /// Where the next page begins; null at the end.
    pub next_cursor: Nullable<String>,
}

impl SubscriptionView {
    /// How `subscribed` looks to callers.
    pub fn of(subscribed: Subscribed) -> Self {
        let periods = subscribed.periods.into_iter().map(PeriodView::from).collect();
        Self { periods: Some(periods), ..Self::bare(subscribed.row, subscribed.status, subscribed.plan) }
    }

    fn bare(row: subscription::Model, status: SubscriptionStatus, plan: plan::Model) -> Self {
        let standing = match status {
            SubscriptionStatus::Active => Standing::Active,
            SubscriptionStatus::Expired => Standing::Expired,
            SubscriptionStatus::Canceled => Standing::Canceled,
        };
        Self {
            id: row.id.to_string(),
            user_id: row.user_id.to_string(),
            plan_id: plan.id.to_string(),
            plan: plan.into(),
            status: standing,
            is_active: standing == Standing::Active,
            start_date: row.start_date.into(),
            end_date: row.end_date.into(),
            periods: None,
            created_at: row.created_at.into(),
            updated_at: row.updated_at.into(),
        }
    }
}

impl From<Slot> for PeriodView {
    fn from(period: Slot) -> Self {
        Self {
            order_id: period.order_id.to_string(),
            plan_id: period.plan_id.to_string(),
            starts_at: period.starts_at.into(),
            ends_at: period.ends_at.into(),
        }
    }
}

/// How an entitlement check was answered.
#[derive(ApiResponse)]
enum EntitlementAnswer {
    /// How the subscription stands.
    #[oai(status = 200)]
    Shown(
        Written<SubscriptionView>,
        /// Names this very answer.
        #[oai(header = "ETag")]
        String,
        /// For how many seconds it may be used without asking again: never beyond the next change that time alone brings.
        #[oai(header = "Cache-Control")]
        String,
        /// Whoever asks as somebody else may not be shown it.
        #[oai(header = "Vary")]
        String,
    ),
    /// As in the answer that `If-None-Match` names.
    #[oai(status = 304)]
    Unchanged(
        /// Names that answer.
        #[oai(header = "ETag")]
        String,
        /// For how many seconds it may be used without asking again.
        #[oai(header = "Cache-Control")]
        String,
        /// Whoever asks as somebody else may not be shown it.
        #[oai(header = "Vary")]
        String,
    ),
}

impl EntitlementAnswer {
    fn of(told: &Told, max_age: u64, known: Option<&str>) -> Self {
        let tag = told.tag.clone();
        let control = match max_age {
            0 => "private, no-cache".to_owned(),
            seconds => format!("private, max-age={seconds}"),
        };
        let vary = "Authorization".to_owned();
        if known.is_some_and(|known| names(known, &tag)) {
            Self::Unchanged(tag, control, vary)
        } else {
            Self::Shown(told.body.clone(), tag, control, vary)
        }
    }
}

/// Whether `If-None-Match` names `tag`; a proxy may have marked it as weak.
fn names(known: &str, tag: &str) -> bool {
    known.split(',').map(str::trim).any(|one| one == "*" || one.strip_prefix("W/").unwrap_or(one) == tag)
}

refusals! {
    /// Reading a user's subscription.
    GetRefusals = [INPUT, AUTH, &[Code::SubscriptionNotFound]];
    /// Listing subscriptions.
    ListRefusals = [INPUT, AUTH];
}

/// Subscriptions.
#[derive(Clone, Copy, Debug, Default)]
pub struct SubscriptionsApi;

#[OpenApi(prefix_path = "/v1", tag = "Tag::Subscriptions")]
impl SubscriptionsApi {
    /// Read a user's subscription
    ///
    /// The entitlement check: right to the second, whether or not the nightly job has run. Any role; a user only its
    /// own.
    #[oai(path = "/users/:userId/subscription", method = "get", operation_id = "getSubscription")]
    async fn get(
        &self,
        caller: Caller,
        app: Data<&App>,
        /// The SaaS's id of the user.
        #[oai(name = "userId")]
        user_id: Path<String>,
        /// The `ETag` of an earlier answer: 304 without a body where nothing has changed since.
        #[oai(name = "If-None-Match", validator(max_length = 1000))]
        if_none_match: Header<Option<String>>,
    ) -> Answer<EntitlementAnswer, GetRefusals> {
        let user_id = fields::id("userId", &user_id.0)?;
        if caller.owner().is_some_and(|owner| owner != user_id) {
            return Err(Code::SubscriptionNotFound.into());
        }
        let found = app.entitlements.of_user(&app.db, &user_id, &app.clock).await?;
        let (told, now) = found.ok_or(Code::SubscriptionNotFound)?;
        let max_age = app.config.billing.entitlement_max_age(told.changes_at, now);
        Ok(EntitlementAnswer::of(&told, max_age, if_none_match.0.as_deref()))
    }

    /// List subscriptions
    ///
    /// Role `admin`. Filters follow the clock, whether or not the nightly job has run.
    #[oai(path = "/subscriptions", method = "get", operation_id = "listSubscriptions")]
    async fn list(
        &self,
        caller: Caller,
        app: Data<&App>,
        /// Only those that run, or do not.
        #[oai(name = "isActive")]
        is_active: Query<Option<bool>>,
        /// Only those whose plan, running or last, is this one.
        #[oai(name = "planId")]
        plan_id: Query<Option<String>>,
        /// Rows on the page, 1 to 100; 20 unless said otherwise.
        limit: Query<Option<u32>>,
        /// `nextCursor` of the page before.
        cursor: Query<Option<String>>,
    ) -> Answer<Json<SubscriptionPage>, ListRefusals> {
        caller.admin()?;
        let (page, plan_id) = (
            PageRequest::parse("subscriptions", limit.0, cursor.0.as_deref()),
            fields::maybe_row_id("planId", plan_id.0.as_deref()),
        )
            .together()?;
        let filter = SubscriptionFilter { is_active: is_active.0, plan_id, user_id: None };
        let page = list(app.db.read(), filter, &page, app.clock.now()).await?;
        let plans = plans::find_many(app.db.read(), page.items.iter().map(|listed| listed.plan_id)).await?;
        let mut items = Vec::with_capacity(page.items.len());
        for listed in page.items {
            let plan = plans.get(&listed.plan_id).cloned();
            let plan = plan.ok_or_else(|| DbErr::RecordNotFound("plan of a subscription".to_owned()))?;
            items.push(SubscriptionView::bare(listed.row, listed.status, plan));
        }
        Ok(Json(SubscriptionPage { items, next_cursor: page.next_cursor.into() }))
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use entity::plan::PlanType;
    use entity::{Currency, Won};
    use poem_openapi::types::ToJSON;

    use super::*;

    #[test]
    fn what_is_written_is_what_the_document_says() {
        let at = |seconds| DateTime::from_timestamp(seconds, 0).expect("in range");
        let plan = plan::Model {
            id: "01900000-0000-7000-8000-000000000002".parse().expect("an id"),
            code: "PREMIUM".parse().expect("a code"),
            name: "\"프리미엄\"".to_owned(),
            r#type: PlanType::Premium,
            price: Won::new(9_900).expect("won"),
            currency: Currency::Krw,
            interval_months: None,
            is_active: true,
            created_at: at(1),
            updated_at: at(2),
        };
        let row = subscription::Model {
            id: "01900000-0000-7000-8000-000000000001".parse().expect("an id"),
            user_id: "u1".parse().expect("an id"),
            plan_id: plan.id,
            status: SubscriptionStatus::Active,
            is_active: true,
            start_date: at(3),
            end_date: at(4),
            changes_at: Some(at(4)),
            created_at: at(5),
            updated_at: at(6),
            periods: None,
            periods_as_of: None,
        };
        let bare = SubscriptionView::bare(row, SubscriptionStatus::Canceled, plan.clone());
        let period = PeriodView {
            order_id: "o1".to_owned(),
            plan_id: plan.id.to_string(),
            starts_at: at(3).into(),
            ends_at: at(4).into(),
        };
        for view in [SubscriptionView { periods: Some(vec![period]), ..bare.clone() }, bare] {
            let written = Written::of(&view).expect("JSON");
            assert_eq!(serde_json::from_slice::<serde_json::Value>(written.bytes()).ok(), view.to_json());
        }
    }
}
