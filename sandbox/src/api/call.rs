//! Which call a request makes, told from its method and path.

use crate::{faults::Operation, refusal::Refusal};

/// A call of the API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Call {
    Confirm,
    Get(String),
    GetByOrder(String),
    Cancel(String),
    Transactions,
}

impl Call {
    /// Reads method and path. An unknown path is one refusal, a known path with another method a second.
    pub(crate) fn of(method: &str, path: &str) -> Result<Self, Refusal> {
        let parts: Vec<String> = path.split('/').skip(1).map(decode).collect();
        let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
        let (call, wanted) = match parts.as_slice() {
            ["v1", "payments", "confirm"] => (Self::Confirm, "POST"),
            ["v1", "payments", "orders", id] if !id.is_empty() => (Self::GetByOrder((*id).to_owned()), "GET"),
            ["v1", "payments", key, "cancel"] if !key.is_empty() => (Self::Cancel((*key).to_owned()), "POST"),
            ["v1", "payments", key] if !key.is_empty() => (Self::Get((*key).to_owned()), "GET"),
            ["v1", "transactions"] => (Self::Transactions, "GET"),
            _ => return Err(Refusal::new("NOT_FOUND")),
        };
        // Toss's documentation names this code and does not say when it is answered.
        if method == wanted { Ok(call) } else { Err(Refusal::new("NOT_FOUND_HTTP_METHOD")) }
    }

    /// What kind of call it is.
    pub(crate) fn operation(&self) -> Operation {
        match self {
            Self::Confirm => Operation::Confirm,
            Self::Get(_) | Self::GetByOrder(_) => Operation::Get,
            Self::Cancel(_) => Operation::Cancel,
            Self::Transactions => Operation::Transactions,
        }
    }
}

/// Undoes percent-encoding; what is not valid stays as it is.
pub(crate) fn decode(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, tail)) = rest.split_first() {
        let hex = |at: usize| tail.get(at).and_then(|b| char::from(*b).to_digit(16));
        rest = tail;
        bytes.push(match (first, hex(0), hex(1)) {
            (b'%', Some(high), Some(low)) => {
                rest = tail.get(2..).unwrap_or_default();
                u8::try_from(high * 16 + low).unwrap_or(b'%')
            }
            _ => first,
        });
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_told_apart() {
        let code =
            |method: &str, path: &str| Call::of(method, path).map_err(|refusal| refusal.code().to_owned());
        assert_eq!(code("POST", "/v1/payments/confirm"), Ok(Call::Confirm));
        assert_eq!(code("GET", "/v1/payments/tgen_1"), Ok(Call::Get("tgen_1".into())));
        assert_eq!(code("GET", "/v1/payments/orders/a%3D%ea"), Ok(Call::GetByOrder("a=\u{fffd}".into())));
        assert_eq!(code("POST", "/v1/payments/tgen_1/cancel"), Ok(Call::Cancel("tgen_1".into())));
        assert_eq!(code("GET", "/v1/transactions"), Ok(Call::Transactions));
        assert_eq!(code("DELETE", "/v1/payments/tgen_1"), Err("NOT_FOUND_HTTP_METHOD".into()));
        for path in ["/v1/payments", "/v1/payments/", "/v1/payments/confirm/", "/v2/payments/x", "/v1/%"] {
            assert_eq!(code("GET", path), Err("NOT_FOUND".into()), "{path}");
        }
    }
}
