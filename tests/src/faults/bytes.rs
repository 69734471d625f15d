//! Bytes that no proper caller sends, against a real process.

use std::{
    io,
    time::{Duration, Instant},
};

use futures_util::{StreamExt, stream};
use micro::native::{Kind, PREFACE};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use super::{
    Report, Run,
    node::Stats,
    process::{Fleet, Watched, other, rss_mib},
};

/// A frame, of any kind.
fn frame(kind: u8, id: u32, flags: u8, tag: u16, body: &[u8]) -> Vec<u8> {
    let mut out = (body.len() as u32).to_le_bytes().to_vec();
    out.extend_from_slice(&id.to_le_bytes());
    out.extend_from_slice(&[kind, flags]);
    out.extend_from_slice(&tag.to_le_bytes());
    out.extend_from_slice(&[0; 4]);
    out.extend_from_slice(body);
    out
}

/// A proper conversation: calls of each kind, a cancel, credit, the end of a stream.
fn conversation() -> Vec<u8> {
    const JSON: u8 = 1 << 4;
    let job = br#"{"id":7,"millis":1,"text":""}"#;
    [
        PREFACE.to_vec(),
        frame(Kind::Name as u8, 0, 0, 0, b"faults.Work/Read"),
        frame(Kind::Call as u8, 0, JSON, 0, job),
        frame(Kind::Name as u8, 0, 0, 1, b"faults.Work/Relay"),
        frame(Kind::Call as u8, 1, JSON, 1, job),
        frame(Kind::Cancel as u8, 1, 0, 0, b""),
        frame(Kind::Name as u8, 0, 0, 2, b"faults.Work/Pour"),
        frame(Kind::Call as u8, 2, JSON, 2, job),
        frame(Kind::Credit as u8, 2, 0, 0, b""),
        frame(Kind::Ping as u8, 0, 0, 0, b""),
        frame(Kind::Call as u8, 3, JSON, 1, job),
    ]
    .concat()
}

/// One node under watch: an honest caller goes on beside the attack.
struct Target {
    fleet: Fleet,
    before: Stats,
    rss: u64,
    watched: Watched,
    honest: tokio::task::JoinHandle<u64>,
}

impl Target {
    async fn start() -> io::Result<Self> {
        let fleet = Fleet::in_file(1).await?;
        let client = fleet.client()?;
        let before = client.stats(()).await.map_err(other)?;
        let honest = tokio::spawn(async move {
            let mut failed = 0;
            loop {
                failed += u64::from(client.stats(()).await.is_err());
                if failed > 0 {
                    return failed;
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        });
        Ok(Self {
            before,
            rss: rss_mib(fleet.nodes[0].pid()),
            watched: Watched::new(fleet.pids()),
            honest,
            fleet,
        })
    }

    async fn connect(&self) -> io::Result<TcpStream> {
        TcpStream::connect(&self.fleet.nodes[0].told.address).await
    }

    /// Waits until nothing is left of the attack.
    async fn finish(self, report: &mut Report) -> io::Result<()> {
        report.check(!self.honest.is_finished(), "an honest call failed");
        self.honest.abort();
        let client = self.fleet.client()?;
        let begun = Instant::now();
        // This client's own connection is there besides the first one's.
        let before = (self.before.tasks + 1, self.before.files + 1);
        let after = loop {
            let stats = client.stats(()).await.map_err(other)?;
            let quiet = stats.inside == 0 && stats.tasks <= before.0 && stats.files <= before.1;
            if quiet || begun.elapsed() > Duration::from_secs(20) {
                break stats;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        };
        let left = after.inside > 0 || after.tasks > before.0 || after.files > before.1;
        report.check(!left, format!("{after:?} after, {:?} before", self.before));
        report.set("rss_max_mib", self.watched.most());
        let grown = self.watched.most().saturating_sub(self.rss);
        report.at_most("rss_grown_mib", grown as f64, 64.0);
        Ok(())
    }
}

pub(super) async fn a13(run: Run) -> io::Result<Report> {
    let target = Target::start().await?;
    let all = conversation();
    let mut report = Report::default();
    let mut total = 0;
    let mut stalled = Vec::new();
    for _ in 0..run.pick(20, 1) {
        for end in 0..=all.len() {
            for how in 0..3 {
                total += 1;
                let mut io = target.connect().await?;
                let _ = io.write_all(&all[..end]).await;
                match how {
                    0 => drop(io),
                    1 => io.set_zero_linger()?,
                    _ => stalled.push(io),
                }
                if stalled.len() >= 500 {
                    stalled.clear();
                }
            }
        }
    }
    // Those that never finished their preface are hung up on, the others not.
    let begun = Instant::now();
    let mut early = Vec::new();
    for end in 0..PREFACE.len() {
        let mut io = target.connect().await?;
        io.write_all(&all[..end]).await?;
        early.push(io);
    }
    for mut io in early {
        let mut rest = Vec::new();
        let ended = tokio::time::timeout(Duration::from_secs(15), io.read_to_end(&mut rest));
        report.check(ended.await.is_ok(), "a handshake may last for ever");
    }
    report.at_most("handshake_s", begun.elapsed().as_secs_f64(), 12.0);
    drop(stalled);
    target.finish(&mut report).await?;
    report.set("total", total);
    Ok(report)
}

/// Bytes that are random to a degree that goes by the seed.
fn random(seed: u64) -> Vec<u8> {
    let mut random = fastrand::Rng::with_seed(seed);
    match seed % 4 {
        0 => (0..random.usize(1..200)).map(|_| random.u8(..)).collect(),
        1 => {
            let mut bytes = PREFACE.to_vec();
            bytes.extend((0..random.usize(1..200)).map(|_| random.u8(..)));
            bytes
        }
        // A proper conversation with some bytes changed, from behind the preface or from the start.
        form => {
            let mut bytes = conversation();
            let from = if form == 2 { PREFACE.len() } else { 0 };
            for _ in 0..random.usize(1..8) {
                let at = random.usize(from..bytes.len());
                bytes[at] = random.u8(..);
            }
            bytes
        }
    }
}

pub(super) async fn a14(run: Run) -> io::Result<Report> {
    let target = Target::start().await?;
    let total = run.pick(1_000_000, 5000);
    let failed = std::sync::atomic::AtomicU64::new(0);
    stream::iter(0..total)
        .for_each_concurrent(16, |seed| {
            let (target, failed) = (&target, &failed);
            async move {
                let Ok(mut io) = target.connect().await else {
                    failed.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
                    return;
                };
                let _ = io.write_all(&random(seed)).await;
                // It may hang up or wait for more; a moment shows which, mostly.
                let mut answer = [0; 4096];
                let patience = Duration::from_millis(1);
                while let Ok(Ok(1..)) = tokio::time::timeout(patience, io.read(&mut answer)).await {
                }
                // Without the wait of a proper end, which would use up the ports.
                let _ = io.set_zero_linger();
            }
        })
        .await;
    let mut report = Report::default();
    report.set("total", total);
    let failed = failed.into_inner();
    report.set("failed", failed);
    report.check(failed == 0, "connections were refused");
    target.finish(&mut report).await?;
    Ok(report)
}
