//! Money as whole won: no floats, no fractions, no silent overflow.

use std::fmt;

use sea_orm::sea_query::StringLen;
use sea_orm::{DeriveActiveEnum, DeriveValueType, EnumIter};

/// An amount of won, never negative.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, DeriveValueType)]
pub struct Won(i64);

impl Won {
    /// Nothing.
    pub const ZERO: Won = Won(0);

    /// Parses a number of won; negative numbers are no amount.
    pub fn new(won: i64) -> Option<Self> {
        (won >= 0).then_some(Self(won))
    }

    /// The number of won.
    pub fn get(self) -> i64 {
        self.0
    }

    /// `self + other`, unless that leaves `i64`.
    pub fn checked_add(self, other: Won) -> Option<Won> {
        self.0.checked_add(other.0).map(Won)
    }

    /// `self - other`, unless that is negative.
    pub fn checked_sub(self, other: Won) -> Option<Won> {
        self.0.checked_sub(other.0).and_then(Won::new)
    }

    /// Whether there is nothing.
    pub fn is_zero(self) -> bool {
        self.0 == 0
    }
}

impl fmt::Display for Won {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A change of a total in won: plus for a purchase, minus for a refund.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, DeriveValueType)]
pub struct WonChange(i64);

impl WonChange {
    /// The total grows by `amount`.
    pub fn plus(amount: Won) -> Self {
        Self(amount.0)
    }

    /// The total shrinks by `amount`.
    pub fn minus(amount: Won) -> Self {
        Self(-amount.0)
    }

    /// The signed number of won.
    pub fn get(self) -> i64 {
        self.0
    }
}

/// The currency of an amount. Toss settles subscriptions in won only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "String(StringLen::N(3))")]
pub enum Currency {
    /// South Korean won; it has no minor unit.
    #[sea_orm(string_value = "KRW")]
    Krw,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_amount_is_never_negative_and_never_wraps() {
        assert_eq!(Won::new(-1), None);
        assert_eq!(Won(1).checked_sub(Won(2)), None);
        assert_eq!(Won(i64::MAX).checked_add(Won(1)), None);
        assert_eq!(WonChange::minus(Won(9900)).get(), -9900);
    }
}
