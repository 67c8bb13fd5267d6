//! Korean names of the card companies, banks, securities firms and easy-pay providers that Toss names by code.

/// Korean name of a card issuer or acquirer by Toss's two-character code.
///
/// Codes are strings and case-sensitive. A code that also exists for banks means something else there.
pub fn card_issuer(code: &str) -> Option<&'static str> {
    name(CARDS, code)
}

/// Korean name of a bank or securities firm by Toss's two-character code.
///
/// Codes are strings and case-sensitive; some begin with a zero, which is part of the code.
pub fn bank(code: &str) -> Option<&'static str> {
    name(BANKS, code)
}

/// Every bank and securities firm: Toss's code and the Korean name.
pub fn banks() -> impl Iterator<Item = (&'static str, &'static str)> {
    BANKS.iter().copied()
}

/// Korean name of an easy-pay provider, by Toss's code or by that name itself.
///
/// Toss sends the Korean name in payments and the code elsewhere, so both are accepted.
pub fn easy_pay(provider: &str) -> Option<&'static str> {
    EASY_PAY.iter().find(|&&(code, name)| code == provider || name == provider).map(|&(_, name)| name)
}

/// Code and Korean name.
type Row = (&'static str, &'static str);

fn name(table: &[Row], code: &str) -> Option<&'static str> {
    table.iter().find(|row| row.0 == code).map(|row| row.1)
}

/// Card companies, from Toss's organisation codes.
const CARDS: &[Row] = &[
    ("11", "국민"),
    ("15", "카카오뱅크"),
    ("21", "하나"),
    ("24", "토스뱅크"),
    ("30", "산업"),
    ("31", "비씨"),
    // 우리 has two codes: this one for the cards that 비씨 acquires, W1 for those that it acquires itself.
    ("33", "우리"),
    ("34", "수협"),
    ("35", "전북"),
    ("36", "씨티"),
    ("37", "우체국"),
    ("38", "새마을"),
    ("39", "저축"),
    ("3A", "케이뱅크"),
    ("3C", "유니온페이"),
    ("3K", "기업비씨"),
    ("41", "신한"),
    ("42", "제주"),
    ("46", "광주"),
    ("4J", "JCB"),
    ("4M", "마스터"),
    ("4V", "비자"),
    ("51", "삼성"),
    ("61", "현대"),
    ("62", "신협"),
    ("6D", "다이너스"),
    ("71", "롯데"),
    ("7A", "아멕스"),
    ("91", "농협"),
    ("W1", "우리"),
];

/// Banks, then securities firms, from Toss's organisation codes. The two kinds share no code, so that one table
/// serves both.
const BANKS: &[Row] = &[
    ("02", "산업"),
    ("03", "기업"),
    ("06", "국민"),
    ("07", "수협"),
    ("11", "농협"),
    ("12", "단위농협"),
    ("20", "우리"),
    ("23", "SC제일"),
    ("27", "씨티"),
    // The bank calls itself iM뱅크 now; buyers know it by both names.
    ("31", "대구"),
    ("32", "부산"),
    ("34", "광주"),
    ("35", "제주"),
    ("37", "전북"),
    ("39", "경남"),
    ("45", "새마을"),
    ("48", "신협"),
    ("50", "저축"),
    ("54", "HSBC"),
    ("64", "산림"),
    ("71", "우체국"),
    ("81", "하나"),
    ("88", "신한"),
    ("89", "케이"),
    ("90", "카카오"),
    ("92", "토스"),
    ("S0", "유안타"),
    ("S2", "신한"),
    ("S3", "삼성"),
    ("S4", "KB"),
    ("S5", "미래에셋"),
    ("S6", "한국"),
    ("S8", "교보"),
    ("S9", "하이"),
    ("SA", "현대차"),
    ("SB", "키움"),
    ("SD", "SK"),
    ("SE", "대신"),
    ("SG", "한화"),
    ("SH", "하나"),
    ("SI", "DB"),
    ("SJ", "유진"),
    ("SK", "메리츠"),
    ("SL", "NH"),
    ("SM", "부국"),
    ("SN", "신영"),
    ("SO", "LIG"),
    ("SP", "KTB(다올)"),
    ("SQ", "카카오페이"),
    ("SR", "펀드온라인(한국포스)"),
    ("ST", "토스"),
];

