//! The sandbox's cards: which issuer a number belongs to, and which numbers are declined.

use crate::refusal::Refusal;

/// A card as the payment shows it.
#[derive(Debug, Clone)]
pub(crate) struct Card {
    pub(crate) issuer: &'static str,
    pub(crate) acquirer: &'static str,
    pub(crate) masked: String,
    pub(crate) kind: &'static str,
    pub(crate) owner: &'static str,
    /// The code with which a confirm is declined.
    pub(crate) declined: Option<&'static str>,
}

/// The number a buyer "enters" when nobody chose one: a personal credit card of Samsung (51).
pub(crate) const DEFAULT_NUMBER: &str = "9410120000000001";

/// Issuer codes by digits 5 and 6 of a number that begins with 9410, 9420 or 9430.
const ISSUERS: [&str; 30] = [
    "21", "3K", "46", "71", "30", "31", "38", "41", "62", "36", "33", "W1", "51", "37", "39", "35", "15",
    "3A", "24", "61", "11", "91", "34", "6D", "4M", "3C", "7A", "4J", "4V", "42",
];

/// The issuer of every number that no prefix claims.
const DEFAULT_ISSUER: &str = "51";

/// Cards that are declined, by the last four digits of a number that begins with 400000000000.
const DECLINED: [&str; 16] = [
    "REJECT_CARD_PAYMENT",
    "REJECT_CARD_COMPANY",
    "INVALID_CARD_EXPIRATION",
    "INVALID_STOPPED_CARD",
    "INVALID_CARD_LOST_OR_STOLEN",
    "EXCEED_MAX_AMOUNT",
    "EXCEED_MAX_DAILY_PAYMENT_COUNT",
    "EXCEED_MAX_PAYMENT_AMOUNT",
    "INVALID_REJECT_CARD",
    "FDS_ERROR",
    "INVALID_CARD_NUMBER",
    "NOT_SUPPORTED_INSTALLMENT_PLAN_CARD_OR_MERCHANT",
    "EXCEED_MAX_ONE_DAY_AMOUNT",
    "INVALID_PASSWORD",
    "PROVIDER_ERROR",
    "CARD_PROCESSING_ERROR",
];

impl Card {
    /// Reads a card number of 14 to 19 digits; spaces and dashes are allowed.
    pub(crate) fn of(number: &str) -> Result<Self, Refusal> {
        let digits: String = number.chars().filter(|c| !matches!(c, ' ' | '-')).collect();
        if !(14..=19).contains(&digits.len()) || !digits.bytes().all(|b| b.is_ascii_digit()) {
            return Err(Refusal::new("INVALID_CARD_NUMBER"));
        }
        let issuer = issuer_of(&digits);
        let (kind, owner) = match digits.get(..4) {
            Some("9420") => ("체크", "개인"),
            Some("9430") => ("신용", "법인"),
            _ => ("신용", "개인"),
        };
        Ok(Self {
            issuer,
            acquirer: acquirer_of(issuer),
            masked: mask(&digits),
            kind,
            owner,
            declined: declined_by(&digits),
        })
    }
}

fn issuer_of(digits: &str) -> &'static str {
    if !["9410", "9420", "9430"].iter().any(|prefix| digits.starts_with(prefix)) {
        return DEFAULT_ISSUER;
    }
    let index: Option<usize> = digits.get(4..6).and_then(|text| text.parse().ok());
    index.and_then(|index| ISSUERS.get(index).copied()).unwrap_or(DEFAULT_ISSUER)
}

/// BC acquires for two of the issuers; the others acquire for themselves here.
fn acquirer_of(issuer: &'static str) -> &'static str {
    match issuer {
        "3K" | "33" => "31",
        own => own,
    }
}

fn declined_by(digits: &str) -> Option<&'static str> {
    let number: usize = digits.strip_prefix("400000000000")?.parse().ok()?;
    number.checked_sub(1).and_then(|index| DECLINED.get(index).copied())
}

/// Hides digits 9 to 12 and the last one, as in `43301234****123*`.
fn mask(digits: &str) -> String {
    let last = digits.len().saturating_sub(1);
    let hide = |(at, digit)| if (8..12).contains(&at) || at == last { '*' } else { digit };
    digits.chars().enumerate().map(hide).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codes;

    #[test]
    fn prefixes_choose_issuer_kind_and_owner() {
        let card = Card::of("9410 0012-3456 7890").unwrap();
        assert_eq!((card.issuer, card.kind, card.owner), ("21", "신용", "개인"));
        assert_eq!(Card::of("9420190000000000").unwrap().issuer, "61");
        assert_eq!(Card::of("9420190000000000").unwrap().kind, "체크");
        assert_eq!(Card::of("9430010000000000").unwrap().owner, "법인");
        assert_eq!(Card::of("9430010000000000").unwrap().acquirer, "31");
        assert_eq!(Card::of("9410990000000000").unwrap().issuer, "51");
        assert_eq!(Card::of("5555555555554444").unwrap().issuer, "51");
        assert_eq!(Card::of(DEFAULT_NUMBER).unwrap().issuer, "51");
    }

    #[test]
    fn declined_cards_carry_a_documented_code() {
        for (index, code) in DECLINED.iter().enumerate() {
            let card = Card::of(&format!("400000000000{:04}", index + 1)).unwrap();
            assert_eq!(card.declined, Some(*code));
            assert!(codes::find(code).is_some(), "{code}");
        }
        assert_eq!(Card::of("4000000000009999").unwrap().declined, None);
        assert_eq!(Card::of("4000000000000000").unwrap().declined, None);
    }

    #[test]
    fn numbers_are_masked_and_checked() {
        assert_eq!(Card::of("4330123456781234").unwrap().masked, "43301234****123*");
        for bad in
            ["", "941000", "94100012345678901234", "9410001234567a90", "９４１０００１２３４５６７８９０"]
        {
            assert_eq!(Card::of(bad).unwrap_err().code(), "INVALID_CARD_NUMBER", "{bad}");
        }
    }
}
