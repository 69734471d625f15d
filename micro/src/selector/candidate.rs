//! A node, and what calls have shown of it.

use std::{
    any::Any,
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed},
    },
    time::Duration,
};

use tokio::time::Instant;

use super::{
    InFlight, Outcome,
    attachments::Attachments,
    ejection::{Ejection, FAILURES, Fault, PATIENCE, Pool, Standing, nanos},
    hash,
    latency::Latency,
};
use crate::registry::{Node, Service};

/// A node that calls can go to, with what the calls so far have shown of it.
///
/// What is learned belongs to the node's id and address: it stays when the registry has a new
/// record of it, and is gone when the registry no longer has the node.
///
/// Whoever sends a call says so with [`Candidate::begin`], or with [`start`](Candidate::start) and
/// [`finish`](Candidate::finish); nothing of that waits or allocates.
pub struct Candidate {
    node: Node,
    record: Arc<Record>,
    hash: u64,
    state: Arc<State>,
}

/// What the nodes of one record have in common.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Record {
    version: String,
    endpoints: Vec<String>,
}

impl Record {
    pub(super) fn new(service: &Service) -> Arc<Self> {
        Arc::new(Self {
            version: service.version.clone(),
            endpoints: service.endpoints.iter().map(|e| e.name.clone()).collect(),
        })
    }

    pub(super) fn version(&self) -> &str {
        &self.version
    }
}

/// What outlives a record.
#[derive(Debug)]
struct State {
    pool: Arc<Pool>,
    /// Calls that wait for their one answer.
    owed: AtomicUsize,
    streams: AtomicUsize,
    /// Since when there are calls and no answer to any.
    quiet: AtomicU64,
    latency: Latency,
    ejection: Ejection,
    turn: AtomicU64,
    attachments: Attachments,
}

impl Candidate {
    pub(super) fn new(pool: &Arc<Pool>, record: Arc<Record>, node: Node) -> Arc<Self> {
        let state = Arc::new(State {
            pool: Arc::clone(pool),
            owed: AtomicUsize::new(0),
            streams: AtomicUsize::new(0),
            quiet: AtomicU64::new(0),
            latency: Latency::default(),
            ejection: Ejection::default(),
            turn: AtomicU64::new(0),
            attachments: Attachments::default(),
        });
        Self::with(state, record, node)
    }

    /// The same node by another record.
    pub(super) fn renewed(&self, record: Arc<Record>, node: Node) -> Arc<Self> {
        Self::with(Arc::clone(&self.state), record, node)
    }

    fn with(state: Arc<State>, record: Arc<Record>, node: Node) -> Arc<Self> {
        Arc::new(Self {
            hash: hash::hash(node.id.as_bytes()),
            node,
            record,
            state,
        })
    }

    pub(super) fn record(&self) -> &Record {
        &self.record
    }

    /// The node as the registry has it.
    #[must_use]
    pub fn node(&self) -> &Node {
        &self.node
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> &str {
        &self.node.address
    }

    /// The version of the service that it runs.
    #[must_use]
    pub fn version(&self) -> &str {
        &self.record.version
    }

    /// The names of the endpoints that its record lists: `Greeter.Hello`.
    pub fn endpoints(&self) -> impl Iterator<Item = &str> {
        self.record.endpoints.iter().map(String::as_str)
    }

    /// Whether both are one node, though maybe by different records.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.state, &other.state)
    }

    /// What a client keeps with the node, such as its connections: one value for each type, made
    /// when it is first asked for. It stays for as long as what is learned of the node does.
    #[must_use]
    pub fn attachment<T: Default + Any + Send + Sync>(&self) -> Arc<T> {
        self.state.attachments.get()
    }

    /// Counts a call in until what this gives is [done](InFlight::done). A call that is dropped
    /// before is counted as [`Outcome::Neutral`].
    #[must_use = "the call is over when this is dropped"]
    pub fn begin(self: &Arc<Self>) -> InFlight {
        self.begin_at(Instant::now())
    }

