//! Secrets of which several hold at a time, so that one can take another's place without a break.

use secrecy::SecretString;
use secrecy::zeroize::Zeroizing;
use serde::de::Error;
use serde::{Deserialize, Deserializer};

/// A secret and those that it takes the place of: written as a text with commas between them, the newest first. There is
/// always one. Never shown, and wiped from memory when it is dropped.
#[derive(Clone, Debug)]
pub struct Secrets {
    newest: SecretString,
    older: Vec<SecretString>,
}

impl Secrets {
    /// The one that is used.
    pub fn newest(&self) -> &SecretString {
        &self.newest
    }

    /// All that hold, the newest first.
    pub fn iter(&self) -> impl Iterator<Item = &SecretString> {
        std::iter::once(&self.newest).chain(&self.older)
    }
}

impl<'de> Deserialize<'de> for Secrets {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Zeroizing::new(String::deserialize(deserializer)?);
        let mut secrets = text.split(',').map(|secret| SecretString::from(secret.trim()));
        let newest = secrets.next().ok_or_else(|| D::Error::custom("must not be empty"))?;
        Ok(Self { newest, older: secrets.collect() })
    }
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    #[test]
    fn commas_divide_them_and_none_is_shown() {
        let secrets: Secrets = serde_json::from_value("hidden-2, hidden-1".into()).expect("a list");
        let all: Vec<&str> = secrets.iter().map(ExposeSecret::expose_secret).collect();
        assert_eq!(all, ["hidden-2", "hidden-1"]);
        assert_eq!(secrets.newest().expose_secret(), "hidden-2");
        assert!(!format!("{secrets:?}").contains("hidden"));
    }
}
