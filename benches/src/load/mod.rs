//! The client's side: one scenario, once, against a server that it starts.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
    thread,
    time::{Duration, Instant},
};

use bytes::Bytes;
use tokio::runtime::Runtime;

use crate::{
    contestants::{Contestant, Outcome},
    latency::{self, Latencies},
    options::{runtime, window},
    process::{Server, again, context_switches, cpu_seconds, resident},
    scenarios::{Kind, Scenario},
};

mod count;
mod open;

/// What was measured, by name.
pub type Sample = BTreeMap<String, f64>;

fn body(size: usize) -> Bytes {
    // Text, since JSON has no bytes.
    vec![b'x'; size].into()
}

/// The time before it is measured: connections are made, buffers have their size.
fn warm_up() -> Duration {
    (window() / 3).max(Duration::from_millis(200))
}

pub fn load<C: Contestant>(scenario: &Scenario) -> Outcome<Sample> {
    let mut server = Server::start(C::NAME)?;
    let runtime = runtime()?;
    let address = server.address.clone();
    // Made on a worker: tasks that a client spawns belong to the pool from the start.
    let client = runtime.block_on(async { tokio::spawn(C::connect(address)).await? })?;
    let sample = match scenario.kind {
        Kind::Echo { size, in_flight } => {
            drive(&runtime, client.clone(), async move |client: C| {
                client.flood(in_flight, body(size)).await
            });
            measure(&server)
        }
        Kind::Dispatch => {
            drive(&runtime, client.clone(), async move |client: C| {
                client.flood(512, body(64)).await
            });
            measure(&server)
        }
        Kind::Wait { in_flight } => {
            drive(&runtime, client.clone(), async move |client: C| {
                closed_loop(client, in_flight, body(64), true).await
            });
            measure(&server)
        }
        Kind::Rally { streams } => {
            for _ in 0..streams {
                drive(&runtime, client.clone(), async |client: C| {
                    let mut last = Instant::now();
                    client
                        .rally(body(64), move || {
                            let now = Instant::now();
                            latency::record(now - std::mem::replace(&mut last, now));
                            true
                        })
                        .await
                });
            }
            measure(&server)
        }
        Kind::Down { streams } => {
            static SEEN: AtomicU64 = AtomicU64::new(0);
            for _ in 0..streams {
                drive(&runtime, client.clone(), async |client: C| {
                    client.down(body(64), &SEEN).await
                });
            }
            measure_items(&server, || SEEN.load(Relaxed))
        }
        Kind::Up => up(&runtime, &client, &server)?,
        Kind::Open { rate } => open::open_loop(&runtime, &client, &server, rate)?,
        Kind::Fair => fair(&runtime, &client, &server)?,
        Kind::Idle { connections } => idle::<C>(&runtime, &server, connections)?,
        Kind::Count { in_flight } => count::count(&runtime, &client, &mut server, in_flight)?,
    };
    // Callers still have calls in flight, which nobody waits for.
    runtime.shutdown_background();
    Ok(sample)
}

/// Starts what goes on until the process ends. What fails ends the process: a rate of errors is no
/// rate.
fn drive<C: Contestant, F, Fut>(runtime: &Runtime, client: C, work: F)
where
    F: FnOnce(C) -> Fut + Send + 'static,
    Fut: Future<Output = Outcome<()>> + Send + 'static,
{
    runtime.spawn(async move {
        if let Err(error) = work(client).await {
            if !STOPPED.load(Relaxed) {
                eprintln!("a caller failed: {error}");
                std::process::exit(1);
            }
        }
    });
}

/// The measuring is over: what ends now ends because the server does.
static STOPPED: AtomicBool = AtomicBool::new(false);

/// Keeps `in_flight` calls going, each by a task.
pub async fn closed_loop<C: Contestant>(
    client: C,
    in_flight: usize,
    body: Bytes,
    waits: bool,
) -> Outcome<()> {
    let mut tasks = Vec::new();
    for _ in 0..in_flight {
        let (caller, body) = (client.caller().await?, body.clone());
        tasks.push(tokio::spawn(async move {
            let mut last = Instant::now();
            loop {
                let call = body.clone();
                let back = if waits {
                    caller.wait(call).await
                } else {
                    caller.echo(call).await
                };
                match back {
                    Ok(back) if back.len() == body.len() => {}
                    Ok(_) => return Err("another body came back".into()),
                    Err(error) => return Err(error),
                }
                // One look at the clock for a call: it ends where the next begins.
                let now = Instant::now();
                latency::record(now - std::mem::replace(&mut last, now));
            }
        }));
    }
    for task in tasks {
        let ended: Outcome<()> = task.await?;
        ended?;
    }
    Ok(())
}

/// What both processes used at some time.
struct Usage {
    at: Instant,
    client: f64,
    server: f64,
    client_switches: u64,
    server_switches: u64,
}

