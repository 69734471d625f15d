//! Against Go Micro's own registry; `tests/interop/go/run` starts these where that is safe.

use std::{
    io::{BufRead as _, BufReader, Lines, Write as _},
    process::{Child, ChildStdout, Command, Stdio},
    time::Duration,
};

use futures_util::StreamExt as _;
use micro::registry::{Endpoint, Event, MdnsRegistry, Registry as _, Service};
use tokio::time::timeout;

use super::suite::registry;

const LONG: Duration = Duration::from_secs(300);
const PATIENCE: Duration = Duration::from_secs(20);

/// The program in `tests/interop/go`.
struct Go {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Go {
    fn start(what: &str, name: &str) -> Self {
        let program = std::env::var("MICRO_TESTS_GO").expect("started by tests/interop/go/run");
        let mut command = Command::new(program);
        command
            .args([what, name])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { child, lines }
    }

    fn line(&mut self) -> String {
        self.lines.next().unwrap().unwrap()
    }
}

impl Drop for Go {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "by tests/interop/go/run"]
async fn we_find_theirs() {
    let name = registry::service("theirs", "", 0).name;
    let early = MdnsRegistry::new();
    let mut watch = early.watch(Some(&name)).await.unwrap();
    assert_eq!(watch.next().await, Some(Ok(Event::Snapshot(vec![]))));

    let mut go = Go::start("register", &name);
    assert_eq!(go.line(), "registered");
    let event = timeout(PATIENCE, watch.next()).await.unwrap();
    let Some(Ok(Event::Update(service))) = event else {
        panic!("{event:?}");
    };
    assert_eq!(
        (service.name.as_str(), service.version.as_str()),
        (name.as_str(), "latest")
    );
    assert_eq!(service.nodes[0].id, format!("{name}-go"));
    assert_eq!(service.nodes[0].address, "127.0.0.1:7070");
    assert_eq!(service.nodes[0].metadata["protocol"], "mucp");
    assert_eq!(service.endpoints[0].name, "Greeter.Hello");
    assert_eq!(
        service.endpoints[0].request.as_ref().unwrap().kind,
        "HelloRequest"
    );

    let late = MdnsRegistry::new();
    assert_eq!(
        late.get(&name).await.unwrap(),
        std::slice::from_ref(&service)
    );
    let late = MdnsRegistry::new();
    assert!(late.list().await.unwrap().contains(&service));

    go.child.stdin.take().unwrap().write_all(b"\n").unwrap();
    let event = timeout(PATIENCE, watch.next()).await.unwrap();
    assert_eq!(event, Some(Ok(Event::Delete(service))));
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "by tests/interop/go/run"]
async fn they_find_ours() {
    let mut service = registry::service("ours", "1.2", 3);
    service.endpoints = (0..20)
        .map(|at| Endpoint {
            name: format!("Greeter.Method{at}"),
            metadata: [("description".to_owned(), "long ".repeat(at))].into(),
            ..Endpoint::default()
        })
        .collect();
    let mut watch = Go::start("watch", &service.name);
    // The watcher says nothing when it is ready.
    tokio::time::sleep(Duration::from_secs(1)).await;
    let here = MdnsRegistry::new();
    here.register(&service, LONG).await.unwrap();

    let mut found: Vec<Service> =
        serde_json::from_str(&Go::start("get", &service.name).line()).unwrap();
    found[0].nodes.sort_by(|a, b| a.id.cmp(&b.id));
    assert_eq!(found, [service.clone()]);
    let listed = Go::start("list", "").line();
    assert!(listed.contains(&format!("{:?}", service.name)), "{listed}");

    let mut told = |action: &str| {
        let line = loop {
            let line = watch.line();
            if line.contains(action) {
                break line;
            }
        };
        assert!(line.contains(&service.nodes[0].address), "{line}");
    };
    told("create");
    here.deregister(&service).await.unwrap();
    told("delete");
}
