//! What the shop's page asks the window for, read from the address or the form and checked.

use reqwest::Url;

use super::Language;
use crate::{
    books::open::Authenticate,
    means::{PayMethod, easy_pay},
    refusal::Refusal,
    state::Shared,
};

/// The customer key of a buyer whom the shop does not know.
const ANONYMOUS: &str = "@@ANONYMOUS";

/// The longest address to which a buyer is sent back.
const MAX_URL: usize = 2_048;

/// Reads `a=1&b=2` as a browser writes it.
pub(super) fn fields(text: &str) -> Vec<(String, String)> {
    // Only for its parser of queries.
    let Ok(mut url) = Url::parse("http://sandbox.invalid/") else { return Vec::new() };
    url.set_query(Some(text));
    url.query_pairs().map(|(name, value)| (name.into_owned(), value.into_owned())).collect()
}

/// A payment that a shop wants its buyer to make.
#[derive(Debug)]
pub(super) struct Ask {
    pub(super) buyer: Authenticate,
    pub(super) order_name: String,
    pub(super) success_url: Option<Url>,
    pub(super) fail_url: Option<Url>,
    /// Where the shop's page lives, when it shows the window in a frame.
    pub(super) origin: String,
    /// As they came, for the form that ends the window.
    pub(super) fields: Vec<(String, String)>,
}

/// What an [`Ask`] is read from; other fields belong to the buyer's choice.
const NAMES: [&str; 14] = [
    "clientKey",
    "customerKey",
    "orderId",
    "orderName",
    "amount",
    "currency",
    "method",
    "provider",
    "successUrl",
    "failUrl",
    "customerName",
    "taxFreeAmount",
    "origin",
    "lang",
];

impl Ask {
    /// Reads and checks it all; the codes are those that Toss's script rejects with.
    pub(super) fn read(shared: &Shared, fields: &[(String, String)]) -> Result<Self, Refusal> {
        let text = |name: &str| {
            let value = fields.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str());
            value.filter(|value| !value.is_empty())
        };
        check_key(shared, text("clientKey"))?;
        let origin = origin(text("origin"))?;
        let amount = text("amount").and_then(|text| text.parse().ok());
        let amount = amount.ok_or_else(|| Refusal::invalid("amount must be a whole number of won"))?;
        if text("currency").is_some_and(|currency| currency != "KRW") {
            return Err(Refusal::custom(400, "INVALID_AMOUNT_CURRENCY", "only KRW can be paid here"));
        }
        let order_name = text("orderName").ok_or_else(|| Refusal::invalid("orderName is missing"))?;
        let (method, provider) = method(text("method"), text("provider"))?;
        let tax_free = text("taxFreeAmount").map_or(Ok(0), str::parse);
        let mut buyer = Authenticate::new(text("orderId").unwrap_or_default(), amount).method(method);
        buyer.order_name = Some(order_name.to_owned());
        buyer.customer_key = text("customerKey").filter(|key| *key != ANONYMOUS).map(str::to_owned);
        buyer.customer_name = text("customerName").map(str::to_owned);
        buyer.easy_pay_provider = provider.map(str::to_owned);
        buyer.tax_free_amount =
            tax_free.map_err(|_| Refusal::invalid("taxFreeAmount must be a whole number of won"))?;
        buyer.check()?;
        let success_url = url(text("successUrl"), "INCORRECT_SUCCESS_URL_FORMAT")?;
        let fail_url = url(text("failUrl"), "INCORRECT_FAIL_URL_FORMAT")?;
        if origin.is_empty() && (success_url.is_none() || fail_url.is_none()) {
            let message =
                "without successUrl and failUrl the window must stand in a frame of the shop's page";
            return Err(Refusal::custom(400, "NOT_SUPPORTED_PROMISE", message));
        }
        let kept = fields.iter().filter(|(name, _)| NAMES.contains(&name.as_str()));
        let (fields, order_name) = (kept.cloned().collect(), order_name.to_owned());
        Ok(Self { buyer, order_name, success_url, fail_url, origin, fields })
    }

    /// Where a payment that the buyer made leads.
    pub(super) fn succeeded(&self, payment_key: &str) -> Option<String> {
        let amount = self.buyer.amount.to_string();
        let told = [
            ("paymentType", "NORMAL"),
            ("orderId", self.buyer.order_id.as_str()),
            ("paymentKey", payment_key),
            ("amount", amount.as_str()),
        ];
        self.success_url.as_ref().map(|url| with(url, &told))
    }

    /// Where a payment that came to nothing leads. A buyer who closed the window leaves no order id.
    pub(super) fn failed(&self, end: &End) -> Option<String> {
        let mut told = vec![("code", end.code), ("message", end.message)];
        told.extend(end.names_order.then_some(("orderId", self.buyer.order_id.as_str())));
        self.fail_url.as_ref().map(|url| with(url, &told))
    }
}

