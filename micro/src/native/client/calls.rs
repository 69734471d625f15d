//! The calls under way on a connection, from the caller's side.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
};

use futures_util::future;
use tokio::time::Instant;

use super::super::{
    frame::{Header, Kind, Payload},
    link::Link,
    stream::Room,
};
use crate::{
    Error, Result,
    client::{Response, ResponseBody},
    stream::Queue,
};

/// What the users of a connection and its driver share.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) link: Arc<Link>,
    pub(super) calls: Mutex<Calls>,
    pub(super) limit: usize,
}

#[derive(Debug, Default)]
pub(super) struct Calls {
    pub(super) slots: Vec<Slot>,
    pub(super) free: Vec<u32>,
    /// The earliest deadline that the driver's timer may not be armed for yet.
    pub(super) deadline: Option<Instant>,
    /// The server asked for no new calls.
    pub(super) leaving: bool,
    /// Nobody will make a call any more.
    pub(super) abandoned: bool,
}

/// One call, by its id. The id is free again only when the server has answered, so that an answer
/// can never be taken for that of a later call.
#[derive(Debug, Default)]
pub(super) struct Slot {
    pub(super) state: State,
    pub(super) waker: Option<Waker>,
    pub(super) deadline: Option<Instant>,
    /// The output that must have been written for the server to have seen the call.
    pub(super) sent: u64,
    pub(super) replies: Option<Arc<Queue>>,
    pub(super) requests: Option<Arc<Room>>,
}

#[derive(Debug, Default)]
pub(super) enum State {
    #[default]
    Free,
    Waiting,
    /// The stream of replies is under way.
    Open(Payload),
    Done(Result<Payload>),
    /// The answer was handed over.
    Taken,
    /// The deadline has passed; the caller is yet to learn of it.
    Late,
    /// The caller is gone; the answer is not there yet.
    GivenUp,
}

impl Shared {
    pub(super) fn new(limit: usize) -> Self {
        Self {
            link: Arc::new(Link::default()),
            calls: Mutex::default(),
            limit,
        }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Calls> {
        // Nothing in here can panic half-way.
        self.calls.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What the streams of a call need at this end.
#[derive(Debug)]
pub(super) struct Streams {
    pub(super) replies: Option<Arc<Queue>>,
    pub(super) requests: Option<Arc<Room>>,
}

impl Shared {
    pub(super) fn take_id(
        &self,
        deadline: Option<Instant>,
        streams: Option<&Streams>,
    ) -> Result<u32> {
        let mut calls = self.lock();
        if calls.leaving {
            return Err(Error::unavailable("the server is about to stop").unseen());
        }
        let id = match calls.free.pop() {
            Some(id) => id,
            None => {
                calls.slots.push(Slot::default());
                calls.slots.len() as u32 - 1
            }
        };
        calls.slots[id as usize] = Slot {
            state: State::Waiting,
            waker: None,
            deadline,
            sent: u64::MAX,
            replies: streams.and_then(|streams| streams.replies.clone()),
            requests: streams.and_then(|streams| streams.requests.clone()),
        };
        if let Some(deadline) = deadline
            && calls.deadline.is_none_or(|earliest| deadline < earliest)
        {
            calls.deadline = Some(deadline);
            drop(calls);
            self.link.driver.wake();
        }
        Ok(id)
    }
}

/// A call under way. Dropped before the answer, it gives the call up.
#[derive(Debug)]
pub(crate) struct CallGuard {
    pub(super) shared: Arc<Shared>,
    pub(super) id: u32,
}

impl CallGuard {
    pub(super) async fn reply(&self) -> Result<Response> {
        let payload = future::poll_fn(|cx| self.poll(cx, false))
            .await?
            .ok_or_else(no_reply)?;
        let mut response = Response::new(payload.content_type, ResponseBody::Message(payload.body));
        response.metadata = payload.metadata;
        Ok(response)
    }

    /// Waits until the server has accepted a stream, or ended it without a message.
    pub(super) async fn opened(&self) -> Result<Option<Payload>> {
        future::poll_fn(|cx| self.poll(cx, true)).await
    }

    fn poll(&self, cx: &mut Context<'_>, open: bool) -> Poll<Result<Option<Payload>>> {
        let mut calls = self.shared.lock();
        let slot = &mut calls.slots[self.id as usize];
        match &mut slot.state {
            State::Waiting => {
                match &mut slot.waker {
                    Some(waker) => waker.clone_from(cx.waker()),
                    none => *none = Some(cx.waker().clone()),
                }
                Poll::Pending
            }
            State::Open(_) if open => {
                let State::Open(payload) = std::mem::replace(&mut slot.state, State::Waiting)
                else {
                    return Poll::Pending;
                };
                Poll::Ready(Ok(Some(payload)))
            }
            State::Done(_) => match std::mem::replace(&mut slot.state, State::Taken) {
                State::Done(answer) => Poll::Ready(answer.map(Some)),
                _ => Poll::Ready(Ok(None)),
            },
            State::Late => Poll::Ready(Err(late())),
            State::Open(_) | State::Taken | State::Free | State::GivenUp => Poll::Ready(Ok(None)),
        }
    }
}

impl Drop for CallGuard {
    fn drop(&mut self) {
        let mut calls = self.shared.lock();
        let slot = &mut calls.slots[self.id as usize];
        if let Some(requests) = slot.requests.take() {
            requests.close();
        }
        let answered = matches!(slot.state, State::Done(_) | State::Taken);
        // One that was never sent has nothing to be answered.
        if answered || slot.sent == u64::MAX {
            *slot = Slot::default();
            calls.free.push(self.id);
            return;
        }
        slot.state = State::GivenUp;
        slot.waker = None;
        slot.replies = None;
        slot.deadline = None;
        // Under the lock: the answer may be here already, and whoever gets the id next must not be
        // cancelled in place of this call.
        self.shared
            .link
            .send_header(Header::new(Kind::Cancel, self.id));
    }
}

#[cold]
pub(super) fn late() -> Error {
    Error::timeout("the deadline passed before the reply came").with_id("micro.client")
}

#[cold]
fn no_reply() -> Error {
    Error::internal("the reply was taken already")
}
