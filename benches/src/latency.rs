//! Histograms of latencies: 64 steps for each power of two of nanoseconds, so 1.6 % at worst. Each
//! thread writes to its own, without a lock.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

const STEPS: usize = 64;
const BUCKETS: usize = STEPS * 36;

type Buckets = Arc<[AtomicU64]>;

static ALL: Mutex<Vec<Buckets>> = Mutex::new(Vec::new());

thread_local! {
    static OWN: Buckets = {
        let buckets: Buckets = (0..BUCKETS).map(|_| AtomicU64::new(0)).collect();
        ALL.lock().unwrap().push(buckets.clone());
        buckets
    };
}

fn bucket(nanos: u64) -> usize {
    let nanos = nanos.max(STEPS as u64);
    let power = nanos.ilog2() - STEPS.ilog2();
    let step = (nanos >> power) as usize - STEPS;
    (power as usize * STEPS + step).min(BUCKETS - 1)
}

fn nanos(bucket: usize) -> f64 {
    let (power, step) = (bucket / STEPS, bucket % STEPS);
    ((STEPS + step) as f64 + 0.5) * (1u64 << power) as f64
}

/// One call that took so long.
pub fn record(took: Duration) {
    OWN.with(|own| {
        let count = &own[bucket(took.as_nanos() as u64)];
        // The only writer, so no more than a plain addition.
        count.store(count.load(Relaxed) + 1, Relaxed);
    });
}

/// What was recorded so far, by all threads.
#[derive(Clone)]
pub struct Latencies(Vec<u64>);

impl Latencies {
    pub fn so_far() -> Self {
        let mut sum = vec![0; BUCKETS];
        for own in ALL.lock().unwrap().iter() {
            for (sum, count) in sum.iter_mut().zip(own.iter()) {
                *sum += count.load(Relaxed);
            }
        }
        Self(sum)
    }

    /// What was recorded since `then`.
    pub fn since(mut self, then: &Self) -> Self {
        for (now, then) in self.0.iter_mut().zip(&then.0) {
            *now -= then;
        }
        self
    }

    pub fn count(&self) -> u64 {
        self.0.iter().sum()
    }

    /// The latency in µs that this share of all stayed below.
    pub fn micros(&self, share: f64) -> f64 {
        let rank = (self.count() as f64 * share) as u64;
        let mut seen = 0;
        for (bucket, count) in self.0.iter().enumerate() {
            seen += count;
            if seen > rank {
                return nanos(bucket) / 1e3;
            }
        }
        0.0
    }
}
