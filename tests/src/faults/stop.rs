//! Nodes that are told to stop.

use std::{
    io,
    time::{Duration, Instant},
};

use futures_util::future;
use micro::native::PREFACE;
use tokio::{io::AsyncWriteExt, net::TcpStream};

use super::{
    Report, Run,
    load::{Kind, Load},
    node::Job,
    process::{Fleet, Watched, other},
};

/// What a stop may take beyond the drain deadline of two seconds.
const MOST: f64 = 3.0;

pub(super) async fn r4(run: Run) -> io::Result<Report> {
    let (rounds, total) = run.pick((5, 100_000), (1, 5000));
    let mut fleet = Fleet::registered(3).await?;
    let load = Load::new(fleet.client()?);
    let watched = Watched::new(vec![std::process::id()]);
    let begun = Instant::now();
    let mut workers = load.start(Kind::Write, 28);
    workers.extend(load.start(Kind::Count, 4));
    load.wait(1000).await;
    let mut report = Report::default();
    let mut slowest = 0.0_f64;
    for _ in 0..rounds {
        for at in 0..3 {
            let (took, code) = fleet.nodes[at].terminate().await?;
            slowest = slowest.max(took.as_secs_f64());
            report.check(code == Some(0), format!("a node ended with {code:?}"));
            fleet.restart(at).await?;
            // As an orchestrator waits before it takes the next.
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
    }
    load.wait(total).await;
    load.stop(workers).await;
    load.report(&mut report, begun);
    load.compare(&fleet, &mut report)?;
    report.set("restarts", rounds * 3);
    report.at_most("exit_s", slowest, MOST);
    report.set("rss_max_mib", watched.most());
    report.check(load.failed() == 0, "calls failed");
    Ok(report)
}

pub(super) async fn r5(_: Run) -> io::Result<Report> {
    let mut report = Report::default();
    under_load(&mut report).await?;
    streams(&mut report).await?;
    idle(&mut report).await?;
    stuck(&mut report).await?;
    twice(&mut report).await?;
    Ok(report)
}

fn job(id: u64, millis: u64) -> Job {
    Job {
        id,
        millis,
        ..Job::default()
    }
}

/// Stops the one node of a fleet, which has to end well and in time.
async fn stop(fleet: &mut Fleet, report: &mut Report, name: &str) -> io::Result<()> {
    let (took, code) = fleet.nodes[0].terminate().await?;
    report.at_most(&format!("{name}_exit_s"), took.as_secs_f64(), MOST);
    report.check(code == Some(0), format!("{name}: it ended with {code:?}"));
    Ok(())
}

async fn wait_inside(fleet: &Fleet, handlers: u64) -> io::Result<()> {
    let client = fleet.client()?;
    let begun = Instant::now();
    while client.stats(()).await.map_err(other)?.inside < handlers {
        if begun.elapsed() > Duration::from_secs(20) {
            return Err(other("calls do not arrive"));
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    Ok(())
}

/// Every call that was there when the signal came is answered.
async fn under_load(report: &mut Report) -> io::Result<()> {
    let mut fleet = Fleet::in_file(1).await?;
    let client = fleet.client()?;
    let calls = (0..500).map(|id| client.write(job(id, 1500)).into_future());
    let calls = tokio::spawn(future::join_all(calls));
    wait_inside(&fleet, 500).await?;
    stop(&mut fleet, report, "load").await?;
    let failed = calls.await?.iter().filter(|reply| reply.is_err()).count();
    report.set("total", 500);
    report.set("failed", failed);
    report.check(
        failed == 0,
        format!("{failed} of 500 calls at work were lost"),
    );
    Ok(())
}

/// Streams that end within the drain deadline are read to their end; others do not keep the node.
async fn streams(report: &mut Report) -> io::Result<()> {
    let mut fleet = Fleet::in_file(1).await?;
    let client = fleet.client()?;
    let mut finite = Vec::new();
    for _ in 0..20 {
        let mut messages = client.count(job(15, 100)).await.map_err(other)?;
        finite.push(tokio::spawn(async move {
            let mut read = 0;
            while messages
                .message()
                .await
                .is_ok_and(|message| message.is_some())
            {
                read += 1;
            }
            read
        }));
    }
    let mut endless = client.pour(Job::default()).await.map_err(other)?;
    wait_inside(&fleet, 21).await?;
    stop(&mut fleet, report, "streams").await?;
    let mut cut = 0;
    for stream in finite {
        cut += u32::from(stream.await? < 15);
    }
    report.set("streams_cut", cut);
    report.check(
        cut == 0,
        format!("{cut} streams that could end were cut off"),
    );
    while endless
        .message()
        .await
        .is_ok_and(|message| message.is_some())
    {}
    Ok(())
}

/// Connections on which nothing happens do not keep it.
async fn idle(report: &mut Report) -> io::Result<()> {
    let mut fleet = Fleet::in_file(1).await?;
    let address = fleet.nodes[0].told.address.clone();
    let silent = TcpStream::connect(&address).await?;
    let mut half = TcpStream::connect(&address).await?;
    half.write_all(&PREFACE[..4]).await?;
    let mut native = TcpStream::connect(&address).await?;
    native.write_all(&PREFACE).await?;
    fleet.client()?.stats(()).await.map_err(other)?;
    stop(&mut fleet, report, "idle").await?;
    drop((silent, half, native));
    Ok(())
}

/// Neither does a handler that never ends.
async fn stuck(report: &mut Report) -> io::Result<()> {
    let mut fleet = Fleet::in_file(1).await?;
    let client = fleet.client()?;
    let call = tokio::spawn(client.relay(Job::default()).into_future());
    wait_inside(&fleet, 1).await?;
    stop(&mut fleet, report, "stuck").await?;
    let reply = tokio::time::timeout(Duration::from_secs(2), call).await;
    let failed = reply.is_ok_and(|reply| reply.is_ok_and(|reply| reply.is_err()));
    report.check(failed, "the caller of the stuck handler was not told");
    Ok(())
}

/// A second signal does not wait.
async fn twice(report: &mut Report) -> io::Result<()> {
    let mut fleet = Fleet::in_file(1).await?;
    let client = fleet.client()?;
    let call = tokio::spawn(client.relay(Job::default()).into_future());
    wait_inside(&fleet, 1).await?;
    fleet.nodes[0].signal("TERM").await?;
    tokio::time::sleep(Duration::from_millis(500)).await;
    let (took, code) = fleet.nodes[0].terminate().await?;
    report.at_most("second_signal_exit_s", took.as_secs_f64(), 0.5);
    report.check(
        code == Some(143),
        format!("after a second signal it ended with {code:?}"),
    );
    call.abort();
    Ok(())
}
