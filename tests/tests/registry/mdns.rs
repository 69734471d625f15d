use std::time::Duration;

use futures_util::StreamExt as _;
use micro::registry::{Event, MdnsRegistry, Registry as _};
use tokio::time::timeout;

use super::suite::registry::{self, Suite};

/// Every handle has sockets of its own, so what one hears of another went over the loopback
/// interface.
fn suite() -> Suite {
    let mut suite = Suite::new(MdnsRegistry::new);
    // One process that answers for more than its peers can buffer is not what mDNS is for.
    suite.nodes = 200;
    suite
}

macro_rules! tests {
    ($($name:ident)*) => {$(
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $name() {
            registry::$name(&suite()).await;
        }
    )*};
}

micro_tests::registry_properties!(tests);

#[tokio::test]
async fn the_last_handle_says_goodbye() {
    let service = registry::service("goodbye", "1", 1);
    let (here, there) = (MdnsRegistry::new(), MdnsRegistry::new());
    here.register(&service, Duration::from_secs(300))
        .await
        .unwrap();
    let mut watch = there.watch(Some(&service.name)).await.unwrap();
    assert_eq!(
        watch.next().await,
        Some(Ok(Event::Snapshot(vec![service.clone()])))
    );
    drop(here);
    let event = timeout(Duration::from_secs(10), watch.next())
        .await
        .unwrap();
    assert_eq!(event, Some(Ok(Event::Delete(service))));
}

#[tokio::test]
async fn a_watch_keeps_the_registry_alive() {
    let service = registry::service("kept", "1", 1);
    let (here, there) = (MdnsRegistry::new(), MdnsRegistry::new());
    let mut watch = there.watch(Some(&service.name)).await.unwrap();
    drop(there);
    assert_eq!(watch.next().await, Some(Ok(Event::Snapshot(vec![]))));
    here.register(&service, Duration::from_secs(300))
        .await
        .unwrap();
    assert_eq!(watch.next().await, Some(Ok(Event::Update(service))));
}

#[test]
fn a_registry_outlives_a_runtime() {
    let service = registry::service("runtimes", "1", 1);
    let (here, there) = (MdnsRegistry::new(), MdnsRegistry::new());
    for _ in 0..2 {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async {
            here.register(&service, Duration::from_secs(300))
                .await
                .unwrap();
            assert_eq!(
                there.get(&service.name).await.unwrap(),
                std::slice::from_ref(&service)
            );
        });
    }
}

#[tokio::test]
async fn news_come_at_once_and_answers_early() {
    let service = registry::service("quick", "1", 1);
    let (here, there) = (MdnsRegistry::new(), MdnsRegistry::new());
    let mut watch = there.watch(Some(&service.name)).await.unwrap();
    assert_eq!(watch.next().await, Some(Ok(Event::Snapshot(vec![]))));
    here.register(&service, Duration::from_secs(300))
        .await
        .unwrap();
    assert_eq!(watch.next().await, Some(Ok(Event::Update(service.clone()))));

    let late = MdnsRegistry::new();
    let mut watch = late.watch(Some(&service.name)).await.unwrap();
    assert_eq!(
        watch.next().await,
        Some(Ok(Event::Snapshot(vec![service.clone()])))
    );

    assert_eq!(late.get(&service.name).await.unwrap(), [service]);
}
