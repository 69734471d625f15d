//! The node with the least to do.

use std::sync::Arc;

use super::{Candidate, Selection, Selector};
use crate::plugin;

inventory::submit! {
    plugin::Selector { name: "leastconn", open: |_| Ok(Arc::new(LeastConnections)) }
}

/// Sends each call to the node with the fewest calls and streams [in
/// flight](Candidate::in_flight), any of them where there are several. Its name is `leastconn`.
///
/// It suits long calls and streams. Where calls are short, most nodes have none in flight, and a
/// node that fails at once looks like the best: prefer [`PowerOfTwo`](super::PowerOfTwo) there.
#[derive(Clone, Copy, Debug, Default)]
pub struct LeastConnections;

impl Selector for LeastConnections {
    fn select(&self, nodes: &[Arc<Candidate>], _: &Selection<'_>) -> usize {
        let mut chosen = 0;
        let mut least = usize::MAX;
        let mut equals = 0;
        for (at, node) in nodes.iter().enumerate() {
            let in_flight = node.in_flight();
            if in_flight < least {
                (chosen, least, equals) = (at, in_flight, 1);
            } else if in_flight == least {
                // Each of the equals ends up chosen with the same chance.
                equals += 1;
                if fastrand::usize(..equals) == 0 {
                    chosen = at;
                }
            }
        }
        chosen
    }
}
