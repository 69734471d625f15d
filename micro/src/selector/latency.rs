//! How long a node takes: a moving average that goes up at once and down slowly.

use std::{
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::Duration,
};

/// After this long, a reply has lost about two thirds of its weight.
const MEMORY: f32 = 10e9;
/// What a node is taken to need that failed before it ever answered.
const UNKNOWN: f32 = 1e9;
/// The most to which failures alone raise the average, so that it comes down again in reasonable time.
const WORST: f32 = 10e9;

/// The average in the upper half, as an `f32` of nanoseconds, and when it was made in the lower, in
/// ticks. One word, so that threads can't tear it and nobody takes a lock. Zero: nothing known.
#[derive(Debug, Default)]
pub(super) struct Latency(AtomicU64);

impl Latency {
    /// The average in nanoseconds; zero where nothing is known. It fades while nothing is learned,
    /// so that a node that was slow once is tried again some day.
    pub(super) fn get(&self, now: u64) -> f32 {
        let (average, at) = unpack(self.0.load(Relaxed));
        match ticks(now).wrapping_sub(at) {
            0 => average,
            elapsed => average * weight(elapsed),
        }
    }

    /// A reply took this long.
    pub(super) fn observe(&self, took: Duration, now: u64) {
        self.update(now, |average, weight| {
            let took = nanos(took);
            if took > average || average == 0.0 {
                took
            } else {
                took + (average - took) * weight
            }
        });
    }

    /// An answer would have taken at least this long, or an error did.
    pub(super) fn raise(&self, took: Duration, now: u64) {
        // Nothing that is cheaper than what is known makes a node look fast.
        if nanos(took) > self.get(now) {
            self.update(now, |average, weight| nanos(took).max(average * weight));
        }
    }

    /// A call failed after this long. However fast it did: a node that fails at once must not look
    /// like the best one to send to.
    pub(super) fn punish(&self, took: Duration, now: u64) {
        self.update(now, |average, weight| {
            let worse = if average == 0.0 {
                UNKNOWN
            } else {
                (2.0 * average * weight).min(WORST)
            };
            worse.max(nanos(took))
        });
    }

    /// Forgets everything.
    pub(super) fn reset(&self) {
        self.0.store(0, Relaxed);
    }

    fn update(&self, now: u64, next: impl Fn(f32, f32) -> f32) {
        let now = ticks(now);
        let result = self.0.fetch_update(Relaxed, Relaxed, |word| {
            let (average, at) = unpack(word);
            // Another thread may have read its clock later and be here first.
            let elapsed = now.wrapping_sub(at);
            let elapsed = if elapsed > u32::MAX / 2 { 0 } else { elapsed };
            Some(pack(
                next(average, weight(elapsed)),
                at.wrapping_add(elapsed),
            ))
        });
        debug_assert!(result.is_ok(), "the update always gives a value");
    }
}

/// A tick is about a millisecond; they wrap after seven weeks.
const TICK: u32 = 20;

#[expect(clippy::cast_possible_truncation, reason = "it wraps, on purpose")]
fn ticks(nanos: u64) -> u32 {
    (nanos >> TICK) as u32
}

#[expect(clippy::cast_precision_loss, reason = "seven digits are plenty")]
fn weight(elapsed: u32) -> f32 {
    (-((u64::from(elapsed) << TICK) as f32) / MEMORY).exp()
}

#[expect(clippy::cast_precision_loss, reason = "seven digits are plenty")]
fn nanos(duration: Duration) -> f32 {
    (duration.as_nanos() as f32).max(1.0)
}

fn pack(average: f32, at: u32) -> u64 {
    u64::from(average.to_bits()) << 32 | u64::from(at)
}

#[expect(clippy::cast_possible_truncation, reason = "the halves of a word")]
fn unpack(word: u64) -> (f32, u32) {
    (f32::from_bits((word >> 32) as u32), word as u32)
}