    /// As [`Candidate::begin`], by who has just looked at the clock.
    pub(crate) fn begin_at(self: &Arc<Self>, now: Instant) -> InFlight {
        self.sent(|| self.state.pool.at(now));
        InFlight::new(Arc::clone(self), now, false)
    }

    /// As [`Candidate::begin`], for a call that is a stream: how long it is open says nothing of
    /// how fast the node is.
    #[must_use = "the stream is over when this is dropped"]
    pub fn begin_stream(self: &Arc<Self>) -> InFlight {
        self.start_stream();
        InFlight::new(Arc::clone(self), Instant::now(), true)
    }

    /// A call with one answer is sent.
    pub fn start(&self) {
        self.sent(|| self.state.pool.now());
    }

    /// Looks at the clock only where it has to.
    fn sent(&self, now: impl FnOnce() -> u64) {
        let State { pool, ejection, .. } = &*self.state;
        let owed = self.state.owed.fetch_add(1, Relaxed);
        if owed == 0 {
            self.state.quiet.store(now(), Relaxed);
        } else if owed >= FAILURES {
            // A process that is stopped takes calls and answers none; their deadlines may be far off.
            let now = now();
            let quiet = now.saturating_sub(self.state.quiet.load(Relaxed));
            let usual = 10.0 * f64::from(self.state.latency.get(now));
            if quiet >= nanos(PATIENCE) && precise(quiet) >= usual {
                let out = ejection.failed(pool, Fault::Stalled, now, now);
                self.log_ejection(out, "it owes answers");
            }
        }
    }

    /// A call that was [started](Candidate::start) is over, after this long.
    pub fn finish(&self, outcome: Outcome, latency: Duration) {
        self.finish_at(outcome, latency, Instant::now());
    }

    pub(super) fn finish_at(&self, outcome: Outcome, latency: Duration, now: Instant) {
        lower(&self.state.owed);
        let now = self.state.pool.at(now);
        if outcome.is_answer() {
            self.state.quiet.store(now, Relaxed);
        }
        self.learn(outcome, latency, begun(latency, now), now);
        if outcome == Outcome::Success {
            self.state.latency.observe(latency, now);
        }
    }

    /// A call that is a stream begins.
    pub fn start_stream(&self) {
        self.state.streams.fetch_add(1, Relaxed);
    }

    /// A stream that was [started](Candidate::start_stream) is over, after this long.
    pub fn finish_stream(&self, outcome: Outcome, open: Duration) {
        lower(&self.state.streams);
        let now = self.state.pool.now();
        // Only that it ended, and when it began, count; not how long it was open.
        match outcome {
            Outcome::Neutral => {}
            _ => self.learn(outcome, Duration::ZERO, begun(open, now), now),
        }
    }

    /// A call that began at `since` goes on, and the node is there.
    pub(super) fn answered(&self, since: Instant) {
        let pool = &self.state.pool;
        let now = pool.now();
        self.state.quiet.store(now, Relaxed);
        self.learn(Outcome::Answered, Duration::ZERO, pool.at(since), now);
    }

    fn learn(&self, outcome: Outcome, latency: Duration, begun: u64, now: u64) {
        let State {
            pool,
            ejection,
            latency: average,
            ..
        } = &*self.state;
        match outcome {
            Outcome::Success | Outcome::Answered => {
                if ejection.succeeded(pool, begun, now) {
                    // What it took while it was ill says nothing of it now.
                    average.reset();
                    tracing::info!(service = pool.service, node = self.node.id, "node is back");
                }
                if outcome == Outcome::Answered {
                    average.raise(latency, now);
                }
            }
            Outcome::Failure | Outcome::Unreachable | Outcome::Timeout => {
                average.punish(latency, now);
                let (fault, why) = match outcome {
                    Outcome::Unreachable => (Fault::Unreachable, "there is no connection to it"),
                    Outcome::Timeout => (Fault::Failed, "it does not answer in time"),
                    _ => (Fault::Failed, "its calls fail"),
                };
                self.log_ejection(ejection.failed(pool, fault, begun, now), why);
            }
            Outcome::Rejected => average.punish(latency, now),
            Outcome::Neutral => average.raise(latency, now),
        }
    }

