//! Everything at once, for a while.

use std::{
    io,
    time::{Duration, Instant},
};

use super::{
    Report, Run,
    load::{Kind, Load},
    process::{Fleet, Watched, rss_mib},
};

pub(super) async fn soak(run: Run) -> io::Result<Report> {
    let lasts = Duration::from_secs(run.pick(60, 6));
    let pause = Duration::from_secs(run.pick(3, 1));
    let mut fleet = Fleet::in_file(3).await?;
    let load = Load::new(fleet.client()?);
    let own = std::process::id();
    let watched = Watched::new(vec![own]);
    let begun = Instant::now();
    let workers = load.start(Kind::Read, 24);
    let mut report = Report::default();
    let mut faults = 0;
    let mut warm = None;
    while begun.elapsed() < lasts {
        tokio::time::sleep(pause).await;
        warm.get_or_insert_with(|| rss_mib(own));
        let at = fastrand::usize(..3);
        match faults % 3 {
            0 => fleet.nodes[at].kill().await?,
            1 => {
                let (took, code) = fleet.nodes[at].terminate().await?;
                report.check(code == Some(0), format!("a node ended with {code:?}"));
                report.at_most("exit_s", took.as_secs_f64(), 3.0);
            }
            _ => {
                // Frozen: it takes connections and answers nothing.
                fleet.nodes[at].signal("STOP").await?;
                tokio::time::sleep(Duration::from_secs(1)).await;
                fleet.nodes[at].signal("CONT").await?;
            }
        }
        if faults % 3 < 2 {
            tokio::time::sleep(Duration::from_millis(300)).await;
            fleet.restart(at).await?;
        }
        faults += 1;
    }
    load.stop(workers).await;
    load.report(&mut report, begun);
    report.set("faults", faults);
    report.set("rss_max_mib", watched.most());
    report.check(load.failed() == 0, "calls failed");
    // The log of latencies grows, by 24 bytes a call; nothing else may.
    let log = load.begun() * 32 / (1 << 20);
    let grown = rss_mib(own).saturating_sub(warm.unwrap_or(0) + log);
    report.at_most("rss_grown_mib", grown as f64, 32.0);
    Ok(report)
}
