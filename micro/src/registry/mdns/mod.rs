//! Discovery by multicast DNS: no server, no configuration.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use futures_core::stream::BoxStream;
use futures_util::{StreamExt as _, stream};

use super::{Event, Registry, Service, check::check_name};
use crate::{Error, Result, plugin};

mod engine;
mod read;
mod socket;
mod state;
mod txt;
mod wire;

use engine::Engine;
use wire::LISTING;

/// The registry of those who have none: services tell each other by multicast DNS where they are.
/// It speaks Go Micro's dialect (`<service>.micro.`), so each finds the other's services.
///
/// **By default it keeps to the loopback interface**: services on one machine find each other, and
/// nothing is told to or believed from the network. To go further, name an interface:
///
/// ```
/// # use micro::registry::MdnsRegistry;
/// let registry = MdnsRegistry::new().interface("eth0"); // or its address
/// ```
///
/// or `MICRO_REGISTRY=mdns://?interface=eth0`, `MICRO_REGISTRY=mdns://192.168.1.5`. Whoever is on
/// that network can then announce and take back any service: it must be one that you trust.
///
/// - A new node is known to watchers within milliseconds. [`get`](Registry::get) of a name that
///   nobody here asked for lately waits 100 ms for answers; after that it is answered from memory.
/// - A node that dies without a goodbye vanishes when its time to live is over, in whole seconds
///   rounded up and at most 75 minutes. When the last clone of a registry and the last of its
///   watches are dropped, it says goodbye for what is still registered.
/// - Addresses must be `ip:port` of an address that others can connect to, and a node's id and the
///   parts of a service's name between dots 63 bytes at the most. A node has one version.
/// - [`list`](Registry::list) asks for the names and then for the nodes, and takes 200 ms at first.
/// - Of one service and version, 1,000 nodes are kept. IPv6 addresses are carried, over IPv4.
///
/// Its clones are the same registry. It opens its sockets when it is first used, which must be
/// within a tokio runtime.
#[derive(Clone, Debug)]
pub struct MdnsRegistry {
    handle: Arc<Handle>,
}

/// Keeps the task alive.
#[derive(Debug)]
struct Handle {
    engine: Arc<Engine>,
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.engine.stop();
    }
}

impl MdnsRegistry {
    /// On the loopback interface.
    #[must_use]
    pub fn new() -> Self {
        Self::on("127.0.0.1")
    }

    /// One on another interface, by its name or its IPv4 address. Whether that is there shows when
    /// the registry is first used.
    #[must_use]
    pub fn interface(self, interface: &str) -> Self {
        Self::on(interface)
    }

    fn on(interface: &str) -> Self {
        let engine = Arc::new(Engine::new(interface));
        Self {
            handle: Arc::new(Handle { engine }),
        }
    }

    fn engine(&self) -> &Arc<Engine> {
        &self.handle.engine
    }
}

impl Default for MdnsRegistry {
    fn default() -> Self {
        Self::new()
    }
}

#[async_trait]
impl Registry for MdnsRegistry {
    async fn register(&self, service: &Service, ttl: Duration) -> Result<()> {
        service.check_registration(ttl)?;
        self.engine().register(service, ttl).await
    }

    async fn deregister(&self, service: &Service) -> Result<()> {
        self.engine().deregister(service).await
    }

    async fn get(&self, name: &str) -> Result<Vec<Service>> {
        check_name(name)?;
        self.engine().get(name).await
    }

    async fn list(&self) -> Result<Vec<Service>> {
        self.engine().list().await
    }

    async fn watch(&self, name: Option<&str>) -> Result<BoxStream<'static, Result<Event>>> {
        name.map_or(Ok(()), check_name)?;
        let asked = name.unwrap_or(LISTING);
        let since = self.engine().inquire(asked, false).await?;
        let follower = Follower::new(&self.handle, asked);
        let name = name.map(str::to_owned);
        let events = stream::once(async move {
            let engine = &follower.handle.engine;
            engine.settle(name.as_deref(), since).await;
            let events = engine.feed.watch(name.as_deref());
            events.map(move |event| {
                let _alive = &follower;
                event
            })
        });
        Ok(events.flatten().boxed())
    }
}

/// A watch that is alive.
struct Follower {
    handle: Arc<Handle>,
    asked: String,
}

impl Follower {
    fn new(handle: &Arc<Handle>, asked: &str) -> Self {
        handle.engine.follow(asked);
        Self {
            handle: Arc::clone(handle),
            asked: asked.to_owned(),
        }
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        self.handle.engine.unfollow(&self.asked);
    }
}

inventory::submit! {
    plugin::Registry {
        name: "mdns",
        open: |url| {
            if let Some((key, _)) = url.query.iter().find(|(key, _)| key != "interface") {
                return Err(Error::invalid_argument(format!(
                    "{url}: mdns has no option {key:?}, only mdns://?interface=NAME"
                )));
            }
            let interface = url.get("interface").or(url.hosts.first().map(String::as_str));
            Ok(Arc::new(interface.map_or_else(MdnsRegistry::new, MdnsRegistry::on)))
        }
    }
}
