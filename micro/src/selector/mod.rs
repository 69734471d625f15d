//! Selector: which node takes the next call.
//!
//! For each service that a client calls there is one [`View`]: its nodes as the
//! registry's watch last had them, with what the calls so far have shown of each. A [`Selector`]
//! chooses from it without waiting for anybody.

use std::{fmt, sync::Arc};

/// Chooses a node for a call.
///
/// Called for every call on every thread: it must not block. What it learns from is in the
/// [`Candidate`]s, which the client keeps up to date from the outcome of each call.
pub trait Selector: fmt::Debug + Send + Sync + 'static {
    /// The index of the chosen one. `nodes` is never empty and holds only nodes that fit the call's
    /// filters, are not ejected, and were not tried by this call before, as far as there are any.
    fn select(&self, nodes: &[Arc<Candidate>], call: &Selection<'_>) -> usize;
}

/// What a [`Selector`] may know of the call.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct Selection<'a> {
    /// The key set with [`CallOptions::key`](crate::client::CallOptions), for consistent hashing.
    pub key: Option<&'a str>,
}

impl<'a> Selection<'a> {
    /// A call with this key.
    #[must_use]
    pub fn with_key(key: &'a str) -> Self {
        Self { key: Some(key) }
    }
}

mod attachments;
mod candidate;
mod choice;
mod ejection;
mod filter;
mod hash;
mod in_flight;
mod latency;
mod least;
mod outcome;
mod p2c;
mod random;
mod rotation;
mod round_robin;
pub mod view;

pub use candidate::Candidate;
pub use filter::Filter;
pub use hash::ConsistentHash;
pub use in_flight::InFlight;
pub use least::LeastConnections;
pub use outcome::Outcome;
pub use p2c::PowerOfTwo;
pub use random::Random;
pub use round_robin::RoundRobin;
pub use view::{Candidates, View};
