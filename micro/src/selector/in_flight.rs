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
    pub(super) fn new(candidate: Arc<Candidate>, since: Instant, stream: bool) -> Self {
        Self {
            candidate,
            since,
            stream,
            outcome: Outcome::Neutral,
        }
    }

    /// The node that it went to.
    #[must_use]
    pub fn candidate(&self) -> &Arc<Candidate> {
        &self.candidate
    }

    /// Something came back, such as the first message of a stream that may go on for hours: an
    /// ejected node need not wait for its end to be back.
    pub fn answered(&self) {
        self.candidate.answered(self.since);
    }

    /// The call is over.
    pub fn done(mut self, outcome: Outcome) {
        self.outcome = outcome;
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        let now = Instant::now();
        let took = now.saturating_duration_since(self.since);
        if self.stream {
            self.candidate.finish_stream(self.outcome, took);
        } else {
            self.candidate.finish_at(self.outcome, took, now);
        }
    }
}
