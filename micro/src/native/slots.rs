//! The handlers at work on one connection, polled by the connection's own task.
//!
//! A call's future is put into a slot and polled once where it stands. Most are ready at once, and
//! their slot is free again without a task, a wake-up or an allocation. The others stay and are
//! polled again when they wake their slot.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
};

use tokio::time::Instant;

use super::link::Link;
use crate::{Error, Result, context, server::Response};

/// The futures of one connection; `F` gives the reply of a call.
pub(super) struct Slots<F> {
    slots: Vec<Slot<F>>,
    free: Vec<usize>,
    woken: Arc<Woken>,
    /// Taken over from `woken`, to be polled.
    turn: Vec<usize>,
}

struct Slot<F> {
    future: Pin<Box<Option<F>>>,
    signal: Arc<Signal>,
    waker: Waker,
    work: Option<Work>,
}

/// What is known of a call at work besides its future.
pub(super) struct Work {
    pub(super) id: u32,
    pub(super) context: context::Context,
    pub(super) deadline: Option<Instant>,
    pub(super) path: &'static str,
    pub(super) span: tracing::Span,
}

/// What became of a call that was started.
pub(super) enum Started {
    /// It is done, and this is the reply.
    Done(Work, Result<Response>),
    /// It waits in this slot.
    Waits(usize),
}

/// The slots that were woken since they were last polled.
struct Woken {
    list: Mutex<Vec<usize>>,
    link: Arc<Link>,
}

/// Wakes one slot.
struct Signal {
    slot: usize,
    /// Is in the list, so need not be put there again.
    listed: AtomicBool,
    woken: Arc<Woken>,
}

impl Wake for Signal {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if self.listed.swap(true, Ordering::AcqRel) {
            return;
        }
        let first = {
            let mut list = self
                .woken
                .list
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            list.push(self.slot);
            list.len() == 1
        };
        // The driver takes the whole list at once, so one wake-up serves all that are in it.
        if first {
            self.woken.link.driver.wake();
        }
    }
}

impl<F: Future<Output = Result<Response>>> Slots<F> {
    pub(super) fn new(link: Arc<Link>) -> Self {
        Self {
            slots: Vec::new(),
            free: Vec::new(),
            woken: Arc::new(Woken {
                list: Mutex::default(),
                link,
            }),
            turn: Vec::new(),
        }
    }

    /// How many calls are at work.
    pub(super) fn len(&self) -> usize {
        self.slots.len() - self.free.len()
    }

    /// Starts a call: its reply where the handler is ready at once, its slot where it waits.
    pub(super) fn start(&mut self, work: Work, future: F) -> Started {
        let at = self.free.pop().unwrap_or_else(|| self.grow());
        let slot = &mut self.slots[at];
        slot.future.as_mut().set(Some(future));
        slot.work = Some(work);
        match self.poll(at) {
            Poll::Ready((work, reply)) => Started::Done(work, reply),
            Poll::Pending => Started::Waits(at),
        }
    }

    fn grow(&mut self) -> usize {
        let slot = self.slots.len();
        let signal = Arc::new(Signal {
            slot,
            listed: AtomicBool::new(false),
            woken: self.woken.clone(),
        });
        let waker = Waker::from(signal.clone());
        self.slots.push(Slot {
            future: Box::pin(None),
            signal,
            waker,
            work: None,
        });
        slot
    }

    fn poll(&mut self, at: usize) -> Poll<(Work, Result<Response>)> {
        let slot = &mut self.slots[at];
        let (Some(future), Some(work)) = (slot.future.as_mut().as_pin_mut(), &slot.work) else {
            // Woken after it was done.
            return Poll::Pending;
        };
        let polled = {
            let _entered = work.context.enter();
            let _span = work.span.enter();
            let mut cx = Context::from_waker(&slot.waker);
            catch_unwind(AssertUnwindSafe(|| future.poll(&mut cx)))
        };
        let reply = match polled {
            Ok(Poll::Pending) => return Poll::Pending,
            Ok(Poll::Ready(reply)) => reply,
            Err(panic) => Err(panicked(work.path, &*panic)),
        };
        match self.remove(at) {
            Some(work) => Poll::Ready((work, reply)),
            None => Poll::Pending,
        }
    }

    /// Drops the future in a slot and frees it.
    pub(super) fn remove(&mut self, at: usize) -> Option<Work> {
        let slot = self.slots.get_mut(at)?;
        let work = slot.work.take()?;
        // What a handler does while it is dropped belongs to its call as well, panics included.
        let _entered = work.context.enter();
        let _ = catch_unwind(AssertUnwindSafe(|| slot.future.as_mut().set(None)));
        self.free.push(at);
        Some(work)
    }

    /// Takes over what was woken, to be polled one by one with [`Slots::next`].
    pub(super) fn take_woken(&mut self) {
        if self.turn.is_empty() {
            let mut list = self
                .woken
                .list
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            std::mem::swap(&mut *list, &mut self.turn);
        }
    }

    /// Polls the next woken call: `None` where there is none left, its reply where it is done.
    pub(super) fn next(&mut self) -> Option<Poll<(Work, Result<Response>)>> {
        let at = self.turn.pop()?;
        // Cleared first, so that a wake-up during the poll counts.
        self.slots[at].signal.listed.store(false, Ordering::Release);
        Some(self.poll(at))
    }

    /// Whether there is something to poll at once.
    pub(super) fn has_woken(&self) -> bool {
        !self.turn.is_empty()
    }

    /// Ends the calls for which `over` holds; gives what was known of each.
    pub(super) fn end(&mut self, mut over: impl FnMut(&Work) -> bool) -> Vec<Work> {
        (0..self.slots.len())
            .filter_map(|at| {
                let ends = self.slots[at].work.as_ref().is_some_and(&mut over);
                if ends { self.remove(at) } else { None }
            })
            .collect()
    }

    /// The earliest deadline of a call at work.
    pub(super) fn next_deadline(&self) -> Option<Instant> {
        self.slots
            .iter()
            .filter_map(|slot| slot.work.as_ref()?.deadline)
            .min()
    }

    /// Gives memory back where no call is at work.
    pub(super) fn rest(&mut self) {
        // Signals of slots that are gone may still come: only a list without any is safe to cut.
        if self.len() == 0 && self.turn.is_empty() {
            self.free.clear();
            self.slots.clear();
            self.woken = Arc::new(Woken {
                list: Mutex::default(),
                link: self.woken.link.clone(),
            });
        }
    }
}

#[cold]
fn panicked(path: &str, panic: &(dyn std::any::Any + Send)) -> Error {
    let text = panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no message");
    tracing::error!(rpc.method = path, panic = text, "a handler panicked");
    // What it said is for our log, not for the caller.
    Error::internal(format!("the handler of {path} panicked"))
}
