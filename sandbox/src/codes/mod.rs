//! The error codes of Toss Payments, each with its HTTP status and its message in Korean and English.
//!
//! The tables are text so that a code stays one readable line. Statuses follow the documented tables;
//! where only a name is documented the status is 400. The messages are ours wherever Toss's wording
//! was not at hand: a client must never depend on them.

use std::{collections::HashMap, sync::LazyLock};

/// One documented error code.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Code {
    pub(crate) code: &'static str,
    pub(crate) status: u16,
    pub(crate) korean: &'static str,
    pub(crate) english: &'static str,
}

const TABLES: [&str; 3] =
    [include_str!("confirm.txt"), include_str!("cancel.txt"), include_str!("other.txt")];

static CODES: LazyLock<HashMap<&'static str, Code>> = LazyLock::new(|| {
    TABLES.iter().flat_map(|table| table.lines()).filter_map(parse).map(|code| (code.code, code)).collect()
});

/// Finds a code by its name.
pub(crate) fn find(name: &str) -> Option<&'static Code> {
    CODES.get(name)
}

fn parse(line: &'static str) -> Option<Code> {
    let mut parts = line.split('|');
    let code = parts.next()?;
    let status = parts.next()?.parse().ok()?;
    let korean = parts.next()?;
    let english = parts.next()?;
    parts.next().is_none().then_some(Code { code, status, korean, english })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_is_a_code_and_none_is_written_twice() {
        let lines: Vec<_> = TABLES.iter().flat_map(|table| table.lines()).collect();
        for line in &lines {
            let code = parse(line).unwrap_or_else(|| panic!("not a code: {line}"));
            assert!((400..=500).contains(&code.status), "{line}");
            assert!(!code.korean.is_empty() && code.english.is_ascii(), "{line}");
        }
        assert_eq!(CODES.len(), lines.len());
    }

    #[test]
    fn statuses_follow_the_documented_tables() {
        for (name, status) in [
            ("REJECT_CARD_PAYMENT", 403),
            ("PROVIDER_ERROR", 400),
            ("NOT_FOUND_PAYMENT_SESSION", 404),
            ("NOT_CANCELABLE_AMOUNT", 403),
            ("ALREADY_CANCELED_PAYMENT", 400),
            ("IDEMPOTENT_REQUEST_PROCESSING", 409),
            ("COMMON_ERROR", 500),
        ] {
            assert_eq!(find(name).map(|code| code.status), Some(status), "{name}");
        }
        assert_eq!(find("NO_SUCH_CODE"), None);
    }
}
