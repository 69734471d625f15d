//! Calls through three processes: their deadlines, and what happens when the first caller is gone.

use std::{
    io,
    time::{Duration, Instant},
};

use futures_util::{StreamExt, stream};

use super::{
    Report, Run,
    node::{Job, Stats, Told, WorkClient, client, clock},
    process::{Fleet, Process, Watched, other},
};

/// The services of the chain; the first is the one that is called.
fn names(count: usize) -> Vec<String> {
    (0..count).map(|at| format!("chain-{at}")).collect()
}

async fn clients(fleet: &Fleet, count: usize) -> io::Result<Vec<WorkClient<micro::RpcClient>>> {
    let all: Vec<_> = names(count)
        .iter()
        .map(|name| client(&fleet.registry, name).map_err(other))
        .collect::<io::Result<_>>()?;
    for client in &all {
        client.stats(()).await.map_err(other)?;
    }
    Ok(all)
}

/// Makes every connection of the chain, and waits until all is quiet.
async fn warm(all: &[WorkClient<micro::RpcClient>]) -> io::Result<Vec<Stats>> {
    let call = all[0].relay(Job {
        id: u64::MAX,
        ..Job::default()
    });
    let _ = call.timeout(Duration::from_millis(500)).await;
    let mut stats = Vec::new();
    for client in all {
        stats.push(quiet(client, u64::MAX).await?);
    }
    Ok(stats)
}

