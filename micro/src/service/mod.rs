//! Service: a server and a client with one name and one lifecycle.

use std::{error::Error as StdError, fmt, sync::Arc, time::Duration};

use tower_layer::Layer;

use crate::{
    Result,
    broker::Broker,
    client::{RpcClient, Topic},
    codec::Message,
    registry::Registry,
    selector::Selector,
    server::{
        Call, Handlers, IntoHandler, Limits, Response, Subscriber,
        layer::{Inner, Layered, Wrapped},
    },
    transport::Transport,
};

mod env;
mod hooks;
mod lifecycle;
mod options;
mod record;
mod running;
mod subscriptions;

pub use running::{Running, StopHandle};

use hooks::{Hooks, hook};
use options::{Settled, Told};

/// A microservice: what it handles, the parts that it is made of, and its lifecycle.
///
/// What the builder is not told comes from `MICRO_*` variables, and what they do not say from
/// defaults that need no server: TCP on 127.0.0.1 and a free port, discovery by multicast DNS on the
/// loopback interface, a broker within the process.
///
/// | method | variable | default |
/// |---|---|---|
/// | [`new`](Self::new) | `MICRO_SERVER_NAME` (where the name is empty) | `go.micro.server` |
/// | [`version`](Self::version) | `MICRO_SERVER_VERSION` | `latest` |
/// | [`id`](Self::id) | `MICRO_SERVER_ID` | random |
/// | [`address`](Self::address) | `MICRO_SERVER_ADDRESS` | `127.0.0.1:0` |
/// | [`advertise`](Self::advertise) | `MICRO_SERVER_ADVERTISE` | the address it listens on |
/// | [`metadata`](Self::metadata) | `MICRO_SERVER_METADATA` `k=v,k=v` | none |
/// | [`registry`](Self::registry) | `MICRO_REGISTRY`, `MICRO_REGISTRY_ADDRESS` | `mdns` |
/// | [`broker`](Self::broker) | `MICRO_BROKER`, `MICRO_BROKER_ADDRESS` | `memory` |
/// | [`transport`](Self::transport) | `MICRO_TRANSPORT` | `tcp` |
/// | [`selector`](Self::selector) | `MICRO_SELECTOR` | `p2c` |
/// | [`register_ttl`](Self::register_ttl) | `MICRO_REGISTER_TTL` | 90 s |
/// | [`register_interval`](Self::register_interval) | `MICRO_REGISTER_INTERVAL` | a third of the TTL |
/// | [`timeout`](Self::timeout) | `MICRO_CLIENT_REQUEST_TIMEOUT` | 30 s |
/// | [`retries`](Self::retries) | `MICRO_CLIENT_RETRIES` | 3 |
///
/// A service that handles nothing is a client: take its [`client`](Self::client) and never run it.
#[must_use = "a service does nothing until it is run"]
pub struct Service<H = ()> {
    told: Told,
    handlers: H,
    subscribers: Vec<Subscriber>,
    hooks: Hooks,
    /// Ends after one request or event.
    once: bool,
    /// Settled when the client was first taken, or when the service starts.
    settled: std::sync::OnceLock<(Result<Settled>, RpcClient)>,
    stop: StopHandle,
}

impl Service {
    /// A service that registers as `name`.
    pub fn new(name: impl Into<String>) -> Self {
        let told = Told {
            name: Some(name.into()).filter(|name| !name.is_empty()),
            ..Told::default()
        };
        Self {
            told,
            handlers: (),
            subscribers: Vec::new(),
            hooks: Hooks::default(),
            once: false,
            settled: std::sync::OnceLock::new(),
            stop: StopHandle::default(),
        }
    }

    /// A service that ends after one request or event: Go Micro's Function.
    pub fn function(name: impl Into<String>) -> Self {
        Self {
            once: true,
            ..Self::new(name)
        }
    }
}

