//! A running sandbox: how it starts, how it stops, and what a test in the same process can ask of it.

use std::{collections::BTreeMap, io, net::SocketAddr, sync::Arc, time::Duration};

use poem::Server;
use serde_json::Value;
use tokio::{net::TcpListener, sync::oneshot, task::JoinHandle};

use crate::{
    books::{
        cancel::By,
        cancel_request::CancelRequest,
        journal::LedgerEntry,
        open::{Authenticate, Authenticated},
    },
    clock::Clock,
    faults::{Chaos, Fault, FaultKind},
    http,
    payment::view,
    refusal::Refusal,
    requests::Received,
    socket::{Cuttable, Switches},
    state::{Options, Shared},
    webhooks,
};

/// A running server. Dropping it stops it.
#[derive(Debug)]
pub struct Sandbox {
    pub(crate) shared: Arc<Shared>,
    addr: SocketAddr,
    /// Dropping this tells the server to stop.
    running: Option<oneshot::Sender<()>>,
    task: Option<JoinHandle<io::Result<()>>>,
    /// The task that sends webhooks.
    postman: JoinHandle<()>,
}

impl Sandbox {
    /// Binds the address and serves; both are done when this returns.
    ///
    /// Fails when the address cannot be bound, or when the webhook URL is none.
    pub async fn start(options: Options) -> io::Result<Self> {
        let unusable = |refusal: Refusal| io::Error::new(io::ErrorKind::InvalidInput, refusal);
        options.webhook_url.as_deref().map_or(Ok(()), webhooks::check_url).map_err(unusable)?;
        let listener = TcpListener::bind(options.bind).await?;
        let addr = listener.local_addr()?;
        let shared = Arc::new(Shared::new(options, format!("http://{addr}")));
        let switches = Switches::default();
        let (running, stopped) = oneshot::channel::<()>();
        let endpoint = http::endpoint(Arc::clone(&shared), switches.clone());
        let server = Server::new_with_acceptor(Cuttable::new(listener, addr, switches)).name("toss-sandbox");
        let stopped = async {
            let _ = stopped.await;
        };
        // Whoever stops the sandbox wants it gone: open connections get no time.
        let task = tokio::spawn(server.run_with_graceful_shutdown(endpoint, stopped, Some(Duration::ZERO)));
        let postman = tokio::spawn(webhooks::post::run(Arc::clone(&shared)));
        Ok(Self { shared, addr, running: Some(running), task: Some(task), postman })
    }

    /// Where it serves, for example `http://127.0.0.1:40123`.
    pub fn url(&self) -> String {
        self.shared.url.clone()
    }

    /// The bound address.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// The secret key it accepts.
    pub fn secret_key(&self) -> &str {
        &self.shared.options.secret_key
    }

    /// The client key that belongs to it.
    pub fn client_key(&self) -> &str {
        &self.shared.options.client_key
    }

    /// Its clock.
    pub fn clock(&self) -> &Clock {
        &self.shared.options.clock
    }

    /// Stops: open connections are closed, and the port is free when this returns.
    pub async fn stop(mut self) {
        self.running.take();
        if let Some(task) = self.task.take() {
            // It ends by itself; that it was aborted with its runtime is as good.
            let _ = task.await;
        }
    }

    /// A buyer opens the payment window and, unless told otherwise, authenticates.
    pub fn authenticate(&self, buyer: Authenticate) -> Result<Authenticated, Refusal> {
        self.shared.change(|state, now| state.books.open(&buyer, now))
    }

    /// The buyer of a window that stands open authenticates.
    pub fn complete_authentication(&self, payment_key: &str) -> Result<Authenticated, Refusal> {
        self.shared.change(|state, now| state.books.authenticate(payment_key, now))
    }

    /// A virtual account is paid.
    pub fn deposit(&self, payment_key: &str) -> Result<(), Refusal> {
        self.shared.change(|state, now| state.books.deposit(payment_key, now).map(|_| ()))
    }

    /// The deposit of a virtual account is taken back.
    pub fn reverse_deposit(&self, payment_key: &str) -> Result<(), Refusal> {
        self.shared.change(|state, now| state.books.reverse_deposit(payment_key, now).map(|_| ()))
    }

    /// Staff cancel a payment in the admin console; without an amount, all of it.
    pub fn console_cancel(
        &self,
        payment_key: &str,
        amount: Option<i64>,
        reason: &str,
    ) -> Result<(), Refusal> {
        if amount.is_some_and(|amount| amount < 1) {
            return Err(Refusal::invalid("the amount must be above zero"));
        }
        let asked = CancelRequest::by_staff(amount, reason);
        self.shared.change(|state, now| state.books.cancel(payment_key, &asked, By::Staff, now).map(|_| ()))
    }

    /// Lets something go wrong.
    pub fn inject(&self, fault: Fault) {
        self.shared.state().faults.add(fault);
    }

    /// Lets a share of all calls suffer, until the faults are cleared. Without kinds nothing does.
    pub fn chaos(&self, chaos: Chaos) {
        self.shared.state().faults.by_chance(chaos);
    }

    /// How many calls each kind of fault has struck since the sandbox started.
    pub fn faults_struck(&self) -> BTreeMap<FaultKind, u64> {
        self.shared.state().faults.struck().clone()
    }

    /// Forgets the faults that still wait, and lets go of the calls that a delay holds back.
    pub fn clear_faults(&self) {
        self.shared.state().faults.clear();
    }

    /// Sprinkles unknown fields and values over the answers, or stops doing so.
    pub fn unknown_fields(&self, on: bool) {
        self.shared.state().unknown_fields = on;
    }

    /// Refuses a second payment of an order that is paid, or allows it from now on.
    pub fn one_approval_per_order(&self, on: bool) {
        self.shared.state().books.several_approvals = !on;
    }

    /// Every movement of money, in order.
    pub fn ledger(&self) -> Vec<LedgerEntry> {
        self.shared.state().books.journal.ledger().cloned().collect()
    }

    /// The calls that were received, the last 10,000 of them.
    pub fn received(&self) -> Vec<Received> {
        self.shared.state().requests.all()
    }

    /// What a lookup by order would show; nothing when it would find nothing.
    pub fn payment(&self, order_id: &str) -> Option<Value> {
        self.shared.change(|state, now| {
            let payment = state.books.find_order(order_id, now).ok()?;
            Some(view::payment(payment, now, &self.shared.url, false))
        })
    }

    /// All payments of an order, also those that no lookup would find.
    pub fn payments(&self, order_id: &str) -> Vec<Value> {
        self.shared.change(|state, now| {
            let payments = state.books.all_of(order_id, now);
            payments.map(|payment| view::payment(payment, now, &self.shared.url, false)).collect()
        })
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        // Calls that a delay holds back end now; the server stops because `running` is dropped.
        self.shared.state().faults.clear();
        self.postman.abort();
    }
}
