//! The nodes that are in, while others are out.

use std::sync::Arc;

use super::Candidate;

/// The nodes that are not ejected. Ejections are rare and calls are not, so the list is kept for as
/// long as nothing changes.
#[derive(Debug, Default)]
pub(super) struct Rotation {
    changes: u64,
    /// When the time of the first of the others is up.
    due: u64,
    nodes: Vec<Arc<Candidate>>,
}

impl Rotation {
    /// `changes` is the [number](super::ejection::Pool::changes) from before `nodes` were loaded:
    /// what changes meanwhile makes the list old, not wrong.
    pub(super) fn new(changes: u64, nodes: &[Arc<Candidate>]) -> Self {
        let mut due = u64::MAX;
        let is_in = |node: &&Arc<Candidate>| {
            let until = node.due();
            due = due.min(until.unwrap_or(u64::MAX));
            until.is_none()
        };
        Self {
            changes,
            nodes: nodes.iter().filter(is_in).cloned().collect(),
            due,
        }
    }

    /// Whether something has changed since.
    pub(super) fn is_old(&self, changes: u64) -> bool {
        self.changes != changes
    }

    /// Whether a call can go by it: nothing has changed, nobody is to be tried, somebody is in.
    pub(super) fn holds(&self, changes: u64, now: u64) -> bool {
        self.changes == changes && now < self.due && !self.nodes.is_empty()
    }

    pub(super) fn nodes(&self) -> &[Arc<Candidate>] {
        &self.nodes
    }
}
