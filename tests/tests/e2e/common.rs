//! The service that the tests call, and how they look at what became of its handlers.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    time::{Duration, Instant},
};

use futures_util::{Stream, stream};
use micro::{
    Context, Error, Limits, Result, RpcClient, Service, Streaming, registry::MemoryRegistry,
    service::Running,
};

#[derive(Clone, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Note {
    pub text: String,
}

pub fn note(text: impl Into<String>) -> Note {
    Note { text: text.into() }
}

/// A message that nests as deep as its sender likes.
#[derive(Clone, PartialEq, prost::Message, serde::Serialize, serde::Deserialize)]
pub struct Tree {
    #[prost(message, optional, boxed, tag = "1")]
    pub child: Option<Box<Self>>,
}

/// What a handler saw of its context.
#[derive(Clone, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Surroundings {
    pub tenant: Option<String>,
    pub trace_id: Option<String>,
    pub millis_left: Option<u64>,
}

#[micro::service(package = "e2e")]
pub trait Probe {
    /// Says it again.
    async fn say(&self, note: Note) -> Result<Note>;
    /// Says it again after so many milliseconds.
    async fn wait(&self, note: Note) -> Result<Note>;
    /// Never answers.
    async fn hang(&self, note: Note) -> Result<Note>;
    /// Calls `hang` of the next service.
    async fn hang_next(&self, note: Note) -> Result<Note>;
    /// What it sees of its context.
    async fn describe(&self, note: Note) -> Result<Surroundings>;
    /// What the next service sees.
    async fn describe_next(&self, note: Note) -> Result<Surroundings>;
    /// Panics: at once, after a wait, in a drop, by the text of the note.
    async fn panic(&self, note: Note) -> Result<Note>;
    /// So many bytes.
    async fn large(&self, note: Note) -> Result<Note>;
    async fn nest(&self, tree: Tree) -> Result<Tree>;
    /// An endless stream of notes of a kilobyte.
    async fn pour(&self, note: Note) -> Result<impl Stream<Item = Result<Note>>>;
    /// A stream that panics at its third message.
    async fn stumble(&self, note: Note) -> Result<impl Stream<Item = Result<Note>>>;
    /// Reads a message each time that `permits` has one.
    async fn sip(&self, notes: Streaming<Note>) -> Result<Note>;
    /// Sends back what comes.
    async fn chat(&self, notes: Streaming<Note>) -> Result<impl Stream<Item = Result<Note>>>;
    /// Fails with what a call to a node that is not there fails with.
    async fn fail_next(&self, note: Note) -> Result<Note>;
}

/// What the handlers of a service did.
#[derive(Debug)]
pub struct Seen {
    pub entered: AtomicUsize,
    pub left: AtomicUsize,
    pub last_left: Mutex<Option<Instant>>,
    /// Messages that `pour` produced.
    pub poured: AtomicUsize,
    pub permits: tokio::sync::Semaphore,
}

impl Default for Seen {
    fn default() -> Self {
        Self {
            entered: AtomicUsize::default(),
            left: AtomicUsize::default(),
            last_left: Mutex::default(),
            poured: AtomicUsize::default(),
            permits: tokio::sync::Semaphore::new(0),
        }
    }
}

impl Seen {
    pub fn enter(self: &Arc<Self>) -> Inside {
        self.entered.fetch_add(1, SeqCst);
        Inside(self.clone())
    }

    /// How many handlers are at work.
    pub fn inside(&self) -> usize {
        self.entered.load(SeqCst) - self.left.load(SeqCst)
    }

    pub async fn wait_entered(&self, handlers: usize) {
        until(|| self.entered.load(SeqCst) >= handlers).await;
    }

    pub async fn wait_empty(&self) {
        until(|| self.inside() == 0).await;
    }
}

/// Notes when a handler's future is dropped.
pub struct Inside(Arc<Seen>);

impl Drop for Inside {
    fn drop(&mut self) {
        *self.0.last_left.lock().unwrap() = Some(Instant::now());
        self.0.left.fetch_add(1, SeqCst);
    }
}

#[derive(Default)]
pub struct Prober {
    pub seen: Arc<Seen>,
    pub next: Option<ProbeClient<RpcClient>>,
}

/// Panics when it is dropped, as long as nothing else does.
struct Sore;

impl Drop for Sore {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            panic!("in a drop");
        }
    }
}

#[micro::service]
impl Probe for Prober {
    async fn say(&self, note: Note) -> Result<Note> {
        Ok(note)
    }

    async fn wait(&self, note: Note) -> Result<Note> {
        let _inside = self.seen.enter();
        let millis = note.text.parse().unwrap_or(0);
        tokio::time::sleep(Duration::from_millis(millis)).await;
        Ok(note)
    }

    async fn hang(&self, _note: Note) -> Result<Note> {
        let _inside = self.seen.enter();
        std::future::pending().await
    }

    async fn hang_next(&self, note: Note) -> Result<Note> {
        let _inside = self.seen.enter();
        self.next.as_ref().unwrap().hang(note).await
    }

