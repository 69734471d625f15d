//! What every [`Registry`] must do.
//!
//! ```no_run
//! use micro::registry::MemoryRegistry;
//! use micro_tests::suite::registry;
//!
//! # async fn test() {
//! let memory = MemoryRegistry::new();
//! registry::all(&registry::Suite::new(move || memory.clone())).await;
//! # }
//! ```

use std::{
    collections::BTreeMap,
    fmt,
    panic::AssertUnwindSafe,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use futures_util::{FutureExt as _, future::join_all};
use micro::{
    Code,
    registry::{Endpoint, Node, Registry, Service},
};
use tokio::time::{Instant, sleep, timeout};

mod watch;

pub use watch::{
    a_watch_begins_with_a_snapshot, a_watch_follows, a_watch_of_all_follows, a_watch_sees_expiry,
    watchers_are_apart,
};

/// How long anything may take that is to happen at once: long, for slow machines.
const PATIENCE: Duration = Duration::from_secs(20);
/// A time to live that no test outlives.
const LONG: Duration = Duration::from_secs(300);

/// A registry under test, and what it can do.
#[derive(Clone)]
pub struct Suite {
    open: Arc<dyn Fn() -> Arc<dyn Registry> + Send + Sync>,
    /// Whether services can be registered.
    pub writes: bool,
    /// The shortest time to live that it keeps; none where it knows no expiry.
    pub ttl: Option<Duration>,
    /// The most nodes of one service that it carries.
    pub nodes: usize,
}

impl Suite {
    /// `open` gives handles of one and the same registry, which need not be new: every property uses
    /// names that nobody else does.
    pub fn new<R: Registry>(open: impl Fn() -> R + Send + Sync + 'static) -> Self {
        Self {
            open: Arc::new(move || Arc::new(open())),
            writes: true,
            ttl: Some(Duration::from_secs(1)),
            nodes: 1000,
        }
    }

    fn open(&self) -> Arc<dyn Registry> {
        (self.open)()
    }
}

impl fmt::Debug for Suite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Suite").finish_non_exhaustive()
    }
}

/// Hands the names of all properties to a macro, which may make a test of each.
#[macro_export]
macro_rules! registry_properties {
    ($then:ident) => {
        $then! {
            what_is_registered_is_found
            the_unknown_is_empty
            versions_are_apart
            registering_again_replaces
            deregistering_takes_back
            many_nodes
            registering_at_once
            listing_is_in_order
            refreshing_keeps_alive
            what_is_not_refreshed_expires
            a_watch_begins_with_a_snapshot
            a_watch_follows
            a_watch_of_all_follows
            watchers_are_apart
            a_watch_sees_expiry
            hostile_records_are_refused
            hostile_names_are_refused
        }
    };
}

macro_rules! all {
    ($($name:ident)*) => {
        /// Runs every property; the one that does not hold is named.
        pub async fn all(suite: &Suite) {
            $(
                let property = AssertUnwindSafe($name(suite)).catch_unwind().await;
                assert!(property.is_ok(), "the property `{}` does not hold", stringify!($name));
            )*
        }
    };
}

registry_properties!(all);

/// Registers and gets back the whole record, through two handles.
pub async fn what_is_registered_is_found(suite: &Suite) {
    if !suite.writes {
        return;
    }
    let (here, there) = (suite.open(), suite.open());
    let mut service = service("found", "1.2.3", 2);
    service.metadata = BTreeMap::from([("team".to_owned(), "blue".to_owned())]);
    service.endpoints = vec![Endpoint {
        name: "Greeter.Hello".to_owned(),
        metadata: BTreeMap::from([("description".to_owned(), "Says “hello”.".to_owned())]),
        ..Endpoint::default()
    }];
    here.register(&service, LONG).await.unwrap();
    until(&there, &service.name, |found| found == [service.clone()]).await;
}

/// No error for a name that nobody has; no error to take back what is not there.
pub async fn the_unknown_is_empty(suite: &Suite) {
    let registry = suite.open();
    let service = service("unknown", "1", 1);
    assert_eq!(registry.get(&service.name).await.unwrap(), []);
    registry.deregister(&service).await.unwrap();
    assert_eq!(registry.get(&service.name).await.unwrap(), []);
}

