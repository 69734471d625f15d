//! What a node process serves, and what the processes do.

use std::{
    fs::{File, OpenOptions},
    io::{Read, Write},
    path::PathBuf,
    process::ExitCode,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::SeqCst},
    },
    time::{Duration, SystemTime},
};

use futures_util::{Stream, StreamExt, future, stream};
use micro::{Context, Error, Result, RpcClient, Service};
use serde::{Deserialize, Serialize};

use super::process::ROLE;

/// What is to be done.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Job {
    pub(super) id: u64,
    /// How long it takes.
    pub(super) millis: u64,
    pub(super) text: String,
}

/// What a node says of itself.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Stats {
    /// Handlers at work, this question aside.
    pub(super) inside: u64,
    pub(super) tasks: u64,
    /// Open files, sockets among them.
    pub(super) files: u64,
}

#[micro::service(package = "faults")]
pub(super) trait Work {
    /// Does a job that may be done twice.
    #[micro(idempotent)]
    async fn read(&self, job: Job) -> Result<Job>;
    /// Does a job that must not be done twice, and writes its id down first.
    async fn write(&self, job: Job) -> Result<Job>;
    /// Hands it on to the next service; the last never answers.
    async fn relay(&self, job: Job) -> Result<Job>;
    /// So many messages as the id says, a pause before each.
    async fn count(&self, job: Job) -> Result<impl Stream<Item = Result<Job>>>;
    /// Messages of 64 KiB without end.
    async fn pour(&self, job: Job) -> Result<impl Stream<Item = Result<Job>>>;
    #[micro(idempotent)]
    async fn stats(&self, _: ()) -> Result<Stats>;
}

/// What a node process is told, as JSON in its environment.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Told {
    pub(super) name: String,
    pub(super) address: String,
    pub(super) registry: String,
    /// The service that `relay` calls.
    pub(super) next: Option<String>,
    /// Where ids of jobs, and the ends of handlers, are written down.
    pub(super) journal: PathBuf,
    pub(super) drain_millis: u64,
    /// Is a client of the service of that name, with so many calls of `relay`, and no node.
    pub(super) calls: Option<u64>,
}

struct Worker {
    inside: Arc<AtomicU64>,
    journal: File,
    next: Option<WorkClient<RpcClient>>,
}

/// Microseconds of the clock that all processes of this machine share.
pub(super) fn clock() -> u64 {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    now.map_or(0, |now| now.as_micros() as u64)
}

impl Worker {
    /// One write each, so that lines of a process that is killed are whole or not there.
    fn note(&self, line: &str) {
        let _ = (&self.journal).write_all(format!("{line}\n").as_bytes());
    }

    fn enter(&self) -> Inside {
        self.inside.fetch_add(1, SeqCst);
        Inside(self.inside.clone())
    }
}

struct Inside(Arc<AtomicU64>);

impl Drop for Inside {
    fn drop(&mut self) {
        self.0.fetch_sub(1, SeqCst);
    }
}

/// Writes down when a handler was dropped.
struct Ends<'a>(
    &'a Worker,
    u64,
    #[expect(dead_code, reason = "held")] Inside,
);

impl Drop for Ends<'_> {
    fn drop(&mut self) {
        self.0.note(&format!("end {} {}", self.1, clock()));
    }
}

#[micro::service]
impl Work for Worker {
    async fn read(&self, job: Job) -> Result<Job> {
        let _inside = self.enter();
        tokio::time::sleep(Duration::from_millis(job.millis)).await;
        Ok(job)
    }

    async fn write(&self, job: Job) -> Result<Job> {
        let _inside = self.enter();
        self.note(&format!("job {}", job.id));
        tokio::time::sleep(Duration::from_millis(job.millis)).await;
        Ok(job)
    }

    async fn relay(&self, ctx: &Context, job: Job) -> Result<Job> {
        let _ends = Ends(self, job.id, self.enter());
        if let Some(left) = ctx.time_left() {
            self.note(&format!("left {} {}", job.id, left.as_micros()));
        }
        match &self.next {
            Some(next) => next.relay(job).await,
            None => future::pending().await,
        }
    }

