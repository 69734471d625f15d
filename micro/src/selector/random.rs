//! Any node.

use std::sync::Arc;

use super::{Candidate, Selection, Selector};
use crate::plugin;

inventory::submit! {
    plugin::Selector { name: "random", open: |_| Ok(Arc::new(Random)) }
}

/// Sends each call to any node, all alike: what Go Micro does by default. Its name is `random`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Random;

impl Selector for Random {
    fn select(&self, nodes: &[Arc<Candidate>], _: &Selection<'_>) -> usize {
        fastrand::usize(..nodes.len().max(1))
    }
}
