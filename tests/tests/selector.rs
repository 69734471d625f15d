//! The built-in selectors hold to the contract, and each does what it is for.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use micro::{
    plugin,
    registry::Event,
    selector::{
        ConsistentHash, LeastConnections, Outcome, PowerOfTwo, Random, RoundRobin, Selection,
        Selector,
    },
};
use micro_tests::suite::selector::{all, calls_to, drive, record, simulate, view};
use tokio::time::Instant;

const MS: Duration = Duration::from_millis(1);
const SECOND: Duration = Duration::from_secs(1);

fn by_name(name: &str) -> Arc<dyn Selector> {
    plugin::selector(name).unwrap_or_else(|error| panic!("{error}"))
}

#[test]
fn p2c_conforms() {
    all(|| by_name("p2c"));
}

#[test]
fn random_conforms() {
    all(|| by_name("random"));
}

#[test]
fn round_robin_conforms() {
    all(|| by_name("roundrobin"));
}

#[test]
fn least_connections_conforms() {
    all(|| by_name("leastconn"));
}

#[test]
fn consistent_hash_conforms() {
    all(|| by_name("hash"));
}

/// R9: one of three nodes takes half a second longer.
#[test]
fn p2c_leaves_a_slow_node_alone() {
    for workers in [1, 4, 32] {
        simulate(async {
            let (selector, view): (Arc<dyn Selector>, _) = (Arc::new(PowerOfTwo), view(3));
            let log = drive(&view, &selector, workers, 30 * SECOND, |id, at| {
                let slow = id == "n1" && at >= 5 * SECOND;
                (if slow { 510 } else { 10 } * MS, Outcome::Success)
            });
            let log = log.await;
            let from = 7 * SECOND;
            let slow = calls_to(&log, "n1", from);
            let all = log.iter().filter(|(at, _)| *at >= from).count();
            assert!(slow * 100 <= all * 5, "{slow} of {all}");
        });
    }
}

#[test]
fn p2c_tries_a_new_node_with_one_call_at_a_time() {
    simulate(async {
        let view = view(3);
        for node in view.candidates().iter().take(2) {
            for _ in 0..3 {
                node.start();
                node.finish(Outcome::Success, MS);
            }
        }
        let picks: Vec<_> = (0..100)
            .map(|_| {
                view.pick(&PowerOfTwo, &Selection::default(), &[], &[])
                    .unwrap()
                    .begin()
            })
            .collect();
        let new = picks
            .iter()
            .filter(|call| call.candidate().node().id == "n2")
            .count();
        assert_eq!(new, 1);
    });
}

#[test]
fn p2c_is_not_drawn_to_a_node_that_fails_fast() {
    simulate(async {
        let (selector, view): (Arc<dyn Selector>, _) = (Arc::new(PowerOfTwo), view(2));
        // An overloaded node is not ejected, and says so in no time.
        let log = drive(&view, &selector, 8, 20 * SECOND, |id, _| match id {
            "n1" => (MS, Outcome::Rejected),
            _ => (20 * MS, Outcome::Success),
        });
        let log = log.await;
        let rejected = calls_to(&log, "n1", Duration::ZERO);
        assert!(
            rejected * 100 <= log.len() * 5,
            "{rejected} of {}",
            log.len()
        );
    });
}

#[test]
fn p2c_sees_a_node_that_owes_answers() {
    simulate(async {
        let view = view(2);
        let nodes = view.candidates();
        for node in nodes.iter() {
            node.start();
            node.finish(Outcome::Success, 10 * MS);
        }
        let _owed = nodes[0].begin();
        let before = nodes[0].cost(Instant::now());
        tokio::time::advance(SECOND).await;
        assert!(nodes[0].cost(Instant::now()) > 10.0 * before);
        assert_eq!(PowerOfTwo.select(&nodes, &Selection::default()), 1);
    });
}

