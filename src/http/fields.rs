//! Faults of single fields, and the parsers that find them: at the edge, all at once, by name.

use std::str::FromStr;

use chrono::{DateTime, Datelike, NaiveDate, NaiveTime, Utc};
use entity::Won;
use entity::ids::InvalidId;

use super::language::Language;

/// A field that makes no sense, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldError {
    /// The field's name, as in `orderId`; `body` for the whole.
    pub field: String,
    /// What is wrong with it.
    pub fault: Fault,
}

/// What can be wrong with a field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It is not there.
    Missing,
    /// There is no such field.
    Unknown,
    /// It is there twice.
    Duplicate,
    /// It is of another type, such as a fraction where won are wanted.
    WrongType,
    /// It is no JSON.
    NotJson,
    /// It did not arrive in time.
    TooSlow,
    /// It is no identifier of its kind.
    Id(InvalidId),
    /// It is no UUID.
    Uuid,
    /// It is not one of the values allowed.
    OneOf(&'static str),
    /// It is outside of these numbers.
    Range {
        /// The smallest allowed.
        min: i64,
        /// The largest allowed.
        max: i64,
    },
    /// It has too few or too many characters, or control characters.
    Text {
        /// Fewest characters allowed.
        min: usize,
        /// Most characters allowed.
        max: usize,
    },
    /// It is no instant in RFC 3339.
    Instant,
    /// It is no cursor of ours.
    Cursor,
    /// Another record has this value.
    Taken,
    /// It is no URL that a buyer may be sent to.
    ReturnUrl,
    /// It does not go with the other fields.
    Misplaced(&'static str),
}

impl FieldError {
    /// A fault of `field`.
    pub fn new(field: impl Into<String>, fault: Fault) -> Self {
        Self { field: field.into(), fault }
    }

    /// What is wrong, for people.
    pub fn detail(&self, language: Language) -> String {
        let korean = language == Language::Korean;
        let say = |ko: &str, en: &str| if korean { ko.to_owned() } else { en.to_owned() };
        match &self.fault {
            Fault::Missing => say("필수 항목입니다.", "is required"),
            Fault::Unknown => say("알 수 없는 항목입니다.", "is not a known field"),
            Fault::Duplicate => say("항목이 중복되었습니다.", "is given twice"),
            Fault::WrongType => say("형식이 올바르지 않습니다.", "has a wrong type"),
            Fault::NotJson => say("올바른 JSON 객체가 아닙니다.", "is not a valid JSON object"),
            Fault::TooSlow => say("본문이 제시간에 도착하지 않았습니다.", "did not arrive in time"),
            Fault::Id(rule) if korean => {
                format!("{}~{}자의 다음 문자만 쓸 수 있습니다: {}", rule.min, rule.max, rule.alphabet)
            }
            Fault::Id(rule) => rule.to_string(),
            Fault::Uuid => say("UUID여야 합니다.", "must be a UUID"),
            Fault::OneOf(values) if korean => format!("다음 중 하나여야 합니다: {values}"),
            Fault::OneOf(values) => format!("must be one of {values}"),
            Fault::Range { min, max } if korean => format!("{min} 이상 {max} 이하의 정수여야 합니다."),
            Fault::Range { min, max } => format!("must be a whole number from {min} to {max}"),
            Fault::Text { min, max } if korean => {
                format!("{min}~{max}자여야 하며 제어 문자는 쓸 수 없습니다.")
            }
            Fault::Text { min, max } => {
                format!("must have {min} to {max} characters and no control characters")
            }
            Fault::Instant => say("RFC 3339 형식의 시각이어야 합니다.", "must be an RFC 3339 instant"),
            Fault::Cursor => say("올바른 커서가 아닙니다.", "is not a cursor that this list gave"),
            Fault::Taken => say("이미 사용 중인 값입니다.", "is already in use"),
            Fault::ReturnUrl => say(
                "checkout.return_origins에 있는 주소의 URL이어야 하며 2000자를 넘을 수 없습니다.",
                "must be a URL in one of checkout.return_origins, of at most 2000 characters",
            ),
            Fault::Misplaced(why) => say("다른 항목과 함께 쓸 수 없는 값입니다.", why),
        }
    }
}

/// An identifier of kind `T`.
///
/// # Errors
/// [`Fault::Id`].
pub fn id<T: FromStr<Err = InvalidId>>(field: &'static str, text: &str) -> Result<T, FieldError> {
    text.parse().map_err(|rule| FieldError::new(field, Fault::Id(rule)))
}

/// An identifier of kind `T`, where one is given.
///
/// # Errors
/// [`Fault::Id`].
pub fn maybe_id<T: FromStr<Err = InvalidId>>(
    field: &'static str,
    text: Option<&str>,
) -> Result<Option<T>, FieldError> {
    text.map(|text| id(field, text)).transpose()
}

/// An identifier of a row of ours.
///
/// # Errors
/// [`Fault::Uuid`].
pub fn row_id<T: FromStr>(field: &'static str, text: &str) -> Result<T, FieldError> {
    text.parse().map_err(|_| FieldError::new(field, Fault::Uuid))
}

/// An identifier of a row of ours, where one is given.
///
/// # Errors
/// [`Fault::Uuid`].
pub fn maybe_row_id<T: FromStr>(field: &'static str, text: Option<&str>) -> Result<Option<T>, FieldError> {
    text.map(|text| row_id(field, text)).transpose()
}

/// An amount of at least `min` won.
///
/// # Errors
/// [`Fault::Range`].
pub fn won(field: &'static str, amount: i64, min: i64) -> Result<Won, FieldError> {
    let fault = Fault::Range { min, max: MOST_WON };
    let fits = (min..=MOST_WON).contains(&amount);
    Won::new(amount).filter(|_| fits).ok_or_else(|| FieldError::new(field, fault))
}

/// The largest amount of one order, in won: JavaScript clients hold it exactly, and sums of a thousand fit `i64`.
pub const MOST_WON: i64 = 9_007_199_254_740_991;

/// A text for people.
///
/// # Errors
/// [`Fault::Text`].
pub fn text(field: &'static str, text: &str, min: usize, max: usize) -> Result<String, FieldError> {
    let fits = (min..=max).contains(&text.chars().count()) && !text.contains(char::is_control);
    if fits { Ok(text.to_owned()) } else { Err(FieldError::new(field, Fault::Text { min, max })) }
}

/// A whole number in a range.
///
/// # Errors
/// [`Fault::Range`].
pub fn number(field: &'static str, number: i64, min: i32, max: i32) -> Result<i32, FieldError> {
    let fits = i32::try_from(number).ok().filter(|number| (min..=max).contains(number));
    fits.ok_or_else(|| FieldError::new(field, Fault::Range { min: min.into(), max: max.into() }))
}

/// An instant of our era, where one is given. Nothing of ours is older than 1970 or younger than 9999, so that what lies
/// beyond stands for the end: databases order no others alike.
///
/// # Errors
/// [`Fault::Instant`].
pub fn maybe_instant(field: &'static str, text: Option<&str>) -> Result<Option<DateTime<Utc>>, FieldError> {
    let parse = |text: &str| {
        let at = DateTime::parse_from_rfc3339(text).ok()?;
        let end = NaiveDate::from_ymd_opt(9_999, 12, 31)?.and_time(NaiveTime::MIN).and_utc();
        (1..10_000).contains(&at.year()).then(|| at.to_utc().clamp(DateTime::UNIX_EPOCH, end))
    };
    text.map(|text| parse(text).ok_or_else(|| FieldError::new(field, Fault::Instant))).transpose()
}

/// Parsed fields together: all of them, or every fault.
pub trait Together {
    /// The fields.
    type Fields;

    /// All fields, or every fault.
    ///
    /// # Errors
    /// The faults.
    fn together(self) -> Result<Self::Fields, Vec<FieldError>>;
}

macro_rules! together {
    ($($field:ident $index:tt),+) => {
        impl<$($field),+> Together for ($(Result<$field, FieldError>,)+) {
            type Fields = ($($field,)+);

            fn together(self) -> Result<Self::Fields, Vec<FieldError>> {
                let faults: Vec<FieldError> = [$(self.$index.as_ref().err().cloned()),+].into_iter().flatten().collect();
                match self {
                    #[allow(non_snake_case, reason = "type names double as field names")]
                    ($(Ok($field),)+) => Ok(($($field,)+)),
                    _ => Err(faults),
                }
            }
        }
    };
}

together!(A 0, B 1);
together!(A 0, B 1, C 2);
together!(A 0, B 1, C 2, D 3);
together!(A 0, B 1, C 2, D 3, E 4);
together!(A 0, B 1, C 2, D 3, E 4, F 5);
