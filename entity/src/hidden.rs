//! What columns hold that no log line may: its `Debug` tells nothing.

use std::fmt;
use std::ops::Deref;

use sea_orm::DeriveValueType;
use sea_orm::prelude::Json;

macro_rules! hidden {
    ($(#[$doc:meta])* $name:ident, $inside:ty, $seen:ty) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, DeriveValueType)]
        pub struct $name($inside);

        impl From<$inside> for $name {
            fn from(inside: $inside) -> Self {
                Self(inside)
            }
        }

        impl Deref for $name {
            type Target = $seen;

            fn deref(&self) -> &$seen {
                &self.0
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!(stringify!($name), "(…)"))
            }
        }
    };
}

hidden! {
    /// A text.
    HiddenText, String, str
}
hidden! {
    /// A JSON value.
    HiddenJson, Json, Json
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_told() {
        let (text, json) = (HiddenText::from("ps_1".to_owned()), HiddenJson::from(Json::from("110-123")));
        assert_eq!(format!("{:?} {:?}", Some(&text), json), "Some(HiddenText(…)) HiddenJson(…)");
        assert_eq!((&*text, json.as_str()), ("ps_1", Some("110-123")));
    }
}
