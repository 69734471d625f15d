//! A call on its way.

use std::sync::Arc;

use tokio::time::Instant;

use super::{Candidate, Outcome};

/// A call on its way to a node; see [`Candidate::begin`].
#[derive(Debug)]
pub struct InFlight {
    candidate: Arc<Candidate>,
    since: Instant,
    stream: bool,
    outcome: Outcome,
}

impl InFlight {
    pub(super) fn new(candidate: Arc<Candidate>, stream: bool) -> Self {
        Self {
            candidate,
            since: Instant::now(),
            stream,
            outcome: Outcome::Neutral,
        }
    }

    /// The node that it went to.
    #[must_use]
    pub fn candidate(&self) -> &Arc<Candidate> {
        &self.candidate
    }

    /// The call is over.
    pub fn done(mut self, outcome: Outcome) {
        self.outcome = outcome;
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        let took = self.since.elapsed();
        if self.stream {
            self.candidate.finish_stream(self.outcome, took);
        } else {
            self.candidate.finish(self.outcome, took);
        }
    }
}
