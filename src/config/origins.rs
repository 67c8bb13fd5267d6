//! Lists of web origins, as `https://your.saas, https://www.your.saas`.

use serde::{Deserialize, Deserializer, de::Error};
use url::Url;

/// Origins that URLs from outside may lie in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Origins(Vec<url::Origin>);

impl Origins {
    /// Whether a browser's `Origin` header names one of them.
    pub fn names(&self, origin: &str) -> bool {
        self.0.iter().any(|listed| listed.ascii_serialization() == origin)
    }

    /// Whether `url` is an address for browsers in one of the origins, without credentials in it.
    pub fn allow(&self, url: &Url) -> bool {
        let plain = url.username().is_empty() && url.password().is_none();
        plain && self.0.contains(&url.origin())
    }
}

impl<'de> Deserialize<'de> for Origins {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
        let origins: Option<Vec<_>> = parts.map(origin).collect();
        origins
            .map(Self)
            .ok_or_else(|| D::Error::custom("must be a list of origins such as https://your.saas"))
    }
}

/// An origin and nothing more: a path would promise a rule that nobody checks.
fn origin(text: &str) -> Option<url::Origin> {
    let url = Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https"))?;
    let bare = url.path() == "/" && url.query().is_none() && url.fragment().is_none();
    (bare && url.username().is_empty() && url.password().is_none()).then(|| url.origin())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origins(text: &str) -> Result<Origins, serde_json::Error> {
        serde_json::from_value(text.into())
    }

    #[test]
    fn only_urls_in_a_listed_origin_are_allowed() {
        let listed = origins("https://a.test, http://localhost:3000").expect("a list");
        let allowed = |text: &str| listed.allow(&Url::parse(text).expect("a URL"));
        assert!(allowed("https://a.test/done?x=1") && allowed("http://localhost:3000/"));
        for other in [
            "http://a.test/",
            "https://b.a.test/",
            "https://a.test:8443/",
            "https://a.test.evil/",
            "https://user@a.test/",
            "javascript:alert(1)",
            "data:text/html,x",
        ] {
            assert!(!allowed(other), "{other}");
        }
        assert!(listed.names("https://a.test") && listed.names("http://localhost:3000"));
        for other in ["", "null", "https://a.test/", "https://a.test:443", "https://A.test", "http://a.test"]
        {
            assert!(!listed.names(other), "{other}");
        }
        assert_eq!(origins("").expect("empty"), Origins::default());
        for wrong in ["a.test", "https://a.test/path", "ftp://a.test", "*"] {
            assert!(origins(wrong).is_err(), "{wrong}");
        }
    }
}
