//! Where a request really comes from, when proxies stand in between.

use std::net::IpAddr;

use poem::Request;

use crate::config::Addresses;

/// The address of whoever made the request: the last one in `X-Forwarded-For` that is not a trusted proxy's, as far as
/// trusted proxies have written it. What a stranger claims there is not believed.
pub(crate) fn origin(request: &Request, trusted: &Addresses) -> Option<IpAddr> {
    let peer = request.remote_addr().as_socket_addr()?.ip().to_canonical();
    let claimed: Vec<&str> = request
        .headers()
        .get_all("x-forwarded-for")
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .collect();
    walk_back(peer, &claimed, trusted)
}

/// The same, where a proxy that does not tell for whom it asks is taken for the one who asks.
pub(super) fn origin_or_peer(request: &Request, trusted: &Addresses) -> Option<IpAddr> {
    origin(request, trusted).or_else(|| Some(request.remote_addr().as_socket_addr()?.ip()))
}

/// From the peer backwards for as long as each hop is trusted; none where a trusted proxy wrote no address.
pub(crate) fn walk_back(peer: IpAddr, claimed: &[&str], trusted: &Addresses) -> Option<IpAddr> {
    let mut at = peer;
    for hop in claimed.iter().rev() {
        if !trusted.contains(at) {
            break;
        }
        at = hop.trim().parse::<IpAddr>().ok()?.to_canonical();
    }
    Some(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_trusted_proxies_are_believed() {
        let trusted: Addresses = serde_json::from_value("10.0.0.0/8".into()).expect("a list");
        let from = |peer: &str, claimed: &[&str]| {
            walk_back(peer.parse().expect("an address"), claimed, &trusted).map(|from| from.to_string())
        };
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(from("203.0.113.9", &["13.124.18.147"]), some("203.0.113.9"));
        assert_eq!(from("10.0.0.1", &["13.124.18.147"]), some("13.124.18.147"));
        assert_eq!(from("10.0.0.1", &["13.124.18.147", " 203.0.113.9", "10.0.0.2"]), some("203.0.113.9"));
        assert_eq!(from("10.0.0.1", &["unknown"]), None);
        assert_eq!(from("10.0.0.1", &[]), some("10.0.0.1"));
    }
}
