//! The language of a page: Korean unless the visitor prefers English.

/// A language that the pages speak.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Language {
    Korean,
    English,
}

impl Language {
    /// The language that the address names, else the first of the browser's that is known, else Korean.
    pub(super) fn of(named: Option<&str>, accepted: &str) -> Self {
        let tags = named.into_iter().chain(accepted.split(','));
        tags.filter_map(Self::read).next().unwrap_or(Self::Korean)
    }

    fn read(tag: &str) -> Option<Self> {
        let tag = tag.trim().to_ascii_lowercase();
        match tag.split(['-', ';']).next() {
            Some("ko") => Some(Self::Korean),
            Some("en") => Some(Self::English),
            _ => None,
        }
    }

    /// The tag for `lang` attributes.
    pub(super) fn tag(self) -> &'static str {
        self.say("ko", "en")
    }

    /// Of the two texts the one in this language.
    pub(super) fn say<'a>(self, korean: &'a str, english: &'a str) -> &'a str {
        match self {
            Self::Korean => korean,
            Self::English => english,
        }
    }

    /// Won with thousands separators: `9,900원` or `₩9,900`.
    pub(super) fn won(self, amount: i64) -> String {
        let digits = amount.unsigned_abs().to_string();
        let mut grouped = String::new();
        for (at, digit) in digits.chars().enumerate() {
            if at > 0 && (digits.len() - at).is_multiple_of(3) {
                grouped.push(',');
            }
            grouped.push(digit);
        }
        let sign = if amount < 0 { "-" } else { "" };
        match self {
            Self::Korean => format!("{sign}{grouped}원"),
            Self::English => format!("{sign}₩{grouped}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_decides_then_the_browser_then_korea() {
        assert_eq!(Language::of(None, ""), Language::Korean);
        assert_eq!(Language::of(None, "fr-FR, en-GB;q=0.8, ko;q=0.5"), Language::English);
        assert_eq!(Language::of(Some("ko"), "en-US"), Language::Korean);
        assert_eq!(Language::of(Some("xx"), "en"), Language::English);
        assert_eq!(Language::of(None, "enx"), Language::Korean);
    }

    #[test]
    fn won_are_grouped_by_thousands() {
        let won = |amount| Language::Korean.won(amount);
        assert_eq!((won(0), won(999), won(9_900)), ("0원".into(), "999원".into(), "9,900원".into()));
        assert_eq!(won(1_234_567), "1,234,567원");
        assert_eq!(Language::English.won(-199_000), "-₩199,000");
    }
}
