//! A registry inside one process.

use std::{
    sync::{Arc, LazyLock},
    time::Duration,
};

use async_trait::async_trait;
use futures_core::stream::BoxStream;

use super::{
    Event, Registry, Service,
    check::{MAX_NODES, check_name},
    feed::Feed,
    table::Table,
};
use crate::{Result, plugin};

/// A registry that lives in memory: for tests, and for several services in one process.
///
/// Its clones are the same registry. Each [`new`](Self::new) is a registry of its own, while
/// `memory://`, chosen by name, is one for the whole process, so that services which choose it see
/// each other.
///
/// Nodes vanish exactly when their time to live is over, by tokio's clock, which a test can pause.
/// A watcher that falls more than a thousand events behind gets a fresh snapshot in their place.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> micro::Result<()> {
/// use std::time::Duration;
/// use micro::registry::{MemoryRegistry, Node, Registry, Service};
///
/// let registry = MemoryRegistry::new();
/// let node = Node { id: "greeter-1".into(), address: "127.0.0.1:8080".into(), ..Node::default() };
/// let greeter = Service { name: "greeter".into(), nodes: vec![node], ..Service::default() };
/// registry.register(&greeter, Duration::from_secs(30)).await?;
/// assert_eq!(registry.get("greeter").await?, [greeter]);
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
pub struct MemoryRegistry {
    feed: Arc<Feed>,
}

impl MemoryRegistry {
    /// An empty registry.
    #[must_use]
    pub fn new() -> Self {
        // Only this process writes to it, so the number of services needs no bound.
        let table = Table::new(usize::MAX, MAX_NODES);
        Self {
            feed: Arc::new(Feed::new(table)),
        }
    }
}

impl Default for MemoryRegistry {
    fn default() -> Self {
        Self::new()
    }
}

#[async_trait]
impl Registry for MemoryRegistry {
    async fn register(&self, service: &Service, ttl: Duration) -> Result<()> {
        service.check_registration(ttl)?;
        self.feed.put(service.clone(), ttl)
    }

    async fn deregister(&self, service: &Service) -> Result<()> {
        self.feed.remove(service);
        Ok(())
    }

    async fn get(&self, name: &str) -> Result<Vec<Service>> {
        check_name(name)?;
        Ok(self.feed.select(Some(name)))
    }

    async fn list(&self) -> Result<Vec<Service>> {
        Ok(self.feed.select(None))
    }

    async fn watch(&self, name: Option<&str>) -> Result<BoxStream<'static, Result<Event>>> {
        name.map_or(Ok(()), check_name)?;
        Ok(self.feed.watch(name))
    }
}

static SHARED: LazyLock<MemoryRegistry> = LazyLock::new(MemoryRegistry::new);

inventory::submit! {
    plugin::Registry { name: "memory", open: |_url| Ok(Arc::new(SHARED.clone())) }
}

#[cfg(test)]
mod tests {
    use futures_util::{FutureExt as _, StreamExt as _};

    use super::*;
    use crate::registry::Node;

    fn service(name: &str, id: &str) -> Service {
        Service {
            name: name.to_owned(),
            nodes: vec![Node {
                id: id.to_owned(),
                address: "127.0.0.1:1".to_owned(),
                ..Node::default()
            }],
            ..Service::default()
        }
    }

    #[tokio::test]
    async fn a_lagging_watcher_gets_a_snapshot() {
        let registry = MemoryRegistry::new();
        let mut watch = registry.watch(None).await.unwrap();
        assert_eq!(watch.next().await, Some(Ok(Event::Snapshot(vec![]))));
        for at in 0..5000 {
            let node = service("busy", &format!("n{}", at % 10));
            registry.register(&node, Duration::MAX).await.unwrap();
            registry.deregister(&node).await.unwrap();
        }
        registry
            .register(&service("busy", "last"), Duration::MAX)
            .await
            .unwrap();
        let Some(Ok(Event::Snapshot(now))) = watch.next().await else {
            panic!("no snapshot");
        };
        assert_eq!(now, [service("busy", "last")]);
        assert!(watch.next().now_or_never().is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn watchers_are_on_time() {
        let registry = MemoryRegistry::new();
        let mut watch = registry.watch(Some("brief")).await.unwrap();
        watch.next().await;
        let start = tokio::time::Instant::now();
        let (long, short) = (Duration::from_secs(60), Duration::from_secs(5));
        registry
            .register(&service("brief", "a"), long)
            .await
            .unwrap();
        assert!(matches!(watch.next().await, Some(Ok(Event::Update(_)))));
        let waiting = tokio::spawn(async move { watch.next().await });
        tokio::task::yield_now().await;
        // The same record with a shorter life: no event, yet the watcher must wake earlier.
        registry
            .register(&service("brief", "a"), short)
            .await
            .unwrap();
        let event = waiting.await.unwrap();
        assert!(matches!(event, Some(Ok(Event::Delete(_)))), "{event:?}");
        assert_eq!(start.elapsed(), short);
    }

    #[tokio::test]
    async fn by_name_there_is_one_in_the_process() {
        let (a, b) = (
            plugin::registry("memory").unwrap(),
            plugin::registry("memory://").unwrap(),
        );
        let shared = service("memory-shared", "1");
        a.register(&shared, Duration::MAX).await.unwrap();
        assert_eq!(b.get("memory-shared").await.unwrap(), [shared]);
    }
}
