//! What a buyer can choose in the window: demo cards, wallets, banks, carriers, and what should go wrong.

use std::time::Duration;

use crate::faults::{Fault, FaultKind, Operation};

/// Something to pick: the value that a form sends, and its name in both languages.
#[derive(Debug)]
pub(super) struct Choice {
    pub(super) value: &'static str,
    pub(super) korean: &'static str,
    pub(super) english: &'static str,
}

const fn choice(value: &'static str, korean: &'static str, english: &'static str) -> Choice {
    Choice { value, korean, english }
}

/// A demo card: what its number does is decided by the number itself, at the confirm.
#[derive(Debug)]
pub(super) struct DemoCard {
    pub(super) choice: Choice,
    pub(super) number: &'static str,
    /// The end of the number, which is all that the window shows.
    pub(super) end: &'static str,
    /// What will come of it, in both languages.
    pub(super) outcome: (&'static str, &'static str),
    /// Whether the payment goes through.
    pub(super) approves: bool,
}

pub(super) const CARDS: [DemoCard; 5] = [
    DemoCard {
        choice: choice("approve", "현대 신용카드", "Hyundai credit card"),
        number: "9410190000001234",
        end: "1234",
        outcome: ("승인됩니다", "is approved"),
        approves: true,
    },
    DemoCard {
        choice: choice("check", "토스뱅크 체크카드", "Toss Bank check card"),
        number: "9420180000005678",
        end: "5678",
        outcome: ("승인됩니다", "is approved"),
        approves: true,
    },
    DemoCard {
        choice: choice("insufficient", "잔액 부족 카드", "Card without funds"),
        number: "4000000000000001",
        end: "0001",
        outcome: ("REJECT_CARD_PAYMENT", "REJECT_CARD_PAYMENT"),
        approves: false,
    },
    DemoCard {
        choice: choice("declined", "거절되는 카드", "Declined card"),
        number: "4000000000000002",
        end: "0002",
        outcome: ("REJECT_CARD_COMPANY", "REJECT_CARD_COMPANY"),
        approves: false,
    },
    DemoCard {
        choice: choice("stopped", "정지된 카드", "Suspended card"),
        number: "4000000000000004",
        end: "0004",
        outcome: ("INVALID_STOPPED_CARD", "INVALID_STOPPED_CARD"),
        approves: false,
    },
];

pub(super) const PROVIDERS: [Choice; 3] = [
    choice("TOSSPAY", "토스페이", "Toss Pay"),
    choice("KAKAOPAY", "카카오페이", "Kakao Pay"),
    choice("NAVERPAY", "네이버페이", "Naver Pay"),
];

pub(super) const BANKS: [Choice; 8] = [
    choice("88", "신한은행", "Shinhan Bank"),
    choice("06", "KB국민은행", "KB Kookmin Bank"),
    choice("20", "우리은행", "Woori Bank"),
    choice("81", "하나은행", "Hana Bank"),
    choice("11", "NH농협은행", "NH Nonghyup Bank"),
    choice("03", "IBK기업은행", "IBK"),
    choice("45", "새마을금고", "MG Community Credit"),
    choice("71", "우체국", "Korea Post"),
];

pub(super) const CARRIERS: [Choice; 4] = [
    choice("SKT", "SKT", "SKT"),
    choice("KT", "KT", "KT"),
    choice("LGU", "LG U+", "LG U+"),
    choice("MVNO", "알뜰폰", "Budget carrier"),
];

/// The bank's name by its code, or the code itself.
pub(super) fn bank(code: &str) -> (&str, &str) {
    let known = BANKS.iter().find(|bank| bank.value == code);
    known.map_or((code, code), |bank| (bank.korean, bank.english))
}

/// What should go wrong with the shop's confirm of this payment.
#[derive(Debug)]
pub(super) struct Mishap {
    pub(super) choice: Choice,
    fault: Option<FaultKind>,
}

pub(super) const MISHAPS: [Mishap; 4] = [
    Mishap { choice: choice("none", "아무 문제 없음", "Nothing"), fault: None },
    Mishap {
        choice: choice(
            "answer-lost",
            "승인은 되지만 응답이 사라짐",
            "It is approved, and the answer gets lost",
        ),
        fault: Some(FaultKind::DropAfter),
    },
    Mishap {
        choice: choice("request-lost", "승인 요청이 도중에 사라짐", "The request gets lost on its way"),
        fault: Some(FaultKind::DropBefore),
    },
    Mishap {
        choice: choice("slow", "토스 응답이 5초 늦음", "Toss answers five seconds late"),
        fault: Some(FaultKind::Delay),
    },
];

impl Mishap {
    /// The fault that strikes the next confirm of this order, once.
    pub(super) fn fault(&self, order_id: &str) -> Option<Fault> {
        let kind = self.fault?;
        let fault = Fault::new(Operation::Confirm, kind).for_order(order_id);
        Some(if kind == FaultKind::Delay { fault.delay(Duration::from_secs(5)) } else { fault })
    }
}