    async fn count(&self, job: Job) -> Result<impl Stream<Item = Result<Job>>> {
        let inside = self.enter();
        let pause = Duration::from_millis(job.millis);
        Ok(stream::iter(0..job.id).then(move |id| {
            let _ = &inside;
            async move {
                tokio::time::sleep(pause).await;
                Ok(Job {
                    id,
                    ..Job::default()
                })
            }
        }))
    }

    async fn pour(&self, job: Job) -> Result<impl Stream<Item = Result<Job>>> {
        let inside = self.enter();
        let text = "x".repeat(64 << 10);
        Ok(stream::repeat_with(move || {
            let _ = &inside;
            Ok(Job {
                text: text.clone(),
                ..job.clone()
            })
        }))
    }

    async fn stats(&self, _: ()) -> Result<Stats> {
        let metrics = tokio::runtime::Handle::current().metrics();
        Ok(Stats {
            inside: self.inside.load(SeqCst),
            tasks: metrics.num_alive_tasks() as u64,
            files: std::fs::read_dir("/proc/self/fd").map_or(0, |files| files.count() as u64),
        })
    }
}

fn service(told: &Told) -> Result<Service> {
    // A name chosen at run time goes the way that a user's would.
    let registry = micro::plugin::registry(&told.registry)?;
    Ok(Service::new(told.name.clone())
        .registry(Shared(registry))
        .address(told.address.clone())
        .drain_timeout(Duration::from_millis(told.drain_millis)))
}

/// A client in this process.
pub(super) fn client(registry: &str, name: &str) -> Result<WorkClient<RpcClient>> {
    let told = Told {
        name: "caller".to_owned(),
        registry: registry.to_owned(),
        ..Told::default()
    };
    Ok(WorkClient::new(name, service(&told)?.client()))
}

/// A registry that was opened by its name.
struct Shared(Arc<dyn micro::registry::Registry>);

#[async_trait::async_trait]
impl micro::registry::Registry for Shared {
    async fn register(&self, s: &micro::registry::Service, ttl: Duration) -> Result<()> {
        self.0.register(s, ttl).await
    }
    async fn deregister(&self, s: &micro::registry::Service) -> Result<()> {
        self.0.deregister(s).await
    }
    async fn get(&self, name: &str) -> Result<Vec<micro::registry::Service>> {
        self.0.get(name).await
    }
    async fn list(&self) -> Result<Vec<micro::registry::Service>> {
        self.0.list().await
    }
    async fn watch(
        &self,
        name: Option<&str>,
    ) -> Result<stream::BoxStream<'static, Result<micro::registry::Event>>> {
        self.0.watch(name).await
    }
}

/// Is the process that `role` says, until it is told to stop.
pub(super) async fn play(role: &str) -> ExitCode {
    // Whoever started this is gone when its end of the pipe is.
    std::thread::spawn(|| {
        let _ = std::io::stdin().read_to_end(&mut Vec::new());
        std::process::exit(3);
    });
    let told: Told = match serde_json::from_str(role) {
        Ok(told) => told,
        Err(error) => {
            eprintln!("{ROLE} is wrong: {error}");
            return ExitCode::from(2);
        }
    };
    let played = match told.calls {
        Some(calls) => call(&told, calls).await,
        None => serve(told).await,
    };
    match played {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn ready() {
    println!("READY");
    let _ = std::io::stdout().flush();
}

async fn serve(told: Told) -> Result<()> {
    let journal = OpenOptions::new()
        .create(true)
        .append(true)
        .open(&told.journal);
    let service = service(&told)?;
    let worker = Worker {
        inside: Arc::default(),
        journal: journal.map_err(|error| Error::internal(error.to_string()))?,
        next: told
            .next
            .map(|next| WorkClient::new(next, service.client())),
    };
    let service = service.after_start(|| async {
        ready();
        Ok(())
    });
    service.handle(worker).run().await
}

/// Makes calls that are never answered, until it is killed.
async fn call(told: &Told, calls: u64) -> Result<()> {
    let client = client(&told.registry, &told.name)?;
    client.stats(()).await?;
    ready();
    let calls = (0..calls).map(|id| {
        let job = Job {
            id,
            ..Job::default()
        };
        client.relay(job).into_future()
    });
    future::join_all(calls).await;
    Ok(())
}
