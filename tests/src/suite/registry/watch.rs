//! The properties of watches.

use std::{collections::BTreeMap, sync::Arc};

use futures_util::{StreamExt as _, stream::BoxStream};
use micro::{
    Result,
    registry::{Event, Node, Registry},
};
use tokio::time::timeout;

use super::{LONG, PATIENCE, Suite, service, until};

/// The first event is all that is there, which may be nothing.
pub async fn a_watch_begins_with_a_snapshot(suite: &Suite) {
    let (here, there) = (suite.open(), suite.open());
    let service = service("snapshot", "1", 2);
    let mut empty = there.watch(Some(&service.name)).await.unwrap();
    assert_eq!(next(&mut empty).await, Event::Snapshot(Vec::new()));
    drop(empty);
    if !suite.writes {
        return;
    }
    here.register(&service, LONG).await.unwrap();
    until(&there, &service.name, |found| found == [service.clone()]).await;
    let mut full = there.watch(Some(&service.name)).await.unwrap();
    assert_eq!(next(&mut full).await, Event::Snapshot(vec![service]));
}

/// New nodes, changed nodes and nodes that are gone; and nothing of others.
pub async fn a_watch_follows(suite: &Suite) {
    follow(suite, true).await;
}

/// The same of all names.
pub async fn a_watch_of_all_follows(suite: &Suite) {
    follow(suite, false).await;
}

async fn follow(suite: &Suite, by_name: bool) {
    if !suite.writes {
        return;
    }
    let (here, there) = (suite.open(), suite.open());
    let (mut service, other) = (service("follow", "1", 1), service("follow-not", "1", 1));
    let name = service.name.clone();
    let mut fold = Fold::new(&there, by_name.then_some(&name), &name).await;
    here.register(&service, LONG).await.unwrap();
    fold.until(&service.nodes).await;
    here.register(&other, LONG).await.unwrap();
    "127.0.0.1:999".clone_into(&mut service.nodes[0].address);
    here.register(&service, LONG).await.unwrap();
    fold.until(&service.nodes).await;
    let mut more = service.clone();
    more.nodes = super::service("follow", "1", 1).nodes;
    here.register(&more, LONG).await.unwrap();
    let both = [service.nodes.clone(), more.nodes.clone()].concat();
    fold.until(&both).await;
    here.deregister(&service).await.unwrap();
    fold.until(&more.nodes).await;
    here.deregister(&more).await.unwrap();
    fold.until(&[]).await;
    assert!(!by_name || fold.strangers == 0, "events of other names");
}

/// Each of two watchers gets everything, also after the other is gone.
pub async fn watchers_are_apart(suite: &Suite) {
    if !suite.writes {
        return;
    }
    let (here, there) = (suite.open(), suite.open());
    let service = service("apart", "1", 1);
    let name = service.name.clone();
    let mut first = Fold::new(&there, Some(&name), &name).await;
    let mut second = Fold::new(&there, Some(&name), &name).await;
    here.register(&service, LONG).await.unwrap();
    first.until(&service.nodes).await;
    second.until(&service.nodes).await;
    drop(first);
    here.deregister(&service).await.unwrap();
    second.until(&[]).await;
    drop(second);
    // Watches that come and go leave nothing that would stop the next.
    for _ in 0..50 {
        drop(there.watch(Some(&name)).await.unwrap());
    }
    let mut last = Fold::new(&there, Some(&name), &name).await;
    here.register(&service, LONG).await.unwrap();
    last.until(&service.nodes).await;
}

/// A node that is not refreshed is told of as gone.
pub async fn a_watch_sees_expiry(suite: &Suite) {
    let Some(ttl) = suite.ttl.filter(|_| suite.writes) else {
        return;
    };
    let (here, there) = (suite.open(), suite.open());
    let service = service("expiry", "1", 1);
    let mut fold = Fold::new(&there, Some(&service.name), &service.name).await;
    here.register(&service, ttl).await.unwrap();
    fold.until(&service.nodes).await;
    fold.until(&[]).await;
}

async fn next(watch: &mut BoxStream<'static, Result<Event>>) -> Event {
    timeout(PATIENCE, async {
        loop {
            // An error item says no more than that the registry is out of reach for now.
            if let Ok(event) = watch.next().await.expect("a watch does not end") {
                return event;
            }
        }
    })
    .await
    .expect("an event in time")
}

/// What a watcher knows of one name by its events alone.
struct Fold {
    watch: BoxStream<'static, Result<Event>>,
    name: String,
    nodes: BTreeMap<(String, String), Node>,
    strangers: usize,
}

impl Fold {
    async fn new(registry: &Arc<dyn Registry>, watched: Option<&String>, name: &str) -> Self {
        let mut fold = Self {
            watch: registry.watch(watched.map(String::as_str)).await.unwrap(),
            name: name.to_owned(),
            nodes: BTreeMap::new(),
            strangers: 0,
        };
        let first = next(&mut fold.watch).await;
        assert!(
            matches!(first, Event::Snapshot(_)),
            "the first event is {first:?}"
        );
        fold.take(first);
        fold
    }

    async fn until(&mut self, nodes: &[Node]) {
        let mut wanted: Vec<_> = nodes.iter().collect();
        wanted.sort_by(|a, b| a.id.cmp(&b.id));
        while !self.nodes.values().eq(wanted.iter().copied()) {
            let event = next(&mut self.watch).await;
            self.take(event);
        }
    }

    fn take(&mut self, event: Event) {
        if matches!(event, Event::Snapshot(_)) {
            self.nodes.clear();
        }
        let gone = matches!(event, Event::Delete(_));
        let services = match event {
            Event::Snapshot(services) => services,
            Event::Update(service) | Event::Delete(service) => vec![service],
            other => panic!("{other:?}"),
        };
        for service in services {
            if service.name != self.name {
                self.strangers += 1;
                continue;
            }
            for node in service.nodes {
                let key = (service.version.clone(), node.id.clone());
                if gone {
                    self.nodes.remove(&key);
                } else {
                    self.nodes.insert(key, node);
                }
            }
        }
    }
}
