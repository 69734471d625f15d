//! The life of a service: what happens in which order, what stops it, what a stop waits for.

use std::{
    sync::{Arc, Mutex, atomic::Ordering::SeqCst},
    time::{Duration, Instant},
};

use async_trait::async_trait;
use futures_util::stream::BoxStream;
use micro::{
    Code, Error, Result, Service,
    broker::{Broker, MemoryBroker, Message, Promises, Subscribe, Subscription},
    registry::{self, Event, MemoryRegistry, Registry},
    testing,
};

use crate::{
    common::{Note, ProbeClient, Prober, alone, check_works, note, service, tasks, until},
    raw::{self, JSON, Raw},
};

/// What happened, in its order.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<&'static str>>>);

impl Log {
    fn note(&self, what: &'static str) {
        self.0.lock().unwrap().push(what);
    }

    fn hook(
        &self,
        what: &'static str,
    ) -> impl FnOnce() -> std::future::Ready<Result<()>> + Send + 'static {
        let log = self.clone();
        move || {
            log.note(what);
            std::future::ready(Ok(()))
        }
    }

    fn take(&self) -> Vec<&'static str> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

struct LoggedRegistry(MemoryRegistry, Log);

#[async_trait]
impl Registry for LoggedRegistry {
    async fn register(&self, service: &registry::Service, ttl: Duration) -> Result<()> {
        self.1.note("register");
        // It can be called by whoever finds it.
        let address = &service.nodes[0].address;
        tokio::net::TcpStream::connect(address).await?;
        self.0.register(service, ttl).await
    }

    async fn deregister(&self, service: &registry::Service) -> Result<()> {
        self.1.note("deregister");
        self.0.deregister(service).await
    }

    async fn get(&self, name: &str) -> Result<Vec<registry::Service>> {
        self.0.get(name).await
    }

    async fn list(&self) -> Result<Vec<registry::Service>> {
        self.0.list().await
    }

    async fn watch(&self, name: Option<&str>) -> Result<BoxStream<'static, Result<Event>>> {
        self.0.watch(name).await
    }
}

struct LoggedBroker(MemoryBroker, Log, bool);

#[async_trait]
impl Broker for LoggedBroker {
    async fn connect(&self) -> Result<()> {
        self.1.note("connect");
        if self.2 {
            return Err(Error::unavailable("no broker there"));
        }
        self.0.connect().await
    }

    async fn disconnect(&self) -> Result<()> {
        self.1.note("disconnect");
        self.0.disconnect().await
    }

    async fn publish(&self, topic: &str, message: Message) -> Result<()> {
        self.0.publish(topic, message).await
    }

    async fn subscribe(&self, topic: &str, options: &Subscribe) -> Result<Box<dyn Subscription>> {
        self.1.note("subscribe");
        self.0.subscribe(topic, options).await
    }

    fn promises(&self) -> Promises {
        self.0.promises()
    }
}

struct Listener;

#[micro::service]
impl Listener {
    async fn called(&self, note: Note) -> Result<Note> {
        Ok(note)
    }

    #[subscribe(topic = "heard")]
    async fn heard(&self, _note: Note) -> Result<()> {
        Ok(())
    }
}

