use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};

use futures_util::{StreamExt as _, future::join_all, stream::BoxStream};
use micro::{
    Error, Result,
    registry::{Cache, Event, MemoryRegistry, Registry, Service},
};
use tokio::time::sleep;

use super::suite::registry::{self, Suite};

fn suite() -> Suite {
    let memory = MemoryRegistry::new();
    Suite::new(move || Cache::new(memory.clone()))
}

macro_rules! tests {
    ($($name:ident)*) => {$(
        #[tokio::test(start_paused = true)]
        async fn $name() {
            registry::$name(&suite()).await;
        }
    )*};
}

micro_tests::registry_properties!(tests);

/// A registry that can fail, and counts its watches.
#[derive(Clone, Default)]
struct Flaky {
    memory: MemoryRegistry,
    down: Arc<AtomicBool>,
    watches: Arc<AtomicUsize>,
}

#[async_trait::async_trait]
impl Registry for Flaky {
    async fn register(&self, service: &Service, ttl: Duration) -> Result<()> {
        self.memory.register(service, ttl).await
    }
    async fn deregister(&self, service: &Service) -> Result<()> {
        self.memory.deregister(service).await
    }
    async fn get(&self, _: &str) -> Result<Vec<Service>> {
        panic!("the cache watches");
    }
    async fn list(&self) -> Result<Vec<Service>> {
        panic!("the cache watches");
    }
    async fn watch(&self, name: Option<&str>) -> Result<BoxStream<'static, Result<Event>>> {
        self.watches.fetch_add(1, SeqCst);
        if self.down.load(SeqCst) {
            return Err(Error::unavailable("down"));
        }
        let down = Arc::clone(&self.down);
        let events = self.memory.watch(name).await?;
        Ok(events
            .map(move |event| {
                if down.load(SeqCst) {
                    Err(Error::unavailable("down"))
                } else {
                    event
                }
            })
            .boxed())
    }
}

#[tokio::test(start_paused = true)]
async fn an_outage_empties_nothing_and_shows_as_age() {
    let (flaky, service) = (Flaky::default(), registry::service("flaky", "1", 2));
    flaky.register(&service, Duration::MAX).await.unwrap();
    let cache = Cache::new(flaky.clone());
    assert_eq!(cache.age(Some(&service.name)), None);
    assert_eq!(
        cache.get(&service.name).await.unwrap(),
        std::slice::from_ref(&service)
    );
    assert_eq!(cache.age(Some(&service.name)), Some(Duration::ZERO));

    flaky.down.store(true, SeqCst);
    flaky.deregister(&service).await.unwrap();
    sleep(Duration::from_secs(60)).await;
    assert_eq!(
        cache.get(&service.name).await.unwrap(),
        std::slice::from_ref(&service)
    );
    assert!(cache.age(Some(&service.name)).unwrap() >= Duration::from_secs(59));
    assert!(cache.get("unknown").await.unwrap_err().is_unavailable());
}

#[tokio::test(start_paused = true)]
async fn it_comes_back() {
    let (flaky, service) = (Flaky::default(), registry::service("back", "1", 1));
    flaky.down.store(true, SeqCst);
    let cache = Cache::new(flaky.clone());
    assert!(cache.get(&service.name).await.unwrap_err().is_unavailable());
    flaky.down.store(false, SeqCst);
    flaky.register(&service, Duration::MAX).await.unwrap();
    sleep(Duration::from_secs(40)).await;
    assert_eq!(cache.get(&service.name).await.unwrap(), [service]);
}

#[tokio::test(start_paused = true)]
async fn one_watch_serves_all() {
    let flaky = Flaky::default();
    let cache = Cache::new(flaky.clone());
    let asked = join_all((0..100).map(|_| cache.get("one"))).await;
    assert!(asked.into_iter().all(|found| found == Ok(vec![])));
    let _watches = join_all((0..100).map(|_| cache.watch(Some("one")))).await;
    assert_eq!(flaky.watches.load(SeqCst), 1);
}

#[tokio::test(start_paused = true)]
async fn the_number_of_names_is_bounded() {
    let flaky = Flaky::default();
    let cache = Cache::new(flaky.clone());
    for name in 0..1100 {
        cache.get(&name.to_string()).await.unwrap();
        sleep(Duration::from_millis(1)).await;
    }
    assert_eq!(cache.age(Some("0")), None);
    assert!(cache.age(Some("1099")).is_some());
}
