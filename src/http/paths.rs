//! What the OpenAPI document knows of each path: its methods, and the query parameters of each.

use std::collections::HashMap;
use std::sync::Arc;

use poem::http::Method;
use serde_json::Value;
use url::form_urlencoded;

use super::fields::{Fault, FieldError};

/// Paths outside of the document; `/docs` has files below it.
const OUTSIDE: [&str; 9] = [
    "/healthz",
    "/readyz",
    "/metrics",
    "/openapi.json",
    "/docs",
    "/assets",
    "/favicon.ico",
    "/checkout",
    "/admin",
];

/// The paths of the document.
#[derive(Debug)]
pub(super) struct Paths {
    /// Those without parameters.
    fixed: HashMap<String, Path>,
    /// Those with parameters; of two that match, the one with fewer is meant and comes first.
    open: Vec<Path>,
    outside: [Arc<str>; 9],
    other: Arc<str>,
}

/// A request's path, found once for all that ask about it.
#[derive(Debug)]
pub(super) struct Matched<'a> {
    /// The route, out of a set that strangers cannot enlarge.
    pub(super) route: Arc<str>,
    found: Option<&'a Path>,
}

#[derive(Debug)]
struct Path {
    /// As the document has it, with names in place of parameters.
    template: Arc<str>,
    /// The parts between slashes; none for a parameter.
    segments: Vec<Option<String>>,
    operations: Vec<Operation>,
}

#[derive(Debug)]
struct Operation {
    method: String,
    query: Vec<String>,
    /// Whether an `Idempotency-Key` means something to it.
    keyed: bool,
    /// Whether it needs a credential.
    secured: bool,
}

impl Paths {
    /// Reads an OpenAPI document; what it does not say is not known.
    pub(super) fn of(document: &str) -> Self {
        let document: Value = serde_json::from_str(document).unwrap_or_default();
        let known = members(&document["paths"]).map(|(template, path)| Path::of(template, path));
        let (mut open, fixed): (Vec<Path>, Vec<Path>) = known.partition(|path| path.parameters() > 0);
        open.sort_by_key(Path::parameters);
        let fixed = fixed.into_iter().map(|path| (path.template.to_string(), path)).collect();
        Self { fixed, open, outside: OUTSIDE.map(Arc::from), other: Arc::from("other") }
    }

    /// What the document knows of `path`.
    pub(super) fn matched(&self, path: &str) -> Matched<'_> {
        let found = self.find(path);
        let route = found.map_or_else(|| self.route_outside(path), |found| Arc::clone(&found.template));
        Matched { route, found }
    }

    fn route_outside(&self, path: &str) -> Arc<str> {
        let below = |route: &&Arc<str>| {
            path.strip_prefix(&***route).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        Arc::clone(self.outside.iter().find(below).unwrap_or(&self.other))
    }

    /// The value of `Allow` for `path`; what is outside of the document is only read.
    pub(super) fn allow(&self, path: &str) -> String {
        let Some(found) = self.find(path) else { return "GET, HEAD".to_owned() };
        let methods = found.operations.iter().map(|operation| operation.method.as_str());
        let head = found.operations.iter().any(|operation| operation.method == "GET").then_some("HEAD");
        methods.chain(head).collect::<Vec<_>>().join(", ")
    }

    /// Refuses query parameters that the operation does not know, or gets twice: a filter with a typo must not widen
    /// a list.
    ///
    /// # Errors
    /// The first such parameter.
    pub(super) fn check_query(
        &self,
        method: &Method,
        path: &str,
        query: Option<&str>,
    ) -> Result<(), FieldError> {
        let Some(query) = query else { return Ok(()) };
        let Some(operation) = self.operation(gets(method), path) else { return Ok(()) };
        let mut seen: Vec<String> = Vec::new();
        for (name, _) in form_urlencoded::parse(query.as_bytes()) {
            let shown: String = name.chars().take(64).filter(|c| !c.is_control()).collect();
            if !operation.query.iter().any(|known| known == &name) {
                return Err(FieldError::new(shown, Fault::Unknown));
            }
            if seen.contains(&shown) {
                return Err(FieldError::new(shown, Fault::Duplicate));
            }
            seen.push(shown);
        }
        Ok(())
    }

    /// Whether the document has such an operation.
    pub(super) fn knows(&self, method: &Method, path: &str) -> bool {
        self.operation(gets(method), path).is_some()
    }

    /// Whether the operation takes an `Idempotency-Key`.
    pub(super) fn takes_key(&self, method: &Method, path: &str) -> bool {
        self.operation(method.as_str(), path).is_some_and(|operation| operation.keyed)
    }

    fn operation(&self, method: &str, path: &str) -> Option<&Operation> {
        self.find(path)?.operation(method)
    }

    fn find(&self, path: &str) -> Option<&Path> {
        self.fixed.get(path).or_else(|| self.open.iter().find(|open| open.matches(path)))
    }
}

