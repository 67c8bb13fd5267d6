//! The means of payment: what the buyer chose in the payment window.

pub(crate) mod account;
pub(crate) mod card;
pub(crate) mod easy_pay;

use serde::{Deserialize, Serialize};

pub(crate) use account::{RefundAccount, VirtualAccount};
pub(crate) use card::Card;

/// The method a buyer picks in the payment window.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum PayMethod {
    /// A card.
    #[default]
    Card,
    /// A one-time account number, paid by a deposit later.
    VirtualAccount,
    /// A transfer from the buyer's account.
    Transfer,
    /// The buyer's phone bill.
    MobilePhone,
    /// A wallet such as Toss Pay.
    EasyPay,
    /// A culture gift certificate.
    CultureGiftCertificate,
    /// A book gift certificate.
    BookGiftCertificate,
    /// A game gift certificate.
    GameGiftCertificate,
}

/// What a payment is paid with, and what is known about it.
#[derive(Debug, Clone)]
pub(crate) enum Means {
    Card(Card),
    EasyPay { provider: &'static str, card: Option<Card> },
    VirtualAccount(VirtualAccount),
    Transfer { bank: &'static str },
    MobilePhone { number: &'static str },
    GiftCertificate { label: &'static str },
}

impl Means {
    /// Toss's name of the method, which is Korean.
    ///
    /// It stays Korean under `Accept-Language: en-US` too: Toss's documentation does not show the
    /// English values.
    pub(crate) fn label(&self) -> &'static str {
        match self {
            Self::Card(_) => "카드",
            Self::EasyPay { .. } => "간편결제",
            Self::VirtualAccount(_) => "가상계좌",
            Self::Transfer { .. } => "계좌이체",
            Self::MobilePhone { .. } => "휴대폰",
            Self::GiftCertificate { label } => label,
        }
    }

    /// The card that pays, directly or behind a wallet.
    pub(crate) fn card(&self) -> Option<&Card> {
        match self {
            Self::Card(card) | Self::EasyPay { card: Some(card), .. } => Some(card),
            _ => None,
        }
    }

    /// The virtual account, if this is one.
    pub(crate) fn virtual_account(&self) -> Option<&VirtualAccount> {
        match self {
            Self::VirtualAccount(account) => Some(account),
            _ => None,
        }
    }

    /// The virtual account, to change it.
    pub(crate) fn virtual_account_mut(&mut self) -> Option<&mut VirtualAccount> {
        match self {
            Self::VirtualAccount(account) => Some(account),
            _ => None,
        }
    }

    /// The smallest amount in won: 100 by card, 200 by account. No other minimum is documented.
    pub(crate) fn minimum(&self) -> i64 {
        match self {
            Self::VirtualAccount(_) | Self::Transfer { .. } => 200,
            _ if self.card().is_some() => 100,
            _ => 1,
        }
    }
}