#[test]
fn round_robin_takes_turns_whatever_else_goes_on() {
    simulate(async {
        let (one, other) = (view(4), view(2));
        other.apply(Event::Update(record("2", 2..4)));
        let v1 = [micro::selector::Filter::version("1")];
        let v2 = [micro::selector::Filter::version("2")];
        let mut rounds = Vec::new();
        let mut counts = BTreeMap::<String, usize>::new();
        for _ in 0..40 {
            let pick = |view: &micro::selector::View, filters: &[_]| {
                let call = Selection::default();
                view.pick(&RoundRobin, &call, filters, &[])
                    .unwrap()
                    .node()
                    .id
                    .clone()
            };
            rounds.push(pick(&one, &[]));
            *counts.entry(pick(&other, &v1)).or_default() += 1;
            *counts.entry(pick(&other, &v2)).or_default() += 1;
        }
        for round in rounds.chunks(4) {
            let mut round = round.to_vec();
            round.sort();
            assert_eq!(round, ["n0", "n1", "n2", "n3"]);
        }
        assert!(counts.values().all(|calls| *calls == 20), "{counts:?}");
    });
}

#[test]
fn least_connections_goes_where_least_is_going_on() {
    let view = view(4);
    let nodes = view.candidates();
    let _calls: Vec<_> = [0, 0, 1, 3].map(|n: usize| nodes[n].begin()).into();
    let _stream = nodes[3].begin_stream();
    assert_eq!(LeastConnections.select(&nodes, &Selection::default()), 2);
    let _another = nodes[2].begin();
    fastrand::seed(1);
    let mut seen: Vec<_> = (0..100)
        .map(|_| LeastConnections.select(&nodes, &Selection::default()))
        .collect();
    seen.sort_unstable();
    seen.dedup();
    assert_eq!(seen, [1, 2], "any of those with the fewest");
}

#[test]
fn random_takes_no_notice_of_anything() {
    let view = view(2);
    let nodes = view.candidates();
    let _busy: Vec<_> = (0..4).map(|_| nodes[0].begin()).collect();
    fastrand::seed(1);
    let first = (0..1000)
        .filter(|_| Random.select(&nodes, &Selection::default()) == 0)
        .count();
    assert!((400..600).contains(&first), "{first}");
}

/// Which node each of 10,000 keys goes to.
fn homes(view: &micro::selector::View) -> Vec<String> {
    let home = |key: usize| {
        let key = format!("user-{key}");
        let node = view.pick(&ConsistentHash, &Selection::with_key(&key), &[], &[]);
        node.unwrap().node().id.clone()
    };
    (0..10_000).map(home).collect()
}

#[test]
fn consistent_hash_moves_only_the_share_of_the_node_that_comes_or_goes() {
    let view = view(10);
    let before = homes(&view);
    assert_eq!(before, homes(&view), "the same key goes to the same node");

    view.apply(Event::Update(record("1", 10..11)));
    let after = homes(&view);
    let moved = before.iter().zip(&after).filter(|(a, b)| a != b).count();
    assert!(
        (600..1250).contains(&moved),
        "{moved} moved; a share is 909"
    );
    assert!(before.iter().zip(&after).all(|(a, b)| a == b || b == "n10"));

    view.apply(Event::Delete(record("1", 10..11)));
    assert_eq!(before, homes(&view));

    view.apply(Event::Delete(record("1", 3..4)));
    let after = homes(&view);
    assert!(before.iter().zip(&after).all(|(a, b)| a == b || a == "n3"));
}

#[test]
fn consistent_hash_comes_back_to_a_node_that_was_ejected() {
    simulate(async {
        let view = view(4);
        let before = homes(&view);
        let ill = view.candidates()[2].clone();
        ill.begin().done(Outcome::Unreachable);
        let meanwhile = homes(&view);
        assert!(before.iter().zip(&meanwhile).all(|(a, b)| if a == "n2" {
            b != "n2"
        } else {
            a == b
        }));
        tokio::time::advance(2 * SECOND).await;
        ill.begin().done(Outcome::Success);
        assert_eq!(before, homes(&view));
    });
}
