//! Two processes on one machine: the second is this test binary once more.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    process::{Child, Command, Stdio},
    time::Duration,
};

use futures_util::{StreamExt as _, stream::BoxStream};
use micro::registry::{Event, MdnsRegistry, Registry as _, Service};
use tokio::time::{Instant, timeout};

use super::suite::registry;

const SERVICE: &str = "MICRO_TESTS_SERVICE";
const TTL: Duration = Duration::from_secs(2);

/// What the second process does: registers what the variable says until it is told to stop.
#[tokio::test]
#[ignore = "only as the second process"]
async fn child() {
    let service = std::env::var(SERVICE).expect("started by another test");
    let service: Service = serde_json::from_str(&service).unwrap();
    let registry = MdnsRegistry::new();
    registry.register(&service, TTL).await.unwrap();
    let stopped = std::thread::spawn(|| std::io::stdin().lock().read_line(&mut String::new()));
    while !stopped.is_finished() {
        tokio::time::sleep(TTL / 10).await;
        registry.register(&service, TTL).await.unwrap();
    }
    registry.deregister(&service).await.unwrap();
}

/// The second process, which dies with the test.
struct Other(Child);

impl Other {
    fn start(service: &Service) -> Self {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command
            .args(["processes::child", "--exact", "--ignored", "--nocapture"])
            .env(SERVICE, serde_json::to_string(service).unwrap())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut first = String::new();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        out.read_line(&mut first).unwrap();
        std::thread::spawn(move || std::io::copy(&mut out, &mut std::io::sink()));
        Self(child)
    }
}

impl Drop for Other {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

async fn next(watch: &mut BoxStream<'static, micro::Result<Event>>) -> Event {
    timeout(Duration::from_secs(30), watch.next())
        .await
        .unwrap()
        .unwrap()
        .unwrap()
}

#[tokio::test]
async fn a_killed_process_expires_and_a_stopped_one_says_goodbye() {
    let service = registry::service("processes", "1", 2);
    let here = MdnsRegistry::new();
    let mut watch = here.watch(Some(&service.name)).await.unwrap();
    assert_eq!(next(&mut watch).await, Event::Snapshot(Vec::new()));

    let mut killed = Other::start(&service);
    let mut gone = found(&mut watch, &service).await;
    killed.0.kill().unwrap();
    let start = Instant::now();
    while !gone.is_empty() {
        if let Event::Delete(deleted) = next(&mut watch).await {
            gone.retain(|node| !deleted.nodes.contains(node));
        }
    }
    // Not much earlier either: the last announcement may be a tenth of the time old.
    assert!(start.elapsed() > TTL / 2, "{:?}", start.elapsed());
    assert_eq!(here.get(&service.name).await.unwrap(), []);

    let mut stopped = Other::start(&service);
    found(&mut watch, &service).await;
    assert_eq!(
        MdnsRegistry::new().get(&service.name).await.unwrap(),
        std::slice::from_ref(&service)
    );
    stopped.0.stdin.take().unwrap().write_all(b"\n").unwrap();
    let mut gone = 0;
    while gone < service.nodes.len() {
        if let Event::Delete(deleted) = next(&mut watch).await {
            gone += deleted.nodes.len();
        }
    }
}

async fn found(
    watch: &mut BoxStream<'static, micro::Result<Event>>,
    service: &Service,
) -> Vec<micro::registry::Node> {
    let mut nodes = Vec::new();
    while nodes.len() < service.nodes.len() {
        if let Event::Update(found) = next(watch).await {
            nodes.extend(found.nodes);
        }
    }
    nodes
}
