//! A type for every identifier, built only by parsing, so that one kind can never stand in for another.

use std::fmt;
use std::str::FromStr;

use sea_orm::DeriveValueType;
use uuid::Uuid;

/// Why a text is not the identifier that it was offered as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be {min} to {max} characters of {alphabet}")]
pub struct InvalidId {
    /// Fewest characters allowed.
    pub min: usize,
    /// Most characters allowed.
    pub max: usize,
    /// The characters allowed, for people.
    pub alphabet: &'static str,
}

/// An identifier that is a short ASCII text over a fixed alphabet.
macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident, $min:literal..=$max:literal, $extra:literal) => {
        text_id! { $(#[$doc])* $name, $min..=$max, $extra, usize::MAX }
    };
    ($(#[$doc:meta])* $name:ident, $min:literal..=$max:literal, $extra:literal, $shown:expr) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, DeriveValueType)]
        #[sea_orm(value_type = "String")]
        pub struct $name(String);

        impl $name {
            /// What a text must be like to become one.
            pub const RULE: InvalidId =
                InvalidId { min: $min, max: $max, alphabet: concat!("A-Z a-z 0-9 ", $extra) };

            /// The identifier as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;

            fn from_str(text: &str) -> Result<Self, InvalidId> {
                let allowed = |byte: u8| {
                    byte.is_ascii_alphanumeric() || (byte != b' ' && $extra.as_bytes().contains(&byte))
                };
                // Dots alone would be a step in a path rather than a name.
                let named = text.bytes().any(|byte| byte != b'.');
                let fits = ($min..=$max).contains(&text.len()) && text.bytes().all(allowed) && named;
                if fits { Ok(Self(text.to_owned())) } else { Err(Self::RULE) }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        /// As much of it as a log line may hold.
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                let shown: String = self.0.chars().take($shown).collect();
                let rest = if shown.len() < self.0.len() { "…" } else { "" };
                write!(f, "{}({shown}{rest})", stringify!($name))
            }
        }

        /// Wanted by the ORM of every primary key; ours are never counters.
        impl sea_orm::TryFromU64 for $name {
            fn try_from_u64(_: u64) -> Result<Self, sea_orm::DbErr> {
                Err(sea_orm::DbErr::ConvertFromU64(stringify!($name)))
            }
        }
    };
}

/// An identifier of ours for a row: a time-ordered UUID, kept as text so that SQL readers see what the API shows.
macro_rules! row_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, DeriveValueType)]
        #[sea_orm(value_type = "String")]
        pub struct $name(Uuid);

        impl $name {
            /// A fresh identifier whose order follows time, so that an index grows at its end.
            #[expect(clippy::new_without_default, reason = "a default would hide that every call differs")]
            pub fn new() -> Self {
                Self(Uuid::now_v7())
            }
        }

        impl FromStr for $name {
            type Err = uuid::Error;

            fn from_str(text: &str) -> Result<Self, uuid::Error> {
                Uuid::try_parse(text).map(Self)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.hyphenated().fmt(f)
            }
        }

        /// Wanted by the ORM of every primary key; ours are never counters.
        impl sea_orm::TryFromU64 for $name {
            fn try_from_u64(_: u64) -> Result<Self, sea_orm::DbErr> {
                Err(sea_orm::DbErr::ConvertFromU64(stringify!($name)))
            }
        }
    };
}

text_id! {
    /// The SaaS's own identifier of its user; opaque to us.
    UserId, 1..=64, "- _ . = @"
}
text_id! {
    /// Our identifier of one purchase, handed to Toss (its rule: 6 to 64 characters).
    OrderId, 6..=64, "- _"
}
text_id! {
    /// Toss's identifier of one payment; opaque, at most 200 characters.
    PaymentKey, 1..=200, "- _ = .", 8
}
text_id! {
    /// The random name under which Toss knows a user; never an e-mail or a counter (Toss's rule).
    CustomerKey, 2..=50, "- _ = . @"
}
text_id! {
    /// The `Idempotency-Key` of one attempt at Toss (its rule: at most 300 characters).
    IdempotencyKey, 1..=300, "- _"
}
text_id! {
    /// The name of a plan in a SaaS's own code, such as `PREMIUM_YEARLY`.
    PlanCode, 1..=64, "- _ ."
}

row_id! {
    /// Identifies a plan.
    PlanId
}
row_id! {
    /// Identifies a subscription.
    SubscriptionId
}
row_id! {
    /// Identifies a paid period of a subscription.
    PeriodId
}
row_id! {
    /// Identifies a refund.
    RefundId
}
row_id! {
    /// Identifies one move of a payment's state.
    PaymentEventId
}
row_id! {
    /// Identifies one entry of the event total.
    EventAmountId
}
row_id! {
    /// Identifies one run of a job.
    JobRunId
}
row_id! {
    /// Identifies a webhook that was received.
    WebhookId
}
row_id! {
    /// Identifies what a person must look at.
    FindingId
}
row_id! {
    /// Identifies an API key.
    ApiKeyId
}
row_id! {
    /// Identifies one entry of the audit log.
    AuditEventId
}
row_id! {
    /// Identifies one claim of a caller's `Idempotency-Key`.
    ClaimId
}

