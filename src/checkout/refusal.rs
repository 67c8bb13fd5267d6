//! What a buyer is told of a try that failed: our own words for what a browser brings, Toss's for what Toss says.

use super::standing::Refusal;
use crate::pages::Shell;

/// What Toss's window says when the buyer has closed it.
pub(super) const CLOSED: &str = "PAY_PROCESS_CANCELED";

impl Refusal {
    /// Why it failed, in the page's language as far as we have words for it.
    pub(super) fn words<'a>(&'a self, shell: &Shell) -> &'a str {
        let known = match self.failure.code.as_str() {
            CLOSED => Some(("결제창을 닫았습니다.", "You closed the payment window.")),
            "PAY_PROCESS_ABORTED" => {
                Some(("결제창에서 결제가 중단되었습니다.", "The payment window gave up."))
            }
            "REJECT_CARD_COMPANY" => Some(("카드사가 승인을 거절했습니다.", "The card company declined.")),
            "REJECT_CARD_PAYMENT" => {
                Some(("한도 초과 또는 잔액 부족입니다.", "The limit is reached or the balance is too low."))
            }
            "INVALID_STOPPED_CARD" => Some(("정지된 카드입니다.", "The card is blocked.")),
            _ => None,
        };
        match known {
            Some((korean, english)) => shell.say(korean, english),
            None if self.by_toss => &self.failure.message,
            None => "",
        }
    }

    /// The code, where it looks like one.
    pub(super) fn code(&self) -> Option<&str> {
        Some(self.failure.code.as_str()).filter(|code| !code.is_empty())
    }
}
