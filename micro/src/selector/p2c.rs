//! The better of two.

use std::sync::Arc;

use tokio::time::Instant;

use super::{Candidate, Selection, Selector};
use crate::plugin;

inventory::submit! {
    plugin::Selector { name: "p2c", open: |_| Ok(Arc::new(PowerOfTwo)) }
}

/// Looks at two nodes, any two, and sends the call to the one that [costs](Candidate::cost) less:
/// the default. Its name is `p2c`.
///
/// A node that is slow, fails, or owes answers gets next to no calls, and a node that is new gets
/// one until it is known; yet clients that see the same don't all fall on the same best node.
#[derive(Clone, Copy, Debug, Default)]
pub struct PowerOfTwo;

impl Selector for PowerOfTwo {
    fn select(&self, nodes: &[Arc<Candidate>], _: &Selection<'_>) -> usize {
        if nodes.len() < 2 {
            return 0;
        }
        let one = fastrand::usize(..nodes.len());
        let other = (one + fastrand::usize(1..nodes.len())) % nodes.len();
        let now = Instant::now();
        if nodes[other].cost(now) < nodes[one].cost(now) {
            other
        } else {
            one
        }
    }
}