fn logged(log: &Log, broken: bool) -> Service {
    Service::new("listener")
        .registry(LoggedRegistry(MemoryRegistry::new(), log.clone()))
        .broker(LoggedBroker(MemoryBroker::new(), log.clone(), broken))
        .leave_delay(Duration::ZERO)
        .before_start(log.hook("before start 1"))
        .before_start(log.hook("before start 2"))
        .after_start(log.hook("after start"))
        .before_stop(log.hook("before stop"))
        .after_stop(log.hook("after stop 1"))
        .after_stop(log.hook("after stop 2"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_starts_and_stops_in_order() {
    let log = Log::default();
    let running = logged(&log, false).handle(Listener).start().await.unwrap();
    let start = [
        "before start 1",
        "before start 2",
        "connect",
        "register",
        "subscribe",
        "after start",
    ];
    assert_eq!(log.take(), start);
    running.stop().await.unwrap();
    let stop = [
        "before stop",
        "deregister",
        "disconnect",
        "after stop 1",
        "after stop 2",
    ];
    assert_eq!(log.take(), stop);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_fails_before_the_start_stops_the_start() {
    let log = Log::default();
    let before = tasks();
    let refuse = || async { Err(Error::failed_precondition("no database")) };
    let service = logged(&log, false).before_start(refuse).handle(Listener);
    let error = service.start().await.unwrap_err();
    assert_eq!(error.detail(), "no database");
    assert_eq!(log.take(), ["before start 1", "before start 2"]);

    let error = logged(&log, true)
        .handle(Listener)
        .start()
        .await
        .unwrap_err();
    assert_eq!(error.detail(), "no broker there");
    assert_eq!(log.take(), ["before start 1", "before start 2", "connect"]);

    // One that fails after the start stops the service in order.
    let refuse = || async { Err(Error::failed_precondition("too late")) };
    let service = logged(&log, false).after_start(refuse).handle(Listener);
    let error = service.start().await.unwrap_err();
    assert_eq!(error.detail(), "too late");
    let all = log.take();
    assert!(
        all.ends_with(&[
            "before stop",
            "deregister",
            "disconnect",
            "after stop 1",
            "after stop 2"
        ]),
        "{all:?}"
    );

    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let error = logged(&log, false)
        .address(address)
        .handle(Listener)
        .start()
        .await
        .unwrap_err();
    assert_eq!(error.code(), Code::AlreadyExists);
    until(|| tasks() <= before).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn several_services_share_a_process() {
    let registry = MemoryRegistry::new();
    let mut running = Vec::new();
    for name in ["one", "two", "three"] {
        running.push(
            service(name, &registry)
                .handle(Prober::default())
                .start()
                .await
                .unwrap(),
        );
    }
    let caller = service("caller", &registry);
    for name in ["one", "two", "three"] {
        check_works(&ProbeClient::new(name, caller.client())).await;
    }
    running.remove(0).stop().await.unwrap();
    check_works(&ProbeClient::new("two", caller.client())).await;
    let gone = ProbeClient::new("one", caller.client());
    let error = gone.say(note("")).timeout(Duration::from_millis(200)).await;
    assert!(error.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_function_ends_after_one_request_or_one_event() {
    let registry = MemoryRegistry::new();
    let function = Service::function("once")
        .registry(registry.clone())
        .leave_delay(Duration::ZERO);
    let running = function.handle(Prober::default()).start().await.unwrap();
    let client = ProbeClient::new("once", service("caller", &registry).client());
    assert_eq!(client.wait(note("20")).await.unwrap(), note("20"));
    running.wait().await.unwrap();
    assert!(
        client
            .say(note(""))
            .timeout(Duration::from_millis(200))
            .await
            .is_err()
    );

    let broker = MemoryBroker::new();
    let function = Service::function("once")
        .registry(registry)
        .broker(broker.connect_again());
    let running = function.handle(Listener).start().await.unwrap();
    let publisher = Service::new("publisher")
        .registry(MemoryRegistry::new())
        .broker(broker);
    publisher
        .topic::<Note>("heard")
        .publish(note("a"))
        .await
        .unwrap();
    running.wait().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_handle_stops_from_anywhere_and_before_the_start_too() {
    let service = service("probe", &MemoryRegistry::new()).handle(Prober::default());
    let stop = service.stop_handle();
    let run = tokio::spawn(service.run());
    tokio::time::sleep(Duration::from_millis(20)).await;
    stop.stop();
    run.await.unwrap().unwrap();

    let early = self::service("probe", &MemoryRegistry::new()).handle(Prober::default());
    early.stop_handle().stop();
    early.run().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_finishes_what_can_be_finished() {
    let node = alone().await;
    check_works(&node.client).await;
    // An idle connection, one that has said nothing, calls at work and an open stream.
    let idle = Raw::connect(&node.address()).await;
    let silent = Raw::silent(&node.address()).await;
    let calls: Vec<_> = (0..100)
        .map(|_| tokio::spawn(node.client.wait(note("200")).into_future()))
        .collect();
    let mut stuck = node.client.pour(note("")).await.unwrap();
    node.seen.wait_entered(101).await;
    let begun = Instant::now();
    node.running.stop().await.unwrap();
    let took = begun.elapsed();
    for call in calls {
        assert_eq!(call.await.unwrap().unwrap(), note("200"));
    }
    // The drain timeout is half a second; the endless stream takes all of it and is cut off.
    assert!(took < Duration::from_millis(1500), "{took:?}");
    while let Ok(Some(_)) = stuck.message().await {}
    assert_eq!(node.seen.inside(), 0);
    drop((idle, silent));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_last_reply_reaches_a_slow_reader_of_a_stopping_server() {
    let app = testing::app()
        .with(|service| service.transport(micro::transport::TcpTransport::new()))
        .handle(Prober::default())
        .start()
        .await
        .unwrap();
    let mut raw = Raw::connect(app.running().address()).await;
    raw.send(&raw::name(0, "e2e.Probe/Large")).await;
    for id in 0..3 {
        raw.send(&raw::call(id, 0, JSON, br#"{"text":"4000000"}"#))
            .await;
    }
    tokio::time::sleep(Duration::from_millis(100)).await;
    let stop = tokio::spawn(app.stop());
    tokio::time::sleep(Duration::from_millis(1500)).await;
    for id in 0..3 {
        assert_eq!(raw.answer(id).await, Some((None, false)), "reply {id}");
    }
    stop.await.unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_running_service_that_is_dropped_lets_go_of_everything() {
    let before = tasks();
    let node = alone().await;
    let call = tokio::spawn(node.client.hang(note("")).into_future());
    node.seen.wait_entered(1).await;
    let (seen, client) = (node.seen.clone(), node.client.clone());
    drop(node.running);
    assert!(call.await.unwrap().is_err());
    seen.wait_empty().await;
    assert_eq!(seen.left.load(SeqCst), 1);
    drop((client, node.client));
    until(|| tasks() <= before).await;
}
