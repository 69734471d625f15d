//! Nodes that fail go, nodes that are well come back, and there is always somebody to call.

use std::{sync::Arc, time::Duration};

use micro::{
    registry::Event,
    selector::{Candidate, Filter, Outcome, Random, Selection, View},
};
use micro_tests::suite::selector::{record, simulate, view};
use tokio::time::{Instant, advance};

const MS: Duration = Duration::from_millis(1);
const SECOND: Duration = Duration::from_secs(1);

fn end(node: &Arc<Candidate>, outcome: Outcome) {
    node.start();
    node.finish(outcome, Duration::ZERO);
}

fn out(node: &Candidate) -> bool {
    node.is_ejected(Instant::now())
}

fn pick(view: &View) -> Arc<Candidate> {
    view.pick(&Random, &Selection::default(), &[], &[])
        .expect("a node")
}

/// How many of a hundred calls go to this node.
fn share(view: &View, node: &Candidate) -> usize {
    (0..100).filter(|_| pick(view).is_same(node)).count()
}

#[test]
fn one_connection_that_fails_or_five_calls_eject() {
    simulate(async {
        let view = view(10);
        let nodes = view.candidates();
        end(&nodes[0], Outcome::Unreachable);
        assert!(out(&nodes[0]));
        for node in 1..3 {
            for call in 0..5 {
                assert!(!out(&nodes[node]), "{call}");
                end(&nodes[node], [Outcome::Failure, Outcome::Timeout][node - 1]);
            }
            assert!(out(&nodes[node]));
        }
        for _ in 0..10 {
            for _ in 0..4 {
                end(&nodes[3], Outcome::Failure);
            }
            end(&nodes[3], Outcome::Success);
            end(&nodes[4], Outcome::Rejected);
            end(&nodes[5], Outcome::Neutral);
            end(&nodes[6], Outcome::Answered);
        }
        for node in &nodes[3..7] {
            assert!(!out(node), "{node:?}");
        }
        for node in 0..3 {
            assert_eq!(share(&view, &nodes[node]), 0);
        }
    });
}

#[test]
fn one_call_is_let_through_and_its_success_brings_the_node_back() {
    simulate(async {
        let view = view(3);
        let ill = view.candidates()[1].clone();
        end(&ill, Outcome::Unreachable);
        advance(900 * MS).await;
        assert_eq!(share(&view, &ill), 0);
        advance(400 * MS).await;

        let probe = pick(&view);
        assert!(probe.is_same(&ill), "its time is up");
        assert_eq!(share(&view, &ill), 0, "one call, no more");
        end(&probe, Outcome::Success);
        assert!(!out(&ill));
        assert!(share(&view, &ill) > 15);
    });
}

#[test]
fn calls_follow_at_once_who_goes_and_who_comes() {
    simulate(async {
        let view = view(6);
        let nodes = view.candidates();
        for (at, node) in nodes[..3].iter().enumerate() {
            end(node, Outcome::Unreachable);
            let shares: Vec<_> = nodes.iter().map(|node| share(&view, node)).collect();
            assert!(shares[..=at].iter().all(|calls| *calls == 0), "{shares:?}");
            assert!(
                shares[at + 1..].iter().all(|calls| *calls > 0),
                "{shares:?}"
            );
        }
        end(&nodes[1], Outcome::Success);
        assert!(share(&view, &nodes[1]) > 0);
        view.apply(Event::Update(record("1", 6..7)));
        assert!(share(&view, &view.candidates()[6]) > 0);
        view.apply(Event::Delete(record("1", 3..6)));
        assert!(nodes[3..].iter().all(|node| share(&view, node) == 0));
    });
}

#[test]
fn each_failed_probe_keeps_it_out_for_longer() {
    simulate(async {
        let view = view(2);
        let ill = view.candidates()[1].clone();
        end(&ill, Outcome::Unreachable);
        for length in [1, 2, 4, 8, 16, 30, 30, 30] {
            let begin = Instant::now();
            while out(&ill) {
                advance(100 * MS).await;
            }
            let took = begin.elapsed().as_secs_f64();
            let length = f64::from(length);
            assert!(
                (length..length * 1.2 + 0.2).contains(&took),
                "{took} for {length}"
            );
            let probe = pick(&view);
            assert!(probe.is_same(&ill));
            end(&probe, Outcome::Timeout);
            assert!(out(&ill), "one failure is enough now");
        }
        // Well again for long: it starts afresh.
        advance(40 * SECOND).await;
        end(&pick(&view), Outcome::Success);
        advance(31 * SECOND).await;
        end(&ill, Outcome::Unreachable);
        advance(1300 * MS).await;
        assert!(!out(&ill));
    });
}

#[test]
fn a_probe_that_is_never_heard_of_again_is_followed_by_another() {
    simulate(async {
        let view = view(2);
        let ill = view.candidates()[1].clone();
        end(&ill, Outcome::Unreachable);
        advance(1300 * MS).await;
        let probe = pick(&view).begin();
        drop(probe);
        assert_eq!(
            share(&view, &ill),
            0,
            "that the caller went away says nothing"
        );
        advance(2500 * MS).await;
        assert!(pick(&view).is_same(&ill));
    });
}

#[test]
fn what_began_before_the_ejection_is_no_news() {
    simulate(async {
        let view = view(4);
        let ill = view.candidates()[1].clone();
        let calls: Vec<_> = (0..6).map(|_| ill.begin()).collect();
        advance(100 * MS).await;
        end(&ill, Outcome::Unreachable);
        let mut calls = calls.into_iter();
        calls.next().unwrap().done(Outcome::Success);
        assert!(out(&ill), "an answer from before it died");
        advance(1300 * MS).await;
        calls
            .by_ref()
            .take(1)
            .for_each(|call| call.done(Outcome::Success));
        assert_eq!(pick(&view).node().id, "n1", "still to be tried");
        end(&ill, Outcome::Success);
        for call in calls {
            call.done(Outcome::Unreachable);
        }
        assert!(!out(&ill), "failures from before it was well");
    });
}

