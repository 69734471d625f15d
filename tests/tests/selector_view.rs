//! The view: what it makes of a registry's events, and whom it lets a selector choose from.

use std::{sync::Arc, time::Duration};

use micro::{
    Error,
    registry::{Endpoint, Event, Node, Service},
    selector::{Candidate, Filter, Outcome, Random, Selection, Selector, View},
};
use micro_tests::suite::selector::{record, simulate, view};
use tokio::time::{advance, timeout};

const MS: Duration = Duration::from_millis(1);
const SECOND: Duration = Duration::from_secs(1);

fn ids(view: &View) -> Vec<String> {
    view.candidates()
        .iter()
        .map(|node| node.node().id.clone())
        .collect()
}

fn pick(view: &View, filters: &[Filter], tried: &[Arc<Candidate>]) -> Option<String> {
    let chosen = view.pick(&Random, &Selection::default(), filters, tried)?;
    Some(chosen.node().id.clone())
}

/// All that a hundred picks give.
fn picks(view: &View, filters: &[Filter], tried: &[Arc<Candidate>]) -> Vec<String> {
    let mut all: Vec<_> = (0..100)
        .filter_map(|_| pick(view, filters, tried))
        .collect();
    all.sort();
    all.dedup();
    all
}

#[test]
fn events_fold_into_the_nodes_that_there_are() {
    let view = View::new("greeter");
    assert!(!view.is_complete());
    assert_eq!(pick(&view, &[], &[]), None);

    view.apply(Event::Update(record("1", 0..2)));
    assert_eq!(ids(&view), ["n0", "n1"]);
    assert!(!view.is_complete());
    view.apply(Event::Snapshot(vec![record("1", 1..3), record("2", 5..6)]));
    assert_eq!(ids(&view), ["n1", "n2", "n5"]);
    assert!(view.is_complete());
    view.apply(Event::Update(record("2", 6..7)));
    view.apply(Event::Delete(record("1", 1..2)));
    view.apply(Event::Delete(record("1", 7..9)));
    assert_eq!(ids(&view), ["n2", "n5", "n6"]);

    let mut other = record("1", 8..9);
    other.name = "other".to_owned();
    view.apply(Event::Update(other.clone()));
    view.apply(Event::Delete(Service {
        nodes: record("1", 2..3).nodes,
        ..other.clone()
    }));
    assert_eq!(
        ids(&view),
        ["n2", "n5", "n6"],
        "what concerns others is passed over"
    );
    view.apply(Event::Snapshot(vec![other]));
    assert!(view.candidates().is_empty());
}

#[test]
fn what_is_learned_survives_new_records_of_the_same_node() {
    #[derive(Default)]
    struct Pool(std::sync::Mutex<u32>);

    let view = view(2);
    let before = view.candidates()[0].clone();
    before.start();
    before.start();
    before.finish(Outcome::Success, 7 * MS);
    *before.attachment::<Pool>().0.lock().unwrap() = 42;

    view.apply(Event::Snapshot(vec![record("1", 0..2)]));
    assert!(
        Arc::ptr_eq(&before, &view.candidates()[0]),
        "nothing changed"
    );

    let mut service = record("1", 0..1);
    service.nodes[0].metadata.insert("zone".into(), "a".into());
    view.apply(Event::Update(service));
    let labelled = view.candidates()[0].clone();
    assert_eq!(labelled.node().metadata["zone"], "a");

    // The process that was version 1 is version 2 now.
    view.apply(Event::Snapshot(vec![record("2", 0..2)]));
    let upgraded = view.candidates()[0].clone();
    assert_eq!(upgraded.version(), "2");

    for now in [&labelled, &upgraded] {
        assert!(now.is_same(&before) && !Arc::ptr_eq(now, &before));
        assert_eq!(now.in_flight(), 1);
        assert!(
            now.latency() > 6 * MS && now.latency() < 8 * MS,
            "{:?}",
            now.latency()
        );
        assert_eq!(*now.attachment::<Pool>().0.lock().unwrap(), 42);
    }
    before.finish(Outcome::Success, 7 * MS);
    assert_eq!(upgraded.in_flight(), 0);

    let mut moved = record("2", 0..1);
    moved.nodes[0].address = "10.9.9.9:1".to_owned();
    view.apply(Event::Update(moved));
    let moved = view.candidates()[0].clone();
    assert!(
        !moved.is_same(&before),
        "another address is another process"
    );
    assert_eq!(moved.latency(), Duration::ZERO);
}

