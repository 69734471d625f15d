//! Nodes that fail get no calls for a while.
//!
//! A node is *in* until it fails: one connection that can't be made, [`FAILURES`] calls in a row
//! that fail or time out, or as many that wait for an answer while nothing comes back. It is then
//! *out*, for [`FIRST`] at first and twice as long each time after, up to [`LONGEST`]. When the time
//! is up, one call is let through as a probe: its success puts the node back in, its failure keeps
//! it out for longer.
//!
//! At most half of the nodes of a service are out at a time: where more fail, the fault is more
//! likely on this side, or with something that all of them need.

use std::{
    sync::atomic::{
        AtomicU32, AtomicU64, AtomicUsize,
        Ordering::{AcqRel, Acquire, Relaxed, Release},
    },
    time::Duration,
};

use tokio::time::Instant;

/// So many failures in a row eject a node, and so many unanswered calls.
pub(super) const FAILURES: usize = 5;
/// How long a node is out the first time.
pub(super) const FIRST: Duration = Duration::from_secs(1);
/// The longest that a node is out before it is probed again, less the jitter.
pub(super) const LONGEST: Duration = Duration::from_secs(30);
/// A node that owes answers for less is never ejected for it.
pub(super) const PATIENCE: Duration = Duration::from_secs(1);

/// What the nodes of one service share.
#[derive(Debug)]
pub(super) struct Pool {
    pub(super) service: String,
    epoch: Instant,
    pub(super) nodes: AtomicUsize,
    ejected: AtomicUsize,
    changes: AtomicU64,
    pub(super) turn: AtomicU64,
}

impl Pool {
    pub(super) fn new(service: String) -> Self {
        Self {
            service,
            epoch: Instant::now(),
            nodes: AtomicUsize::new(0),
            ejected: AtomicUsize::new(0),
            changes: AtomicU64::new(0),
            turn: AtomicU64::new(0),
        }
    }

    /// Nanoseconds since the pool was made; never zero.
    pub(super) fn now(&self) -> u64 {
        self.at(Instant::now())
    }

    pub(super) fn at(&self, instant: Instant) -> u64 {
        nanos(instant.saturating_duration_since(self.epoch)) + 1
    }

    pub(super) fn ejected(&self) -> usize {
        self.ejected.load(Acquire)
    }

    /// A number that is another one when nodes have come, gone, or changed their standing.
    pub(super) fn changes(&self) -> u64 {
        self.changes.load(Acquire)
    }

    /// To be called after the change.
    pub(super) fn changed(&self) {
        self.changes.fetch_add(1, AcqRel);
    }

    fn make_room(&self) -> bool {
        let most = self.nodes.load(Relaxed) / 2;
        self.ejected
            .fetch_update(AcqRel, Acquire, |out| (out < most).then_some(out + 1))
            .is_ok()
    }

    fn release(&self) {
        self.ejected.fetch_sub(1, AcqRel);
    }
}

/// Where a node stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// It gets calls.
    In,
    /// It gets none.
    Out,
    /// It gets one, to see.
    Due,
}

/// How a call failed, as far as ejection goes by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// No connection.
    Unreachable,
    /// The call failed or timed out.
    Failed,
    /// Many calls, and no answer to any.
    Stalled,
}

/// Of a node that is in.
const IN: u64 = 0;
/// Of a node that the registry no longer has.
const GONE: u64 = u64::MAX;

/// One node's state. All times are the pool's.
#[derive(Debug, Default)]
pub(super) struct Ejection {
    /// `IN`, `GONE`, or when its time is up. Who changes this word keeps the pool's count.
    until: AtomicU64,
    /// When it was ejected: what began before says nothing new.
    since: AtomicU64,
    /// When it came back.
    back: AtomicU64,
    /// When the probe that is under way was let through; zero where there is none.
    probe: AtomicU64,
    failures: AtomicUsize,
    rounds: AtomicU32,
}

impl Ejection {
    pub(super) fn standing(&self, now: u64) -> Standing {
        match self.until.load(Acquire) {
            IN => Standing::In,
            until if now < until => Standing::Out,
            _ => Standing::Due,
        }
    }

