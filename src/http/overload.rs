//! How many requests may be under way at once. Beyond that they are refused at once: a queue would only make all wait.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::code::Code;

/// Paths that tell how the process is, and are answered however much it has to do.
const EXEMPT: [&str; 3] = ["/healthz", "/readyz", "/metrics"];

/// Places for requests; cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct Overload(Arc<Semaphore>);

/// A request's place, given back when its handler has ended, however that ends and whether or not the caller still waits
/// for it. Work that goes on by itself beyond the handler holds none: it is bounded elsewhere.
#[derive(Debug)]
pub(super) struct Place(#[expect(dead_code, reason = "held for its drop")] Option<OwnedSemaphorePermit>);

impl Overload {
    /// At most `most` at once.
    pub(super) fn new(most: usize) -> Self {
        Self(Arc::new(Semaphore::new(most)))
    }

    /// A place for a request for `path`.
    ///
    /// # Errors
    /// [`Code::Overloaded`].
    pub(super) fn admit(&self, path: &str) -> Result<Place, Code> {
        if EXEMPT.contains(&path) {
            return Ok(Place(None));
        }
        let place = Arc::clone(&self.0).try_acquire_owned().map_err(|_| Code::Overloaded)?;
        Ok(Place(Some(place)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_than_the_limit_and_those_that_watch() {
        let overload = Overload::new(1);
        let first = overload.admit("/v1/plans").expect("a place");
        assert_eq!(overload.admit("/v1/plans").expect_err("full"), Code::Overloaded);
        assert!(overload.admit("/healthz").is_ok());
        drop(first);
        assert!(overload.admit("/v1/plans").is_ok());
    }
}
