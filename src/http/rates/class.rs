//! What a request is for: each kind has rates of its own, so that much looking stops no buying.

use poem::http::Method;

use crate::config::{AddressRates, Rate, RatesOf};

/// What a request is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Class {
    /// Looking at things.
    Reading,
    /// Quoting, confirming and failing orders.
    Buying,
    /// Giving money back.
    Refunding,
    /// What only operators do.
    Admin,
}

impl Class {
    /// The class of a request for `route`, a path as the document has it; none for what has no rate: probes, and Toss's
    /// webhooks, which have a limit of their own.
    pub(super) fn of(method: &Method, route: &str) -> Option<Self> {
        let looks = method == Method::GET || method == Method::HEAD || method == Method::OPTIONS;
        let below = |root: &str| {
            route.strip_prefix(root).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        if ["/healthz", "/readyz", "/metrics", "/v1/webhooks/toss"].contains(&route) {
            return None;
        }
        if ["/admin", "/v1/admin", "/v1/jobs"].into_iter().any(below) {
            return Some(Self::Admin);
        }
        Some(match route {
            "/v1/payments/{orderId}/cancel" => Self::Refunding,
            "/checkout/success" | "/checkout/fail" => Self::Buying,
            _ if looks => Self::Reading,
            "/v1/plans" | "/v1/plans/{id}" => Self::Admin,
            _ => Self::Buying,
        })
    }

    /// The name that policies and metrics have for it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Reading => "reading",
            Self::Buying => "buying",
            Self::Refunding => "refunding",
            Self::Admin => "admin",
        }
    }

    /// Its rate for a credential.
    pub(super) fn rate(self, rates: &RatesOf) -> Rate {
        match self {
            Self::Reading => rates.reading,
            Self::Buying => rates.buying,
            Self::Refunding => rates.refunding,
            Self::Admin => rates.admin,
        }
    }

    /// Its rate for an address.
    pub(super) fn rate_of_address(self, rates: &AddressRates) -> Rate {
        match self {
            Self::Reading => rates.reading,
            Self::Buying => rates.buying,
            Self::Refunding => rates.refunding,
            Self::Admin => rates.admin,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_operation_has_its_class() {
        let (get, post) = (Method::GET, Method::POST);
        for (method, route, class) in [
            (&get, "/v1/plans", Some(Class::Reading)),
            (&get, "/v1/payments/{orderId}", Some(Class::Reading)),
            (&get, "other", Some(Class::Reading)),
            (&post, "/v1/payments/confirm", Some(Class::Buying)),
            (&get, "/checkout/success", Some(Class::Buying)),
            (&post, "/v1/payments/{orderId}/cancel", Some(Class::Refunding)),
            (&post, "/v1/plans", Some(Class::Admin)),
            (&get, "/v1/admin/attention", Some(Class::Admin)),
            (&get, "/v1/administer", Some(Class::Reading)),
            (&post, "/admin", Some(Class::Admin)),
            (&post, "/v1/webhooks/toss", None),
            (&get, "/readyz", None),
        ] {
            assert_eq!(Class::of(method, route), class, "{method} {route}");
        }
    }
}
