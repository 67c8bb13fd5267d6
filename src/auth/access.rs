//! Who may ask for what: one table of every operation by every role. A request for an operation that is not in it is
//! refused before its handler runs, and a test fails that walks all operations by all callers.

use super::Principal;

/// What a role may do with an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Right {
    /// It needs no credential at all.
    Open,
    /// It may, for any user.
    Any,
    /// It may with its own records; those of others are as if they were not there, and nobody is acted for but itself.
    Own,
    /// It may not.
    Never,
}

/// One operation and what each role may do with it.
#[derive(Clone, Copy, Debug)]
pub struct Rule {
    /// The method, in capitals; that of `GET` holds for `HEAD` as well.
    pub method: &'static str,
    /// The path as the OpenAPI document has it.
    pub path: &'static str,
    /// With a user's JWT.
    pub user: Right,
    /// With an API key of the SaaS's servers.
    pub service: Right,
    /// With an operator's API key.
    pub admin: Right,
}

impl Rule {
    /// Whether nobody needs to be known.
    pub fn is_open(&self) -> bool {
        [self.user, self.service, self.admin].contains(&Right::Open)
    }

    /// Whether this caller may ask at all; whose records it sees then is for the operation.
    pub fn allows(&self, principal: &Principal) -> bool {
        let right = match principal {
            Principal::User(_) => self.user,
            Principal::Service => self.service,
            Principal::Admin => self.admin,
        };
        right != Right::Never
    }
}

/// The rule for an operation.
pub fn rule(method: &str, path: &str) -> Option<&'static Rule> {
    let method = if method == "HEAD" { "GET" } else { method };
    RULES.iter().find(|rule| rule.method == method && rule.path == path)
}

const fn open(method: &'static str, path: &'static str) -> Rule {
    Rule { method, path, user: Right::Open, service: Right::Open, admin: Right::Open }
}

const fn own(method: &'static str, path: &'static str) -> Rule {
    Rule { method, path, user: Right::Own, service: Right::Any, admin: Right::Any }
}

const fn admin(method: &'static str, path: &'static str) -> Rule {
    Rule { method, path, user: Right::Never, service: Right::Never, admin: Right::Any }
}

/// Every operation. Pages have their own ways in: an order's page its signed link, the dashboard its session.
pub const RULES: &[Rule] = &[
    open("GET", "/v1/plans"),
    open("GET", "/v1/plans/{id}"),
    admin("POST", "/v1/plans"),
    admin("PATCH", "/v1/plans/{id}"),
    own("POST", "/v1/temp-orders"),
    own("GET", "/v1/temp-orders/{orderId}"),
    own("POST", "/v1/payments/confirm"),
    own("POST", "/v1/payments/fail"),
    own("GET", "/v1/payments"),
    own("GET", "/v1/payments/{orderId}"),
    own("POST", "/v1/payments/{orderId}/cancel"),
    own("GET", "/v1/refunds"),
    admin("GET", "/v1/subscriptions"),
    own("GET", "/v1/users/{userId}/subscription"),
    admin("GET", "/v1/event-amounts"),
    admin("GET", "/v1/jobs"),
    admin("POST", "/v1/jobs/{name}/run"),
    admin("GET", "/v1/jobs/{name}/runs"),
    // What it says is never believed.
    open("POST", "/v1/webhooks/toss"),
    admin("GET", "/v1/admin/attention"),
    admin("POST", "/v1/admin/payments/{orderId}/settle"),
    admin("GET", "/v1/admin/audit"),
    // Outside of the document.
    open("GET", "/healthz"),
    open("GET", "/readyz"),
    open("GET", "/openapi.json"),
    open("GET", "/docs"),
    open("GET", "/assets"),
    admin("GET", "/metrics"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_operation_stands_once_in_the_table_and_is_open_to_all_or_to_none() {
        for (at, rule) in RULES.iter().enumerate() {
            let twice =
                RULES.iter().skip(at + 1).any(|other| (other.method, other.path) == (rule.method, rule.path));
            assert!(!twice, "{} {}", rule.method, rule.path);
            let open = [rule.user, rule.service, rule.admin].map(|right| right == Right::Open);
            assert!(open.iter().all(|is| *is == open[0]), "{} {}", rule.method, rule.path);
        }
        assert!(rule("HEAD", "/v1/plans").is_some() && rule("PUT", "/v1/plans").is_none());
    }
}