impl Matched<'_> {
    /// Whether the operation needs a credential.
    pub(super) fn secured(&self, method: &Method) -> bool {
        let operation = self.found.and_then(|path| path.operation(gets(method)));
        operation.is_some_and(|operation| operation.secured)
    }
}

/// What is answered to `HEAD` is what is answered to `GET`.
fn gets(method: &Method) -> &str {
    if method == Method::HEAD { "GET" } else { method.as_str() }
}

impl Path {
    fn of(template: &str, path: &Value) -> Self {
        let segment = |segment: &str| (!segment.starts_with('{')).then(|| segment.to_owned());
        let operations = members(path).map(|(method, operation)| {
            let named = |place: &'static str| {
                let parameters = operation["parameters"].as_array().into_iter().flatten();
                let wanted = parameters.filter(move |parameter| parameter["in"] == place);
                wanted.filter_map(|parameter| parameter["name"].as_str().map(str::to_owned))
            };
            let keyed = named("header").any(|name| name == super::idempotency::HEADER);
            let secured = operation["security"].as_array().is_some_and(|needs| !needs.is_empty());
            Operation { method: method.to_uppercase(), query: named("query").collect(), keyed, secured }
        });
        let parts = template.split('/').map(segment).collect();
        Self { template: Arc::from(template), segments: parts, operations: operations.collect() }
    }

    fn operation(&self, method: &str) -> Option<&Operation> {
        self.operations.iter().find(|known| known.method == method)
    }

    fn parameters(&self) -> usize {
        self.segments.iter().filter(|segment| segment.is_none()).count()
    }

    fn matches(&self, path: &str) -> bool {
        let mut given = path.split('/');
        let fits = self.segments.iter().all(|known| {
            let Some(segment) = given.next() else { return false };
            known.as_ref().map_or(!segment.is_empty(), |fixed| fixed == segment)
        });
        fits && given.next().is_none()
    }
}

fn members(value: &Value) -> impl Iterator<Item = (&str, &Value)> {
    value.as_object().into_iter().flatten().map(|(name, member)| (name.as_str(), member))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_knows_its_methods_and_parameters() {
        let paths = Paths::of(&crate::http::openapi());
        assert_eq!(paths.allow("/v1/payments/confirm"), "POST");
        assert_eq!(paths.allow("/v1/payments/order-1"), "GET, HEAD");
        let check =
            |query| paths.check_query(&Method::GET, "/v1/payments", Some(query)).map_err(|error| error.field);
        assert_eq!(check("userId=u1&limit=5"), Ok(()));
        assert_eq!(check("userID=u1"), Err("userID".to_owned()));
        assert_eq!(check("userId=u1&userId=u2"), Err("userId".to_owned()));
        assert_eq!(check(""), Ok(()));
        assert!(paths.takes_key(&Method::POST, "/v1/payments/order-1/cancel"));
        let secured = |path| paths.matched(path).secured(&Method::GET);
        assert!(secured("/v1/payments") && !secured("/v1/plans") && !secured("/healthz"));
        assert!(!paths.takes_key(&Method::GET, "/v1/payments") && !paths.takes_key(&Method::POST, "/v1/x"));
    }

    #[test]
    fn a_route_is_one_of_a_few() {
        let paths = Paths::of(&crate::http::openapi());
        for (path, route) in [
            ("/v1/payments/confirm", "/v1/payments/confirm"),
            ("/v1/payments/order-1", "/v1/payments/{orderId}"),
            ("/v1/payments/order-1/cancel", "/v1/payments/{orderId}/cancel"),
            ("/healthz", "/healthz"),
            ("/docs/index.css", "/docs"),
            ("/docsx", "other"),
            ("/.env", "other"),
            ("", "other"),
        ] {
            assert_eq!(&*paths.matched(path).route, route, "{path:?}");
        }
    }
}
