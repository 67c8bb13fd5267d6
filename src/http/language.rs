//! Korean or English, by `Accept-Language`; Korean unless English is clearly preferred.

use poem::Request;
use poem::http::header::{ACCEPT_LANGUAGE, COOKIE};

/// A language that `detail` can be in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Language {
    /// 한국어, the default.
    Korean,
    /// English.
    English,
}

impl Language {
    /// What the caller prefers.
    pub fn of(request: &Request) -> Self {
        let header = request.headers().get(ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
        header.map_or(Self::Korean, Self::preferred)
    }

    /// What a page is shown in: as the link says, else as was last chosen, else as the browser prefers.
    pub fn of_page(request: &Request) -> Self {
        let cookies = request.headers().get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
        let mut chosen = cookies.flat_map(|value| value.split(';')).map(str::trim);
        let chosen = || chosen.find_map(|pair| Self::named(pair.strip_prefix("lang=")?));
        Self::asked(request).or_else(chosen).unwrap_or_else(|| Self::of(request))
    }

    /// What the link itself asks for, by `lang`.
    pub fn asked(request: &Request) -> Option<Self> {
        let query = request.uri().query().unwrap_or_default();
        let mut pairs = url::form_urlencoded::parse(query.as_bytes());
        pairs.find(|(name, _)| name == "lang").and_then(|(_, value)| Self::named(&value))
    }

    fn named(name: &str) -> Option<Self> {
        match name {
            "ko" => Some(Self::Korean),
            "en" => Some(Self::English),
            _ => None,
        }
    }

    fn preferred(header: &str) -> Self {
        if weight(header, "en") > weight(header, "ko") { Self::English } else { Self::Korean }
    }
}

/// How much `wanted` is wanted, in thousandths; 0 when it is not named.
fn weight(header: &str, wanted: &str) -> u32 {
    let named = header.split(',').take(32).filter_map(|part| {
        let mut pieces = part.split(';').map(str::trim);
        let tag = pieces.next()?.to_ascii_lowercase();
        let named = tag == wanted || tag.strip_prefix(wanted).is_some_and(|rest| rest.starts_with('-'));
        let quality = pieces.find_map(|piece| piece.strip_prefix("q=")).unwrap_or("1");
        named.then(|| thousandths(quality))
    });
    named.max().unwrap_or(0)
}

/// A quality of `0` to `1` with up to three decimals, times 1000.
fn thousandths(quality: &str) -> u32 {
    let (whole, decimals) = quality.split_once('.').unwrap_or((quality, ""));
    let decimals: String = decimals.chars().chain("000".chars()).take(3).collect();
    let (whole, decimals) = (whole.parse().unwrap_or(0), decimals.parse().unwrap_or(0));
    (1_000 * u32::min(whole, 1) + decimals).min(1_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn korean_unless_english_is_clearly_preferred() {
        for (header, language) in [
            ("", Language::Korean),
            ("fr", Language::Korean),
            ("*", Language::Korean),
            ("en", Language::English),
            ("en-US,en;q=0.9,ko;q=0.8", Language::English),
            ("ko-KR,ko;q=0.9,en;q=0.8", Language::Korean),
            ("ko;q=0.2, en-GB;q=0.25", Language::English),
            ("en;q=0", Language::Korean),
        ] {
            assert_eq!(Language::preferred(header), language, "{header:?}");
        }
    }
}