/// Time comes first so that new orders land at the end of the index; the rest is beyond guessing (22 letters and
/// digits are 131 random bits).
impl PaymentEventId {
    /// A fresh identifier that comes behind `last`, even if that was made by a machine whose clock is ahead.
    pub fn after(last: Option<Self>) -> Self {
        let fresh = Self::new();
        let Some(Self(last)) = last.filter(|last| *last >= fresh) else { return fresh };
        let (seconds, nanos) = last.get_timestamp().map_or((0, 0), |time| time.to_unix());
        let next = uuid::Timestamp::from_unix(uuid::NoContext, seconds, nanos.saturating_add(1_000_000));
        // A whole second is carried over.
        let next = if nanos >= 999_000_000 {
            uuid::Timestamp::from_unix(uuid::NoContext, seconds.saturating_add(1), 0)
        } else {
            next
        };
        Self(Uuid::new_v7(next))
    }
}

impl OrderId {
    /// A fresh, unguessable order id whose prefix orders by `millis` since 1970.
    pub fn generate(millis: i64) -> Self {
        const DIGITS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
        let time = (0..9).rev().map(|place| {
            let digit = millis.unsigned_abs() >> (place * 5) & 31;
            char::from(DIGITS[usize::try_from(digit).unwrap_or(0)])
        });
        let random = rand::Rng::sample_iter(rand::rng(), rand::distr::Alphanumeric).take(22).map(char::from);
        Self(time.chain(random).collect())
    }
}

impl UserId {
    const ERASED: &str = "erased-";

    /// A fresh random name for a user whose own is to be forgotten (122 random bits).
    pub fn erased() -> Self {
        Self(format!("{}{}", Self::ERASED, Uuid::new_v4().simple()))
    }

    /// Whether it is such a name.
    pub fn is_erased(&self) -> bool {
        let random = self.0.strip_prefix(Self::ERASED);
        random.is_some_and(|random| random.len() == 32 && Uuid::try_parse(random).is_ok())
    }
}

impl CustomerKey {
    /// A fresh random key (122 random bits).
    pub fn random() -> Self {
        Self(Uuid::new_v4().hyphenated().to_string())
    }
}

impl IdempotencyKey {
    /// A fresh random key for one attempt at Toss.
    pub fn random() -> Self {
        Self(Uuid::new_v4().hyphenated().to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_id_satisfies_toss_and_sorts_by_time() {
        let early = OrderId::generate(1_700_000_000_000);
        let late = OrderId::generate(1_800_000_000_000);
        assert!(early < late);
        assert_eq!(early.as_str().parse::<OrderId>(), Ok(early.clone()));
        assert_ne!(early, OrderId::generate(1_700_000_000_000));
    }

    #[test]
    fn a_move_comes_behind_the_last_one_whatever_the_clocks_say() {
        let ahead = uuid::Timestamp::from_unix(uuid::NoContext, 4_000_000_000, 999_500_000);
        let mut last = PaymentEventId(Uuid::new_v7(ahead));
        for _ in 0..3 {
            let next = PaymentEventId::after(Some(last));
            assert!(next > last && next.to_string() > last.to_string());
            last = next;
        }
        assert!(PaymentEventId::after(Some(PaymentEventId::new())) > PaymentEventId(Uuid::nil()));
    }

    #[test]
    fn the_name_of_an_erased_user_is_known_as_one() {
        let name = UserId::erased();
        assert!(name.is_erased() && name.as_str().parse() == Ok(name.clone()));
        assert_ne!(name, UserId::erased());
        for other in ["erased-", "erased-me", "u1", "erased-0123456789abcdef0123456789abcdeg"] {
            assert!(!other.parse::<UserId>().expect("an id").is_erased(), "{other}");
        }
    }

    #[test]
    fn of_a_payment_key_little_is_shown() {
        let key: PaymentKey = "tgen_20261121213757abc".parse().expect("a key");
        assert_eq!(format!("{key:?}"), "PaymentKey(tgen_202…)");
        assert_eq!(format!("{:?}", "alice".parse::<UserId>()), "Ok(UserId(alice))");
    }

    #[test]
    fn ids_refuse_blanks_slashes_and_nul() {
        for bad in ["", ".", "..", "a b", "a/b", "a\0b", "한글", "a%20b"] {
            assert!(bad.parse::<UserId>().is_err(), "{bad:?}");
        }
        assert!("u@x.y=z-_".parse::<UserId>().is_ok());
        assert!("x".repeat(65).parse::<UserId>().is_err());
        assert!("short".parse::<OrderId>().is_err());
    }
}
