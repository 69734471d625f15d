//! Allocations and system calls of a call, in passes of their own: counting takes time.

use std::process::{Command, Stdio};

use bytes::Bytes;
use tokio::runtime::Runtime;

use super::{Sample, body};
use crate::{
    allocations,
    contestants::{Contestant, Outcome},
    process::Server,
};

/// Enough that what the runtime allocates now and then does not show.
const CALLS: usize = 50_000;

pub(super) fn count<C: Contestant>(
    runtime: &Runtime,
    client: &C,
    server: &mut Server,
    in_flight: usize,
) -> Outcome<Sample> {
    let each = CALLS / in_flight;
    let calls = (each * in_flight) as f64;
    let go = |each| -> Outcome<()> {
        let client = client.clone();
        runtime.block_on(async { tokio::spawn(some(client, in_flight, each)).await? })
    };
    go(2000 / in_flight + 10)?;
    let before = (allocations::so_far(), server.allocations()?);
    go(each)?;
    let after = (allocations::so_far(), server.allocations()?);
    let mut sample = Sample::from([
        (
            "allocations_client".to_owned(),
            (after.0 - before.0) as f64 / calls,
        ),
        (
            "allocations_server".to_owned(),
            (after.1 - before.1) as f64 / calls,
        ),
    ]);
    for (side, pid) in [("client", std::process::id()), ("server", server.pid())] {
        if let Some(seen) = system_calls(pid, || go(each))? {
            sample.insert(format!("syscalls_{side}"), seen / calls);
        }
    }
    Ok(sample)
}

async fn some<C: Contestant>(client: C, in_flight: usize, each: usize) -> Outcome<()> {
    let body: Bytes = body(64);
    let mut tasks = Vec::new();
    for _ in 0..in_flight {
        let (caller, body) = (client.caller().await?, body.clone());
        tasks.push(tokio::spawn(async move {
            for _ in 0..each {
                caller.echo(body.clone()).await?;
            }
            Outcome::Ok(())
        }));
    }
    for task in tasks {
        task.await??;
    }
    Ok(())
}

/// How many there were meanwhile, where `perf` is there and allowed to say.
fn system_calls(pid: u32, work: impl FnOnce() -> Outcome<()>) -> Outcome<Option<f64>> {
    let perf = Command::new("perf")
        .args([
            "stat",
            "-x",
            ",",
            "-e",
            "raw_syscalls:sys_enter",
            "-p",
            &pid.to_string(),
        ])
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn();
    let Ok(mut perf) = perf else {
        return Ok(None);
    };
    // It says nothing when it has attached.
    std::thread::sleep(std::time::Duration::from_millis(300));
    if perf.try_wait()?.is_some() {
        return Ok(None);
    }
    work()?;
    // SAFETY: a signal to a child that was not waited for, so its id is its own.
    unsafe { libc::kill(perf.id() as libc::pid_t, libc::SIGINT) };
    let said = perf.wait_with_output()?.stderr;
    let said = String::from_utf8_lossy(&said);
    let line = said.lines().find(|line| line.contains("raw_syscalls"));
    Ok(line.and_then(|line| line.split(',').next()?.parse().ok()))
}
