//! How many connections may be open, in all and from one address. Those beyond wait in the system's backlog.

use std::net::IpAddr;
use std::sync::Arc;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

use crate::http::shares::{Share, Shares};

/// Descriptors that are not for connections: the database, Toss, files.
const RESERVED: u64 = 256;
/// The fewest connections that are tried, however low the system's limit is.
const FEWEST: u64 = 64;

/// Places for connections; cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct Places {
    all: Arc<Semaphore>,
    shares: Shares,
    crowded: watch::Sender<bool>,
}

/// A connection's place in all, given back when it is dropped.
#[derive(Debug)]
pub(super) struct Place(#[expect(dead_code, reason = "held for its drop")] OwnedSemaphorePermit);

impl Places {
    /// So many in all, as far as the system allows them, and so many from one address; 0 for no bound on these.
    pub(super) fn new(most: usize, most_of_one: usize) -> Self {
        Self {
            all: Arc::new(Semaphore::new(affordable(most))),
            shares: Shares::new((most_of_one > 0).then_some(most_of_one)),
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
        self.shares.take(address)
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
}