    /// When an ejected node's time is up.
    pub(super) fn due(&self) -> Option<u64> {
        Some(self.until.load(Acquire)).filter(|until| *until != IN)
    }

    /// Takes the one call that is let through. Who gets `true` sends it; if nobody hears of it
    /// again, another one is let through after a while.
    pub(super) fn probe(&self, pool: &Pool, now: u64) -> bool {
        let until = self.until.load(Acquire);
        let free = until != IN && until != GONE && now >= until;
        let lease = now + nanos(length(self.rounds.load(Relaxed)));
        if free
            && self
                .until
                .compare_exchange(until, lease, AcqRel, Relaxed)
                .is_ok()
        {
            self.probe.store(now, Release);
            pool.changed();
            return true;
        }
        false
    }

    /// A call that began at `begun` was answered. Says whether that put the node back in.
    pub(super) fn succeeded(&self, pool: &Pool, begun: u64, now: u64) -> bool {
        // The common case only reads: a word that every call writes is a word that cores fight for.
        if self.failures.load(Relaxed) != 0 {
            self.failures.store(0, Relaxed);
        }
        let until = self.until.load(Acquire);
        if until == IN || until == GONE || begun < self.since.load(Acquire) {
            return false;
        }
        let back = self
            .until
            .compare_exchange(until, IN, AcqRel, Relaxed)
            .is_ok();
        if back {
            self.back.store(now, Release);
            self.probe.store(0, Release);
            pool.release();
            pool.changed();
        }
        back
    }

    /// A call that began at `begun` failed. Gives how long the node is out where that ejected it.
    pub(super) fn failed(
        &self,
        pool: &Pool,
        fault: Fault,
        begun: u64,
        now: u64,
    ) -> Option<Duration> {
        let until = self.until.load(Acquire);
        if until == GONE {
            return None;
        }
        if until != IN {
            // What an ejected node owes from before is no answer to the probe.
            if fault == Fault::Stalled {
                return None;
            }
            let probed = self.probe.load(Acquire) != 0 && begun >= self.since.load(Acquire);
            return if probed {
                self.eject(pool, until, now)
            } else {
                None
            };
        }
        if begun < self.back.load(Acquire) {
            return None;
        }
        let failures = self.failures.fetch_add(1, Relaxed) + 1;
        if (fault == Fault::Failed && failures < FAILURES) || !pool.make_room() {
            return None;
        }
        let out = self.eject(pool, IN, now);
        if out.is_none() {
            pool.release();
        }
        out
    }

    fn eject(&self, pool: &Pool, from: u64, now: u64) -> Option<Duration> {
        // Who has been well for long enough starts afresh.
        let back = self.back.load(Acquire);
        if from == IN && back != 0 && now.saturating_sub(back) > nanos(LONGEST) {
            self.rounds.store(0, Relaxed);
        }
        let round = self.rounds.load(Relaxed);
        let out = length(round).mul_f64(1.0 + fastrand::f64() / 5.0);
        // First, so that nobody who sees the node out takes an old answer for a new one.
        self.since.store(now, Release);
        self.until
            .compare_exchange(from, now + nanos(out), AcqRel, Relaxed)
            .ok()?;
        self.probe.store(0, Release);
        self.failures.store(0, Relaxed);
        self.rounds.store(round.saturating_add(1), Relaxed);
        pool.changed();
        Some(out)
    }

    /// The registry no longer has the node.
    pub(super) fn leave(&self, pool: &Pool) {
        let until = self.until.swap(GONE, AcqRel);
        if until != IN && until != GONE {
            pool.release();
        }
    }
}

/// How long a node is out in its `round`, counted from zero.
fn length(round: u32) -> Duration {
    (FIRST * (1 << round.min(10))).min(LONGEST)
}

/// Enough for five hundred years.
#[expect(clippy::cast_possible_truncation, reason = "see above")]
pub(super) fn nanos(duration: Duration) -> u64 {
    duration.as_nanos() as u64
}
