//! What waits for one subscription.

use std::{
    collections::VecDeque,
    future::poll_fn,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    task::{Context, Poll, Waker, ready},
};

use tokio::task::coop;

use super::hub::Room;
use crate::broker::{Message, Overflow, Subscribe};

pub(super) struct Queue {
    state: Mutex<State>,
    topic: Arc<str>,
    capacity: usize,
    overflow: Overflow,
    pub(super) attempts: u32,
    connection: Arc<AtomicBool>,
    room: Arc<Room>,
    overflowed: Arc<AtomicU64>,
}

struct State {
    waiting: VecDeque<Item>,
    reader: Option<Waker>,
    open: bool,
    /// How many messages were dropped here.
    dropped: u64,
}

pub(super) struct Item {
    pub(super) message: Arc<Message>,
    pub(super) redelivered: u32,
}

/// What became of an offered message.
#[derive(Clone, Copy)]
pub(super) enum Offer {
    Taken,
    Full,
    Closed,
}

impl Queue {
    pub(super) fn new(
        topic: Arc<str>,
        options: &Subscribe,
        attempts: u32,
        connection: Arc<AtomicBool>,
        room: Arc<Room>,
        overflowed: Arc<AtomicU64>,
    ) -> Self {
        Self {
            state: Mutex::new(State {
                waiting: VecDeque::new(),
                reader: None,
                open: true,
                dropped: 0,
            }),
            topic,
            capacity: options.capacity.max(1),
            overflow: options.overflow,
            attempts,
            connection,
            room,
            overflowed,
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn belongs_to(&self, connection: &Arc<AtomicBool>) -> bool {
        Arc::ptr_eq(&self.connection, connection)
    }

    /// Takes a message where there is room.
    pub(super) fn offer(&self, message: &Arc<Message>) -> Offer {
        let mut state = self.state();
        if !state.open {
            return Offer::Closed;
        }
        if state.waiting.len() >= self.capacity {
            return Offer::Full;
        }
        state.waiting.push_back(Item {
            message: message.clone(),
            redelivered: 0,
        });
        wake(state);
        Offer::Taken
    }

    /// Does with a message for which there is no room what the subscription asked for.
    #[cold]
    pub(super) fn overflow(&self, message: &Arc<Message>) -> Offer {
        match self.overflow {
            Overflow::Block => self.offer(message),
            Overflow::DropOldest => {
                let mut state = self.state();
                if !state.open {
                    return Offer::Closed;
                }
                let mut dropped = 0;
                while state.waiting.len() >= self.capacity {
                    state.waiting.pop_front();
                    dropped += 1;
                }
                state.waiting.push_back(Item {
                    message: message.clone(),
                    redelivered: 0,
                });
                let before = state.dropped;
                state.dropped += dropped;
                wake(state);
                self.count(before, dropped);
                Offer::Taken
            }
            Overflow::Disconnect => {
                let mut state = self.state();
                if !state.open {
                    return Offer::Closed;
                }
                if state.waiting.len() < self.capacity {
                    drop(state);
                    return self.offer(message);
                }
                state.open = false;
                wake(state);
                self.overflowed.fetch_add(1, Ordering::Relaxed);
                tracing::warn!(
                    topic = &*self.topic,
                    capacity = self.capacity,
                    "ended a subscription that was too slow"
                );
                Offer::Closed
            }
        }
    }

    /// Counts dropped messages, and warns of the first, the second, the fourth and so on.
    fn count(&self, before: u64, dropped: u64) {
        self.overflowed.fetch_add(dropped, Ordering::Relaxed);
        if (before + dropped).checked_ilog2() != before.checked_ilog2() {
            tracing::warn!(
                topic = &*self.topic,
                capacity = self.capacity,
                dropped = before + dropped,
                "dropped the oldest messages of a subscription that is too slow"
            );
        }
    }

    /// Takes a message over the capacity, to be delivered last.
    pub(super) fn push_back(&self, item: Item) -> Result<(), Item> {
        self.push(item, VecDeque::push_back)
    }

    /// Takes a message over the capacity, to be delivered next.
    pub(super) fn push_front(&self, item: Item) -> Result<(), Item> {
        self.push(item, VecDeque::push_front)
    }

    fn push(&self, item: Item, push: fn(&mut VecDeque<Item>, Item)) -> Result<(), Item> {
        let mut state = self.state();
        if !state.open {
            return Err(item);
        }
        push(&mut state.waiting, item);
        wake(state);
        Ok(())
    }

    /// Takes no more; what waits can still be received.
    pub(super) fn end(&self) {
        let mut state = self.state();
        state.open = false;
        wake(state);
    }

    /// Takes no more, and gives up what waits.
    pub(super) fn close(&self) -> VecDeque<Item> {
        let mut state = self.state();
        state.open = false;
        std::mem::take(&mut state.waiting)
    }

    /// Waits for the next message; `None` once it has ended.
    pub(super) async fn next(&self) -> Option<Item> {
        poll_fn(|cx| self.poll_next(cx)).await
    }

    fn poll_next(&self, cx: &mut Context<'_>) -> Poll<Option<Item>> {
        let turn = ready!(coop::poll_proceed(cx));
        let mut state = self.state();
        let item = state.waiting.pop_front();
        if item.is_none() && state.open {
            match &state.reader {
                Some(reader) if reader.will_wake(cx.waker()) => {}
                _ => state.reader = Some(cx.waker().clone()),
            }
            return Poll::Pending;
        }
        drop(state);
        turn.made_progress();
        if item.is_some() {
            self.room.free_one();
        }
        Poll::Ready(item)
    }
}

/// Wakes the subscription, outside the lock; once for all that comes before it looks.
fn wake(mut state: MutexGuard<'_, State>) {
    let reader = state.reader.take();
    drop(state);
    if let Some(reader) = reader {
        reader.wake();
    }
}
