//! Nodes that come, go and die, of several versions, and registries that are wrong about them.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};

use async_trait::async_trait;
use futures_util::{StreamExt, stream::BoxStream};
use micro::{
    Code, Error, Result, Service,
    registry::{self, Event, MemoryRegistry, Node, Registry},
    selector::Filter,
};
use tokio::sync::broadcast;

use crate::common::{ProbeClient, Prober, check_works, note, service, start, until};

#[tokio::test(flavor = "multi_thread")]
async fn two_versions_stand_side_by_side() {
    let registry = MemoryRegistry::new();
    let mut nodes = Vec::new();
    for version in ["1.0.0", "2.0.0"] {
        let prober = Prober::default();
        let seen = prober.seen.clone();
        let service = service("probe", &registry).version(version);
        nodes.push((service.handle(prober).start().await.unwrap(), seen));
    }
    let client = ProbeClient::new("probe", Service::new("caller").registry(registry).client());
    for _ in 0..50 {
        let call = client.wait(note("0")).filter(Filter::version("2.0.0"));
        call.await.unwrap();
    }
    let seen = |at: usize| nodes[at].1.entered.load(SeqCst);
    assert_eq!((seen(0), seen(1)), (0, 50));
    for _ in 0..100 {
        client.wait(note("0")).await.unwrap();
    }
    assert!(seen(0) > 0, "without a filter both are called");
    let error = client.say(note("")).filter(Filter::version("3")).await;
    assert_eq!(error.unwrap_err().code(), Code::NotFound);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_vanishes_without_a_word_costs_no_call() {
    let registry = MemoryRegistry::new();
    let good = start("probe", &registry, None).await;
    let ghost = Node {
        id: "ghost".into(),
        address: "127.0.0.1:1".into(),
        ..Node::default()
    };
    let record = registry::Service {
        name: "probe".into(),
        version: "latest".into(),
        nodes: vec![ghost],
        ..registry::Service::default()
    };
    let bad = start("probe", &registry, None).await;
    registry
        .register(&record, Duration::from_secs(600))
        .await
        .unwrap();
    for _ in 0..20 {
        check_works(&good.client).await;
    }
    // It dies, and as far as the registry knows it is there.
    let record = bad.running.record().clone();
    drop(bad);
    registry
        .register(&record, Duration::from_secs(600))
        .await
        .unwrap();
    for _ in 0..500 {
        // What was on its way when the node died may have run there: only a call that may run twice
        // is sent to another.
        let reply = good.client.say(note("still there?")).idempotent().await;
        assert_eq!(reply.unwrap(), note("still there?"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn more_dead_nodes_than_may_be_ejected_cost_no_call() {
    let registry = MemoryRegistry::new();
    let good = start("probe", &registry, None).await;
    let ghosts = (1..=2).map(|port| Node {
        id: format!("ghost-{port}"),
        address: format!("127.0.0.1:{port}"),
        ..Node::default()
    });
    let record = registry::Service {
        name: "probe".into(),
        version: "latest".into(),
        nodes: ghosts.collect(),
        ..registry::Service::default()
    };
    registry
        .register(&record, Duration::from_secs(600))
        .await
        .unwrap();
    // Half of the calls meet the ghost that stays: far more than the retry budget would allow.
    for _ in 0..2000 {
        check_works(&good.client).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_handler_could_not_reach_does_not_send_its_own_call_again() {
    let registry = MemoryRegistry::new();
    let nodes = [
        start("last", &registry, None).await,
        start("last", &registry, None).await,
    ];
    let first = start("first", &registry, Some(&nodes[0])).await;
    let second = start("first", &registry, Some(&nodes[0])).await;
    for _ in 0..20 {
        let error = first.client.fail_next(note("")).await.unwrap_err();
        assert_eq!(error.code(), Code::Unavailable, "{error}");
    }
    let ran = first.seen.entered.load(SeqCst) + second.seen.entered.load(SeqCst);
    assert_eq!(ran, 20, "a call that is not idempotent was run twice");
}

/// A registry of which a test says what it answers.
#[derive(Clone)]
struct Moody {
    events: broadcast::Sender<std::result::Result<Event, Code>>,
    first: Arc<std::sync::Mutex<Vec<registry::Service>>>,
    /// Watches that end at once.
    refused: Arc<AtomicUsize>,
}

impl Moody {
    fn new(first: Vec<registry::Service>) -> Self {
        Self {
            events: broadcast::channel(1024).0,
            first: Arc::new(std::sync::Mutex::new(first)),
            refused: Arc::default(),
        }
    }

    fn say(&self, event: std::result::Result<Event, Code>) {
        let _ = self.events.send(event);
    }
}

#[async_trait]
impl Registry for Moody {
    async fn register(&self, _: &registry::Service, _: Duration) -> Result<()> {
        Err(Error::unavailable("out of order"))
    }

    async fn deregister(&self, _: &registry::Service) -> Result<()> {
        Err(Error::unavailable("out of order"))
    }

    async fn get(&self, _: &str) -> Result<Vec<registry::Service>> {
        Err(Error::unavailable("out of order"))
    }

    async fn list(&self) -> Result<Vec<registry::Service>> {
        Err(Error::unavailable("out of order"))
    }

    async fn watch(&self, _: Option<&str>) -> Result<BoxStream<'static, Result<Event>>> {
        let left = self
            .refused
            .fetch_update(SeqCst, SeqCst, |left| left.checked_sub(1));
        if left.is_ok() {
            return Err(Error::unavailable("out of order"));
        }
        let first = Event::Snapshot(self.first.lock().unwrap().clone());
        let events = futures_util::stream::unfold(self.events.subscribe(), async |mut events| {
            let event = events.recv().await.ok()?;
            Some((event.map_err(|code| Error::new(code, "moody")), events))
        });
        Ok(futures_util::stream::once(async { Ok(first) })
            .chain(events)
            .boxed())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_registry_in_a_mood_does_not_take_good_nodes_away() {
    let good = start("probe", &MemoryRegistry::new(), None).await;
    let record = good.running.record().clone();
    let moody = Moody::new(vec![record.clone()]);
    // It can't be reached at first either.
    moody.refused.store(2, SeqCst);
    let service = Service::new("caller").registry(moody.clone());
    let caller = service.client();
    let client = ProbeClient::new("probe", service.client());
    check_works(&client).await;
    let view = caller.view("probe").unwrap();

    for code in [Code::Unavailable, Code::Internal, Code::DeadlineExceeded] {
        moody.say(Err(code));
        check_works(&client).await;
    }
    // Nonsense: other services, no address, impossible names, thousands of nodes that are not there.
    let nonsense = |name: &str, address: &str, nodes: usize| registry::Service {
        name: name.into(),
        version: "latest".into(),
        nodes: (0..nodes)
            .map(|n| Node {
                id: format!("nonsense-{n}"),
                address: address.into(),
                ..Node::default()
            })
            .collect(),
        ..registry::Service::default()
    };
    for record in [
        nonsense("somebody-else", "127.0.0.1:1", 3),
        nonsense("probe", "", 1),
        nonsense("probe", "\r\n", 1),
        nonsense("probe", "no address at all", 2),
        nonsense("", "127.0.0.1:1", 1),
    ] {
        moody.say(Ok(Event::Update(record)));
        for _ in 0..20 {
            check_works(&client).await;
        }
    }
    // It flaps: the good node comes and goes, and comes back.
    for _ in 0..50 {
        moody.say(Ok(Event::Delete(record.clone())));
        moody.say(Ok(Event::Update(record.clone())));
        moody.say(Ok(Event::Snapshot(vec![record.clone()])));
        check_works(&client).await;
    }
    until(|| {
        view.candidates()
            .iter()
            .any(|node| node.address() == good.address())
    })
    .await;
    for _ in 0..50 {
        check_works(&client).await;
    }
    assert!(!view.is_stale());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_starts_and_stops_without_its_registry() {
    let service = Service::new("probe")
        .registry(Moody::new(Vec::new()))
        .leave_delay(Duration::ZERO);
    let running = service.handle(Prober::default()).start().await.unwrap();
    let client = ProbeClient::new("probe", running.client());
    let call = client.say(note("a")).address(running.address());
    assert_eq!(call.await.unwrap(), note("a"));
    running.stop().await.unwrap();
}
