//! Amounts and times as people read them.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;

use crate::http::language::Language;

/// `9,900원`, or `₩9,900` in English; with a minus sign in front where it is one.
pub fn won(amount: i64, language: Language) -> String {
    let digits = amount.unsigned_abs().to_string();
    let mut grouped = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    let sign = if amount < 0 { "-" } else { "" };
    match language {
        Language::Korean => format!("{sign}{grouped}원"),
        Language::English => format!("{sign}₩{grouped}"),
    }
}

/// A day, such as `2026년 11월 21일` or `21 November 2026`.
pub fn date(at: DateTime<Utc>, zone: Tz, language: Language) -> String {
    let local = at.with_timezone(&zone);
    match language {
        Language::Korean => local.format("%Y년 %-m월 %-d일").to_string(),
        Language::English => local.format("%-d %B %Y").to_string(),
    }
}

/// A day and a time; the zone's name goes along in English, where it is not taken for granted.
pub fn instant(at: DateTime<Utc>, zone: Tz, language: Language) -> String {
    let local = at.with_timezone(&zone);
    match language {
        Language::Korean => local.format("%Y년 %-m월 %-d일 %H:%M").to_string(),
        Language::English => local.format("%-d %B %Y, %H:%M %Z").to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn won_is_grouped_by_thousands() {
        for (amount, korean, english) in [
            (0, "0원", "₩0"),
            (900, "900원", "₩900"),
            (9_900, "9,900원", "₩9,900"),
            (1_234_567, "1,234,567원", "₩1,234,567"),
            (-9_900, "-9,900원", "-₩9,900"),
        ] {
            assert_eq!(won(amount, Language::Korean), korean);
            assert_eq!(won(amount, Language::English), english);
        }
        assert_eq!(won(i64::MIN, Language::Korean), "-9,223,372,036,854,775,808원");
    }

    #[test]
    fn times_are_local() {
        let at = DateTime::from_timestamp(1_795_273_200, 0).expect("in range");
        let zone = chrono_tz::Asia::Seoul;
        assert_eq!(instant(at, zone, Language::Korean), "2026년 11월 22일 00:00");
        assert_eq!(instant(at, zone, Language::English), "22 November 2026, 00:00 KST");
        assert_eq!(date(at, zone, Language::Korean), "2026년 11월 22일");
    }
}
