//! What a client knows of a service: its nodes, as the registry last had them.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    ops::Deref,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{
            AtomicBool, AtomicU64,
            Ordering::{Acquire, Relaxed, Release},
        },
    },
    time::Duration,
};

use arc_swap::{ArcSwap, Guard};
use tokio::sync::Notify;

use super::{
    Candidate, Filter, Selection, Selector, candidate::Record, choice, ejection::Pool,
    rotation::Rotation,
};
use crate::{
    Error,
    registry::{Event, Node, Service},
};

/// So many nodes of one service are taken from a registry, of all versions together.
const MAX_NODES: usize = 10_000;

/// The nodes of one service, kept from the events of a registry's watch.
///
/// Reading is wait-free, and a call that is not filtered, not a retry, and finds no node ejected
/// allocates nothing. Events may come from anywhere, one at a time.
///
/// Only what the registry says changes the view:
///
/// * A [`Snapshot`](Event::Snapshot) is the truth, also where it is empty: a registry that can't be
///   reached sends an error, not a snapshot.
/// * An [error](View::failed) makes the view stale and leaves the nodes as they are.
/// * A record that fails [`Service::check`] is left out with a warning. A snapshot with such a
///   record in it is no truth: it brings nodes, but takes none away.
///
/// ```
/// use micro::{registry::{Event, Node, Service}, selector::{Random, Selection, View}};
///
/// let view = View::new("greeter");
/// let node = Node { id: "greeter-1".into(), address: "10.0.0.7:8080".into(), ..Node::default() };
/// view.apply(Event::Update(Service { name: "greeter".into(), nodes: vec![node], ..Service::default() }));
/// let chosen = view.pick(&Random, &Selection::default(), &[], &[]).unwrap();
/// assert_eq!(chosen.address(), "10.0.0.7:8080");
/// ```
pub struct View {
    pool: Arc<Pool>,
    nodes: ArcSwap<Vec<Arc<Candidate>>>,
    rotation: ArcSwap<Rotation>,
    known: Mutex<Known>,
    changed: Notify,
    heard: AtomicU64,
    complete: AtomicBool,
    stale: AtomicBool,
}

type Known = BTreeMap<Key, Arc<Candidate>>;
/// The node's id and the service's version.
type Key = (String, String);

impl View {
    /// A view of the service with this name, with no nodes yet.
    #[must_use]
    pub fn new(name: impl Into<String>) -> Self {
        let pool = Arc::new(Pool::new(name.into()));
        Self {
            nodes: ArcSwap::default(),
            rotation: ArcSwap::default(),
            known: Mutex::default(),
            changed: Notify::new(),
            heard: AtomicU64::new(pool.now()),
            complete: AtomicBool::new(false),
            stale: AtomicBool::new(false),
            pool,
        }
    }

