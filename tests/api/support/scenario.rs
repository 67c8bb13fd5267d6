//! A scenario: a named statement about the product that holds on every database.

use std::panic::AssertUnwindSafe;
use std::pin::Pin;

use futures_util::FutureExt;

use super::world::World;

/// A database that gudok runs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Backend {
    /// A file of its own.
    Sqlite,
    /// A database of its own in a private cluster.
    Postgres,
}

impl Backend {
    /// Every database.
    pub(crate) const ALL: [Backend; 2] = [Backend::Sqlite, Backend::Postgres];

    /// Its name in test names.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Sqlite => "sqlite",
            Self::Postgres => "postgres",
        }
    }
}

type Run = for<'a> fn(&'a World) -> Pin<Box<dyn Future<Output = ()> + 'a>>;

/// A named statement and how it is shown.
#[derive(Clone, Copy)]
pub(crate) struct Scenario {
    /// The module and the function that state it.
    pub(crate) path: &'static str,
    /// Shows it in a fresh world.
    pub(crate) run: Run,
}

impl Scenario {
    /// Its name without the name of the test binary.
    pub(crate) fn name(&self) -> &'static str {
        self.path.split_once("::").map_or(self.path, |(_, name)| name)
    }

    /// Whether it opens a browser: all in the folder for them do, and no others.
    pub(crate) fn needs_browser(&self) -> bool {
        self.name().starts_with("browser::")
    }

    /// Whether it moves the clock under a process: all in the file for them do, and no others.
    pub(crate) fn moves_a_clock(&self) -> bool {
        self.name().starts_with("replicas::clock::")
    }

    /// Whether it puts a pooler in front of PostgreSQL: all in the file for them do, and no others.
    pub(crate) fn needs_pooler(&self) -> bool {
        self.name().starts_with("replicas::pooler::")
    }

    /// Shows it on `backend`; afterwards the books must balance whatever it did.
    pub(crate) fn run(self, backend: Backend) -> Result<(), String> {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
        let runtime = runtime.map_err(|error| error.to_string())?;
        let shown = std::panic::catch_unwind(AssertUnwindSafe(|| {
            runtime.block_on(async {
                let world = World::new(backend).await;
                if let Err(panic) = AssertUnwindSafe((self.run)(&world)).catch_unwind().await {
                    world.abandon_browsers(self.name()).await;
                    std::panic::resume_unwind(panic);
                }
                world.end().await;
            });
        }));
        shown.map_err(|panic| {
            let text = panic.downcast_ref::<String>().cloned();
            text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned())).unwrap_or_default()
        })
    }
}

/// Lists scenarios by function; one that is not listed is an unused function, which the lints refuse.
macro_rules! scenarios {
    ($($name:ident),+ $(,)?) => {
        /// The scenarios of this file.
        pub(crate) fn scenarios() -> Vec<$crate::support::scenario::Scenario> {
            vec![$($crate::support::scenario::Scenario {
                path: concat!(module_path!(), "::", stringify!($name)),
                run: |world| Box::pin($name(world)),
            }),+]
        }
    };
}
pub(crate) use scenarios;
