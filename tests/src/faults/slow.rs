//! Streams that are read more slowly than they are sent.

use std::{
    io,
    time::{Duration, Instant},
};

use super::{
    Report, Run,
    load::{Kind, Load},
    node::Job,
    process::{Fleet, Watched, other, rss_mib},
};

pub(super) async fn r17(run: Run) -> io::Result<Report> {
    let mut report = Report::default();
    let seconds = run.pick(60, 4);
    for (streams, name, most) in [(1, "one", 32.0), (100, "hundred", 256.0)] {
        let fleet = Fleet::in_file(1).await?;
        let client = fleet.client()?;
        let load = Load::new(client.clone());
        let begun = Instant::now();
        let workers = load.start(Kind::Read, 8);
        tokio::time::sleep(Duration::from_secs(1)).await;
        let alone = load.p99_between(begun, Instant::now());
        let (node, own) = (fleet.nodes[0].pid(), std::process::id());
        let before = (rss_mib(node), rss_mib(own));
        let (of_node, of_own) = (Watched::new(vec![node]), Watched::new(vec![own]));
        let mut readers = Vec::new();
        for _ in 0..streams {
            let mut messages = client.pour(Job::default()).await.map_err(other)?;
            readers.push(tokio::spawn(async move {
                let mut read = 0_u64;
                while messages
                    .message()
                    .await
                    .is_ok_and(|message| message.is_some())
                {
                    read += 1;
                    tokio::time::sleep(Duration::from_millis(10 * streams)).await;
                }
                read
            }));
        }
        let slow = Instant::now();
        tokio::time::sleep(Duration::from_secs(seconds)).await;
        let beside = load.p99_between(slow, Instant::now());
        let broken = readers.iter().filter(|reader| reader.is_finished()).count();
        report.check(broken == 0, format!("{name}: {broken} streams broke"));
        readers.iter().for_each(|reader| reader.abort());
        load.stop(workers).await;
        load.report(&mut report, begun);
        report.check(load.failed() == 0, format!("{name}: other calls failed"));
        let grown = |watched: &Watched, before: u64| watched.most().saturating_sub(before) as f64;
        report.at_most(
            &format!("{name}_sender_grown_mib"),
            grown(&of_node, before.0),
            most,
        );
        report.at_most(
            &format!("{name}_reader_grown_mib"),
            grown(&of_own, before.1),
            most,
        );
        report.set("rss_max_mib", of_node.most().max(of_own.most()));
        report.set(&format!("{name}_p99_alone_ms"), alone);
        // Twice that of calls alone; a machine that is busy otherwise has its own milliseconds.
        report.at_most(
            &format!("{name}_p99_beside_ms"),
            beside,
            (2.0 * alone).max(50.0),
        );
    }
    Ok(report)
}
