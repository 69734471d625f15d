//! Calls from a generated client to a generated server, over each built-in transport.

use std::time::Duration;

use futures_util::{Stream, StreamExt, stream};
use micro::{
    Code, Context, Error, Result, Service, Streaming,
    registry::MemoryRegistry,
    testing::{self, App},
};

#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
struct Note {
    text: String,
}

fn note(text: &str) -> Note {
    Note {
        text: text.to_owned(),
    }
}

/// Says, repeats and collects.
#[micro::service(package = "test")]
trait Echo {
    /// Says it again.
    async fn say(&self, note: Note) -> Result<Note>;
    async fn fail(&self, note: Note) -> Result<Note>;
    async fn panic(&self, note: Note) -> Result<Note>;
    async fn wait(&self, note: Note) -> Result<Note>;
    async fn block(&self, note: Note) -> Result<Note>;
    async fn repeat(&self, note: Note) -> Result<impl Stream<Item = Result<Note>>>;
    async fn collect(&self, notes: Streaming<Note>) -> Result<Note>;
    async fn chat(&self, notes: Streaming<Note>) -> Result<impl Stream<Item = Result<Note>>>;
}

struct Parrot;

/// How long a handler blocks its thread, and that it has begun to.
const BLOCK: Duration = Duration::from_secs(5);
static BLOCKED: tokio::sync::Notify = tokio::sync::Notify::const_new();

#[micro::service]
impl Echo for Parrot {
    async fn say(&self, ctx: &Context, note: Note) -> Result<Note> {
        match ctx.metadata().get("tenant") {
            Some(tenant) => Ok(Note {
                text: format!("{tenant}: {}", note.text),
            }),
            None => Ok(note),
        }
    }

    async fn fail(&self, note: Note) -> Result<Note> {
        Err(Error::not_found(note.text).with_id("parrot"))
    }

    async fn panic(&self, note: Note) -> Result<Note> {
        panic!("{}", note.text)
    }

    async fn wait(&self, note: Note) -> Result<Note> {
        let millis = note
            .text
            .parse()
            .map_err(|_| Error::invalid_argument("no number"))?;
        tokio::time::sleep(Duration::from_millis(millis)).await;
        Ok(note)
    }

    async fn block(&self, note: Note) -> Result<Note> {
        BLOCKED.notify_one();
        std::thread::sleep(BLOCK);
        Ok(note)
    }

    async fn repeat(&self, note: Note) -> Result<impl Stream<Item = Result<Note>>> {
        Ok(stream::iter(0..1000).map(move |n| {
            Ok(Note {
                text: format!("{} {n}", note.text),
            })
        }))
    }

    async fn collect(&self, mut notes: Streaming<Note>) -> Result<Note> {
        let mut all = String::new();
        while let Some(note) = notes.message().await? {
            all.push_str(&note.text);
        }
        Ok(Note { text: all })
    }

    async fn chat(&self, notes: Streaming<Note>) -> Result<impl Stream<Item = Result<Note>>> {
        Ok(notes.map(|note| {
            Ok(Note {
                text: note?.text.to_uppercase(),
            })
        }))
    }
}

async fn all_kinds(echo: &EchoClient<micro::RpcClient>) {
    assert_eq!(echo.say(note("a")).await.unwrap(), note("a"));
    assert_eq!(
        echo.say(note("a")).header("tenant", "b").await.unwrap(),
        note("b: a")
    );
    let error = echo.fail(note("gone")).await.unwrap_err();
    assert_eq!(
        (error.code(), error.detail(), error.id()),
        (Code::NotFound, "gone", "parrot")
    );
    let error = echo.panic(note("secret")).await.unwrap_err();
    assert_eq!(error.code(), Code::Internal);
    assert!(!error.detail().contains("secret"));

    let mut replies = echo.repeat(note("x")).await.unwrap();
    for n in 0..1000 {
        assert_eq!(
            replies.message().await.unwrap().unwrap(),
            Note {
                text: format!("x {n}")
            }
        );
    }
    assert_eq!(replies.message().await.unwrap(), None);

    let notes: Vec<_> = (0..1000).map(|_| note("ab")).collect();
    let all = echo.collect(stream::iter(notes)).await.unwrap();
    assert_eq!(all.text.len(), 2000);

    let (sender, receiver) = tokio::sync::mpsc::channel(1);
    let receiver = stream::unfold(receiver, async |mut r| r.recv().await.map(|note| (note, r)));
    let mut replies = echo.chat(receiver).await.unwrap();
    for text in ["a", "b", "c"] {
        sender.send(note(text)).await.unwrap();
        assert_eq!(
            replies.message().await.unwrap().unwrap(),
            note(&text.to_uppercase())
        );
    }
    drop(sender);
    assert_eq!(replies.message().await.unwrap(), None);
}

async fn app() -> App {
    testing::app().handle(Parrot).start().await.unwrap()
}

