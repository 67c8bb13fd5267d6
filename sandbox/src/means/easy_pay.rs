//! Easy-pay providers: the code a shop sends and the Korean name that answers show.

/// Codes and names; one provider has no documented Korean name and keeps its code.
const PROVIDERS: [(&str, &str); 10] = [
    ("TOSSPAY", "토스페이"),
    ("NAVERPAY", "네이버페이"),
    ("SAMSUNGPAY", "삼성페이"),
    ("APPLEPAY", "애플페이"),
    ("LPAY", "엘페이"),
    ("KAKAOPAY", "카카오페이"),
    ("PINPAY", "핀페이"),
    ("PAYCO", "페이코"),
    ("SSG", "SSG페이"),
    ("KBPAY", "KBPAY"),
];

/// The name shown for a provider's code.
pub(crate) fn name_of(code: &str) -> Option<&'static str> {
    PROVIDERS.iter().find(|(known, _)| *known == code).map(|(_, name)| *name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_become_names() {
        assert_eq!(name_of("TOSSPAY"), Some("토스페이"));
        assert_eq!(name_of("SSG"), Some("SSG페이"));
        assert_eq!(name_of("토스페이"), None);
    }
}