macro_rules! settings {
    ($($(#[$attr:meta])* $name:ident: $type:ty = $value:expr;)*) => {$(
        $(#[$attr])*
        pub fn $name(mut self, $name: $type) -> Self {
            self.told.$name = Some($value);
            self
        }
    )*};
}

impl<H: Handlers> Service<H> {
    /// Handles the calls of a service: a value whose `impl` of a service trait is marked
    /// `#[micro::service]`, or a generated server like `GreeterServer::new(value)`.
    pub fn handle<M, I: IntoHandler<M>>(mut self, handler: I) -> Service<(H, Arc<I::Handler>)> {
        use crate::server::Handler;
        let (handler, beside) = handler.into_handler();
        let handler = Arc::new(handler);
        self.subscribers.extend(handler.subscribers());
        self.subscribers.extend(beside);
        self.map(|handlers| (handlers, handler))
    }

    /// Follows a topic, beside those of the handlers.
    pub fn subscribe(mut self, subscriber: Subscriber) -> Self {
        self.subscribers.push(subscriber);
        self
    }

    /// Puts a `tower` layer around the handlers added so far. It sees each [`Call`] and gives its
    /// [`Response`]; the layer added last is the outermost.
    pub fn layer<L>(self, layer: L) -> Service<Layered<H, L::Service>>
    where
        L: Layer<Inner<H>>,
        L::Service:
            tower_service::Service<Call, Response = Response> + Clone + Send + Sync + 'static,
        <L::Service as tower_service::Service<Call>>::Error: Into<Box<dyn StdError + Send + Sync>>,
        <L::Service as tower_service::Service<Call>>::Future: Send,
    {
        self.map(|handlers| Layered::new(handlers, &layer))
    }

    /// Puts an `async fn(call: Call, next: Next<'_>) -> Result<Response>` around the handlers added
    /// so far.
    ///
    /// ```
    /// use micro::{Result, Service, server::{Call, Response, layer::Next}};
    ///
    /// async fn timed(call: Call, next: Next<'_>) -> Result<Response> {
    ///     let (method, started) = (call.method().path, std::time::Instant::now());
    ///     let reply = next.run(call).await;
    ///     println!("{method} took {:?}", started.elapsed());
    ///     reply
    /// }
    /// let service = Service::new("greeter").wrap(timed);
    /// # drop(service);
    /// ```
    pub fn wrap<F>(self, wrap: F) -> Service<Wrapped<H, F>>
    where
        Wrapped<H, F>: Handlers,
    {
        self.map(|handlers| Wrapped::new(handlers, wrap))
    }

    settings! {
        /// The version that it registers with.
        version: impl Into<String> = version.into();
        /// What sets this process apart from others of the same name; its node is `name-id`.
        id: impl Into<String> = id.into();
        /// Where to listen, in the form that the transport takes: `0.0.0.0:8080`.
        ///
        /// An address that others on the network can reach opens the service to them: it advertises
        /// one of this host, and the default registry then speaks multicast DNS on that interface
        /// instead of the loopback one. Callers elsewhere need the same: this setting, or
        /// `MICRO_REGISTRY=mdns://?interface=eth0`.
        address: impl Into<String> = address.into();
        /// The address under which others reach it, where that is not the one it listens on.
        advertise: impl Into<String> = advertise.into();
        /// How long the registry remembers it without hearing of it again.
        register_ttl: Duration = register_ttl;
        /// How often it tells the registry that it is there.
        register_interval: Duration = register_interval;
        /// How long calls at work may take to end when the service stops; 10 s.
        drain_timeout: Duration = drain_timeout;
        /// How long callers have, after it deregistered, to see that it is gone; 200 ms.
        leave_delay: Duration = leave_delay;
        /// How long calls of its client may take.
        timeout: Duration = timeout;
        /// How often calls of its client are sent again where that is safe.
        retries: u32 = retries;
    }

    /// Adds a label to its node: `zone`, `tier`.
    pub fn metadata(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.told.metadata.insert(key.into(), value.into());
        self
    }

    /// Registers and discovers by this registry.
    pub fn registry(mut self, registry: impl Registry) -> Self {
        self.told.registry = Some(Arc::new(registry));
        self
    }

    /// Publishes and subscribes by this broker.
    pub fn broker(mut self, broker: impl Broker) -> Self {
        self.told.broker = Some(Arc::new(broker));
        self
    }

    /// Listens and dials by this transport.
    pub fn transport(mut self, transport: impl Transport) -> Self {
        self.told.transport = Some(Arc::new(transport));
        self
    }

    /// Picks nodes by this selector.
    pub fn selector(mut self, selector: impl Selector) -> Self {
        self.told.selector = Some(Arc::new(selector));
        self
    }

    /// Takes on no more than this.
    pub fn limits(mut self, limits: Limits) -> Self {
        self.told.limits = limits;
        self
    }

    /// Runs this before anything is started; an error stops the start.
    pub fn before_start<F, Fut>(mut self, run: F) -> Self
    where
        F: FnOnce() -> Fut + Send + 'static,
        Fut: Future<Output = Result<()>> + Send + 'static,
    {
        self.hooks.before_start.push(hook(run));
        self
    }

    /// Runs this once the service can be called; an error stops the service.
    pub fn after_start<F, Fut>(mut self, run: F) -> Self
    where
        F: FnOnce() -> Fut + Send + 'static,
        Fut: Future<Output = Result<()>> + Send + 'static,
    {
        self.hooks.after_start.push(hook(run));
        self
    }

    /// Runs this when the service is to stop, before it deregisters.
    pub fn before_stop<F, Fut>(mut self, run: F) -> Self
    where
        F: FnOnce() -> Fut + Send + 'static,
        Fut: Future<Output = Result<()>> + Send + 'static,
    {
        self.hooks.before_stop.push(hook(run));
        self
    }

    /// Runs this last of all.
    pub fn after_stop<F, Fut>(mut self, run: F) -> Self
    where
        F: FnOnce() -> Fut + Send + 'static,
        Fut: Future<Output = Result<()>> + Send + 'static,
    {
        self.hooks.after_stop.push(hook(run));
        self
    }

    /// Its client, which calls by the same parts. What is set on the service after this was first
    /// called is too late for the parts: set them first. What was wrong with them is told by the
    /// first call, and by [`run`](Self::run).
    pub fn client(&self) -> RpcClient {
        self.settle().1.clone()
    }

    /// A topic whose messages are `T`s.
    pub fn topic<T: Message>(&self, name: impl Into<String>) -> Topic<RpcClient, T> {
        Topic::new(name, self.client())
    }

    /// Stops the service from elsewhere, once it runs.
    pub fn stop_handle(&self) -> StopHandle {
        self.stop.clone()
    }

    fn settle(&self) -> &(Result<Settled>, RpcClient) {
        self.settled.get_or_init(|| {
            let settled = self.told.settle(&env::process);
            let options = settled
                .as_ref()
                .map(|settled| settled.client.clone())
                .unwrap_or_default();
            let parts = settled
                .as_ref()
                .map(|settled| settled.parts.clone())
                .map_err(Clone::clone);
            (settled, RpcClient::new(parts, options))
        })
    }

    fn map<T>(self, change: impl FnOnce(H) -> T) -> Service<T> {
        Service {
            told: self.told,
            handlers: change(self.handlers),
            subscribers: self.subscribers,
            hooks: self.hooks,
            once: self.once,
            settled: self.settled,
            stop: self.stop,
        }
    }
}

impl<H> fmt::Debug for Service<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Service")
            .field("name", &self.told.name)
            .finish_non_exhaustive()
    }
}