#[tokio::test]
async fn in_memory() {
    let app = app().await;
    all_kinds(&app.client()).await;
    app.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn over_tcp() {
    let service = Service::new("parrot")
        .registry(MemoryRegistry::new())
        .leave_delay(Duration::ZERO);
    let echo = EchoClient::new("parrot", service.client());
    let running = service.handle(Parrot).start().await.unwrap();
    all_kinds(&echo).await;
    running.stop().await.unwrap();
    let error = echo
        .say(note("a"))
        .timeout(Duration::from_millis(100))
        .await
        .unwrap_err();
    assert_eq!(error.code(), Code::NotFound, "{error}");
}

#[tokio::test]
async fn over_unix_sockets() {
    let app = testing::app()
        .with(|service| service.transport(micro::transport::UnixTransport::new()))
        .handle(Parrot)
        .start()
        .await
        .unwrap();
    all_kinds(&app.client()).await;
    app.stop().await.unwrap();
}

#[tokio::test]
async fn a_deadline_that_passes_is_a_timeout_on_both_sides() {
    let app = app().await;
    let echo: EchoClient<_> = app.client();
    let started = std::time::Instant::now();
    let error = echo
        .wait(note("60000"))
        .timeout(Duration::from_millis(50))
        .await
        .unwrap_err();
    assert!(error.is_timeout(), "{error}");
    assert!(started.elapsed() < Duration::from_secs(5));
    assert_eq!(echo.wait(note("1")).await.unwrap(), note("1"));
}

#[tokio::test]
async fn json_without_generated_code() {
    use micro::client::Client;
    let app = app().await;
    let client = app.running().client();
    let message = serde_json::json!({ "text": "hi" });
    for endpoint in ["Echo.Say", "test.Echo/Say", "Echo/Say", "/test.Echo/Say"] {
        assert_eq!(
            client
                .call_json(testing::NAME, endpoint, &message)
                .await
                .unwrap(),
            message
        );
    }
    for (endpoint, what) in [("Echo.Shout", "method"), ("Ohce.Say", "service")] {
        let error = client
            .call_json(testing::NAME, endpoint, &message)
            .await
            .unwrap_err();
        assert_eq!(error.code(), Code::Unimplemented);
        assert!(error.detail().contains(what), "{error}");
    }
    let error = client
        .call_json(testing::NAME, "Echo.Say", &serde_json::json!([]))
        .await
        .unwrap_err();
    assert_eq!(error.code(), Code::InvalidArgument, "{error}");
}

#[tokio::test]
async fn many_at_once() {
    let app = app().await;
    let echo: EchoClient<_> = app.client();
    let calls = (0..2000).map(|n| {
        let echo = echo.clone();
        async move { (n, echo.wait(note(&(n % 7).to_string())).await.unwrap()) }
    });
    let replies = futures_util::future::join_all(calls).await;
    assert!(
        replies
            .iter()
            .all(|(n, reply)| reply.text == (n % 7).to_string())
    );
}

#[tokio::test]
async fn streams_go_on_past_their_window() {
    let app = app().await;
    let echo: EchoClient<_> = app.client();
    let long = "x".repeat(2000);
    let mut replies = echo.repeat(note(&long)).await.unwrap();
    let mut read = 0;
    while let Some(reply) = replies.message().await.unwrap() {
        read += reply.text.len();
    }
    assert!(read > 2_000_000);

    let notes: Vec<_> = (0..1000).map(|_| note(&long)).collect();
    let all = echo.collect(stream::iter(notes)).await.unwrap();
    assert_eq!(all.text.len(), 2_000_000);
}

/// Notes each run, then calls where nobody is.
struct Relay {
    runs: std::sync::Arc<std::sync::atomic::AtomicUsize>,
    client: micro::RpcClient,
}

#[micro::service]
impl Relay {
    async fn pass(&self, note: Note) -> Result<Note> {
        self.runs.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let echo = EchoClient::new("nobody", self.client.clone());
        echo.say(note).address("127.0.0.1:9").retries(0).await
    }
}

#[tokio::test]
async fn a_handler_that_passes_on_an_unseen_error_has_run_all_the_same() {
    let runs = std::sync::Arc::default();
    let client = Service::new("relay")
        .registry(MemoryRegistry::new())
        .client();
    let relay = Relay {
        runs: std::sync::Arc::clone(&runs),
        client,
    };
    let app = testing::app().handle(relay).start().await.unwrap();
    let relay: RelayClient<_> = app.client();
    let error = relay.pass(note("a")).await.unwrap_err();
    assert!(error.is_unavailable(), "{error}");
    assert_eq!(error.reach(), micro::Reach::Maybe);
    assert_eq!(runs.load(std::sync::atomic::Ordering::Relaxed), 1);
    app.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_handler_that_blocks_its_thread_does_not_keep_a_service_from_stopping() {
    let app = testing::app()
        .with(|service| service.drain_timeout(Duration::from_millis(100)))
        .handle(Parrot)
        .start()
        .await
        .unwrap();
    let echo: EchoClient<_> = app.client();
    let call = tokio::spawn(echo.block(note("a")).into_future());
    BLOCKED.notified().await;
    let begun = std::time::Instant::now();
    app.stop().await.unwrap();
    assert!(begun.elapsed() < BLOCK - Duration::from_secs(1));
    assert!(call.await.unwrap().is_err());
}