/// Versions have records of their own, in order.
pub async fn versions_are_apart(suite: &Suite) {
    if !suite.writes {
        return;
    }
    let (here, there) = (suite.open(), suite.open());
    let first = service("versions", "1", 2);
    let mut all = vec![first];
    for version in ["2", "3", "latest"] {
        let other = service("other", version, 2);
        all.push(Service {
            name: all[0].name.clone(),
            ..other
        });
    }
    for service in all.iter().rev() {
        here.register(service, LONG).await.unwrap();
    }
    until(&there, &all[0].name, |found| found == all).await;
    here.deregister(&all[1]).await.unwrap();
    all.remove(1);
    until(&there, &all[0].name, |found| found == all).await;
}

/// The same node with another address is the same node.
pub async fn registering_again_replaces(suite: &Suite) {
    if !suite.writes {
        return;
    }
    let (here, there) = (suite.open(), suite.open());
    let mut service = service("again", "1", 1);
    here.register(&service, LONG).await.unwrap();
    until(&there, &service.name, |found| found == [service.clone()]).await;
    "127.0.0.1:999".clone_into(&mut service.nodes[0].address);
    here.register(&service, LONG).await.unwrap();
    until(&there, &service.name, |found| found == [service.clone()]).await;
}

/// Takes back the nodes that are named, and no others.
pub async fn deregistering_takes_back(suite: &Suite) {
    if !suite.writes {
        return;
    }
    let (here, there) = (suite.open(), suite.open());
    let both = service("back", "1", 2);
    here.register(&both, LONG).await.unwrap();
    until(&there, &both.name, |found| found == [both.clone()]).await;
    let (mut first, mut second) = (both.clone(), both.clone());
    second.nodes.remove(0);
    first.nodes.pop();
    here.deregister(&first).await.unwrap();
    until(&there, &both.name, |found| found == [second.clone()]).await;
    here.deregister(&second).await.unwrap();
    until(&there, &both.name, <[Service]>::is_empty).await;
}

/// As many nodes as it can.
pub async fn many_nodes(suite: &Suite) {
    if !suite.writes {
        return;
    }
    let (here, there) = (suite.open(), suite.open());
    let service = service("many", "1", suite.nodes);
    here.register(&service, LONG).await.unwrap();
    until(&there, &service.name, |found| found == [service.clone()]).await;
    here.deregister(&service).await.unwrap();
    until(&there, &service.name, <[Service]>::is_empty).await;
}

/// Nothing is lost when many register at the same time.
pub async fn registering_at_once(suite: &Suite) {
    if !suite.writes {
        return;
    }
    let (here, there) = (suite.open(), suite.open());
    let all = service("once", "1", suite.nodes.min(20));
    let each = all.nodes.iter().map(|node| {
        let (here, all) = (&here, &all);
        async move {
            let one = Service {
                nodes: vec![node.clone()],
                ..all.clone()
            };
            here.register(&one, LONG).await.unwrap();
        }
    });
    join_all(each).await;
    until(&there, &all.name, |found| found == [all.clone()]).await;
}

/// All services are listed, in the order of name and version.
pub async fn listing_is_in_order(suite: &Suite) {
    let (here, there) = (suite.open(), suite.open());
    let (a, b) = (service("list-a", "1", 1), service("list-b", "1", 1));
    if suite.writes {
        here.register(&b, LONG).await.unwrap();
        here.register(&a, LONG).await.unwrap();
    }
    eventually("both are listed", async || {
        let all = there.list().await.unwrap();
        let key = |service: &Service| (service.name.clone(), service.version.clone());
        assert!(all.is_sorted_by_key(key), "not in order: {all:?}");
        let named = |name: &str| all.iter().any(|service| service.name == name);
        !suite.writes || (named(&a.name) && named(&b.name))
    })
    .await;
}

/// Who registers in time is always there.
pub async fn refreshing_keeps_alive(suite: &Suite) {
    let Some(ttl) = suite.ttl.filter(|_| suite.writes) else {
        return;
    };
    let (here, there) = (suite.open(), suite.open());
    let service = service("alive", "1", 1);
    here.register(&service, ttl).await.unwrap();
    until(&there, &service.name, |found| found == [service.clone()]).await;
    let start = Instant::now();
    while start.elapsed() < ttl * 3 {
        here.register(&service, ttl).await.unwrap();
        assert_eq!(
            there.get(&service.name).await.unwrap(),
            std::slice::from_ref(&service)
        );
        sleep(ttl / 4).await;
    }
}