/// Waits until no handler is at work and there are no more tasks than this.
async fn quiet(client: &WorkClient<micro::RpcClient>, tasks: u64) -> io::Result<Stats> {
    let begun = Instant::now();
    loop {
        let stats = client.stats(()).await.map_err(other)?;
        if stats.inside == 0 && stats.tasks <= tasks {
            return Ok(stats);
        }
        if begun.elapsed() > Duration::from_secs(20) {
            return Err(other(format!(
                "never quiet: {stats:?}, {tasks} tasks at first"
            )));
        }
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

/// The part of some times, in milliseconds.
fn percentile(times: &mut [u64], part: f64) -> f64 {
    times.sort_unstable();
    let at = ((times.len() as f64 * part) as usize).min(times.len().saturating_sub(1));
    times.get(at).map_or(0.0, |micros| *micros as f64 / 1000.0)
}

pub(super) async fn r15(run: Run) -> io::Result<Report> {
    const LIMIT: Duration = Duration::from_millis(200);
    let rounds = run.pick(100, 15);
    let fleet = Fleet::chain(&names(3)).await?;
    let all = clients(&fleet, 3).await?;
    warm(&all).await?;
    let mut deadlines = Vec::new();
    let mut told = Vec::new();
    let mut failed = 0;
    for id in 0..rounds {
        let deadline = clock() + LIMIT.as_micros() as u64;
        let job = Job {
            id,
            ..Job::default()
        };
        let error = all[0].relay(job).timeout(LIMIT).await.err();
        failed += usize::from(!error.is_some_and(|error| error.is_timeout()));
        told.push(clock().saturating_sub(deadline));
        deadlines.push(deadline);
    }
    for client in &all {
        quiet(client, u64::MAX).await?;
    }
    let mut report = Report::default();
    report.set("total", rounds);
    report.set("failed", failed);
    report.check(
        failed == 0,
        "some calls ended otherwise than by their deadline",
    );
    let of_ours = |line: &(u64, u64)| line.0 < rounds;
    let ends: Vec<_> = fleet.journal("end ")?.into_iter().filter(of_ours).collect();
    let left: Vec<_> = fleet
        .journal("left ")?
        .into_iter()
        .filter(of_ours)
        .collect();
    report.check(
        ends.len() as u64 == 3 * rounds,
        format!("{} handlers ended", ends.len()),
    );
    report.check(
        left.len() == ends.len(),
        "some calls within calls had no deadline",
    );
    let most = left.iter().map(|(_, micros)| *micros).max().unwrap_or(0);
    report.at_most("time_left_most_ms", most as f64 / 1000.0, 201.0);
    let mut late: Vec<_> = ends
        .iter()
        .map(|(id, at)| at.saturating_sub(deadlines[*id as usize]))
        .collect();
    report.set("told_p50_ms", percentile(&mut told, 0.5));
    report.at_most("stopped_p50_ms", percentile(&mut late, 0.5), 20.0);
    report.at_most("stopped_most_ms", percentile(&mut late, 1.0), 250.0);
    Ok(report)
}

pub(super) async fn r16(run: Run) -> io::Result<Report> {
    let fleet = Fleet::chain(&names(3)).await?;
    let all = clients(&fleet, 3).await?;
    let before = warm(&all).await?;
    let calls = run.pick(1000, 100);
    let told = Told {
        name: names(3).swap_remove(0),
        registry: fleet.registry.clone(),
        calls: Some(calls),
        ..Told::default()
    };
    let mut caller = Process::start(&told).await?;
    let begun = Instant::now();
    while all[2].stats(()).await.map_err(other)?.inside < calls {
        if begun.elapsed() > Duration::from_secs(20) {
            return Err(other("the calls do not get through"));
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let killed = clock();
    caller.kill().await?;
    for client in &all {
        quiet(client, u64::MAX).await?;
    }
    let mut report = Report::default();
    let mut ends: Vec<_> = fleet
        .journal("end ")?
        .iter()
        .filter(|(id, _)| *id < calls)
        .map(|(_, at)| at.saturating_sub(killed))
        .collect();
    report.check(
        ends.len() as u64 == 3 * calls,
        format!("{} handlers ended", ends.len()),
    );
    report.at_most("stopped_p50_ms", percentile(&mut ends, 0.5), 50.0);
    report.at_most("stopped_most_ms", percentile(&mut ends, 1.0), 500.0);
    let cancels = run.pick(10_000, 2000);
    give_up(&all[0], cancels).await;
    for (client, before) in all.iter().zip(before) {
        let stats = quiet(client, before.tasks).await?;
        report.check(
            stats.files <= before.files,
            format!("{stats:?} after, {before:?} before"),
        );
    }
    report.set("total", calls + cancels);
    Ok(report)
}

/// Makes calls that are never answered and gives each up after a moment.
async fn give_up(client: &WorkClient<micro::RpcClient>, calls: u64) {
    stream::iter(0..calls)
        .for_each_concurrent(500, |_| async {
            let job = Job {
                id: u64::MAX,
                ..Job::default()
            };
            let patience = Duration::from_micros(fastrand::u64(0..20_000));
            let _ = tokio::time::timeout(patience, client.relay(job).into_future()).await;
        })
        .await;
}

pub(super) async fn cancel(run: Run) -> io::Result<Report> {
    let calls = run.pick(100_000, 10_000);
    let fleet = Fleet::chain(&names(1)).await?;
    let all = clients(&fleet, 1).await?;
    let before = warm(&all).await?;
    let tasks = || {
        tokio::runtime::Handle::current()
            .metrics()
            .num_alive_tasks()
    };
    // What the first thousands leave is what buffers grow to.
    give_up(&all[0], calls / 5).await;
    quiet(&all[0], before[0].tasks).await?;
    let (own, rss) = (tasks(), super::process::rss_mib(fleet.nodes[0].pid()));
    let watched = Watched::new(fleet.pids());
    give_up(&all[0], calls).await;
    let after = quiet(&all[0], before[0].tasks).await?;
    let mut report = Report::default();
    report.set("total", calls + calls / 5);
    report.set("tasks_before", before[0].tasks);
    report.set("tasks_after", after.tasks);
    report.set("rss_max_mib", watched.most());
    drop(watched);
    let grown = super::process::rss_mib(fleet.nodes[0].pid()).saturating_sub(rss);
    report.at_most("rss_grown_mib", grown as f64, 16.0);
    // One more is the watch over the memory, which may still be ending.
    report.check(
        tasks() <= own + 1,
        format!("{} tasks here, {own} before", tasks()),
    );
    Ok(report)
}