    fn log_ejection(&self, out: Option<Duration>, why: &str) {
        if let Some(out) = out {
            tracing::info!(
                service = self.state.pool.service,
                node = self.node.id,
                address = self.node.address,
                out_for = ?out,
                "node is ejected: {why}"
            );
        }
    }

    /// Calls and streams that are not over.
    #[must_use]
    pub fn in_flight(&self) -> usize {
        self.state.owed.load(Relaxed) + self.state.streams.load(Relaxed)
    }

    /// How long the node takes to answer: an average that goes up at once, comes down over seconds,
    /// and fades while there are no calls. Zero where nothing is known.
    #[must_use]
    pub fn latency(&self) -> Duration {
        let nanos = self.state.latency.get(self.state.pool.now());
        Duration::from_secs_f64(f64::from(nanos) / 1e9)
    }

    /// What it costs to send a call to this node: how long it takes for each call that it has,
    /// where a node that owes answers takes at least as long as it has owed them. One of which
    /// nothing is known is free, for one call at a time.
    #[must_use]
    pub fn cost(&self, now: Instant) -> f64 {
        let now = self.state.pool.at(now);
        let in_flight = self.in_flight();
        let mut latency = f64::from(self.state.latency.get(now));
        if self.state.owed.load(Relaxed) > 0 {
            if latency == 0.0 {
                latency = 1e9;
            }
            let quiet = now.saturating_sub(self.state.quiet.load(Relaxed));
            latency = latency.max(precise(quiet));
        }
        latency * precise(in_flight as u64 + 1)
    }

    /// Whether the node gets no calls at `now`. Where its time is up it does: first one to see, and
    /// the others when that has been answered.
    #[must_use]
    pub fn is_ejected(&self, now: Instant) -> bool {
        self.standing(self.state.pool.at(now)) == Standing::Out
    }

    pub(super) fn standing(&self, now: u64) -> Standing {
        self.state.ejection.standing(now)
    }

    /// Takes the one call by which an ejected node is tried.
    pub(super) fn probe(&self, now: u64) -> bool {
        self.state.ejection.probe(&self.state.pool, now)
    }

    /// When its time is up, where it is ejected.
    pub(super) fn due(&self) -> Option<u64> {
        self.state.ejection.due()
    }

    pub(super) fn leave(&self) {
        self.state.ejection.leave(&self.state.pool);
    }

    /// The number of the turn in which it was last chosen.
    pub(super) fn turn(&self) -> &AtomicU64 {
        &self.state.turn
    }

    /// The number of the next turn of this service.
    pub(super) fn next_turn(&self) -> u64 {
        self.state.pool.turn.fetch_add(1, Relaxed) + 1
    }

    /// A number that is as good as the node's id, for every process alike.
    pub(super) fn hash(&self) -> u64 {
        self.hash
    }
}

impl fmt::Debug for Candidate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Candidate")
            .field("id", &self.node.id)
            .field("address", &self.node.address)
            .field("version", &self.record.version)
            .field("in_flight", &self.in_flight())
            .field("latency", &self.latency())
            .finish_non_exhaustive()
    }
}

/// When a call began that took so long.
fn begun(ago: Duration, now: u64) -> u64 {
    now.saturating_sub(nanos(ago))
}

/// Somebody who finishes more than was started must not make the node look endlessly busy.
fn lower(count: &AtomicUsize) {
    let lowered = count.fetch_update(Relaxed, Relaxed, |n| n.checked_sub(1));
    debug_assert!(lowered.is_ok(), "a call is finished that was not started");
}

#[expect(clippy::cast_precision_loss, reason = "it is compared, not counted")]
fn precise(number: u64) -> f64 {
    number as f64
}