/// Who stops registering vanishes.
pub async fn what_is_not_refreshed_expires(suite: &Suite) {
    let Some(ttl) = suite.ttl.filter(|_| suite.writes) else {
        return;
    };
    let (here, there) = (suite.open(), suite.open());
    let (mut brief, mut lasting) = (service("expires", "1", 2), service("other", "1", 1));
    lasting.name.clone_from(&brief.name);
    lasting.nodes.push(brief.nodes.remove(1));
    lasting.nodes.sort_by(|a, b| a.id.cmp(&b.id));
    here.register(&lasting, LONG).await.unwrap();
    until(&there, &brief.name, |found| found == [lasting.clone()]).await;
    here.register(&brief, ttl).await.unwrap();
    until(&there, &brief.name, |found| found[0].nodes.len() == 3).await;
    until(&there, &brief.name, |found| found == [lasting.clone()]).await;
}

/// A record that nobody should believe is not taken.
pub async fn hostile_records_are_refused(suite: &Suite) {
    let registry = suite.open();
    let good = service("hostile", "1", 1);
    let change = |change: fn(&mut Service)| {
        let mut bad = good.clone();
        change(&mut bad);
        bad
    };
    for bad in [
        change(|bad| bad.name.clear()),
        change(|bad| bad.name.push_str("\r\nHost: evil")),
        change(|bad| bad.name.push_str("/../\u{0}")),
        change(|bad| bad.name.push('é')),
        change(|bad| bad.name = "x".repeat(300)),
        change(|bad| bad.version.push('\n')),
        change(|bad| bad.nodes.clear()),
        change(|bad| bad.nodes[0].id.push(' ')),
        change(|bad| bad.nodes[0].address.clear()),
        change(|bad| bad.nodes[0].address.push_str("\r\n")),
        change(|bad| drop(bad.metadata.insert("k".to_owned(), "v".repeat(5000)))),
    ] {
        let refused = registry.register(&bad, LONG).await.unwrap_err();
        assert_eq!(refused.code(), Code::InvalidArgument, "{bad:?}: {refused}");
    }
    let refused = registry.register(&good, Duration::ZERO).await.unwrap_err();
    assert_eq!(
        refused.code(),
        Code::InvalidArgument,
        "no time to live: {refused}"
    );
    assert_eq!(registry.get(&good.name).await.unwrap(), []);
}

/// A name that no service can have is an error, not a question to whatever is behind.
pub async fn hostile_names_are_refused(suite: &Suite) {
    let registry = suite.open();
    let long = "x".repeat(300);
    for name in [
        "",
        " ",
        "a\r\nb",
        "a b",
        "a\u{0}",
        "é",
        "*",
        "a?b=c",
        long.as_str(),
    ] {
        let refused = registry.get(name).await.unwrap_err();
        assert_eq!(
            refused.code(),
            Code::InvalidArgument,
            "get {name:?}: {refused}"
        );
        let refused = registry.watch(Some(name)).await.err().expect("an error");
        assert_eq!(
            refused.code(),
            Code::InvalidArgument,
            "watch {name:?}: {refused}"
        );
    }
}

/// A service by a name that nobody else uses, with nodes in the order of their ids.
#[must_use]
pub fn service(name: &str, version: &str, nodes: usize) -> Service {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    // By chance too, for tests in other containers may have the same process number.
    let unique = format!("{:x}-{:04x}-{count}", std::process::id(), fastrand::u16(..));
    let node = |at: usize| Node {
        id: format!("{name}-{unique}-{at:04}"),
        address: format!("127.0.0.1:{}", 10_000 + at),
        metadata: BTreeMap::from([("protocol".to_owned(), "mucp".to_owned())]),
    };
    Service {
        name: format!("{name}-{unique}"),
        version: version.to_owned(),
        nodes: (0..nodes).map(node).collect(),
        ..Service::default()
    }
}

async fn until(registry: &Arc<dyn Registry>, name: &str, met: impl Fn(&[Service]) -> bool) {
    let mut last = Vec::new();
    let seen = timeout(PATIENCE, async {
        loop {
            last = registry.get(name).await.unwrap();
            if met(&last) {
                break;
            }
            sleep(Duration::from_millis(10)).await;
        }
    });
    let seen = seen.await;
    assert!(seen.is_ok(), "{name} is at last {}", brief(&last));
}

async fn eventually(what: &str, met: impl AsyncFn() -> bool) {
    let seen = timeout(PATIENCE, async {
        while !met().await {
            sleep(Duration::from_millis(10)).await;
        }
    });
    assert!(seen.await.is_ok(), "not in time: {what}");
}

fn brief(found: &[Service]) -> String {
    format!("{found:?}").chars().take(1000).collect()
}
