//! Load: workers that call without pause, and what became of their calls.

use std::{
    collections::HashMap,
    io,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering::SeqCst},
    },
    time::{Duration, Instant},
};

use futures_util::future;
use micro::RpcClient;

use super::{
    Report,
    node::{Job, WorkClient},
    process::Fleet,
};

/// The workers of the scenarios, unless they say otherwise.
pub(super) const WORKERS: usize = 32;

/// What the workers do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Calls that may run twice.
    Read,
    /// Calls that must not, each with an id of its own.
    Write,
    /// The first without anything being sent again.
    ReadOnce,
    /// Streams of twenty messages.
    Count,
}

/// One call that is over.
#[derive(Clone, Copy)]
struct Call {
    began: Instant,
    took: Duration,
}

/// Load under way.
#[derive(Clone)]
pub(super) struct Load(Arc<Shared>);

struct Shared {
    client: WorkClient<RpcClient>,
    next: AtomicU64,
    stop: AtomicBool,
    calls: Mutex<Vec<Call>>,
    /// Jobs that were answered well.
    answered: Mutex<Vec<u64>>,
    failures: Mutex<Vec<(Instant, String)>>,
}

impl Load {
    pub(super) fn new(client: WorkClient<RpcClient>) -> Self {
        Self(Arc::new(Shared {
            client,
            next: AtomicU64::new(0),
            stop: AtomicBool::new(false),
            calls: Mutex::default(),
            answered: Mutex::default(),
            failures: Mutex::default(),
        }))
    }

    /// Starts workers; they end after [`Load::stop`].
    pub(super) fn start(&self, kind: Kind, workers: usize) -> Vec<tokio::task::JoinHandle<()>> {
        (0..workers)
            .map(|_| tokio::spawn(self.clone().work(kind)))
            .collect()
    }

    pub(super) fn begun(&self) -> u64 {
        self.0.next.load(SeqCst)
    }

    /// Waits until so many calls have begun.
    pub(super) async fn wait(&self, calls: u64) {
        while self.begun() < calls {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    pub(super) async fn stop(&self, workers: Vec<tokio::task::JoinHandle<()>>) {
        self.0.stop.store(true, SeqCst);
        future::join_all(workers).await;
    }

    async fn work(self, kind: Kind) {
        let shared = &self.0;
        while !shared.stop.load(SeqCst) {
            let id = shared.next.fetch_add(1, SeqCst);
            let began = Instant::now();
            let done = self.call(kind, id).await;
            let took = began.elapsed();
            shared.calls.lock().unwrap().push(Call { began, took });
            match done {
                Ok(()) if kind == Kind::Write => shared.answered.lock().unwrap().push(id),
                Ok(()) => {}
                Err(error) => {
                    tracing::warn!(%error, ?kind, "a call failed");
                    let failure = (Instant::now(), error.to_string());
                    shared.failures.lock().unwrap().push(failure);
                }
            }
        }
    }

    async fn call(&self, kind: Kind, id: u64) -> micro::Result<()> {
        let client = &self.0.client;
        let job = |id| Job {
            id,
            millis: 1,
            text: "x".repeat(100),
        };
        match kind {
            Kind::Read => client.read(job(id)).await.map(drop),
            Kind::Write => client.write(job(id)).await.map(drop),
            Kind::ReadOnce => client.read(job(id)).retries(0).await.map(drop),
            Kind::Count => {
                let mut messages = client.count(job(20)).await?;
                let mut read = 0;
                while messages.message().await?.is_some() {
                    read += 1;
                }
                if read == 20 {
                    return Ok(());
                }
                Err(micro::Error::internal(format!("{read} messages of 20")))
            }
        }
    }

    /// How many calls failed since `from`.
    pub(super) fn failed_since(&self, from: Instant) -> usize {
        let failures = self.0.failures.lock().unwrap();
        failures.iter().filter(|(at, _)| *at >= from).count()
    }

    /// The latencies in milliseconds of calls that were under way between two instants.
    fn percentiles(&self, from: Instant, to: Instant) -> (f64, f64) {
        let calls = self.0.calls.lock().unwrap();
        let within = calls
            .iter()
            .filter(|call| call.began <= to && call.began + call.took >= from);
        let mut took: Vec<_> = within.map(|call| call.took).collect();
        took.sort_unstable();
        let at = |part: f64| {
            let index = ((took.len() as f64 * part) as usize).min(took.len().saturating_sub(1));
            took.get(index)
                .map_or(0.0, |took| took.as_secs_f64() * 1000.0)
        };
        (at(0.5), at(0.99))
    }

    /// The p99 of the calls that were under way in these two instants, in milliseconds.
    pub(super) fn p99_between(&self, from: Instant, to: Instant) -> f64 {
        self.percentiles(from, to).1
    }

    /// Puts the totals into a report.
    pub(super) fn report(&self, report: &mut Report, begun: Instant) {
        let (p50, p99) = self.percentiles(begun, Instant::now());
        let failures = self.0.failures.lock().unwrap();
        report.set("total", self.0.calls.lock().unwrap().len());
        report.set("failed", failures.len());
        if let Some((_, first)) = failures.first() {
            report.set("first_failure", first.clone());
        }
        report.set("p50_ms", (p50 * 100.0).round() / 100.0);
        report.set("p99_ms", (p99 * 100.0).round() / 100.0);
    }

    pub(super) fn failed(&self) -> usize {
        self.0.failures.lock().unwrap().len()
    }

    /// Compares what was answered with what the nodes wrote down: jobs run twice, and jobs that were
    /// answered and never run.
    pub(super) fn compare(&self, fleet: &Fleet, report: &mut Report) -> io::Result<()> {
        let mut runs: HashMap<u64, u64> = HashMap::new();
        for (id, _) in fleet.journal("job ")? {
            *runs.entry(id).or_default() += 1;
        }
        let duplicated = runs.values().filter(|runs| **runs > 1).count();
        let answered = self.0.answered.lock().unwrap();
        let lost = answered.iter().filter(|id| !runs.contains_key(id)).count();
        report.set("duplicated", duplicated);
        report.set("lost", lost);
        report.check(duplicated == 0, format!("{duplicated} jobs were run twice"));
        report.check(lost == 0, format!("{lost} jobs were answered and not run"));
        Ok(())
    }
}
