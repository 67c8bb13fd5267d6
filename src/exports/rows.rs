//! Turns the pages of a list into the bytes of a CSV file, page by page.

use chrono::{DateTime, SecondsFormat, Utc};
use futures_util::StreamExt;
use futures_util::stream::{self, BoxStream};
use sea_orm::{ActiveEnum, DbErr};

use crate::http::page::{Page, PageRequest};

/// Rows that one query reads at most.
const BATCH: usize = 1_000;
/// Tells Excel that the text is UTF-8.
const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

/// The bytes of a CSV file, in pieces of at most a batch. After an error nothing follows: whoever sends them must break the
/// answer off, so that half a file is not taken for a whole one.
pub type Csv = BoxStream<'static, Result<Vec<u8>, ExportError>>;

/// Why an export broke off.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The database's own.
    #[error(transparent)]
    Database(#[from] DbErr),
    /// A row that cannot be written.
    #[error(transparent)]
    Csv(#[from] csv::Error),
}

impl From<ExportError> for std::io::Error {
    fn from(error: ExportError) -> Self {
        Self::other(error)
    }
}

/// One field of a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Cell(String);

impl Cell {
    /// A text that somebody may have chosen. Where a spreadsheet may take it for a formula, an apostrophe comes first:
    /// some do so behind blanks, and some with the wide signs of East Asian keyboards.
    pub(super) fn text(text: impl Into<String>) -> Self {
        let text = text.into();
        let begins = text.trim_start().starts_with(['=', '+', '-', '@', '＝', '＋', '－', '＠']);
        let formula = begins || text.starts_with(['\t', '\r', '\n']);
        Self(if formula { format!("'{text}") } else { text })
    }

    /// A text, where there is one.
    pub(super) fn maybe(text: Option<impl Into<String>>) -> Self {
        text.map_or_else(|| Self(String::new()), Self::text)
    }

    /// A number.
    pub(super) fn number(number: i64) -> Self {
        Self(number.to_string())
    }

    /// Yes or no.
    pub(super) fn flag(flag: bool) -> Self {
        Self(flag.to_string())
    }

    /// One of our own words.
    pub(super) fn word<E: ActiveEnum<Value = String>>(word: &E) -> Self {
        Self(word.to_value())
    }

    /// An instant.
    pub(super) fn instant(at: DateTime<Utc>) -> Self {
        Self(at.to_rfc3339_opts(SecondsFormat::AutoSi, true))
    }

    /// An instant, where there is one.
    pub(super) fn maybe_instant(at: Option<DateTime<Utc>>) -> Self {
        at.map_or_else(|| Self(String::new()), Self::instant)
    }
}

/// The file whose first row is `header` and whose others are what `read` gives, from the first page of the list `name` to the
/// last. The next page is read when somebody wants the next piece.
pub(super) fn stream<F, R>(name: &'static str, header: &'static [&'static str], read: F) -> Csv
where
    F: Fn(PageRequest) -> R + Send + 'static,
    R: Future<Output = Result<Page<Vec<Cell>>, DbErr>> + Send,
{
    let first = PageRequest::first_of(name, BATCH);
    let pages = stream::try_unfold((Some(first), read), |(wanted, read)| async move {
        let Some(wanted) = wanted else { return Ok(None) };
        let page = read(wanted.clone()).await?;
        let next = wanted.behind(&page);
        let piece = lines(page.items.iter().map(|row| row.iter().map(|cell| cell.0.as_str())))?;
        Ok::<_, ExportError>(Some((piece, (next, read))))
    });
    let head = lines([header.iter().copied()]).map(|line| [BYTE_ORDER_MARK, &line].concat());
    stream::once(std::future::ready(head)).chain(pages).boxed()
}

fn lines<'a>(
    rows: impl IntoIterator<Item = impl IntoIterator<Item = &'a str>>,
) -> Result<Vec<u8>, ExportError> {
    let mut writer = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(Vec::new());
    for row in rows {
        writer.write_record(row)?;
    }
    writer.into_inner().map_err(|error| csv::Error::from(error.into_error()).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_spreadsheet_would_run_is_only_text() {
        for text in [
            "=1+1",
            "+82",
            "-1",
            "@SUM(A1)",
            "\t=1",
            "\r=1",
            "＝1+1",
            "＋82",
            "－1",
            "＠SUM",
            " =1",
            "\u{3000}＝1",
        ] {
            assert_eq!(Cell::text(text), Cell(format!("'{text}")));
        }
        assert_eq!(Cell::text("변심 = 환불"), Cell("변심 = 환불".to_owned()));
        assert_eq!(Cell::number(-1), Cell("-1".to_owned()));
    }

    #[test]
    fn commas_quotes_and_line_ends_stay_inside_their_cell() {
        let line = lines([["a,b", "say \"no\"", "two\nlines", ""]]).expect("written");
        assert_eq!(String::from_utf8(line).expect("text"), "\"a,b\",\"say \"\"no\"\"\",\"two\nlines\",\r\n");
    }
}