    /// The name of the service.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.pool.service
    }

    /// Takes what the watch said. Services of other names in it are passed over.
    pub fn apply(&self, event: Event) {
        self.heard.store(self.pool.now(), Relaxed);
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        match event {
            Event::Snapshot(services) => {
                self.snapshot(&mut known, services);
                self.stale.store(false, Release);
                self.complete.store(true, Release);
            }
            Event::Update(service) => {
                if self.accepts(&service) == Some(true) {
                    self.update(&mut known, service);
                }
            }
            Event::Delete(service) => {
                if service.name == self.pool.service {
                    for node in service.nodes {
                        if let Some(gone) = known.remove(&(node.id, service.version.clone())) {
                            forget(&known, &gone);
                        }
                    }
                }
            }
        }
        self.publish(&known);
    }

    /// The watch failed: the nodes stay, but they may not be what the registry has now.
    pub fn failed(&self, error: &Error) {
        if !self.stale.swap(true, Release) {
            let nodes = self.candidates().len();
            tracing::warn!(service = self.pool.service, nodes, %error, "registry is out of reach; its nodes are kept");
        }
    }

    /// `None`: not ours. `Some(false)`: not to be believed.
    fn accepts(&self, service: &Service) -> Option<bool> {
        if service.name != self.pool.service {
            return None;
        }
        let checked = service.check();
        if let Err(error) = &checked {
            tracing::warn!(service = self.pool.service, %error, "a record of the registry is left out");
        }
        Some(checked.is_ok())
    }

    fn update(&self, known: &mut Known, service: Service) {
        let record = Record::new(&service);
        for node in service.nodes {
            let key = (node.id.clone(), record.version().to_owned());
            if known.len() < MAX_NODES || known.contains_key(&key) {
                self.insert(known, &record, key, node);
            } else {
                self.left_out(&node);
            }
        }
    }

    fn snapshot(&self, known: &mut Known, services: Vec<Service>) {
        let mut named = BTreeSet::new();
        let mut believed = true;
        for service in services {
            match self.accepts(&service) {
                None => continue,
                Some(false) => {
                    believed = false;
                    continue;
                }
                Some(true) => {}
            }
            let record = Record::new(&service);
            for node in service.nodes {
                let key = (node.id.clone(), record.version().to_owned());
                if named.len() < MAX_NODES {
                    named.insert(key.clone());
                    self.insert(known, &record, key, node);
                } else {
                    self.left_out(&node);
                }
            }
        }
        if believed || named.len() >= MAX_NODES {
            // Last, so that a node that moved from one record to another is known throughout.
            let mut gone = Vec::new();
            known.retain(|key, node| {
                let stays = named.contains(key);
                if !stays {
                    gone.push(Arc::clone(node));
                }
                stays
            });
            gone.iter().for_each(|node| forget(known, node));
        }
    }

    #[cold]
    fn left_out(&self, node: &Node) {
        tracing::warn!(
            service = self.pool.service,
            node = node.id,
            "there are more than {MAX_NODES} nodes: this one is left out"
        );
    }

    fn insert(&self, known: &mut Known, record: &Arc<Record>, key: Key, node: Node) {
        let at_address = |other: &&Arc<Candidate>| other.address() == node.address;
        let old = known.get(&key).cloned();
        let same = old
            .as_ref()
            .filter(at_address)
            .or_else(|| of_id(known, &node.id).find(at_address));
        let new = match same {
            Some(same) if *same.node() == node && same.record() == &**record => return,
            Some(same) => same.renewed(Arc::clone(record), node),
            None => Candidate::new(&self.pool, Arc::clone(record), node),
        };
        known.insert(key, new);
        if let Some(old) = old {
            forget(known, &old);
        }
    }

    fn publish(&self, known: &Known) {
        let before = self.nodes.load();
        let same = before.len() == known.len()
            && before
                .iter()
                .zip(known.values())
                .all(|(a, b)| Arc::ptr_eq(a, b));
        if !same {
            self.pool.nodes.store(known.len(), Relaxed);
            self.nodes
                .store(Arc::new(known.values().cloned().collect()));
            self.pool.changed();
            // Or it would keep nodes that are gone, and their connections.
            self.rotation.store(Arc::default());
            tracing::debug!(
                service = self.pool.service,
                nodes = known.len(),
                "nodes changed"
            );
        }
        // Also where nothing changed: who waits may do so for the first snapshot, even an empty one.
        self.changed.notify_waiters();
    }

    /// How long ago the registry last said anything.
    #[must_use]
    pub fn age(&self) -> Duration {
        let now = self.pool.now();
        Duration::from_nanos(now.saturating_sub(self.heard.load(Relaxed)))
    }

    /// Whether the watch has failed and no snapshot has come since.
    #[must_use]
    pub fn is_stale(&self) -> bool {
        self.stale.load(Acquire)
    }

    /// Whether a snapshot has ever come: where not, having no nodes means nothing.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.complete.load(Acquire)
    }

    /// The nodes that there are now, in the order of their ids. Not to be held for long.
    #[must_use]
    pub fn candidates(&self) -> Candidates {
        Candidates(self.nodes.load())
    }

    /// Waits for the next event. What comes after this was called counts, even where the future is
    /// first polled later, so nothing is missed by: get the future, look, wait.
    pub fn changed(&self) -> impl Future<Output = ()> + Send + '_ {
        self.changed.notified()
    }

    /// Waits until there is a node that passes the filters: forever, if need be, so put a timeout
    /// around it.
    pub async fn ready(&self, filters: &[Filter]) {
        loop {
            let changed = self.changed();
            if choice::any(&self.nodes.load(), filters) {
                return;
            }
            changed.await;
        }
    }

    /// The node for a call: the selector's choice among those that pass the filters. Nodes that
    /// this call has `tried` or that are ejected are left out while there are others; where there
    /// are none, ejected nodes are taken first, then those that were tried. `None` where no node
    /// passes the filters.
    ///
    /// Where an ejected node's time is up, the call is the one by which it is tried.
    #[must_use]
    pub fn pick(
        &self,
        selector: &dyn Selector,
        call: &Selection<'_>,
        filters: &[Filter],
        tried: &[Arc<Candidate>],
    ) -> Option<Arc<Candidate>> {
        let all_may = filters.is_empty() && tried.is_empty();
        if all_may && self.pool.ejected() == 0 {
            return choice::select(selector, &self.nodes.load(), call);
        }
        let now = self.pool.now();
        if all_may {
            let changes = self.pool.changes();
            let rotation = self.rotation.load();
            if rotation.holds(changes, now) {
                return choice::select(selector, rotation.nodes(), call);
            }
            if rotation.is_old(changes) {
                let rotation = Rotation::new(changes, &self.nodes.load());
                self.rotation.store(Arc::new(rotation));
            }
        }
        choice::among(selector, &self.nodes.load(), call, filters, tried, now)
    }
}

fn of_id<'a>(known: &'a Known, id: &str) -> impl Iterator<Item = &'a Arc<Candidate>> {
    known
        .range((id.to_owned(), String::new())..)
        .map_while(move |((other, _), node)| (*other == id).then_some(node))
}

/// A record is gone; so is the node, unless another record has it.
fn forget(known: &Known, gone: &Candidate) {
    if !of_id(known, &gone.node().id).any(|node| node.is_same(gone)) {
        gone.leave();
    }
}

impl fmt::Debug for View {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("View")
            .field("service", &self.pool.service)
            .field("nodes", &&*self.candidates())
            .field("ejected", &self.pool.ejected())
            .field("stale", &self.is_stale())
            .finish_non_exhaustive()
    }
}

/// The nodes of a [`View`] at one moment.
pub struct Candidates(Guard<Arc<Vec<Arc<Candidate>>>>);

impl Deref for Candidates {
    type Target = [Arc<Candidate>];

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl fmt::Debug for Candidates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(&**self).finish()
    }
}
