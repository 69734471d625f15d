//! What every selector must do, alone and behind a [`View`].
//!
//! ```no_run
//! # use std::sync::Arc;
//! #[test]
//! fn conforms() {
//!     micro_tests::suite::selector::all(|| Arc::new(micro::selector::Random));
//! }
//! ```
//!
//! Time is paused and chance is seeded, so a run is as every other.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use micro::{
    registry::{Event, Node, Service},
    selector::{Candidate, Outcome, Selection, Selector, View},
};
use tokio::time::{Instant, sleep};

/// Makes the selector under test.
pub type Make<'a> = &'a dyn Fn() -> Arc<dyn Selector>;

/// Runs the whole suite.
///
/// # Panics
/// Where the selector does not hold to its contract.
pub fn all(make: impl Fn() -> Arc<dyn Selector>) {
    stays_in_range(&make);
    spreads_over_healthy_nodes(&make);
    serves_many_threads(&make);
    keeps_away_from_a_dead_node(&make);
    keeps_away_from_a_failing_node(&make);
    keeps_away_from_a_stopped_node(&make);
    takes_a_node_back(&make);
}

/// A virtual clock of its own, and the same chances each time.
///
/// # Panics
/// Where there is no runtime to be had.
pub fn simulate<T>(future: impl Future<Output = T>) -> T {
    fastrand::seed(20);
    tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .expect("a runtime")
        .block_on(future)
}

/// The record of nodes `n0`, `n1`… of the service `greeter`.
#[must_use]
pub fn record(version: &str, nodes: std::ops::Range<usize>) -> Service {
    let node = |n| Node {
        id: format!("n{n}"),
        address: format!("10.0.{}.{}:8080", n / 256, n % 256),
        ..Node::default()
    };
    Service {
        name: "greeter".to_owned(),
        version: version.to_owned(),
        nodes: nodes.map(node).collect(),
        ..Service::default()
    }
}

/// A view of so many nodes.
#[must_use]
pub fn view(nodes: usize) -> Arc<View> {
    let view = View::new("greeter");
    view.apply(Event::Snapshot(vec![record("1", 0..nodes)]));
    Arc::new(view)
}

/// How a call went: how long it took, and how it ended.
pub type Reply = (Duration, Outcome);

/// One call: when it began, and to which node it went.
pub type Log = Vec<(Duration, String)>;

/// Lets `workers` send call after call, for so long, to nodes that behave like `node`, which gets
/// the node's id and how long this has been going on.
pub async fn drive(
    view: &Arc<View>,
    selector: &Arc<dyn Selector>,
    workers: usize,
    length: Duration,
    node: impl Fn(&str, Duration) -> Reply,
) -> Log {
    let begin = Instant::now();
    let (view, selector, node) = (&**view, &**selector, &node);
    let worker = |mut calls: Log| async move {
        while begin.elapsed() < length {
            let key = fastrand::u64(..).to_string();
            let Some(chosen) = view.pick(selector, &Selection::with_key(&key), &[], &[]) else {
                break;
            };
            let (took, outcome) = node(&chosen.node().id, begin.elapsed());
            calls.push((begin.elapsed(), chosen.node().id.clone()));
            let call = chosen.begin();
            sleep(took).await;
            call.done(outcome);
        }
        calls
    };
    let mut all = join_all((0..workers).map(|_| worker(Log::new())).collect()).await;
    all.sort();
    all
}

/// Polls all of them in turn, in an order that does not depend on a scheduler.
async fn join_all<F: Future<Output = Log>>(futures: Vec<F>) -> Log {
    let mut futures: Vec<_> = futures.into_iter().map(|f| Some(Box::pin(f))).collect();
    let mut logs = Log::new();
    std::future::poll_fn(|cx| {
        for slot in &mut futures {
            if let Some(future) = slot
                && let std::task::Poll::Ready(log) = future.as_mut().poll(cx)
            {
                logs.extend(log);
                *slot = None;
            }
        }
        if futures.iter().all(Option::is_none) {
            std::task::Poll::Ready(())
        } else {
            std::task::Poll::Pending
        }
    })
    .await;
    logs
}

/// How many of the calls that began at `from` or later went to this node.
#[must_use]
pub fn calls_to(log: &Log, id: &str, from: Duration) -> usize {
    log.iter()
        .filter(|(at, to)| *at >= from && to == id)
        .count()
}

const MS: Duration = Duration::from_millis(1);
const SECOND: Duration = Duration::from_secs(1);

fn well(_: &str, _: Duration) -> Reply {
    (10 * MS, Outcome::Success)
}

