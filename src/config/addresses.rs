//! Lists of addresses and networks, as `192.0.2.1, 10.0.0.0/8`.

use std::net::IpAddr;

use ipnet::IpNet;
use serde::{Deserialize, Deserializer, de::Error};

/// Addresses and networks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Addresses(Vec<IpNet>);

impl Addresses {
    /// Whether none is listed.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether `address` is listed; an IPv4 address counts as itself also when it comes mapped into IPv6.
    pub fn contains(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.0.iter().any(|network| network.contains(&address))
    }
}

impl<'de> Deserialize<'de> for Addresses {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
        let networks = parts.map(|part| part.parse().or_else(|_| part.parse::<IpAddr>().map(IpNet::from)));
        let networks: Result<_, _> = networks.collect();
        networks.map(Self).map_err(|_| D::Error::custom("must be a list of addresses or networks"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn addresses(text: &str) -> Result<Addresses, serde_json::Error> {
        serde_json::from_value(text.into())
    }

    #[test]
    fn addresses_and_networks_are_told_apart_from_the_rest() {
        let listed = addresses("192.0.2.1, 10.0.0.0/8,2001:db8::/32").expect("a list");
        let contains = |text: &str| listed.contains(text.parse().expect("an address"));
        assert!(contains("192.0.2.1") && contains("10.9.9.9") && contains("2001:db8::7"));
        assert!(contains("::ffff:192.0.2.1"));
        assert!(!contains("192.0.2.2") && !contains("11.0.0.1"));
        assert!(addresses("").expect("empty").is_empty());
        assert!(addresses("192.0.2.256").is_err() && addresses("toss").is_err());
    }
}
