//! One thing that needs a person.

use chrono::{DateTime, Utc};
use entity::{compensation, finding, payment, refund, webhook};

use super::Kind;
use crate::findings;
use crate::http::language::Language;
use crate::jobs::Job;

/// One thing that needs a person.
#[derive(Clone, Debug)]
pub struct Item {
    /// What kind of thing.
    pub kind: Kind,
    /// The kind's name in answers.
    pub name: String,
    /// Since when.
    pub since: DateTime<Utc>,
    /// The order that it is about.
    pub order_id: Option<String>,
    /// The payment at Toss that it is about.
    pub payment_key: Option<String>,
    /// The refund that it is about.
    pub refund_id: Option<String>,
    /// The job that it is about.
    pub job: Option<Job>,
    /// What only this one has to tell, in English, for operators.
    pub note: Option<String>,
    /// What our books say.
    pub ours: Option<String>,
    /// What Toss says.
    pub theirs: Option<String>,
    /// What tells it from others of its part of the list.
    pub id: String,
}

impl Item {
    /// Something of this kind that is about nothing yet.
    pub(super) fn new(kind: Kind, since: DateTime<Utc>, id: String) -> Self {
        Self {
            kind,
            name: kind.name().to_owned(),
            since,
            order_id: None,
            payment_key: None,
            refund_id: None,
            job: None,
            note: None,
            ours: None,
            theirs: None,
            id,
        }
    }

    /// What is wrong.
    pub fn detail(&self, language: Language) -> String {
        let detail = self.fill(self.kind.detail(language));
        match &self.note {
            Some(note) => format!("{detail} ({note})"),
            None => detail,
        }
    }

    /// What to do about it.
    pub fn what_to_do(&self, language: Language) -> String {
        self.fill(self.kind.what_to_do(language))
    }

    fn fill(&self, text: &str) -> String {
        let order_id = self.order_id.as_deref().unwrap_or("{orderId}");
        let job = self.job.map_or("{name}", Job::name);
        text.replace("{orderId}", order_id).replace("{job}", job)
    }
}

impl From<payment::Model> for Item {
    fn from(payment: payment::Model) -> Self {
        let since = payment.attempted_at.unwrap_or(payment.created_at);
        let ours = format!("IN_PROGRESS, {} won, asked {} times", payment.amount, payment.settle_tries);
        Self {
            order_id: Some(payment.order_id.to_string()),
            payment_key: payment.payment_key.map(|key| key.to_string()),
            ours: Some(ours),
            ..Self::new(Kind::PaymentUnknown, since, payment.order_id.to_string())
        }
    }
}

impl From<refund::Model> for Item {
    fn from(refund: refund::Model) -> Self {
        let ours = format!("PENDING, {} won, asked {} times", refund.amount, refund.settle_tries);
        Self {
            order_id: Some(refund.order_id.to_string()),
            refund_id: Some(refund.id.to_string()),
            ours: Some(ours),
            ..Self::new(Kind::RefundPending, refund.created_at, refund.id.to_string())
        }
    }
}

impl From<compensation::Model> for Item {
    fn from(row: compensation::Model) -> Self {
        let kind = match row.status {
            refund::RefundStatus::Pending => Kind::CompensationPending,
            refund::RefundStatus::Done => Kind::CompensationDone,
            refund::RefundStatus::Failed => Kind::CompensationFailed,
        };
        let message = row.failure_message.unwrap_or_default();
        Self {
            order_id: Some(row.order_id.to_string()),
            payment_key: Some(row.payment_key.to_string()),
            note: Some(row.reason),
            ours: Some(format!("{} won", row.amount)),
            theirs: row.failure_code.map(|code| format!("{code} {message}")),
            ..Self::new(kind, row.finished_at.unwrap_or(row.created_at), row.payment_key.to_string())
        }
    }
}

impl From<webhook::Model> for Item {
    fn from(row: webhook::Model) -> Self {
        let ours = format!("{}, tried {} times", row.event_type, row.tries);
        Self {
            order_id: row.order_id,
            payment_key: row.payment_key,
            ours: Some(ours),
            ..Self::new(Kind::WebhookPending, row.received_at, row.id.to_string())
        }
    }
}

impl From<finding::Model> for Item {
    fn from(row: finding::Model) -> Self {
        // A newer version, which shares the database, may know more kinds.
        let kind = findings::Kind::named(&row.kind).map_or(Kind::Unlisted, Kind::from);
        Self {
            name: row.kind,
            order_id: row.order_id,
            payment_key: row.payment_key,
            note: Some(row.detail),
            ours: row.ours,
            theirs: row.theirs,
            ..Self::new(kind, row.first_seen_at, row.id.to_string())
        }
    }
}
