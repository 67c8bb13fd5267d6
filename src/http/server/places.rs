//! How many connections may be open, in all and from one address. Those beyond wait in the system's backlog.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, PoisonError};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

/// Descriptors that are not for connections: the database, Toss, files.
const RESERVED: u64 = 256;
/// The fewest connections that are tried, however low the system's limit is.
const FEWEST: u64 = 64;

/// Places for connections; cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct Places {
    all: Arc<Semaphore>,
    by_address: Arc<Mutex<HashMap<IpAddr, usize>>>,
    /// Of one address; none when there is no such bound.
    most_of_one: Option<usize>,
    crowded: watch::Sender<bool>,
}

/// A connection's place in all, given back when it is dropped.
#[derive(Debug)]
pub(super) struct Place(#[expect(dead_code, reason = "held for its drop")] OwnedSemaphorePermit);

/// A connection's place among those of its address, given back when it is dropped.
#[derive(Debug)]
pub(super) struct Share {
    by_address: Arc<Mutex<HashMap<IpAddr, usize>>>,
    address: IpAddr,
}

impl Places {
    /// So many in all, as far as the system allows them, and so many from one address; 0 for no bound on these.
    pub(super) fn new(most: usize, most_of_one: usize) -> Self {
        Self {
            all: Arc::new(Semaphore::new(affordable(most))),
            by_address: Arc::default(),
            most_of_one: (most_of_one > 0).then_some(most_of_one),
            crowded: watch::Sender::new(false),
        }
    }

    /// Whether all places are taken: idle connections then give up theirs.
    pub(super) fn crowded(&self) -> watch::Receiver<bool> {
        self.crowded.subscribe()
    }

    /// Waits for a place. None of the places is ever lost, so that this ends as soon as any connection does.
    pub(super) async fn place(&self) -> Option<Place> {
        if let Ok(place) = Arc::clone(&self.all).try_acquire_owned() {
            return Some(Place(place));
        }
        self.crowded.send_replace(true);
        let place = Arc::clone(&self.all).acquire_owned().await.ok();
        self.crowded.send_replace(false);
        place.map(Place)
    }

    /// A place among those of `address`; none when they are all taken.
    pub(super) fn share(&self, address: IpAddr) -> Option<Share> {
        let address = network(address);
        let mut counts = self.by_address.lock().unwrap_or_else(PoisonError::into_inner);
        let count = counts.entry(address).or_insert(0);
        if self.most_of_one.is_some_and(|most| *count >= most) {
            return None;
        }
        *count += 1;
        drop(counts);
        Some(Share { by_address: Arc::clone(&self.by_address), address })
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        let mut counts = self.by_address.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = counts.get_mut(&self.address) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&self.address);
            }
        }
    }
}

/// What counts as one address: with IPv6, a household or a server has a network of 2⁶⁴ of them.
pub(crate) fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => address.into(),
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX)).into(),
    }
}

/// As many of `most` as the system has descriptors for; its soft limit is raised where that helps.
fn affordable(most: usize) -> usize {
    let wanted = u64::try_from(most).unwrap_or(u64::MAX).saturating_add(RESERVED);
    let limit = getrlimit(Resource::Nofile);
    let reachable = limit.maximum.map_or(wanted, |hard| hard.min(wanted));
    let mut current = limit.current.unwrap_or(u64::MAX);
    if current < reachable {
        let raised = Rlimit { current: Some(reachable), maximum: limit.maximum };
        match setrlimit(Resource::Nofile, raised) {
            Ok(()) => current = reachable,
            Err(error) => tracing::warn!(%error, "the limit of open files cannot be raised"),
        }
    }
    if current >= wanted {
        return most;
    }
    let connections = current.saturating_sub(RESERVED).max(FEWEST);
    tracing::warn!(open_files = current, connections, "fewer connections than server.max_connections");
    usize::try_from(connections).unwrap_or(most).min(most)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    #[tokio::test]
    async fn a_place_is_given_back_and_a_full_house_is_crowded() {
        let places = Places::new(1, 0);
        let first = places.place().await.expect("a place");
        let mut crowded = places.crowded();
        let second = tokio::spawn({
            let places = places.clone();
            async move { places.place().await.is_some() }
        });
        crowded.wait_for(|crowded| *crowded).await.expect("told");
        assert!(!second.is_finished());
        drop(first);
        assert!(second.await.expect("not cut off"));
        crowded.wait_for(|crowded| !*crowded).await.expect("told");
    }

    #[test]
    fn an_address_has_so_many_and_a_network_of_ipv6_is_one() {
        let places = Places::new(10, 1);
        let first = places.share(address("2001:db8::1")).expect("a place");
        assert!(places.share(address("2001:db8::2")).is_none());
        assert!(places.share(address("2001:db8:0:1::1")).is_some());
        let other = places.share(address("192.0.2.1")).expect("a place");
        assert!(places.share(address("::ffff:192.0.2.1")).is_none());
        drop((first, other));
        assert!(places.share(address("192.0.2.1")).is_some());
        assert!(places.by_address.lock().expect("sound").is_empty(), "nothing is kept of who has gone");
    }
}
