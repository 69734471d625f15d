//! Nodes that are killed.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::SeqCst},
    },
    time::{Duration, Instant},
};

use super::{
    Report, Run,
    load::{Kind, Load, WORKERS},
    process::{Fleet, Watched},
};

/// Load on three nodes of which one is killed after a third of the calls, and stays in the registry.
async fn kill_one(run: Run, kind: Kind) -> io::Result<(Load, Report)> {
    let total = run.pick(60_000, 10_000);
    let mut fleet = Fleet::in_file(3).await?;
    let load = Load::new(fleet.client()?);
    let mut pids = fleet.pids();
    pids.push(std::process::id());
    let watched = Watched::new(pids);
    let begun = Instant::now();
    let workers = load.start(kind, WORKERS);
    load.wait(total / 3).await;
    let killed = Instant::now();
    fleet.nodes[0].kill().await?;
    load.wait(total).await;
    // Long enough to see it probed, whatever the speed of the machine.
    tokio::time::sleep((killed + Duration::from_secs(2)).saturating_duration_since(Instant::now()))
        .await;
    load.stop(workers).await;
    let mut report = Report::default();
    load.report(&mut report, begun);
    report.set("rss_max_mib", watched.most());
    let p99 = load.p99_between(killed, killed + Duration::from_secs(1));
    report.at_most("p99_fault_ms", p99, 100.0);
    Ok((load, report))
}

pub(super) async fn r1(run: Run) -> io::Result<Report> {
    let (load, mut report) = kill_one(run, Kind::Read).await?;
    report.check(load.failed() == 0, "idempotent calls failed");
    Ok(report)
}

pub(super) async fn r2(run: Run) -> io::Result<Report> {
    let (load, mut report) = kill_one(run, Kind::ReadOnce).await?;
    let failed = load.failed();
    report.check(
        failed <= WORKERS,
        format!("{failed} calls failed, not only those in flight"),
    );
    Ok(report)
}

pub(super) async fn r3(run: Run) -> io::Result<Report> {
    let rounds = run.pick(10, 2);
    let mut fleet = Fleet::in_file(3).await?;
    let load = Load::new(fleet.client()?);
    let begun = Instant::now();
    let workers = load.start(Kind::Write, WORKERS);
    let mut worst = 0;
    for _ in 0..rounds {
        for at in 0..3 {
            tokio::time::sleep(Duration::from_millis(300)).await;
            let killed = Instant::now();
            fleet.nodes[at].kill().await?;
            tokio::time::sleep(Duration::from_millis(300)).await;
            worst = worst.max(load.failed_since(killed));
            fleet.restart(at).await?;
        }
    }
    load.stop(workers).await;
    let mut report = Report::default();
    load.report(&mut report, begun);
    load.compare(&fleet, &mut report)?;
    report.set("kills", rounds * 3);
    report.set("failed_most_per_kill", worst);
    report.check(
        worst <= WORKERS,
        format!("{worst} calls failed at one kill, not only those in flight"),
    );
    Ok(report)
}

pub(super) async fn r8(run: Run) -> io::Result<Report> {
    let mut fleet = Fleet::in_file(3).await?;
    let load = Load::new(fleet.client()?);
    let begun = Instant::now();
    let workers = load.start(Kind::Read, WORKERS);
    load.wait(2000).await;
    let address = fleet.nodes[0].told.address.clone();
    fleet.nodes[0].kill().await?;
    let killed = Instant::now();
    // In its place somebody who counts who comes, and hangs up.
    let listener = loop {
        match tokio::net::TcpListener::bind(&address).await {
            Ok(listener) => break listener,
            Err(_) if killed.elapsed() < Duration::from_secs(5) => {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            Err(error) => return Err(error),
        }
    };
    let late = Arc::new(AtomicU64::new(0));
    let counter = late.clone();
    let counting = tokio::spawn(async move {
        while listener.accept().await.is_ok() {
            if killed.elapsed() > Duration::from_secs(1) {
                counter.fetch_add(1, SeqCst);
            }
        }
    });
    let seconds = run.pick(15, 4);
    tokio::time::sleep(Duration::from_secs(seconds)).await;
    load.stop(workers).await;
    counting.abort();
    let mut report = Report::default();
    load.report(&mut report, begun);
    report.check(load.failed() == 0, "calls failed");
    let late = late.load(SeqCst);
    report.set("probes_after_1_s", late);
    // Not traffic but one call each time that its ejection is over: after 1, 2, 4, … seconds.
    report.check(
        late <= 6,
        format!("{late} connections after the first second"),
    );
    Ok(report)
}
