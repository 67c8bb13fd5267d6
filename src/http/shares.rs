//! How much of something one address may have at once.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, PoisonError};

/// What each address has, as long as it has anything; cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct Shares {
    counts: Arc<Mutex<HashMap<IpAddr, usize>>>,
    most: Option<usize>,
}

/// One of an address's, given back when it is dropped.
#[derive(Debug)]
pub(super) struct Share {
    counts: Arc<Mutex<HashMap<IpAddr, usize>>>,
    address: IpAddr,
}

impl Shares {
    /// At most `most` each; without a bound where there is none.
    pub(super) fn new(most: Option<usize>) -> Self {
        Self { counts: Arc::default(), most }
    }

    /// One of those of `address`; none when it has all.
    pub(super) fn take(&self, address: IpAddr) -> Option<Share> {
        let address = network(address);
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let count = counts.entry(address).or_insert(0);
        if self.most.is_some_and(|most| *count >= most) {
            return None;
        }
        *count += 1;
        drop(counts);
        Some(Share { counts: Arc::clone(&self.counts), address })
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = counts.get_mut(&self.address) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&self.address);
            }
        }
    }
}

/// What counts as one address: with IPv6, a household or a server has a network of 2⁶⁴ of them.
pub(super) fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => address.into(),
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX)).into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    #[test]
    fn an_address_has_so_many_and_a_network_of_ipv6_is_one() {
        let shares = Shares::new(Some(1));
        let first = shares.take(address("2001:db8::1")).expect("the first");
        assert!(shares.take(address("2001:db8::2")).is_none());
        assert!(shares.take(address("2001:db8:0:1::1")).is_some());
        let other = shares.take(address("192.0.2.1")).expect("the first");
        assert!(shares.take(address("::ffff:192.0.2.1")).is_none());
        drop((first, other));
        assert!(shares.take(address("192.0.2.1")).is_some());
        assert!(shares.counts.lock().expect("sound").is_empty(), "nothing is kept of who has gone");
    }
}