#[test]
fn each_type_has_its_own_attachment() {
    let view = view(1);
    let node = &view.candidates()[0];
    let (number, text) = (
        node.attachment::<std::sync::atomic::AtomicU8>(),
        node.attachment::<String>(),
    );
    assert!(Arc::ptr_eq(&number, &node.attachment()));
    assert!(Arc::ptr_eq(&text, &node.attachment()));
}

/// R7: an error takes nothing away; an empty snapshot is the truth.
#[test]
fn a_registry_out_of_reach_empties_nothing() {
    simulate(async {
        let view = view(3);
        assert!(!view.is_stale());
        advance(SECOND).await;
        for _ in 0..10 {
            view.failed(&Error::unavailable("connection refused"));
            assert!(view.is_stale());
            assert_eq!(ids(&view).len(), 3);
        }
        advance(59 * SECOND).await;
        assert_eq!(view.age(), 60 * SECOND);
        assert!(pick(&view, &[], &[]).is_some());

        view.apply(Event::Update(record("1", 3..4)));
        assert!(
            view.is_stale(),
            "what was missed is not known before a snapshot"
        );
        view.apply(Event::Snapshot(vec![record("1", 0..2)]));
        assert!(!view.is_stale());
        assert_eq!(view.age(), Duration::ZERO);
        assert_eq!(ids(&view).len(), 2);

        view.apply(Event::Snapshot(vec![]));
        assert!(ids(&view).is_empty());
    });
}

/// R7: what can't be believed brings nothing and takes nothing away.
#[test]
fn garbage_empties_nothing() {
    let view = view(3);
    let mut bad = record("1", 0..1);
    bad.nodes[0].address = "10.0.0.1:80\r\nHost: evil".to_owned();
    view.apply(Event::Snapshot(vec![bad.clone()]));
    assert_eq!(ids(&view), ["n0", "n1", "n2"]);
    view.apply(Event::Update(bad.clone()));
    assert_eq!(view.candidates()[0].address(), "10.0.0.0:8080");
    view.apply(Event::Snapshot(vec![bad, record("2", 7..8)]));
    assert_eq!(ids(&view), ["n0", "n1", "n2", "n7"]);
    view.apply(Event::Snapshot(vec![record("2", 7..8)]));
    assert_eq!(
        ids(&view),
        ["n7"],
        "and the next good one is the truth again"
    );
}

/// R7: half of the nodes come and go; calls always find one, and the books balance.
#[test]
fn flapping_nodes_leave_nothing_behind() {
    simulate(async {
        let view = view(4);
        for _ in 0..50 {
            view.apply(Event::Delete(record("1", 2..4)));
            assert!(pick(&view, &[], &[]).is_some());
            view.apply(Event::Update(record("1", 2..4)));
            for node in view.candidates().iter() {
                node.begin().done(Outcome::Unreachable);
            }
        }
        assert!(format!("{view:?}").contains("ejected: 2"), "{view:?}");
        view.apply(Event::Snapshot(vec![]));
        assert!(format!("{view:?}").contains("ejected: 0"), "{view:?}");
    });
}

#[test]
fn a_node_that_is_gone_takes_its_connections_with_it() {
    let view = view(3);
    let connections = view
        .candidates()
        .iter()
        .map(|node| Arc::downgrade(&node.attachment::<String>()))
        .collect::<Vec<_>>();
    view.candidates()[2].begin().done(Outcome::Unreachable);
    assert_eq!(picks(&view, &[], &[]).len(), 2);
    assert_eq!(picks(&view, &[Filter::version("1")], &[]).len(), 2);
    view.apply(Event::Delete(record("1", 1..3)));
    let kept: Vec<_> = connections
        .iter()
        .map(|held| held.upgrade().is_some())
        .collect();
    assert_eq!(kept, [true, false, false]);
}

#[test]
fn a_registry_gone_mad_is_bounded() {
    let view = view(1);
    for version in 0..11 {
        let nodes = version * 1000..version * 1000 + 1000;
        view.apply(Event::Update(record(&version.to_string(), nodes)));
    }
    assert_eq!(view.candidates().len(), 10_000);
    assert!(view.candidates()[0].node().id == "n0");
}

