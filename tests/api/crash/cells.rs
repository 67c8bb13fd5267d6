//! The dimensions of the matrix: what is asked of Toss, and what goes wrong with it.

use std::time::Duration;

use toss_sandbox::{Fault, FaultKind, Operation};

/// What a caller asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ask {
    /// A confirmation.
    Confirm,
    /// A full refund.
    Cancel,
}

impl Ask {
    pub(crate) const ALL: [Ask; 2] = [Ask::Confirm, Ask::Cancel];

    fn operation(self) -> Operation {
        match self {
            Self::Confirm => Operation::Confirm,
            Self::Cancel => Operation::Cancel,
        }
    }
}

/// What goes wrong at Toss with the first call of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trouble {
    None,
    LostBefore,
    LostAfter,
    LateBefore,
    LateAfter,
    ErrorWithoutEffect,
    ErrorWithEffect,
    InFlight,
    TooMany,
    Html,
    HtmlAsSuccess,
    Truncated,
    Declined,
}

impl Trouble {
    pub(crate) const ALL: [Trouble; 13] = [
        Trouble::None,
        Trouble::LostBefore,
        Trouble::LostAfter,
        Trouble::LateBefore,
        Trouble::LateAfter,
        Trouble::ErrorWithoutEffect,
        Trouble::ErrorWithEffect,
        Trouble::InFlight,
        Trouble::TooMany,
        Trouble::Html,
        Trouble::HtmlAsSuccess,
        Trouble::Truncated,
        Trouble::Declined,
    ];

    /// The sandbox's fault for it.
    pub(crate) fn fault(self, ask: Ask, order_id: &str) -> Option<Fault> {
        let fault = |kind| Fault::new(ask.operation(), kind).for_order(order_id);
        // Longer than the product waits, so that it ends with the faults and not by itself.
        let late = || fault(FaultKind::Delay).delay(Duration::from_secs(600));
        Some(match self {
            Self::None => return None,
            Self::LostBefore => fault(FaultKind::DropBefore),
            Self::LostAfter => fault(FaultKind::DropAfter),
            Self::LateBefore => late().before(),
            Self::LateAfter => late(),
            Self::ErrorWithoutEffect => fault(FaultKind::ErrorBefore),
            Self::ErrorWithEffect => fault(FaultKind::ErrorAfter),
            Self::InFlight => fault(FaultKind::ErrorBefore).code("IDEMPOTENT_REQUEST_PROCESSING").status(409),
            Self::TooMany => fault(FaultKind::RateLimited),
            Self::Html => fault(FaultKind::Html),
            Self::HtmlAsSuccess => fault(FaultKind::Html).status(200),
            Self::Truncated => fault(FaultKind::TruncatedJson),
            Self::Declined => {
                let code = if ask == Ask::Confirm { "REJECT_CARD_PAYMENT" } else { "NOT_CANCELABLE_PAYMENT" };
                fault(FaultKind::Reject).code(code)
            }
        })
    }
}