#[test]
fn never_more_than_half_are_out() {
    simulate(async {
        for (count, most) in [(1, 0), (2, 1), (3, 1), (4, 2), (9, 4)] {
            let view = view(count);
            for _ in 0..10 {
                for node in view.candidates().iter() {
                    end(node, Outcome::Unreachable);
                }
            }
            let ejected = view.candidates().iter().filter(|node| out(node)).count();
            assert_eq!(ejected, most, "of {count}");
            assert!(!out(&pick(&view)));
        }
    });
}

/// Panic mode: no node is worse than an ejected node, where there is no other.
#[test]
fn where_all_that_fit_are_ejected_they_are_used() {
    simulate(async {
        let view = view(4);
        let nodes = view.candidates();
        for node in &nodes[..2] {
            end(node, Outcome::Unreachable);
        }
        let fit = [Filter::new(|node| ["n0", "n1"].contains(&&*node.node().id))];
        let pick = || {
            view.pick(&Random, &Selection::default(), &fit, &[])
                .unwrap()
        };
        let mut seen = [0; 2];
        for _ in 0..100 {
            let node = pick();
            seen[usize::from(node.is_same(&nodes[1]))] += 1;
            end(&node, Outcome::Failure);
        }
        assert!(seen[0] > 20 && seen[1] > 20, "{seen:?}");
        // Calls that fail anyway don't keep them out for longer.
        advance(1300 * MS).await;
        assert!(!out(&nodes[0]) && !out(&nodes[1]));
        // And a call that succeeds brings its node back at once.
        end(&pick(), Outcome::Success);
        assert_eq!(format!("{view:?}").matches("ejected: 1").count(), 1);
    });
}

#[test]
fn a_node_that_owes_answers_is_out_after_a_second() {
    simulate(async {
        let view = view(3);
        let nodes = view.candidates();
        let (stopped, busy) = (&nodes[0], &nodes[1]);
        let owed: Vec<_> = (0..5)
            .flat_map(|_| [stopped.begin(), busy.begin()])
            .collect();
        let streams: Vec<_> = (0..50).map(|_| nodes[2].begin_stream()).collect();
        for _ in 0..12 {
            advance(100 * MS).await;
            end(busy, Outcome::Success);
            // That somebody gave up waiting is no answer.
            end(stopped, Outcome::Neutral);
        }
        for node in nodes.iter() {
            let _last = node.begin();
        }
        assert!(out(stopped));
        assert!(!out(busy), "answers come");
        assert!(!out(&nodes[2]), "streams owe nothing");
        assert_eq!(nodes[2].in_flight(), 50);

        // It runs again, and answers the probe before what it owes.
        advance(1300 * MS).await;
        let probe = pick(&view);
        assert!(probe.is_same(stopped));
        probe.start();
        advance(5 * MS).await;
        // The client counts from before it had a connection.
        probe.finish(Outcome::Success, 6 * MS);
        assert!(!out(stopped));
        drop((owed, streams));
        assert!(nodes.iter().all(|node| node.in_flight() == 0));
    });
}

#[test]
fn the_first_message_of_a_stream_is_enough() {
    simulate(async {
        let view = view(2);
        let ill = view.candidates()[1].clone();
        end(&ill, Outcome::Unreachable);
        advance(1300 * MS).await;
        let stream = pick(&view).begin_stream();
        assert!(share(&view, &ill) == 0);
        stream.answered();
        assert!(share(&view, &ill) > 0);
        assert_eq!(ill.in_flight(), 1);
        for _ in 0..5 {
            ill.begin_stream().done(Outcome::Failure);
        }
        assert_eq!(
            share(&view, &ill),
            0,
            "and streams that break count as calls do"
        );
    });
}

#[test]
fn a_node_that_is_slow_by_nature_owes_nothing_yet() {
    simulate(async {
        let view = view(3);
        let slow = view.candidates()[0].clone();
        slow.start();
        slow.finish(Outcome::Success, 5 * SECOND);
        let _owed: Vec<_> = (0..8).map(|_| slow.begin()).collect();
        advance(5 * SECOND).await;
        end(&slow, Outcome::Neutral);
        assert!(!out(&slow));
    });
}

#[test]
fn latency_goes_up_at_once_and_down_slowly() {
    simulate(async {
        let view = view(2);
        let (node, new) = (&view.candidates()[0], &view.candidates()[1]);
        end(new, Outcome::Failure);
        assert!(
            new.latency() >= 999 * MS,
            "nothing is known but that it fails"
        );
        let took = |millis| {
            node.start();
            node.finish(Outcome::Success, millis * MS);
        };
        took(10);
        took(500);
        assert_eq!(node.latency().as_millis(), 500);
        for _ in 0..100 {
            advance(100 * MS).await;
            took(10);
        }
        let after = node.latency().as_millis();
        assert!((150..250).contains(&after), "{after} after ten seconds");
        advance(60 * SECOND).await;
        assert!(node.latency() < 10 * MS, "fades, so that it is tried again");

        node.start();
        node.finish(Outcome::Timeout, 2 * SECOND);
        assert!(
            node.latency() >= 1999 * MS,
            "a timeout counts as what was waited for"
        );
        let before = node.latency();
        end(node, Outcome::Failure);
        assert!(node.latency() > before, "failing fast is not being fast");
        end(node, Outcome::Answered);
        end(node, Outcome::Neutral);
        assert!(node.latency() > before);
    });
}