#[test]
fn filters_are_never_waived() {
    let view = View::new("greeter");
    let mut old = record("1", 0..2);
    old.endpoints.push(Endpoint {
        name: "Greeter.Hello".into(),
        ..Endpoint::default()
    });
    old.nodes[1].metadata.insert("zone".into(), "b".into());
    view.apply(Event::Snapshot(vec![old, record("2", 2..4)]));

    assert_eq!(
        picks(&view, &[], &[]),
        ["n0", "n1", "n2", "n3"],
        "all versions side by side"
    );
    assert_eq!(picks(&view, &[Filter::version("2")], &[]), ["n2", "n3"]);
    assert_eq!(picks(&view, &[Filter::label("zone", "b")], &[]), ["n1"]);
    assert_eq!(
        picks(&view, &[Filter::endpoint("Greeter.Hello")], &[]),
        ["n0", "n1"]
    );
    let last = Filter::new(|node| node.address().ends_with(".3:8080"));
    assert_eq!(picks(&view, std::slice::from_ref(&last), &[]), ["n3"]);
    assert_eq!(pick(&view, &[last, Filter::version("1")], &[]), None);
    assert_eq!(
        format!("{:?}", Filter::label("zone", "b")),
        "Filter(zone=b)"
    );
}

#[test]
fn a_call_goes_where_it_was_not_before() {
    simulate(async {
        let view = view(4);
        let nodes: Vec<_> = view.candidates().to_vec();
        assert_eq!(picks(&view, &[], &nodes[..2]), ["n2", "n3"]);

        // A new record does not make it a new node.
        let mut service = record("1", 0..1);
        service.nodes[0].metadata.insert("zone".into(), "a".into());
        view.apply(Event::Update(service));
        assert_eq!(picks(&view, &[], &nodes[..2]), ["n2", "n3"]);

        nodes[3].begin().done(Outcome::Unreachable);
        assert_eq!(picks(&view, &[], &nodes[..2]), ["n2"]);
        assert_eq!(
            picks(&view, &[], &nodes[..3]),
            ["n3"],
            "ejected, but not tried"
        );
        assert_eq!(
            picks(&view, &[], &nodes),
            ["n0", "n1", "n2"],
            "tried, but not ejected"
        );
        let both = [Filter::new(|node| node.node().id == "n3")];
        assert_eq!(picks(&view, &both, &nodes), ["n3"], "nothing else is left");
    });
}

#[test]
fn a_selector_out_of_range_does_no_harm() {
    #[derive(Debug)]
    struct Wrong;
    impl Selector for Wrong {
        fn select(&self, _: &[Arc<Candidate>], _: &Selection<'_>) -> usize {
            usize::MAX
        }
    }
    let chosen = view(3).pick(&Wrong, &Selection::default(), &[], &[]);
    assert_eq!(chosen.unwrap().node().id, "n2");
}

#[test]
fn a_caller_can_wait_for_the_first_node() {
    simulate(async {
        let view = Arc::new(View::new("greeter"));
        let filters = [Filter::version("2")];
        assert!(timeout(SECOND, view.ready(&[])).await.is_err());

        let (any, second) = (view.ready(&[]), view.ready(&filters));
        let late = view.changed();
        let feed = async {
            tokio::time::sleep(SECOND).await;
            view.apply(Event::Snapshot(vec![]));
            tokio::time::sleep(SECOND).await;
            view.apply(Event::Update(record("1", 0..1)));
            tokio::time::sleep(SECOND).await;
            view.apply(Event::Update(record("2", 1..2)));
        };
        let begin = tokio::time::Instant::now();
        let any = async {
            any.await;
            begin.elapsed()
        };
        let second = async {
            second.await;
            begin.elapsed()
        };
        let (any, second, ()) = tokio::join!(any, second, feed);
        assert_eq!((any.as_secs(), second.as_secs()), (2, 3));
        // It was made before all that, and is first polled now.
        assert!(timeout(MS, late).await.is_ok());
        assert!(timeout(MS, view.ready(&filters)).await.is_ok());
    });
}

#[test]
fn nodes_say_where_they_are() {
    let view = View::new("greeter");
    let node = Node {
        id: "a".into(),
        address: "[::1]:80".into(),
        ..Node::default()
    };
    let endpoints = vec![Endpoint {
        name: "Greeter.Hello".into(),
        ..Endpoint::default()
    }];
    let service = Service {
        name: "greeter".into(),
        version: "3".into(),
        nodes: vec![node],
        endpoints,
        ..Service::default()
    };
    view.apply(Event::Update(service));
    let node = view.candidates()[0].clone();
    assert_eq!((node.address(), node.version()), ("[::1]:80", "3"));
    assert_eq!(node.endpoints().collect::<Vec<_>>(), ["Greeter.Hello"]);
}
