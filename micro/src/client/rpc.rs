//! The default client: discovery, balancing, connections, deadlines and retries.

use std::{collections::HashMap, fmt, sync::Arc, time::Duration};

use arc_swap::ArcSwap;
use futures_util::{StreamExt, future::Either};
use tokio::{task::AbortHandle, time::Instant};
use tracing::Instrument;

use super::{
    Client, ClientOptions, Request, Response, ResponseBody,
    budget::Budget,
    pool::{Dialer, Pool},
};
use crate::{
    Code, Context, Error, Reach, Result,
    broker::{Broker, Message},
    descriptor::Kind,
    registry::{Node, Registry},
    selector::{Candidate, Filter, Outcome, Selection, Selector, view::View},
};

/// The parts that a client is put together from.
#[derive(Clone)]
pub(crate) struct Parts {
    pub(crate) registry: Arc<dyn Registry>,
    pub(crate) broker: Arc<dyn Broker>,
    pub(crate) transport: Arc<dyn crate::transport::Transport>,
    pub(crate) selector: Arc<dyn Selector>,
}

impl fmt::Debug for Parts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Parts")
            .field("transport", &self.transport.name())
            .finish_non_exhaustive()
    }
}

/// Calls services by name: finds their nodes in the registry, picks one with the selector, sends
/// the call over a connection that many share, and tries another node where that is safe.
///
/// Taken from a service, with [`Service::client`](crate::Service::client). A clone is a handle to
/// the same client; what it has started ends with the last one.
#[derive(Clone)]
pub struct RpcClient(Arc<Inner>);

struct Inner {
    parts: Result<Parts>,
    options: ClientOptions,
    services: ArcSwap<HashMap<Arc<str>, Arc<Target>>>,
    /// Nodes that calls named by address.
    direct: ArcSwap<HashMap<String, Arc<View>>>,
    budget: Budget,
}

/// A service that is called.
struct Target {
    view: Arc<View>,
    watch: AbortHandle,
}

impl Drop for Target {
    fn drop(&mut self) {
        self.watch.abort();
    }
}

/// The most addresses that a client remembers from calls that named one.
const DIRECT: usize = 1024;

impl RpcClient {
    pub(crate) fn new(parts: Result<Parts>, options: ClientOptions) -> Self {
        Self(Arc::new(Inner {
            parts,
            options,
            services: ArcSwap::default(),
            direct: ArcSwap::default(),
            budget: Budget::default(),
        }))
    }

    /// What is known of the nodes of a service, followed from now on.
    ///
    /// # Errors
    /// What was wrong with the parts that the client was to be made of.
    pub fn view(&self, service: &str) -> Result<Arc<View>> {
        self.target(service).map(|target| target.view.clone())
    }

    fn target(&self, service: &str) -> Result<Arc<Target>> {
        let inner = &self.0;
        if let Some(target) = inner.services.load().get(service) {
            return Ok(target.clone());
        }
        let parts = inner.parts.as_ref().map_err(Clone::clone)?;
        let view = Arc::new(View::new(service));
        let watch = tokio::spawn(follow(parts.registry.clone(), view.clone())).abort_handle();
        let fresh = Arc::new(Target { view, watch });
        // Where two came at once, one watch is kept and the other ends with its target.
        inner.services.rcu(|services| {
            let mut services = HashMap::clone(services);
            services
                .entry(service.into())
                .or_insert_with(|| fresh.clone());
            services
        });
        inner
            .services
            .load()
            .get(service)
            .cloned()
            .ok_or_else(|| Error::internal("a service got lost"))
    }

    fn direct(&self, address: &str) -> Arc<View> {
        if let Some(view) = self.0.direct.load().get(address) {
            return view.clone();
        }
        let node = Node {
            id: address.to_owned(),
            address: address.to_owned(),
            ..Node::default()
        };
        let service = crate::registry::Service {
            name: "direct".into(),
            nodes: vec![node],
            ..Default::default()
        };
        let view = Arc::new(View::new("direct"));
        view.apply(crate::registry::Event::Snapshot(vec![service]));
        self.0.direct.rcu(|known| {
            let mut known = if known.len() < DIRECT {
                HashMap::clone(known)
            } else {
                HashMap::new()
            };
            known.insert(address.to_owned(), view.clone());
            known
        });
        view
    }

