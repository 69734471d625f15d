//! Calls at a fixed rate, whatever becomes of them: what a service sees of many independent callers.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    thread,
    time::{Duration, Instant},
};

use tokio::runtime::Runtime;

use super::{Sample, Usage, add_latencies, body, warm_up};
use crate::{
    contestants::{Contestant, Outcome},
    latency::{self, Latencies},
    options::window,
    process::{Server, thread_seconds},
};

/// Connections of contestants that can't share one: what a pool would hold. A call waits for its
/// connection where it has to.
const CALLERS: usize = 64;

/// The pace is kept by this thread, which sleeps from call to call; what that costs is the same for
/// all and not counted.
pub(super) fn open_loop<C: Contestant>(
    runtime: &Runtime,
    client: &C,
    server: &Server,
    rate: u64,
) -> Outcome<Sample> {
    // SAFETY: changes how exactly this thread sleeps.
    unsafe { libc::prctl(libc::PR_SET_TIMERSLACK, 1) };
    let callers: Vec<C> = runtime.block_on(async {
        let mut callers = Vec::new();
        for _ in 0..CALLERS {
            callers.push(client.caller().await?);
        }
        Outcome::Ok(callers)
    })?;
    let callers: Arc<[C]> = callers.into();
    let failed = Arc::new(AtomicU64::new(0));
    let gap = Duration::from_nanos(1_000_000_000 / rate);
    let body = body(64);
    let mut n = 0;
    let mut due = Instant::now();
    let mut go = |time: Duration| {
        let until = Instant::now() + time;
        while due < until {
            if let Some(pause) = due.checked_duration_since(Instant::now()) {
                thread::sleep(pause);
            }
            let (callers, body, failed) = (callers.clone(), body.clone(), failed.clone());
            let (turn, started) = (n % CALLERS, due);
            runtime.spawn(async move {
                let back = callers[turn].echo(body).await;
                match back {
                    // From when it was due: a client that is late is late for its caller as well.
                    Ok(_) => latency::record(started.elapsed()),
                    Err(_) => drop(failed.fetch_add(1, Relaxed)),
                }
            });
            n += 1;
            due += gap;
        }
    };
    go(warm_up());
    let (before, usage, pacing) = (Latencies::so_far(), Usage::so_far(server), thread_seconds());
    go(window());
    let pacing = thread_seconds() - pacing;
    let latencies = Latencies::so_far().since(&before);
    let calls = latencies.count();
    let mut sample = usage.sample(server, calls);
    for name in ["cpu_client", "cpu"] {
        if let Some(cpu) = sample.get_mut(name) {
            *cpu -= pacing * 1e6 / calls as f64;
        }
    }
    add_latencies(&mut sample, &latencies);
    match failed.load(Relaxed) {
        0 => Ok(sample),
        failed => Err(format!("{failed} calls failed").into()),
    }
}
