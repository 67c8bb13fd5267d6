//! What all sections share: the settings of the run, the cluster, and books that are made once and copied often.

use std::cell::{Cell, OnceCell, RefCell};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::cluster::Cluster;
use crate::drive::{Load, Plan};
use crate::seed::{self, Seed};
use crate::service::{self, Gudok, Process};
use crate::table::{Engine, Table, Target};

/// Books up to this size are checked when they have been made.
const MOST_CHECKED: u64 = 100_000;

/// What comes before every measurement: caches and prepared statements come into being.
pub(crate) const WARM: Duration = Duration::from_millis(500);

/// What was asked for on the command line.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) runs: u64,
    /// Seconds of one measurement.
    pub(crate) seconds: u64,
    /// Payments stored where the big books are measured.
    pub(crate) payments: u64,
    /// Subscriptions for the nightly job, half of them over.
    pub(crate) subscriptions: u64,
    pub(crate) binary: PathBuf,
    /// Settings of PostgreSQL's, each `name=value`.
    pub(crate) postgres: Vec<String>,
    /// Settings of gudok's: names and values of its environment.
    pub(crate) gudok: Vec<(String, String)>,
    /// Print the statements that pgbench gets.
    pub(crate) statements: bool,
}

/// One database with its books.
#[derive(Clone, Debug)]
pub(crate) struct Books {
    pub(crate) engine: Engine,
    pub(crate) name: String,
    pub(crate) url: String,
}

pub(crate) struct World {
    pub(crate) settings: Settings,
    cluster: OnceCell<Cluster>,
    /// SQLite's files.
    folder: TempDir,
    table: RefCell<Table>,
    seeded: RefCell<Vec<(Engine, Seed)>>,
    number: Cell<u64>,
    begun: Instant,
}

impl World {
    pub(crate) fn new(settings: Settings) -> Self {
        let folder = tempfile::Builder::new().prefix("gudok-load-").tempdir().expect("a temporary folder");
        let (table, seeded) = (RefCell::default(), RefCell::default());
        Self {
            settings,
            cluster: OnceCell::new(),
            folder,
            table,
            seeded,
            number: Cell::new(1),
            begun: Instant::now(),
        }
    }

    /// The PostgreSQL cluster, started when first needed.
    pub(crate) fn cluster(&self) -> &Cluster {
        self.cluster.get_or_init(|| Cluster::start(&self.settings.postgres))
    }

    /// A number that was not given before.
    pub(crate) fn number(&self) -> u64 {
        self.number.replace(self.number.get() + 1)
    }

    pub(crate) fn gudok<'a>(&'a self, books: &'a Books, toss: &Process) -> Gudok<'a> {
        let Settings { binary, gudok, .. } = &self.settings;
        Gudok { binary, database: &books.url, toss: toss.address, settings: gudok }
    }

    /// Fresh books that hold `seed`. The first time they are made, afterwards copied.
    pub(crate) async fn books(&self, engine: Engine, seed: Seed) -> Books {
        let master = self.named(engine, &format!("seed_{}_{}", seed.payments, seed.users));
        if !self.seeded.borrow().contains(&(engine, seed)) {
            self.make(&master, seed).await;
            self.seeded.borrow_mut().push((engine, seed));
        }
        let copy = self.named(engine, &format!("books_{}", self.number()));
        match engine {
            Engine::Postgres => {
                let sql =
                    format!("CREATE DATABASE {} TEMPLATE {} STRATEGY FILE_COPY", copy.name, master.name);
                self.administer(&sql).await;
            }
            Engine::Sqlite => {
                std::fs::copy(self.file(&master), self.file(&copy)).expect("copied");
            }
        }
        copy
    }

    /// Books that hold `seed` for whoever needs them only once: so big ones need not be on the disk twice.
    pub(crate) async fn own_books(&self, engine: Engine, seed: Seed) -> Books {
        let books = self.named(engine, &format!("books_{}", self.number()));
        self.make(&books, seed).await;
        books
    }

    async fn make(&self, master: &Books, seed: Seed) {
        let Seed { payments, users } = seed;
        self.say(&format!("{:?}: making books with {payments} payments of {users} users", master.engine));
        if master.engine == Engine::Postgres {
            self.administer(&format!("CREATE DATABASE {}", master.name)).await;
        }
        let nowhere = std::net::SocketAddr::from(([127, 0, 0, 1], 1));
        let gudok =
            Gudok { toss: nowhere, settings: &[], binary: &self.settings.binary, database: &master.url };
        gudok.run(&["migrate"]).await;
        if master.engine == Engine::Postgres {
            self.run_what_is_due(master).await;
        }
        seed::fill(&master.url, seed).await;
        if seed.payments <= MOST_CHECKED {
            // Big books are made by the same statements.
            gudok.run(&["check"]).await;
        }
    }

