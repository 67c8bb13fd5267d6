//! Pages of a list: newest first, by cursor, stable while rows are added.

use std::cmp::Reverse;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use sea_orm::sea_query::{Expr, ExprTrait};
use sea_orm::{
    ColumnTrait, ConnectionTrait, DbErr, EntityTrait, Order, QueryFilter, QueryOrder, QuerySelect, Select,
};

use super::fields::{Fault, FieldError};

/// Which part of a list is wanted.
#[derive(Clone, Debug)]
pub struct PageRequest {
    list: &'static str,
    limit: u64,
    after: Option<Cursor>,
}

/// The last row of the page before.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Cursor {
    at: DateTime<Utc>,
    id: String,
}

/// One page of a list.
#[derive(Clone, Debug)]
pub struct Page<T> {
    /// The rows, newest first.
    pub items: Vec<T>,
    /// Where the next page begins; none at the end.
    pub next_cursor: Option<String>,
}

impl PageRequest {
    /// Rows on a page unless the caller says otherwise.
    const DEFAULT_LIMIT: u32 = 20;
    /// Rows on a page at most.
    const MAX_LIMIT: u32 = 100;

    /// Reads `?limit=` and `?cursor=` of the list named `list`, whose cursors no other list takes.
    ///
    /// # Errors
    /// The field that makes no sense.
    pub fn parse(list: &'static str, limit: Option<u32>, cursor: Option<&str>) -> Result<Self, FieldError> {
        let limit = limit.unwrap_or(Self::DEFAULT_LIMIT);
        if !(1..=Self::MAX_LIMIT).contains(&limit) {
            return Err(FieldError::new("limit", Fault::Range { min: 1, max: Self::MAX_LIMIT.into() }));
        }
        let after = match cursor {
            Some(text) => Some(Cursor::decode(list, text).ok_or(FieldError::new("cursor", Fault::Cursor))?),
            None => None,
        };
        Ok(Self { list, limit: limit.into(), after })
    }

    /// Reads `?limit=` and `?cursor=` of a list that consists of the lists named `parts`, one after the other. Returns
    /// the number of the part in which the page begins as well.
    ///
    /// # Errors
    /// The field that makes no sense.
    pub fn parse_parts(
        parts: &[&'static str],
        limit: Option<u32>,
        cursor: Option<&str>,
    ) -> Result<(usize, Self), FieldError> {
        let found = cursor.map(|text| parts.iter().position(|part| Cursor::decode(part, text).is_some()));
        let number = found.unwrap_or(Some(0)).ok_or(FieldError::new("cursor", Fault::Cursor))?;
        let part = parts.get(number).ok_or(FieldError::new("cursor", Fault::Cursor))?;
        Ok((number, Self::parse(part, limit, cursor)?))
    }

    /// The first page of the list named `list`, with at most `limit` rows.
    pub fn first_of(list: &'static str, limit: usize) -> Self {
        Self { list, limit: u64::try_from(limit).unwrap_or(u64::MAX), after: None }
    }

    /// The page that comes behind `page`, which this request gave; none at the end.
    pub fn behind<T>(&self, page: &Page<T>) -> Option<Self> {
        let after = Cursor::decode(self.list, page.next_cursor.as_deref()?)?;
        Some(Self { after: Some(after), ..self.clone() })
    }

    /// The cursor that was asked for, as we write it.
    pub(crate) fn cursor(&self) -> Option<String> {
        self.after.as_ref().map(|after| after.encode(self.list))
    }

    /// Rows on the page at most.
    pub fn limit(&self) -> usize {
        usize::try_from(self.limit).unwrap_or(usize::MAX)
    }

    /// The cursor of what comes behind a row.
    pub fn cursor_behind(list: &str, at: DateTime<Utc>, id: &str) -> String {
        Cursor { at, id: id.to_owned() }.encode(list)
    }

    /// The page out of `all`, which is ordered by the id alone.
    pub fn of_all<T>(&self, all: Vec<T>, key: impl Fn(&T) -> (DateTime<Utc>, String)) -> Page<T> {
        let begun = |item: &T| self.after.as_ref().is_none_or(|after| key(item).1 > after.id);
        self.cut(all.into_iter().filter(begun).take(self.limit().saturating_add(1)).collect(), key)
    }

    /// The page out of its rows and at most one more.
    fn cut<T>(&self, mut items: Vec<T>, key: impl Fn(&T) -> (DateTime<Utc>, String)) -> Page<T> {
        let more = items.len() > self.limit();
        items.truncate(self.limit());
        let last = items.last().filter(|_| more).map(key);
        let next_cursor = last.map(|(at, id)| Self::cursor_behind(self.list, at, &id));
        Page { items, next_cursor }
    }
}

impl Cursor {
    fn encode(&self, list: &str) -> String {
        URL_SAFE_NO_PAD.encode(format!("{list}.{}.{}", self.at.timestamp_micros(), self.id))
    }