/// What it gives is an index of the list, for every list and key.
pub fn stays_in_range(make: Make<'_>) {
    simulate(async {
        for count in [1, 2, 3, 10, 1000] {
            let (selector, view) = (make(), view(count));
            let nodes = view.candidates();
            let mut open = Vec::new();
            for call in 0..500 {
                let key = call.to_string();
                let call = match call % 3 {
                    0 => Selection::default(),
                    1 => Selection::with_key(&key),
                    _ => Selection::with_key(""),
                };
                let chosen = selector.select(&nodes, &call);
                assert!(chosen < count, "{chosen} of {count}: {selector:?}");
                // A part of each list is a list too: filters see to that.
                assert!(selector.select(&nodes[count / 2..], &call) < count - count / 2);
                open.push(nodes[chosen].begin());
            }
        }
    });
}

/// Nodes that are all alike get alike many calls.
pub fn spreads_over_healthy_nodes(make: Make<'_>) {
    simulate(async {
        const NODES: usize = 8;
        let (selector, view) = (make(), view(NODES));
        for workers in [1, 16] {
            let log = drive(
                &view,
                &selector,
                workers,
                80 * SECOND / workers as u32,
                well,
            )
            .await;
            let fair = log.len() / NODES;
            assert!(fair > 900, "{} calls", log.len());
            for node in 0..NODES {
                let calls = calls_to(&log, &format!("n{node}"), Duration::ZERO);
                // Chance alone stays within six deviations, about 18 %.
                assert!(
                    calls > fair * 7 / 10 && calls < fair * 13 / 10,
                    "{calls} calls, {fair} would be fair: {selector:?}"
                );
            }
        }
    });
}

/// Threads don't get in each other's way, and the books balance.
pub fn serves_many_threads(make: Make<'_>) {
    let (selector, view) = (make(), view(5));
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                for call in 0..2000 {
                    let chosen = view.pick(&*selector, &Selection::default(), &[], &[]);
                    let call_to: Arc<Candidate> = chosen.expect("there are nodes");
                    call_to.begin().done(match call % 50 {
                        0 => Outcome::Unreachable,
                        1 => Outcome::Timeout,
                        _ => Outcome::Success,
                    });
                }
            });
        }
    });
    assert!(view.candidates().iter().all(|node| node.in_flight() == 0));
}

/// R8: a process that died without a word gets no call after a second, but for the probes.
pub fn keeps_away_from_a_dead_node(make: Make<'_>) {
    simulate(async {
        let (selector, view) = (make(), view(3));
        let log = drive(&view, &selector, 32, 20 * SECOND, |id, at| {
            if id == "n1" && at >= 5 * SECOND {
                (MS, Outcome::Unreachable)
            } else {
                well(id, at)
            }
        });
        let log = log.await;
        let late = calls_to(&log, "n1", 6 * SECOND);
        assert!(late <= 4, "{late} calls to a dead node: {selector:?}");
    });
}

/// R10: a node whose calls all fail is out after ten of them, however fast it fails.
pub fn keeps_away_from_a_failing_node(make: Make<'_>) {
    simulate(async {
        let (selector, view) = (make(), view(3));
        let log = drive(&view, &selector, 4, 20 * SECOND, |id, at| match id {
            "n1" if at >= 5 * SECOND => (MS, Outcome::Failure),
            _ => well(id, at),
        });
        let log = log.await;
        let failed = calls_to(&log, "n1", 5 * SECOND);
        let soon = failed - calls_to(&log, "n1", 6 * SECOND);
        assert!(soon <= 10, "{soon} failed calls: {selector:?}");
        assert!(
            failed <= 14,
            "{failed} failed calls with probes: {selector:?}"
        );
    });
}

/// R11: a process that is stopped takes calls and answers none; nothing goes there after two
/// seconds, though the calls that it has don't time out before ten.
pub fn keeps_away_from_a_stopped_node(make: Make<'_>) {
    simulate(async {
        let (selector, view) = (make(), view(3));
        // So many that they can't all get stuck before anybody notices.
        let log = drive(&view, &selector, 400, 12 * SECOND, |id, at| match id {
            "n1" if at >= 5 * SECOND => (10 * SECOND, Outcome::Timeout),
            _ if at < 5 * SECOND => well(id, at),
            _ => (400 * MS, Outcome::Success),
        });
        let log = log.await;
        let late = calls_to(&log, "n1", 7 * SECOND);
        assert!(late <= 4, "{late} calls to a stopped node: {selector:?}");
    });
}

/// R10: a node that is well again gets its share again.
pub fn takes_a_node_back(make: Make<'_>) {
    simulate(async {
        let (selector, view) = (make(), view(3));
        let log = drive(&view, &selector, 8, 40 * SECOND, |id, at| match id {
            "n1" if (5 * SECOND..8 * SECOND).contains(&at) => (MS, Outcome::Unreachable),
            _ => well(id, at),
        });
        let log = log.await;
        let shares: BTreeMap<_, _> = ["n0", "n1", "n2"]
            .map(|id| (id, calls_to(&log, id, 15 * SECOND)))
            .into();
        let all: usize = shares.values().sum();
        assert!(
            shares["n1"] * 4 > all,
            "{shares:?} after the return: {selector:?}"
        );
    });
}
