//! Streams of a call: who may send how much.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker, ready},
};

use bytes::Bytes;

use super::{
    client::CallGuard,
    frame::{Frame, Header, Kind, WINDOW},
    link::Link,
};
use crate::{Error, Result, codec::ContentType, stream::cost};

/// What the sender of a stream may still send.
#[derive(Debug)]
pub(super) struct Room(Mutex<RoomState>);

#[derive(Debug)]
struct RoomState {
    /// Below zero after a message larger than what was left.
    left: i64,
    gone: bool,
    waker: Option<Waker>,
}

impl Room {
    pub(super) fn new() -> Self {
        Self(Mutex::new(RoomState {
            left: WINDOW as i64,
            gone: false,
            waker: None,
        }))
    }

    fn lock(&self) -> MutexGuard<'_, RoomState> {
        // Nothing in here can panic half-way.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The reader has room for more.
    pub(super) fn give(&self, bytes: u32) {
        self.update(|state| {
            // A peer that gives more than a window for what it never got gains nothing.
            state.left = state.left.saturating_add(bytes.into()).min(WINDOW as i64);
        });
    }

    /// Nobody reads any more.
    pub(super) fn close(&self) {
        self.update(|state| state.gone = true);
    }

    fn update(&self, change: impl FnOnce(&mut RoomState)) {
        let waker = {
            let mut state = self.lock();
            change(&mut state);
            state.waker.take()
        };
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

/// Sends the messages of one direction of a stream.
#[derive(Debug)]
pub struct Sender {
    link: Arc<Link>,
    id: u32,
    room: Arc<Room>,
    limit: usize,
    /// The form to announce before the first message, by the side that replies.
    opens: Option<ContentType>,
}

impl Sender {
    pub(super) fn new(
        link: Arc<Link>,
        id: u32,
        room: Arc<Room>,
        limit: usize,
        opens: Option<ContentType>,
    ) -> Self {
        Self {
            link,
            id,
            room,
            limit,
            opens,
        }
    }

    /// Says that the stream is under way, unless that was said.
    pub(crate) fn open(&mut self) -> Result<()> {
        let Some(content_type) = self.opens.take() else {
            return Ok(());
        };
        let mut frame = Frame::new(Header::new(Kind::Open, self.id));
        frame.content_type = Some(content_type);
        self.link.send(frame, &Bytes::new())
    }

    pub(crate) fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<()>> {
        {
            let mut state = self.room.lock();
            if state.gone {
                return Poll::Ready(Err(Error::cancelled("nobody reads the stream any more")));
            }
            if state.left <= 0 {
                state.waker = Some(cx.waker().clone());
                return Poll::Pending;
            }
        }
        ready!(self.link.poll_room(cx))?;
        Poll::Ready(Ok(()))
    }

    /// Waits until nobody reads any more.
    pub(super) fn poll_gone(&self, cx: &mut Context<'_>) -> Poll<()> {
        let mut state = self.room.lock();
        if state.gone {
            return Poll::Ready(());
        }
        state.waker = Some(cx.waker().clone());
        Poll::Pending
    }

    pub(crate) fn send(&mut self, message: Bytes) -> Result<()> {
        self.open()?;
        if message.len() > self.limit {
            return Err(super::too_large(message.len(), self.limit));
        }
        // Under the lock, so that the call can't end in between: its id may then be another's.
        let mut state = self.room.lock();
        if state.gone {
            return Err(Error::cancelled("nobody reads the stream any more"));
        }
        state.left -= cost(&message) as i64;
        self.link
            .send(Frame::new(Header::new(Kind::Data, self.id)), &message)
    }

    /// Ends a caller's stream; a stream that failed ends the call.
    pub(crate) fn finish(self, end: Result<()>) {
        let kind = if end.is_ok() { Kind::End } else { Kind::Cancel };
        // Under the lock, as in `send`.
        let state = self.room.lock();
        if !state.gone {
            self.link.send_header(Header::new(kind, self.id));
        }
    }
}

/// Tells the sender of a stream that its reader has room again.
#[derive(Debug)]
pub struct Credit {
    link: Arc<Link>,
    id: u32,
    /// The call that goes with the stream, on the calling side: given up when nobody reads.
    #[expect(dead_code, reason = "held to be dropped with the reader")]
    call: Option<CallGuard>,
}

impl Credit {
    pub(super) fn new(link: Arc<Link>, id: u32, call: Option<CallGuard>) -> Self {
        Self { link, id, call }
    }

    /// Says that `bytes` were read.
    pub(crate) fn give(&self, bytes: usize) {
        self.link
            .send_header(Header::new(Kind::Credit, self.id).word(bytes as u32));
    }
}
