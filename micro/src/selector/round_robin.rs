//! One after the other.

use std::sync::{
    Arc,
    atomic::Ordering::{AcqRel, Relaxed},
};

use super::{Candidate, Selection, Selector};
use crate::plugin;

inventory::submit! {
    plugin::Selector { name: "roundrobin", open: |_| Ok(Arc::new(RoundRobin)) }
}

/// Sends each call to the node that has not had one for the longest time. Its name is `roundrobin`.
///
/// It goes by the nodes' turns rather than by a counter of its own, so it stays fair where calls
/// with different filters, retries, or calls of several services take turns with each other.
#[derive(Clone, Copy, Debug, Default)]
pub struct RoundRobin;

impl Selector for RoundRobin {
    fn select(&self, nodes: &[Arc<Candidate>], _: &Selection<'_>) -> usize {
        let Some(first) = nodes.first() else { return 0 };
        // From anywhere on, so that clients that start together don't all begin with the same node.
        let start = fastrand::usize(..nodes.len());
        let turn = first.next_turn();
        let mut chosen = start;
        // Where another thread takes a node first, this one looks for the next; but not forever.
        for _ in 0..4 {
            let (at, last) = longest_ago(nodes, start);
            chosen = at;
            let mine = nodes[at]
                .turn()
                .compare_exchange(last, turn, AcqRel, Relaxed);
            if mine.is_ok() {
                break;
            }
        }
        chosen
    }
}

fn longest_ago(nodes: &[Arc<Candidate>], start: usize) -> (usize, u64) {
    let mut least = (start, u64::MAX);
    for at in (start..nodes.len()).chain(0..start) {
        let turn = nodes[at].turn().load(Relaxed);
        if turn < least.1 {
            least = (at, turn);
        }
    }
    least
}