impl Usage {
    fn so_far(server: &Server) -> Self {
        let own = std::process::id();
        Self {
            client: cpu_seconds(own),
            server: cpu_seconds(server.pid()),
            client_switches: context_switches(own),
            server_switches: context_switches(server.pid()),
            at: Instant::now(),
        }
    }

    /// The figures for `calls` calls since.
    fn sample(&self, server: &Server, calls: u64) -> Sample {
        let now = Self::so_far(server);
        let calls = calls as f64;
        let client = (now.client - self.client) * 1e6 / calls;
        let serving = (now.server - self.server) * 1e6 / calls;
        let switches = |now: u64, then: u64| now.saturating_sub(then) as f64 / calls;
        let figures = [
            ("rate", calls / (now.at - self.at).as_secs_f64()),
            ("cpu_client", client),
            ("cpu_server", serving),
            ("cpu", client + serving),
            (
                "switches_client",
                switches(now.client_switches, self.client_switches),
            ),
            (
                "switches_server",
                switches(now.server_switches, self.server_switches),
            ),
            ("rss_client", resident(std::process::id())),
            ("rss_server", resident(server.pid())),
        ];
        figures
            .map(|(name, figure)| (name.to_owned(), figure))
            .into()
    }
}

fn add_latencies(sample: &mut Sample, latencies: &Latencies) {
    for (name, share) in [("p50", 0.5), ("p99", 0.99), ("p999", 0.999)] {
        sample.insert(name.to_owned(), latencies.micros(share));
    }
}

fn measure(server: &Server) -> Sample {
    thread::sleep(warm_up());
    let (before, usage) = (Latencies::so_far(), Usage::so_far(server));
    thread::sleep(window());
    let latencies = Latencies::so_far().since(&before);
    let mut sample = usage.sample(server, latencies.count());
    STOPPED.store(true, Relaxed);
    add_latencies(&mut sample, &latencies);
    sample
}

fn measure_items(server: &Server, seen: impl Fn() -> u64) -> Sample {
    thread::sleep(warm_up());
    let (before, usage) = (seen(), Usage::so_far(server));
    thread::sleep(window());
    let sample = usage.sample(server, seen() - before);
    STOPPED.store(true, Relaxed);
    sample
}

/// What the server counted is what arrived, however much was buffered on the way.
fn up<C: Contestant>(runtime: &Runtime, client: &C, server: &Server) -> Outcome<Sample> {
    let stream = |time: Duration| -> Outcome<u64> {
        let client = client.clone();
        let (mut n, until, item) = (0u32, Instant::now() + time, body(64));
        let items = std::iter::from_fn(move || {
            n += 1;
            let over = n % 256 == 0 && Instant::now() >= until;
            (!over).then(|| item.clone())
        });
        runtime.block_on(async { tokio::spawn(async move { client.up(items).await }).await? })
    };
    stream(warm_up())?;
    let usage = Usage::so_far(server);
    let seen = stream(window())?;
    Ok(usage.sample(server, seen))
}

fn fair<C: Contestant>(runtime: &Runtime, client: &C, server: &Server) -> Outcome<Sample> {
    drive(runtime, client.clone(), async |client: C| {
        closed_loop(client, 1, body(64), false).await
    });
    thread::sleep(warm_up());
    let before = Latencies::so_far();
    thread::sleep(window());
    let alone = Latencies::so_far().since(&before);

    let mut neighbour = again(&["flood", C::NAME, &server.address, "512"])?.spawn()?;
    thread::sleep(warm_up());
    let before = Latencies::so_far();
    thread::sleep(window());
    let beside = Latencies::so_far().since(&before);
    STOPPED.store(true, Relaxed);
    neighbour.kill()?;
    neighbour.wait()?;
    let figures = [
        ("p99_alone", alone.micros(0.99)),
        ("p99_beside", beside.micros(0.99)),
        ("p50_alone", alone.micros(0.5)),
        ("p50_beside", beside.micros(0.5)),
        ("times", beside.micros(0.99) / alone.micros(0.99)),
    ];
    Ok(figures
        .map(|(name, figure)| (name.to_owned(), figure))
        .into())
}

fn idle<C: Contestant>(runtime: &Runtime, server: &Server, connections: usize) -> Outcome<Sample> {
    let held = Arc::new(std::sync::Mutex::new(Vec::new()));
    let open = |n: usize| -> Outcome<f64> {
        let (held, address) = (held.clone(), server.address.clone());
        let opened: Outcome<()> = runtime.block_on(async {
            tokio::spawn(async move {
                for _ in 0..n {
                    let client = C::connect(address.clone()).await?;
                    client.echo(body(64)).await?;
                    held.lock().unwrap().push(client);
                }
                Ok(())
            })
            .await?
        });
        opened?;
        thread::sleep(Duration::from_millis(300));
        Ok(resident(server.pid()))
    };
    // The first ones grow what all share.
    let before = open(100)?;
    let after = open(connections)?;
    let each = (after - before) / connections as f64;
    Ok([("rss_connection".to_owned(), each)].into())
}
