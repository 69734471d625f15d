//! How many retries there may be, so that an outage is not made worse by them.

use std::sync::{Mutex, PoisonError};

use tokio::time::Instant;

/// Retries may be a fifth of the calls, and ten a second besides.
#[derive(Debug)]
pub(super) struct Budget(Mutex<State>);

#[derive(Debug)]
struct State {
    /// In fiftieths of a retry, so that sums are exact.
    saved: u64,
    at: Instant,
}

const RETRY: u64 = 50;
/// A fifth of a retry for each call.
const PER_CALL: u64 = RETRY / 5;
const PER_SECOND: u64 = 10 * RETRY;
/// What may be saved up: ten seconds' worth of the standing part, or a hundred retries.
const MOST: u64 = 100 * RETRY;

impl Default for Budget {
    fn default() -> Self {
        Self(Mutex::new(State {
            saved: MOST,
            at: Instant::now(),
        }))
    }
}

impl Budget {
    /// A call is made.
    pub(super) fn deposit(&self) {
        self.update(|state| state.saved = (state.saved + PER_CALL).min(MOST));
    }

    /// Whether one more retry may be made.
    pub(super) fn withdraw(&self) -> bool {
        self.update(|state| {
            let now = Instant::now();
            let millis = u64::try_from((now - state.at).as_millis()).unwrap_or(u64::MAX);
            let earned = millis.saturating_mul(PER_SECOND) / 1000;
            if earned > 0 {
                state.at = now;
                state.saved = state.saved.saturating_add(earned).min(MOST);
            }
            let enough = state.saved >= RETRY;
            if enough {
                state.saved -= RETRY;
            }
            enough
        })
    }

    fn update<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        // Nothing in here can panic half-way.
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn retries_are_a_fifth_of_the_calls_and_ten_a_second() {
        let budget = Budget::default();
        assert_eq!(
            (0..1000).filter(|_| budget.withdraw()).count(),
            100,
            "what was saved"
        );
        tokio::time::advance(Duration::from_secs(2)).await;
        assert_eq!((0..1000).filter(|_| budget.withdraw()).count(), 20);
        (0..100).for_each(|_| budget.deposit());
        assert_eq!((0..1000).filter(|_| budget.withdraw()).count(), 20);
    }
}