    /// Waits a while for a first node.
    async fn wait(
        &self,
        view: &View,
        pick: impl Fn() -> Option<Arc<Candidate>>,
        filters: &[Filter],
        deadline: Instant,
    ) -> Result<Arc<Candidate>> {
        let patience = deadline.min(Instant::now() + self.0.options.discovery_timeout);
        let _ = tokio::time::timeout_at(patience, view.ready(filters)).await;
        pick().ok_or_else(|| no_node(view, filters.is_empty()))
    }

    async fn send(&self, mut request: Request) -> Result<Response> {
        let inner = &self.0;
        let parts = inner.parts.as_ref().map_err(Clone::clone)?;
        let context = Context::current();
        let options = request.options.take();
        let set = options.as_deref();
        let timeout = set
            .and_then(|set| set.timeout)
            .unwrap_or(inner.options.timeout);
        let mut left = set
            .and_then(|set| set.retries)
            .unwrap_or(inner.options.retries);
        // The clock is read once for a call that goes straight through.
        let mut now = Instant::now();
        let deadline = context
            .deadline()
            .map_or(now + timeout, |outer| outer.min(now + timeout));
        if deadline <= now {
            return Err(too_late());
        }
        let view = match set.and_then(|set| set.address.as_deref()) {
            Some(address) => self.direct(address),
            None => self.target(&request.service)?.view.clone(),
        };
        let filters = set.map_or(&[][..], |set| &set.filters);
        let selection = set
            .and_then(|set| set.key.as_deref())
            .map_or_else(Selection::default, Selection::with_key);
        let metadata = set.map(|set| &set.metadata);
        inner.budget.deposit();
        let mut tried = Vec::new();
        // What is rare is boxed, so that the future of a call that goes well is small.
        loop {
            let pick = || view.pick(&*parts.selector, &selection, filters, &tried);
            let candidate = match pick() {
                Some(candidate) => candidate,
                None => {
                    let candidate = Box::pin(self.wait(&view, pick, filters, deadline)).await?;
                    now = Instant::now();
                    candidate
                }
            };
            let flight = if request.kind == Kind::Unary {
                candidate.begin_at(now)
            } else {
                candidate.begin_stream()
            };
            let pool = candidate.attachment::<Pool>();
            let channel = match pool.open() {
                Some(channel) => Ok(channel),
                None => {
                    let dialer = inner.dialer(parts);
                    let dialed = Box::pin(pool.dial(&dialer, candidate.node(), deadline)).await;
                    now = Instant::now();
                    dialed
                }
            };
            let sent = match channel {
                Ok(channel) => {
                    channel
                        .call(&mut request, metadata, (now, Some(deadline)), &context)
                        .await
                }
                Err(error) => Err(error),
            };
            let error = match sent {
                Ok(mut response) => {
                    match &mut response.body {
                        ResponseBody::Message(_) => flight.done(Outcome::Success),
                        // What is learned of the node comes with the messages, and when they end.
                        ResponseBody::Stream(inbound) => inbound.attend(flight),
                    }
                    return Ok(response);
                }
                Err(error) => error,
            };
            flight.done(Outcome::of(&error));
            if left == 0 || request.is_spent() || !may_retry(&error, request.idempotent) {
                return Err(error);
            }
            let unreachable = Outcome::of(&error) == Outcome::Unreachable;
            let again = tried
                .iter()
                .any(|old: &Arc<Candidate>| old.is_same(&candidate));
            // A call for which there was no connection was not sent, so that asking the next node
            // is no retry; going round again is.
            let free = unreachable && !again && tried.len() + 1 < view.candidates().len();
            if !free && !inner.budget.withdraw() {
                tracing::debug!(rpc.service = view.name(), "the retry budget is used up");
                return Err(error);
            }
            tracing::debug!(rpc.method = %request.path, node = candidate.address(), %error, "a call is sent again");
            left -= 1;
            if !again {
                tried.push(candidate);
            }
            if tried.len() >= view.candidates().len() {
                // Every node had its chance: give them a moment, and not all callers the same one.
                let pause = Duration::from_millis(fastrand::u64(5..25));
                Box::pin(tokio::time::sleep_until(
                    deadline.min(Instant::now() + pause),
                ))
                .await;
            }
            now = Instant::now();
            if now >= deadline {
                return Err(error);
            }
        }
    }
}

