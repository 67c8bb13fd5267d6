//! The event total over HTTP.

use entity::event_amount;
use poem::web::Data;
use poem_openapi::param::Query;
use poem_openapi::{Object, OpenApi};

use crate::app::App;
use crate::auth::Caller;
use crate::http::Tag;
use crate::http::body::Json;
use crate::http::code::{AUTH, INPUT};
use crate::http::error::{Answer, refusals};
use crate::http::nullable::Nullable;
use crate::http::page::PageRequest;
use crate::http::time::Instant;

/// One entry of the event total.
#[derive(Clone, Debug, Object)]
#[oai(rename = "EventAmount", rename_all = "camelCase")]
pub struct EntryView {
    /// The order that it is about.
    pub order_id: String,
    /// How the total changed, in won; negative for a refund.
    pub amount: i64,
    /// When it was entered.
    pub created_at: Instant,
}

impl From<event_amount::Model> for EntryView {
    fn from(entry: event_amount::Model) -> Self {
        Self {
            order_id: entry.order_id.to_string(),
            amount: entry.amount.get(),
            created_at: entry.created_at.into(),
        }
    }
}

/// The event total, and one page of its entries, newest first.
#[derive(Clone, Debug, Object)]
#[oai(rename_all = "camelCase")]
pub struct EventAmountPage {
    /// The sum of all entries, in won.
    pub total: i64,
    /// The entries.
    pub items: Vec<EntryView>,
    /// Where the next page begins; null at the end.
    pub next_cursor: Nullable<String>,
}

refusals! {
    /// Listing entries.
    ListRefusals = [INPUT, AUTH];
}

/// The event total.
#[derive(Clone, Copy, Debug, Default)]
pub struct EventAmountsApi;

#[OpenApi(prefix_path = "/v1", tag = "Tag::EventAmounts")]
impl EventAmountsApi {
    /// Read the event total
    ///
    /// Exact under any concurrency, with one page of the entries that it is the sum of. Role `admin`.
    #[oai(path = "/event-amounts", method = "get", operation_id = "listEventAmounts")]
    async fn list(
        &self,
        caller: Caller,
        app: Data<&App>,
        /// Rows on the page, 1 to 100; 20 unless said otherwise.
        limit: Query<Option<u32>>,
        /// `nextCursor` of the page before.
        cursor: Query<Option<String>>,
    ) -> Answer<Json<EventAmountPage>, ListRefusals> {
        caller.admin()?;
        let page = PageRequest::parse("event-amounts", limit.0, cursor.0.as_deref())?;
        let total = super::total(app.db.read()).await?;
        let page = super::list(app.db.read(), &page).await?.map(EntryView::from);
        Ok(Json(EventAmountPage { total, items: page.items, next_cursor: page.next_cursor.into() }))
    }
}
