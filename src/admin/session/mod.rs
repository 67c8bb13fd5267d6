//! Who is signed in at the dashboard: a cookie that is signed, and a row that ends it everywhere at once.

mod cookie;
mod failures;
mod key;
mod limit;
mod open;
mod pages;

pub(super) use cookie::Cookie;
pub(super) use limit::SignIns;
pub(super) use open::find;
use open::{forget, open};
pub(super) use pages::{Problem, sign_in, sign_in_form, sign_in_page, sign_out, stay};

/// Where people sign in.
pub(super) const SIGN_IN: &str = "/admin/sign-in";

/// `wanted` if it is a page of the dashboard, else its first page: nobody is sent to another site.
pub(super) fn destination(wanted: Option<&str>) -> &str {
    const FIRST: &str = "/admin";
    let inside = |path: &&str| {
        let below =
            path.strip_prefix(FIRST).is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '?']));
        let plain = path.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
        below && plain && !path.contains("//") && !path.starts_with(SIGN_IN) && path.len() <= 1_000
    };
    wanted.filter(inside).unwrap_or(FIRST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_sent_away() {
        for path in
            ["/admin", "/admin/payments?q=a%2Fb&status=DONE", "/admin?days=7", "/admin/payments/order-1"]
        {
            assert_eq!(destination(Some(path)), path);
        }
        for path in [
            "https://evil.example/admin",
            "//evil.example/admin",
            "/admin//evil.example",
            "/admin/\\evil.example",
            "/administrator",
            "/v1/plans",
            "javascript:alert(1)",
            "/admin/\r\nset-cookie: a=b",
            "/admin/sign-in",
            "",
        ] {
            assert_eq!(destination(Some(path)), "/admin", "{path:?}");
        }
        assert_eq!(destination(None), "/admin");
    }
}