/// Easy-pay providers, from Toss's organisation codes.
const EASY_PAY: &[Row] = &[
    ("TOSSPAY", "토스페이"),
    ("NAVERPAY", "네이버페이"),
    ("SAMSUNGPAY", "삼성페이"),
    ("APPLEPAY", "애플페이"),
    ("LPAY", "엘페이"),
    ("KAKAOPAY", "카카오페이"),
    ("PINPAY", "핀페이"),
    ("PAYCO", "페이코"),
    ("SSG", "SSG페이"),
    ("KBPAY", "KB페이"),
];

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn the_tables_are_complete() {
        assert_eq!(CARDS.len(), 30);
        assert_eq!(BANKS.iter().filter(|row| !row.0.starts_with('S')).count(), 26);
        assert_eq!(BANKS.iter().filter(|row| row.0.starts_with('S')).count(), 25);
        assert_eq!(EASY_PAY.len(), 10);
    }

    #[test]
    fn no_code_is_listed_twice() {
        for table in [CARDS, BANKS, EASY_PAY] {
            let codes: HashSet<_> = table.iter().map(|row| row.0).collect();
            assert_eq!(codes.len(), table.len());
        }
    }

    #[test]
    fn institution_codes_have_two_characters_and_every_row_a_name() {
        for row in CARDS.iter().chain(BANKS) {
            let two = row.0.len() == 2;
            assert!(two && row.0.bytes().all(|b| b.is_ascii_digit() || b.is_ascii_uppercase()), "{row:?}");
        }
        for row in CARDS.iter().chain(BANKS).chain(EASY_PAY) {
            assert!(!row.1.is_empty() && row.1.trim() == row.1, "{row:?}");
        }
    }

    #[test]
    fn cards_and_banks_give_the_same_code_to_different_institutions() {
        for (code, card, account) in [
            ("31", "비씨", "대구"),
            ("34", "수협", "광주"),
            ("35", "전북", "제주"),
            ("37", "우체국", "전북"),
            ("39", "저축", "경남"),
            ("71", "롯데", "우체국"),
        ] {
            assert_eq!((card_issuer(code), bank(code)), (Some(card), Some(account)), "{code}");
        }
        assert_eq!((card_issuer("11"), bank("11")), (Some("국민"), Some("농협")));
        assert_eq!((card_issuer("51"), bank("51")), (Some("삼성"), None));
        assert_eq!((card_issuer("88"), bank("88")), (None, Some("신한")));
    }

    #[test]
    fn a_code_is_a_string_and_not_a_number() {
        assert_eq!(bank("02"), Some("산업"));
        assert_eq!(bank("06"), Some("국민"));
        for code in ["", "2", "6", "002", "092", " 06"] {
            assert_eq!(bank(code), None, "{code:?}");
        }
    }

    #[test]
    fn letters_and_their_case_count() {
        assert_eq!(card_issuer("3K"), Some("기업비씨"));
        assert_eq!(card_issuer("W1"), card_issuer("33"));
        assert_eq!(bank("SQ"), Some("카카오페이"));
        assert_eq!(card_issuer("3k"), None);
        assert_eq!(bank("sq"), None);
        assert_eq!(easy_pay("tosspay"), None);
    }

    #[test]
    fn an_easy_pay_provider_is_known_by_code_and_by_name() {
        for &(code, name) in EASY_PAY {
            assert_eq!(easy_pay(code), Some(name));
            assert_eq!(easy_pay(name), Some(name));
        }
        assert_eq!(easy_pay("PAYPAL"), None);
    }
}