    fn decode(list: &str, text: &str) -> Option<Self> {
        if text.len() > 512 {
            return None;
        }
        let plain = String::from_utf8(URL_SAFE_NO_PAD.decode(text).ok()?).ok()?;
        let (micros, id) = plain.strip_prefix(list)?.strip_prefix('.')?.split_once('.')?;
        let at = DateTime::from_timestamp_micros(micros.parse().ok()?)?;
        // PostgreSQL knows no instants far before our era.
        if !(1970..10_000).contains(&chrono::Datelike::year(&at)) {
            return None;
        }
        // The characters of Toss's payment keys, which have more than ours.
        let sane = |byte: u8| byte.is_ascii_alphanumeric() || b"-_=.".contains(&byte);
        (!id.is_empty() && id.bytes().all(sane)).then(|| Self { at, id: id.to_owned() })
    }
}

impl<T> Page<T> {
    /// The same page of something else.
    pub fn map<U>(self, view: impl FnMut(T) -> U) -> Page<U> {
        Page { items: self.items.into_iter().map(view).collect(), next_cursor: self.next_cursor }
    }
}

/// Reads one page of `query` by the columns of time and id, which together must be unique and indexed.
///
/// # Errors
/// The database's own.
pub async fn page_of<E: EntityTrait>(
    db: &impl ConnectionTrait,
    query: Select<E>,
    columns: (E::Column, E::Column),
    request: &PageRequest,
    key: impl Fn(&E::Model) -> (DateTime<Utc>, String),
) -> Result<Page<E::Model>, DbErr> {
    page_of_parts(db, vec![query], columns, request, key).await
}

/// Reads one page of what `parts` find together, as [`page_of`] does of one. A row that moves meanwhile from one part to a later
/// one is found, once; so parts that rows leave come before those that they enter.
///
/// # Errors
/// The database's own.
pub async fn page_of_parts<E: EntityTrait>(
    db: &impl ConnectionTrait,
    parts: Vec<Select<E>>,
    (time, id): (E::Column, E::Column),
    request: &PageRequest,
    key: impl Fn(&E::Model) -> (DateTime<Utc>, String),
) -> Result<Page<E::Model>, DbErr> {
    let place = || Expr::tuple([Expr::col(time.as_column_ref()), Expr::col(id.as_column_ref())]);
    let at = |(at, id): (DateTime<Utc>, String)| Expr::tuple([Expr::value(at), Expr::value(id)]);
    // One more than the page has, by which it is known whether there are more.
    let most = request.limit().saturating_add(1);
    let mut rows: Vec<E::Model> = Vec::new();
    for part in parts {
        let mut query = part.order_by(time, Order::Desc).order_by(id, Order::Desc).limit(request.limit + 1);
        if let Some(after) = &request.after {
            query = query.filter(place().lt(at((after.at, after.id.clone()))));
        }
        // What comes behind enough others is not even read.
        if let Some(last) = rows.last().filter(|_| rows.len() >= most) {
            query = query.filter(place().gt(at(key(last))));
        }
        rows.extend(query.all(db).await?);
        rows.sort_by_cached_key(|row| Reverse(key(row)));
        rows.dedup_by_key(|row| key(row));
        rows.truncate(most);
    }
    Ok(request.cut(rows, key))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_cursor_survives_the_trip() {
        let cursor = Cursor {
            at: DateTime::from_timestamp_micros(1_800_000_000_123_456).expect("ok"),
            id: "ord-1_A".into(),
        };
        assert_eq!(Cursor::decode("plans", &cursor.encode("plans")), Some(cursor.clone()));
        assert_eq!(Cursor::decode("payments", &cursor.encode("plans")), None);
    }

    proptest! {
        #[test]
        fn no_text_makes_the_reader_of_cursors_panic(text in ".*") {
            let _ = Cursor::decode("", &text);
            let _ = Cursor::decode("", &URL_SAFE_NO_PAD.encode(text));
        }
    }
}