    async fn describe(&self, ctx: &Context, _note: Note) -> Result<Surroundings> {
        Ok(Surroundings {
            tenant: ctx.metadata().get("tenant").map(str::to_owned),
            trace_id: ctx.trace().map(|trace| format!("{:032x}", trace.trace_id)),
            millis_left: ctx.time_left().map(|left| left.as_millis() as u64),
        })
    }

    async fn describe_next(&self, note: Note) -> Result<Surroundings> {
        self.next.as_ref().unwrap().describe(note).await
    }

    async fn panic(&self, note: Note) -> Result<Note> {
        let _inside = self.seen.enter();
        match note.text.as_str() {
            "late" => tokio::time::sleep(Duration::from_millis(5)).await,
            "drop" => {
                let _sore = Sore;
                std::future::pending::<()>().await;
            }
            _ => {}
        }
        panic!("secret {}", note.text)
    }

    async fn large(&self, text: Note) -> Result<Note> {
        Ok(note("x".repeat(text.text.parse().unwrap_or(0))))
    }

    async fn nest(&self, tree: Tree) -> Result<Tree> {
        Ok(tree)
    }

    async fn pour(&self, _note: Note) -> Result<impl Stream<Item = Result<Note>>> {
        let (inside, seen) = (self.seen.enter(), self.seen.clone());
        Ok(stream::repeat_with(move || {
            let _ = &inside;
            seen.poured.fetch_add(1, SeqCst);
            Ok(note("x".repeat(1024)))
        }))
    }

    async fn stumble(&self, _note: Note) -> Result<impl Stream<Item = Result<Note>>> {
        let inside = self.seen.enter();
        Ok(stream::iter(0..10).map_with(move |n| {
            let _ = &inside;
            assert!(n < 2, "a stream stumbles");
            Ok(note(n.to_string()))
        }))
    }

    async fn sip(&self, mut notes: Streaming<Note>) -> Result<Note> {
        let _inside = self.seen.enter();
        let mut read = 0;
        loop {
            let permit = self.seen.permits.acquire().await;
            permit.map_err(|_| Error::internal("closed"))?.forget();
            match notes.message().await? {
                Some(_) => read += 1,
                None => return Ok(note(read.to_string())),
            }
        }
    }

    async fn chat(&self, notes: Streaming<Note>) -> Result<impl Stream<Item = Result<Note>>> {
        let inside = self.seen.enter();
        Ok(notes.map_with(move |note| {
            let _ = &inside;
            note
        }))
    }

    async fn fail_next(&self, note: Note) -> Result<Note> {
        let _inside = self.seen.enter();
        // Nobody listens there: the error says that no server has seen this call, the inner one.
        let client = self.next.as_ref().unwrap();
        client.say(note).address("127.0.0.1:1").retries(0).await
    }
}

/// `StreamExt::map` by a name that does not clash.
pub trait MapWith: Stream + Sized {
    fn map_with<T>(self, f: impl FnMut(Self::Item) -> T) -> impl Stream<Item = T> {
        futures_util::StreamExt::map(self, f)
    }
}
impl<S: Stream> MapWith for S {}

/// A service over TCP that others in the same registry find, with a client of its own.
pub struct Node {
    pub running: Running,
    pub client: ProbeClient<RpcClient>,
    pub seen: Arc<Seen>,
}

impl Node {
    pub fn address(&self) -> String {
        self.running.address().to_owned()
    }
}

pub fn service(name: &str, registry: &MemoryRegistry) -> Service {
    Service::new(name)
        .registry(registry.clone())
        .leave_delay(Duration::ZERO)
        .drain_timeout(Duration::from_millis(500))
}

pub async fn start(name: &str, registry: &MemoryRegistry, next: Option<&Node>) -> Node {
    start_within(name, registry, next, Limits::default()).await
}

pub async fn start_within(
    name: &str,
    registry: &MemoryRegistry,
    next: Option<&Node>,
    limits: Limits,
) -> Node {
    let service = service(name, registry).limits(limits);
    let seen = Arc::new(Seen::default());
    let prober = Prober {
        seen: seen.clone(),
        next: next.map(|next| {
            let name = next.running.record().name.clone();
            ProbeClient::new(name, service.client())
        }),
    };
    let client = ProbeClient::new(name, service.client());
    let running = service.handle(prober).start().await.unwrap();
    Node {
        running,
        client,
        seen,
    }
}

pub async fn alone() -> Node {
    start("probe", &MemoryRegistry::new(), None).await
}

/// Waits until it holds; gives up, with a panic, after a time that only a hang takes.
#[track_caller]
pub fn until(holds: impl Fn() -> bool) -> impl Future<Output = ()> {
    let place = std::panic::Location::caller();
    async move {
        let begun = Instant::now();
        while !holds() {
            assert!(
                begun.elapsed() < Duration::from_secs(30),
                "still not so after 30 s: {place}"
            );
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
}

/// The tasks of this runtime.
pub fn tasks() -> usize {
    tokio::runtime::Handle::current()
        .metrics()
        .num_alive_tasks()
}

/// Checks that a service still works for whoever asks properly.
pub async fn check_works(client: &ProbeClient<RpcClient>) {
    let reply = client.say(note("still there?")).await;
    assert_eq!(reply.unwrap(), note("still there?"));
}
