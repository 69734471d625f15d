//! Who listens where, which connections there are, and what is wrong with them.

use std::{
    collections::{HashMap, HashSet, hash_map::Entry},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, Weak,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::sync::mpsc;

use super::link::{End, Link};
use crate::{Error, Result, transport::Connection};

#[derive(Default)]
pub(super) struct Network {
    state: Mutex<State>,
    faults: Mutex<Faults>,
    /// How long bytes take to arrive, in nanoseconds. Every write asks, so it is outside the lock.
    delay: AtomicU64,
}

#[derive(Default)]
struct State {
    listeners: HashMap<String, mpsc::Sender<Connection>>,
    links: Vec<Weak<Link>>,
    /// How long `links` may get before it is worth looking for those that are gone.
    crowded: usize,
    cut: HashSet<String>,
    /// The last name that was made up.
    last: u64,
}

pub(super) struct Faults {
    pub(super) failing: usize,
    pub(super) share: f64,
    pub(super) chance: fastrand::Rng,
    pub(super) break_after: Option<u64>,
}

impl Default for Faults {
    fn default() -> Self {
        Self {
            failing: 0,
            share: 0.0,
            chance: fastrand::Rng::with_seed(0),
            break_after: None,
        }
    }
}

impl Network {
    // Each change is whole, so a panic elsewhere while a lock is held leaves nothing half done.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn faults(&self) -> MutexGuard<'_, Faults> {
        self.faults.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn delay(&self) -> Duration {
        Duration::from_nanos(self.delay.load(Ordering::Relaxed))
    }

    pub(super) fn set_delay(&self, delay: Duration) {
        let nanos = u64::try_from(delay.as_nanos()).unwrap_or(u64::MAX);
        self.delay.store(nanos, Ordering::Relaxed);
    }

    pub(super) fn listen(
        &self,
        address: &str,
        listener: mpsc::Sender<Connection>,
    ) -> Result<String> {
        let mut state = self.state();
        let host = match address.strip_suffix(":0") {
            None if address.is_empty() => Some("memory"),
            host => host,
        };
        let address = match host {
            None => address.to_owned(),
            Some(host) => loop {
                let fresh = format!("{host}:{}", state.name());
                if !state.listeners.contains_key(&fresh) {
                    break fresh;
                }
            },
        };
        match state.listeners.entry(address) {
            Entry::Occupied(taken) => Err(Error::already_exists(format!(
                "can't listen at {}: the address is taken",
                taken.key()
            ))),
            Entry::Vacant(free) => {
                let address = free.key().clone();
                free.insert(listener);
                Ok(address)
            }
        }
    }

    pub(super) fn unlisten(&self, address: &str) {
        self.state().listeners.remove(address);
    }

    /// The listener that a dial finds, unless a fault prevents it.
    pub(super) fn route(&self, address: &str) -> Result<mpsc::Sender<Connection>> {
        let refused = |why| Error::unavailable(format!("can't connect to {address}: {why}"));
        {
            let mut faults = self.faults();
            if faults.failing > 0 {
                faults.failing -= 1;
                return Err(refused("the network fails this dial").unseen());
            }
            if faults.share > 0.0 && faults.chance.f64() < faults.share {
                return Err(refused("the network fails this dial").unseen());
            }
        }
        let state = self.state();
        if state.cut.contains(address) {
            return Err(refused("the network is partitioned").unseen());
        }
        match state.listeners.get(address) {
            Some(listener) => Ok(listener.clone()),
            None => Err(refused("nobody listens there").unseen()),
        }
    }

    /// Both ends of a new connection to `address`: the dialling one first.
    pub(super) fn connect(self: &Arc<Self>, address: &str) -> (Connection, Connection) {
        let budget = self.faults().break_after;
        let mut state = self.state();
        let link = Arc::new(Link::new(self.clone(), address, budget));
        link.stall(state.cut.contains(address));
        if state.links.len() >= state.crowded {
            state.links.retain(|link| link.strong_count() > 0);
            state.crowded = 2 * state.links.len().max(16);
        }
        state.links.push(Arc::downgrade(&link));
        let caller = format!("memory:{}", state.name());
        let [dialled, accepted] = End::both(link);
        (
            Connection::new(dialled, address),
            Connection::new(accepted, caller),
        )
    }

    pub(super) fn disconnect_all(&self) {
        // Ends are woken outside the lock: they may come back here.
        let links = std::mem::take(&mut self.state().links);
        links.iter().filter_map(Weak::upgrade).for_each(|link| {
            link.snap(true);
        });
    }

    pub(super) fn partition(&self, address: &str, cut: bool) {
        let links = {
            let mut state = self.state();
            if cut {
                state.cut.insert(address.to_owned());
            } else {
                state.cut.remove(address);
            }
            state.links()
        };
        links
            .iter()
            .filter(|link| link.address == address)
            .for_each(|link| link.stall(cut));
    }

    pub(super) fn heal(&self) {
        {
            let mut faults = self.faults();
            faults.failing = 0;
            faults.share = 0.0;
            faults.break_after = None;
        }
        let links = {
            let mut state = self.state();
            state.cut.clear();
            state.links()
        };
        links.iter().for_each(|link| link.stall(false));
    }
}

impl State {
    fn name(&mut self) -> u64 {
        self.last += 1;
        self.last
    }

    fn links(&self) -> Vec<Arc<Link>> {
        self.links.iter().filter_map(Weak::upgrade).collect()
    }
}