/// How a window ended without a payment.
#[derive(Debug)]
pub(super) struct End {
    pub(super) code: &'static str,
    pub(super) message: &'static str,
    pub(super) names_order: bool,
}

impl End {
    /// The buyer closed the window.
    pub(super) fn closed(lang: Language) -> Self {
        let message = lang.say("사용자가 결제를 취소하였습니다.", "The buyer closed the window.");
        Self { code: "PAY_PROCESS_CANCELED", message, names_order: false }
    }

    /// The payment was refused inside the window.
    pub(super) fn refused(lang: Language) -> Self {
        let message =
            lang.say("결제 진행 중 오류가 발생하여 결제가 중단되었습니다.", "The payment was refused.");
        Self { code: "PAY_PROCESS_ABORTED", message, names_order: true }
    }
}

/// Whether the shop's key is the one of this sandbox.
pub(super) fn check_key(shared: &Shared, key: Option<&str>) -> Result<(), Refusal> {
    let options = &shared.options;
    match key {
        Some(key) if key == options.client_key => Ok(()),
        Some(key)
            if ["test_sk_", "test_gsk_", "live_sk_", "live_gsk_"]
                .iter()
                .any(|kind| key.starts_with(kind)) =>
        {
            let message = "a secret key must never reach a browser";
            Err(Refusal::custom(400, "INSECURE_KEY_USAGE", message))
        }
        _ => {
            let message = "this is not the client key of this sandbox";
            Err(Refusal::custom(401, "INVALID_CLIENT_KEY", message))
        }
    }
}

/// The origin of the page around a frame; empty when there is none.
pub(super) fn origin(text: Option<&str>) -> Result<String, Refusal> {
    let Some(text) = text else { return Ok(String::new()) };
    let url = url(Some(text), "INVALID_PARAMETERS")?;
    Ok(url.map(|url| url.origin().ascii_serialization()).unwrap_or_default())
}

/// What the shop calls the method; a wallet may be named like a method, as its widget does.
fn method<'a>(
    name: Option<&'a str>,
    provider: Option<&'a str>,
) -> Result<(PayMethod, Option<&'a str>), Refusal> {
    let unknown = || Refusal::custom(400, "NOT_SUPPORTED_METHOD", "this method cannot be paid with here");
    let name = name.unwrap_or("CARD");
    if easy_pay::name_of(name).is_some() {
        return Ok((PayMethod::EasyPay, Some(name)));
    }
    let known = serde_json::from_value(name.into()).map_err(|_| unknown())?;
    if provider.is_some_and(|provider| easy_pay::name_of(provider).is_none()) {
        return Err(unknown());
    }
    Ok((known, provider))
}

/// An address to go back to: absolute, and one that a browser opens as a page.
fn url(text: Option<&str>, code: &str) -> Result<Option<Url>, Refusal> {
    let Some(text) = text else { return Ok(None) };
    let refused = || Refusal::custom(400, code, "it must be an absolute http or https address");
    let url = Url::parse(text).ok().filter(|_| text.len() <= MAX_URL).ok_or_else(refused)?;
    if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
        return Err(refused());
    }
    Ok(Some(url))
}

/// Adds to whatever the address asks already.
fn with(url: &Url, told: &[(&str, &str)]) -> String {
    let mut url = url.clone();
    url.query_pairs_mut().extend_pairs(told);
    url.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_pages_are_gone_back_to() {
        for bad in ["javascript:alert(1)", "/success", "data:text/html,x", "//shop", "ftp://shop/", "http://"]
        {
            assert_eq!(url(Some(bad), "X").unwrap_err().code(), "X", "{bad}");
        }
        assert!(url(Some(&format!("http://shop/{}", "x".repeat(MAX_URL))), "X").is_err());
        assert_eq!(origin(Some("https://shop.example:444/a?b")).unwrap(), "https://shop.example:444");
    }

    #[test]
    fn an_address_keeps_its_own_query() {
        let url = url(Some("http://shop/ok?a=1&b=%26#there"), "X").unwrap().unwrap();
        assert_eq!(
            with(&url, &[("c", "2&3"), ("d", "가")]),
            "http://shop/ok?a=1&b=%26&c=2%263&d=%EA%B0%80#there"
        );
    }

    #[test]
    fn wallets_are_methods_of_their_own() {
        assert_eq!(method(Some("KAKAOPAY"), None).unwrap(), (PayMethod::EasyPay, Some("KAKAOPAY")));
        assert_eq!(method(Some("VIRTUAL_ACCOUNT"), None).unwrap(), (PayMethod::VirtualAccount, None));
        assert_eq!(method(None, None).unwrap(), (PayMethod::Card, None));
        for bad in ["PAYPAL", "card", ""] {
            assert_eq!(method(Some(bad), None).unwrap_err().code(), "NOT_SUPPORTED_METHOD");
        }
    }
}
