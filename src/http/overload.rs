//! How many requests may be under way at once. Beyond that they are refused at once: a queue would only make all wait.

use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::code::Code;
use super::shares::Shares;

/// Paths that tell how the process is, and are answered however much it has to do.
const EXEMPT: [&str; 3] = ["/healthz", "/readyz", "/metrics"];

/// Bodies that may be on their way, for each place.
const BODIES: usize = 8;
/// The part of them that may come from one address.
const OF_ONE: usize = 8;

/// Places for requests; cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct Overload(Arc<Parts>);

#[derive(Debug)]
struct Parts {
    places: Arc<Semaphore>,
    bodies: Semaphore,
    /// Bodies on their way, by where they come from.
    shares: Shares,
}

/// A request's place, given back when its handler has ended, however that ends and whether or not the caller still waits
/// for it. Work that goes on by itself beyond the handler holds none: it is bounded elsewhere.
#[derive(Debug)]
pub(super) struct Place(Option<Held>);

/// For whoever reads the request's body: a place is not held while a body is awaited, or else slow clients could take
/// all of them.
#[derive(Clone, Debug)]
pub(crate) struct Held {
    overload: Overload,
    permit: Arc<Mutex<Option<OwnedSemaphorePermit>>>,
    from: Option<IpAddr>,
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Some(held) = &self.0 {
            held.give_back();
        }
    }
}

impl Place {
    /// The place for whoever reads the body; none where nothing is held.
    pub(super) fn held(&self) -> Option<Held> {
        self.0.clone()
    }
}

impl Overload {
    /// At most `most` at once.
    pub(super) fn new(most: usize) -> Self {
        let bodies = most.saturating_mul(BODIES);
        Self(Arc::new(Parts {
            places: Arc::new(Semaphore::new(most)),
            bodies: Semaphore::new(bodies),
            shares: Shares::new(Some(bodies.div_ceil(OF_ONE))),
        }))
    }

    /// A place for a request for `path`.
    ///
    /// # Errors
    /// [`Code::Overloaded`].
    pub(super) fn admit(&self, path: &str, from: Option<IpAddr>) -> Result<Place, Code> {
        if EXEMPT.contains(&path) {
            return Ok(Place(None));
        }
        let permit = Arc::new(Mutex::new(Some(self.take()?)));
        Ok(Place(Some(Held { overload: self.clone(), permit, from })))
    }

    fn take(&self) -> Result<OwnedSemaphorePermit, Code> {
        Arc::clone(&self.0.places).try_acquire_owned().map_err(|_| Code::Overloaded)
    }
}

impl Held {
    /// Awaits what `body` brings without holding a place.
    ///
    /// # Errors
    /// [`Code::Overloaded`] where too many bodies are on their way, or there is no place when it has come.
    pub(super) async fn without<T>(&self, body: impl Future<Output = T>) -> Result<T, Code> {
        let Parts { bodies, shares, .. } = &*self.overload.0;
        let _slot = bodies.try_acquire().map_err(|_| Code::Overloaded)?;
        let _share = match self.from {
            Some(from) => Some(shares.take(from).ok_or(Code::Overloaded)?),
            None => None,
        };
        self.give_back();
        let came = body.await;
        let permit = self.overload.take()?;
        *self.permit.lock().unwrap_or_else(PoisonError::into_inner) = Some(permit);
        Ok(came)
    }

    fn give_back(&self) {
        drop(self.permit.lock().unwrap_or_else(PoisonError::into_inner).take());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_than_the_limit_and_those_that_watch() {
        let overload = Overload::new(1);
        let first = overload.admit("/v1/plans", None).expect("a place");
        assert_eq!(overload.admit("/v1/plans", None).expect_err("full"), Code::Overloaded);
        assert!(overload.admit("/healthz", None).is_ok());
        drop(first);
        assert!(overload.admit("/v1/plans", None).is_ok());
    }

    #[tokio::test]
    async fn whoever_awaits_a_body_holds_no_place() {
        let overload = Overload::new(1);
        let slow = overload.admit("/v1/plans", None).expect("a place").held().expect("held");
        let (send, body) = tokio::sync::oneshot::channel();
        let waiting = tokio::spawn(async move { slow.without(body).await.map(|came| came.is_ok()) });
        while overload.0.bodies.available_permits() == BODIES {
            tokio::task::yield_now().await;
        }
        let other = overload.admit("/v1/plans", None).expect("the place was given back");
        drop(other);
        send.send(()).expect("awaited");
        assert_eq!(waiting.await.expect("not cut off"), Ok(true));
        assert!(overload.admit("/v1/plans", None).is_ok(), "and is given back in the end");
    }

    #[tokio::test]
    async fn one_address_has_a_part_of_the_bodies_only() {
        let overload = Overload::new(1);
        let from = Some(IpAddr::from([192, 0, 2, 1]));
        let slow = overload.admit("/v1/plans", from).expect("a place").held().expect("held");
        let _kept = overload.0.shares.take(IpAddr::from([192, 0, 2, 1])).expect("its part");
        assert_eq!(slow.without(async {}).await, Err(Code::Overloaded));
    }
}
