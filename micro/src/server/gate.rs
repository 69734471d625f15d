//! What all connections of a server share: what can be called, how much is taken on, and the way out.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    time::Duration,
};

use tokio::sync::{Notify, watch};

use super::{Limits, Router};
use crate::{
    Error, Result,
    native::{Header, Kind, Link},
};

/// Shared by the connections of one server.
#[derive(Debug)]
pub(crate) struct Gate {
    pub(crate) limits: Limits,
    pub(crate) router: Router,
    calls: AtomicUsize,
    open: Mutex<Open>,
    /// Told whenever a connection ends.
    ended: Notify,
    /// Told of each call that was handled, by a server whose service ends after the first.
    handled: Option<Arc<Notify>>,
    /// Whether new callers are welcome, for those who ask for it.
    ready: watch::Sender<bool>,
}

/// A connection, as far as the way out is concerned.
pub(crate) trait Exit: Send + Sync + std::fmt::Debug {
    /// Asks the caller to go elsewhere; what is at work goes on.
    fn leave(&self);

    /// Whether all that was said is on its way.
    fn is_quiet(&self) -> bool;

    /// Closes the connection; what is at work is cancelled.
    fn close(&self);
}

impl Exit for Link {
    fn leave(&self) {
        self.send_header(Header::new(Kind::Leave, 0));
    }

    fn is_quiet(&self) -> bool {
        self.is_quiet()
    }

    fn close(&self) {
        self.close(Error::unavailable("the server has stopped"));
    }
}

#[derive(Debug, Default)]
struct Open {
    next: u64,
    links: HashMap<u64, Arc<dyn Exit>>,
    leaving: bool,
}

/// Takes a connection off the list when it ends.
#[derive(Debug)]
pub(crate) struct Listed<'a>(&'a Gate, u64);

impl Drop for Listed<'_> {
    fn drop(&mut self) {
        self.0.lock().links.remove(&self.1);
        self.0.ended.notify_waiters();
    }
}

impl Gate {
    pub(crate) fn new(limits: Limits, router: Router, handled: Option<Arc<Notify>>) -> Self {
        Self {
            limits,
            router,
            calls: AtomicUsize::new(0),
            open: Mutex::default(),
            ended: Notify::new(),
            handled,
            ready: watch::Sender::new(true),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Open> {
        // Nothing in here can panic half-way.
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts a connection on the list of those that are told when the server leaves.
    pub(crate) fn list(&self, link: Arc<dyn Exit>) -> Listed<'_> {
        let mut open = self.lock();
        if open.leaving {
            link.leave();
        }
        let at = open.next;
        open.next += 1;
        open.links.insert(at, link);
        Listed(self, at)
    }

    /// Whether one more call may begin.
    ///
    /// # Errors
    /// `ResourceExhausted` where as many are at work as the limits allow.
    pub(crate) fn admit(&self) -> Result<()> {
        if self.calls.load(Relaxed) < self.limits.calls {
            return Ok(());
        }
        Err(Error::resource_exhausted(format!(
            "{} calls at work, no more are taken",
            self.limits.calls
        )))
    }

    /// A call waits: its handler was not ready at once.
    pub(crate) fn begin(&self) {
        self.calls.fetch_add(1, Relaxed);
    }

    /// A call that waited is over.
    pub(crate) fn end(&self) {
        self.calls.fetch_sub(1, Relaxed);
    }

    /// A call was handled, and its reply is on its way.
    pub(crate) fn handled(&self) {
        if let Some(handled) = &self.handled {
            handled.notify_one();
        }
    }

    /// The calls that wait.
    pub(crate) fn calls(&self) -> usize {
        self.calls.load(Relaxed)
    }

    /// Says from now on that new callers are not welcome; those who come are served all the same.
    pub(crate) fn unready(&self) {
        self.ready
            .send_if_modified(|ready| std::mem::replace(ready, false));
    }

    /// Whether new callers are welcome, now and when that changes.
    #[cfg(feature = "http")]
    pub(crate) fn ready(&self) -> watch::Receiver<bool> {
        self.ready.subscribe()
    }

    /// Asks every caller to go elsewhere; what is at work goes on.
    pub(crate) fn leave(&self) {
        self.unready();
        let mut open = self.lock();
        open.leaving = true;
        for link in open.links.values() {
            link.leave();
        }
    }

    /// Waits until every caller has closed its connection, as those do who know our protocol and
    /// were told to; from `patience` on, until no call is at work and every reply is out.
    pub(crate) async fn idle(&self, patience: Duration) {
        let closed = async {
            loop {
                let mut ended = std::pin::pin!(self.ended.notified());
                ended.as_mut().enable();
                if self.lock().links.is_empty() {
                    return;
                }
                ended.await;
            }
        };
        if tokio::time::timeout(patience, closed).await.is_ok() {
            return;
        }
        while self.calls() > 0 || self.lock().links.values().any(|link| !link.is_quiet()) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Closes every connection.
    pub(crate) fn close(&self) {
        for link in self.lock().links.values() {
            link.close();
        }
    }
}
