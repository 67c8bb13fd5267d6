//! `GET /v1/transactions`: its query, and the rows it lists.

use chrono::{DateTime, Duration, NaiveDate, NaiveDateTime, NaiveTime, Utc};
use serde_json::Value;

use super::call::decode;
use crate::{
    books::journal::Range,
    refusal::Refusal,
    state::{Shared, State},
};

const DEFAULT_LIMIT: usize = 100;
const MAX_LIMIT: usize = 5_000;

/// Lists the rows that the query asks for.
pub(crate) fn list(shared: &Shared, state: &State, query: Option<&str>) -> Result<Value, Refusal> {
    let range = range(query.unwrap_or_default())?;
    let rows = state.books.journal.transactions(&range, &shared.url);
    rows.map(Value::Array).ok_or_else(|| Refusal::new("INVALID_PAGING_KEY"))
}

/// Reads the query. No table of errors is documented for this call; the codes are those whose names fit.
fn range(query: &str) -> Result<Range, Refusal> {
    let field = |wanted: &str| {
        let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
        pairs.filter(|(name, _)| *name == wanted).map(|(_, value)| decode(value)).next()
    };
    let date = |name: &str| {
        let text = field(name).ok_or_else(|| Refusal::new("INVALID_REQUEST"))?;
        parse_date(&text).ok_or_else(|| Refusal::new("INVALID_ISO_DATE_FORMAT"))
    };
    let (from, to) = (date("startDate")?, date("endDate")?);
    if to < from {
        return Err(Refusal::new("INVALID_DATE"));
    }
    let limit = match field("limit").map(|text| text.parse::<usize>()) {
        None => DEFAULT_LIMIT,
        Some(Ok(limit)) if limit > MAX_LIMIT => return Err(Refusal::new("EXCEED_MAX_QUERY_LIMIT")),
        Some(Ok(limit)) if limit > 0 => limit,
        Some(_) => return Err(Refusal::new("INVALID_REQUEST")),
    };
    Ok(Range { from, to, after: field("startingAfter"), limit })
}

/// Reads `yyyy-MM-ddTHH:mm:ss` in Korea; a date alone means its midnight.
fn parse_date(text: &str) -> Option<DateTime<Utc>> {
    let korean = NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S")
        .or_else(|_| NaiveDate::parse_from_str(text, "%Y-%m-%d").map(|date| date.and_time(NaiveTime::MIN)));
    Some(korean.ok()?.checked_sub_signed(Duration::hours(9))?.and_utc())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queries_are_read_or_refused_by_code() {
        let code =
            |query: &str| range(query).map(|range| range.limit).map_err(|refusal| refusal.code().to_owned());
        let days = "startDate=2026-11-01&endDate=2026-11-30T23%3A59%3A59";
        assert_eq!(code(days), Ok(100));
        assert_eq!(code(&format!("{days}&limit=5000")), Ok(5_000));
        assert_eq!(code(&format!("{days}&limit=5001")), Err("EXCEED_MAX_QUERY_LIMIT".into()));
        assert_eq!(code(&format!("{days}&limit=0")), Err("INVALID_REQUEST".into()));
        assert_eq!(code("startDate=2026-11-01"), Err("INVALID_REQUEST".into()));
        assert_eq!(code("startDate=2026-11-01&endDate=soon"), Err("INVALID_ISO_DATE_FORMAT".into()));
        assert_eq!(code("startDate=2026-11-02&endDate=2026-11-01"), Err("INVALID_DATE".into()));
    }

    #[test]
    fn a_date_alone_is_midnight_in_korea() {
        let midnight = parse_date("2026-11-01").unwrap();
        assert_eq!(midnight.to_rfc3339(), "2026-10-31T15:00:00+00:00");
    }
}