    /// Has the nightly jobs run on empty books, so that a scheduler finds nothing to catch up on.
    async fn run_what_is_due(&self, books: &Books) {
        let toss = self.toss().await;
        let settings = [("GUDOK__SCHEDULER__ENABLED".to_owned(), "true".to_owned())];
        let mut gudok = self.gudok(books, &toss);
        gudok.settings = &settings;
        let process = gudok.serve().await;
        let db = seed::connect(&books.url).await;
        let done = "SELECT name FROM job_run WHERE status = 'DONE'
            AND name IN ('expire-subscriptions', 'reconcile', 'check')";
        while seed::column(&db, done).await.len() < 3 {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        db.close().await.expect("closed");
        process.stop().await;
    }

    /// Throws books away that nobody needs any more.
    pub(crate) async fn discard(&self, books: Books) {
        match books.engine {
            Engine::Postgres => self.administer(&format!("DROP DATABASE {} (FORCE)", books.name)).await,
            Engine::Sqlite => {
                for suffix in ["", "-wal", "-shm"] {
                    let mut file = self.file(&books).into_os_string();
                    file.push(suffix);
                    // The last two are there only while somebody has it open.
                    let _ = std::fs::remove_file(file);
                }
            }
        }
    }

    /// Runs a statement in the cluster, outside of any books.
    pub(crate) async fn administer(&self, sql: &str) {
        let db = seed::connect(&self.cluster().url("postgres")).await;
        seed::run(&db, sql).await;
        db.close().await.expect("closed");
    }

    fn named(&self, engine: Engine, name: &str) -> Books {
        let books = Books { engine, name: name.to_owned(), url: String::new() };
        let url = match engine {
            Engine::Postgres => self.cluster().url(name),
            Engine::Sqlite => format!("sqlite://{}?mode=rwc", self.file(&books).display()),
        };
        Books { url, ..books }
    }

    fn file(&self, books: &Books) -> PathBuf {
        self.folder.path().join(format!("{}.db", books.name))
    }

    /// How to drive `clients` connections for one measurement.
    pub(crate) fn plan<'a>(&self, addresses: &'a [std::net::SocketAddr], clients: usize) -> Plan<'a> {
        let time = Duration::from_secs(self.settings.seconds);
        Plan { addresses, clients, warm: WARM, time }
    }

    /// Starts the sandbox.
    pub(crate) async fn toss(&self) -> Process {
        service::toss().await
    }

    pub(crate) fn add(&self, engine: Engine, figure: &str, unit: &'static str, value: f64) {
        self.table.borrow_mut().add(engine, figure, unit, value);
    }

    pub(crate) fn aim(&self, figure: &str, unit: &'static str, target: Target, value: f64) {
        self.table.borrow_mut().aim(figure, unit, target, value);
    }

    /// Adds rate and waits of a load, and says so when some of it failed.
    pub(crate) fn add_load(&self, engine: Engine, figure: &str, load: &Load) {
        self.add(engine, &format!("{figure}, per second"), "", load.rate());
        for (name, quantile) in [("p50", 0.5), ("p95", 0.95), ("p99", 0.99)] {
            self.add(engine, &format!("{figure}, {name}"), " ms", load.millis(quantile));
        }
        self.complain(figure, load);
    }

    pub(crate) fn complain(&self, figure: &str, load: &Load) {
        if let Some(error) = &load.error {
            self.say(&format!("{figure}: {} ERRORS, such as {error}", load.errors));
        }
    }

    /// Says how far it is.
    #[expect(clippy::print_stderr, reason = "progress, for whoever waits")]
    pub(crate) fn say(&self, text: &str) {
        eprintln!("[{:4.0} s] {text}", self.begun.elapsed().as_secs_f64());
    }

    /// On what it was measured.
    pub(crate) fn about(&self) -> String {
        let cores = std::thread::available_parallelism().map_or(0, usize::from);
        let Settings { runs, seconds, payments, subscriptions, .. } = &self.settings;
        let server = self.cluster.get().map_or_else(|| "no PostgreSQL".to_owned(), Cluster::version);
        format!(
            "{server}; {cores} cores; medians of {runs} runs (least–most), {seconds} s each; big books: {payments} \
             payments; nightly job: {subscriptions} subscriptions; took {:.0} min\n",
            self.begun.elapsed().as_secs_f64() / 60.0
        )
    }

    pub(crate) fn table(&self) -> String {
        self.table.borrow().text()
    }
}