impl Inner {
    fn dialer(&self, parts: &Parts) -> Dialer {
        Dialer {
            transport: parts.transport.clone(),
            connect_timeout: self.options.connect_timeout,
            max_message: self.options.max_message,
            keepalive: self.options.keepalive,
        }
    }
}

#[cold]
fn too_late() -> Error {
    Error::timeout("the deadline had passed before the call was sent")
        .with_id("micro.client")
        .unseen()
}

/// Whether a failed call may be sent again: nobody has seen it, or running it twice does no harm
/// and another node may do better.
fn may_retry(error: &Error, idempotent: bool) -> bool {
    let elsewhere = matches!(
        error.code(),
        Code::Unavailable | Code::ResourceExhausted | Code::Aborted
    );
    elsewhere
        && (error.reach() == Reach::Unseen || (idempotent && error.code() == Code::Unavailable))
}

#[cold]
fn no_node(view: &View, unfiltered: bool) -> Error {
    let nodes = view.candidates().len();
    let why = if view.is_stale() {
        "the registry is out of reach"
    } else if !view.is_complete() {
        "the registry has not answered yet"
    } else if unfiltered {
        "the registry knows no node of it"
    } else {
        "no node passes the call's filters"
    };
    Error::not_found(format!(
        "service {:?} can't be called: {why} ({nodes} nodes known)",
        view.name()
    ))
    .with_id("micro.client")
    .unseen()
}

/// Keeps a view as the registry has it.
async fn follow(registry: Arc<dyn Registry>, view: Arc<View>) {
    let mut pause = Duration::from_millis(50);
    loop {
        match registry.watch(Some(view.name())).await {
            Ok(mut events) => {
                while let Some(event) = events.next().await {
                    match event {
                        Ok(event) => {
                            pause = Duration::from_millis(50);
                            view.apply(event);
                        }
                        Err(error) => view.failed(&error),
                    }
                }
            }
            Err(error) => view.failed(&error),
        }
        // Registries try again by themselves; this is for one that gave up, or never came up.
        tokio::time::sleep(pause + pause.mul_f64(fastrand::f64() / 2.0)).await;
        pause = (pause * 2).min(Duration::from_secs(5));
    }
}

impl Client for RpcClient {
    fn call(&self, request: Request) -> impl Future<Output = Result<Response>> + Send {
        // Named as OpenTelemetry's RPC conventions have it.
        let span = tracing::info_span!(
            "rpc.client",
            rpc.system.name = "micro",
            rpc.service = %request.service,
            rpc.method = %request.path,
        );
        if span.is_disabled() {
            Either::Left(self.send(request))
        } else {
            Either::Right(self.send(request).instrument(span))
        }
    }

    async fn publish(&self, topic: &str, message: Message) -> Result<()> {
        let parts = self.0.parts.as_ref().map_err(Clone::clone)?;
        parts.broker.connect().await?;
        parts.broker.publish(topic, message).await
    }
}

impl fmt::Debug for RpcClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let services: Vec<_> = self.0.services.load().keys().cloned().collect();
        f.debug_struct("RpcClient")
            .field("options", &self.0.options)
            .field("services", &services)
            .finish_non_exhaustive()
    }
}
