//! Topics: `#[subscribe]` handlers behind a broker, what reaches them, and what comes again.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};

use micro::{
    Context, Error, Metadata, Result, Service, Trace, broker::MemoryBroker,
    registry::MemoryRegistry, service::Running, testing,
};

use crate::common::{Note, note, until};

/// What a subscriber got: the note, its tenant, its trace.
type Got = (String, Option<String>, Option<u128>);

#[derive(Clone, Default)]
struct Mailer {
    mailed: Arc<Mutex<Vec<Got>>>,
    logged: Arc<Mutex<Vec<String>>>,
    failures: Arc<AtomicUsize>,
}

#[micro::service]
impl Mailer {
    async fn mailed(&self, _: ()) -> Result<u64> {
        Ok(self.mailed.lock().unwrap().len() as u64)
    }

    #[subscribe(topic = "user.created", queue = "mailer")]
    async fn mail(&self, ctx: &Context, user: Note) -> Result<()> {
        if user.text == "slow" {
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        let left = self
            .failures
            .fetch_update(SeqCst, SeqCst, |left| left.checked_sub(1));
        if left.is_ok() {
            return match user.text.as_str() {
                "panic" => panic!("a subscriber"),
                _ => Err(Error::unavailable("the mail server is away")),
            };
        }
        let tenant = ctx.metadata().get("tenant").map(str::to_owned);
        let trace = ctx.trace().map(|trace| trace.trace_id);
        self.mailed.lock().unwrap().push((user.text, tenant, trace));
        Ok(())
    }

    #[subscribe(topic = "user.created")]
    async fn log(&self, user: Note) -> Result<()> {
        self.logged.lock().unwrap().push(user.text);
        Ok(())
    }
}

async fn node(registry: &MemoryRegistry, broker: &MemoryBroker, mailer: &Mailer) -> Running {
    Service::new("mailer")
        .registry(registry.clone())
        .broker(broker.connect_again())
        .leave_delay(Duration::ZERO)
        .handle(mailer.clone())
        .start()
        .await
        .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_queue_gets_each_message_once_and_whoever_has_none_gets_all() {
    let (registry, broker) = (MemoryRegistry::new(), MemoryBroker::new());
    let mailers = [Mailer::default(), Mailer::default()];
    let first = node(&registry, &broker, &mailers[0]).await;
    let second = node(&registry, &broker, &mailers[1]).await;
    let publisher = Service::new("publisher").registry(registry).broker(broker);
    let topic = publisher.topic::<Note>("user.created");
    for n in 0..200 {
        topic.publish(note(n.to_string())).await.unwrap();
    }
    let mailed = || {
        mailers
            .iter()
            .map(|m| m.mailed.lock().unwrap().len())
            .sum::<usize>()
    };
    let logged = |at: usize| mailers[at].logged.lock().unwrap().len();
    until(|| mailed() == 200 && logged(0) == 200 && logged(1) == 200).await;
    assert!(
        mailers
            .iter()
            .all(|mailer| !mailer.mailed.lock().unwrap().is_empty())
    );
    let mut all: Vec<_> = mailers
        .iter()
        .flat_map(|mailer| mailer.mailed.lock().unwrap().clone())
        .map(|got| got.0)
        .collect();
    all.sort_unstable();
    all.dedup();
    assert_eq!(all.len(), 200, "each of them once");
    // Those that stop hand over to those that stay.
    first.stop().await.unwrap();
    for n in 0..50 {
        topic.publish(note(format!("later {n}"))).await.unwrap();
    }
    until(|| mailed() == 250).await;
    assert_eq!(logged(0), 200);
    second.stop().await.unwrap();
}

#[tokio::test]
async fn the_context_of_the_publisher_reaches_the_subscriber() {
    let mailer = Mailer::default();
    let app = testing::app().handle(mailer.clone()).start().await.unwrap();
    let topic = app.topic::<Note>("user.created");
    let trace = Trace::root();
    let mut metadata = Metadata::new();
    metadata.insert("tenant", "a").unwrap();
    let context = Context::background()
        .with_metadata(metadata)
        .with_trace(trace);
    context
        .scope(async { topic.publish(note("Ada")).await })
        .await
        .unwrap();
    until(|| !mailer.mailed.lock().unwrap().is_empty()).await;
    let got = mailer.mailed.lock().unwrap()[0].clone();
    assert_eq!(
        got,
        ("Ada".to_owned(), Some("a".to_owned()), Some(trace.trace_id))
    );
    app.stop().await.unwrap();
}

#[tokio::test]
async fn what_fails_or_panics_comes_again_and_the_rest_goes_on() {
    let mailer = Mailer::default();
    let app = testing::app().handle(mailer.clone()).start().await.unwrap();
    let topic = app.topic::<Note>("user.created");
    for text in ["error", "panic"] {
        mailer.failures.store(2, SeqCst);
        topic.publish(note(text)).await.unwrap();
        until(|| {
            mailer
                .mailed
                .lock()
                .unwrap()
                .iter()
                .any(|got| got.0 == text)
        })
        .await;
        assert_eq!(mailer.failures.load(SeqCst), 0, "{text} failed twice first");
    }
    assert_eq!(
        mailer.logged.lock().unwrap().len(),
        2,
        "the other subscriber got them once"
    );
    app.stop().await.unwrap();
}

#[tokio::test]
async fn a_message_that_can_not_be_decoded_is_given_up_and_the_next_one_comes() {
    use micro::{broker::Message, client::Client};
    let mailer = Mailer::default();
    let app = testing::app().handle(mailer.clone()).start().await.unwrap();
    let mut message = Message {
        body: "{".into(),
        ..Message::default()
    };
    message
        .metadata
        .insert("content-type", "application/json")
        .unwrap();
    app.running()
        .client()
        .publish("user.created", message)
        .await
        .unwrap();
    app.topic::<Note>("user.created")
        .publish(note("next"))
        .await
        .unwrap();
    until(|| mailer.mailed.lock().unwrap().len() == 1).await;
    until(|| mailer.logged.lock().unwrap().len() == 1).await;
    app.stop().await.unwrap();
}

#[tokio::test]
async fn a_stop_waits_for_the_message_that_was_taken() {
    let mailer = Mailer::default();
    let app = testing::app().handle(mailer.clone()).start().await.unwrap();
    app.topic::<Note>("user.created")
        .publish(note("slow"))
        .await
        .unwrap();
    until(|| !mailer.logged.lock().unwrap().is_empty()).await;
    tokio::time::sleep(Duration::from_millis(20)).await;
    app.stop().await.unwrap();
    assert_eq!(mailer.mailed.lock().unwrap().len(), 1);
}
