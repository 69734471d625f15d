//! Streams of messages within a call, typed ([`Streaming`]) and encoded ([`Inbound`], [`Outbound`]).

use std::{
    collections::VecDeque,
    fmt,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
};

use bytes::Bytes;
use futures_core::Stream;
use tokio::sync::oneshot;

use crate::{
    Error, Result,
    codec::{ContentType, Wire},
    native,
    selector::{InFlight, Outcome},
};

/// A stream of messages that the other side of a call sends.
///
/// It ends with `None` when the other side has sent its last message, and with an error when the
/// call failed. Dropping it early tells the other side to stop. At most a window's worth of unread
/// bytes (256 KiB) waits here: the sender waits for the reader.
pub struct Streaming<T: 'static> {
    inbound: Inbound,
    content_type: ContentType,
    wire: &'static Wire<T>,
}

impl<T> Streaming<T> {
    pub(crate) fn new(inbound: Inbound, content_type: ContentType, wire: &'static Wire<T>) -> Self {
        Self {
            inbound,
            content_type,
            wire,
        }
    }

    /// The next message; `None` at the end. Cancel-safe.
    ///
    /// # Errors
    /// What ended the call, or `InvalidArgument` for a message that can't be decoded.
    pub async fn message(&mut self) -> Result<Option<T>> {
        std::future::poll_fn(|cx| Pin::new(&mut *self).poll_next(cx))
            .await
            .transpose()
    }
}

impl<T> Stream for Streaming<T> {
    type Item = Result<T>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        let next = std::task::ready!(this.inbound.poll_next(cx));
        Poll::Ready(next.map(|bytes| this.wire.decode(bytes?, this.content_type)))
    }
}

impl<T> fmt::Debug for Streaming<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Streaming")
            .field("wire", self.wire)
            .finish_non_exhaustive()
    }
}

/// Encoded messages that arrive, in order and bounded in bytes.
#[derive(Debug)]
pub struct Inbound {
    queue: Arc<Queue>,
    /// Taken from the queue in one go, so that a burst costs one lock.
    taken: VecDeque<Bytes>,
    /// Read since the sender was last told of the room.
    read: usize,
    window: usize,
    sender: Option<native::Credit>,
    /// The call to the node that sends, which is over when the stream is.
    flight: Option<InFlight>,
    answered: bool,
}

impl Inbound {
    /// No message at all.
    #[must_use]
    pub fn empty() -> Self {
        let (outbound, inbound) = pipe(1);
        outbound.finish(Ok(()));
        inbound
    }

    /// One message.
    #[must_use]
    pub fn once(message: Bytes) -> Self {
        let mut inbound = Self::empty();
        inbound.taken.push_back(message);
        inbound
    }

    pub(crate) fn new(queue: Arc<Queue>, window: usize, sender: Option<native::Credit>) -> Self {
        Self {
            queue,
            taken: VecDeque::new(),
            read: 0,
            window,
            sender,
            flight: None,
            answered: false,
        }
    }

    /// Tells `flight` how the stream ended.
    pub(crate) fn attend(&mut self, flight: InFlight) {
        self.flight = Some(flight);
    }

    /// The next message; `None` at the end.
    pub fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes>>> {
        loop {
            if let Some(message) = self.taken.pop_front() {
                if !std::mem::replace(&mut self.answered, true)
                    && let Some(flight) = &self.flight
                {
                    flight.answered();
                }
                self.read += cost(&message);
                if self.read * 2 >= self.window {
                    self.return_room();
                }
                return Poll::Ready(Some(Ok(message)));
            }
            let mut state = self.queue.lock();
            if !state.messages.is_empty() {
                std::mem::swap(&mut self.taken, &mut state.messages);
                continue;
            }
            if let Some(end) = &mut state.end {
                // An error is told once; after it, as after the end, there is nothing more.
                let told = std::mem::replace(end, Ok(()));
                if let Some(flight) = self.flight.take() {
                    flight.done(Outcome::of_result(&told));
                }
                return Poll::Ready(told.err().map(Err));
            }
            match &mut state.reader {
                Some(waker) => waker.clone_from(cx.waker()),
                none => *none = Some(cx.waker().clone()),
            }
            return Poll::Pending;
        }
    }

    fn return_room(&mut self) {
        let read = std::mem::take(&mut self.read);
        // Here first: what the sender then sends must find the room that it was told of.
        let ended = self.queue.give_room(read);
        // The id of a call that is over may be that of another one by now.
        if let Some(sender) = &self.sender
            && !ended
        {
            sender.give(read);
        }
    }
}

impl Stream for Inbound {
    type Item = Result<Bytes>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.get_mut().poll_next(cx)
    }
}

impl Drop for Inbound {
    fn drop(&mut self) {
        // The sender's side goes with it, which gives up a call that is still under way.
        self.queue.close_reader();
    }
}

/// What a message takes of a window: its bytes, and something for itself, so that empty ones are
/// bounded too.
pub(crate) fn cost(message: &Bytes) -> usize {
    message.len() + 16
}

/// Where encoded messages are put, no faster than the other side reads.
#[derive(Debug)]
pub enum Outbound {
    #[doc(hidden)]
    Pipe(PipeSender),
    #[doc(hidden)]
    Native(native::Sender),
}

impl Outbound {
    /// Waits for room, then sends. Cancel-safe: a message is either sent or dropped whole.
    ///
    /// # Errors
    /// `Cancelled` where nobody receives any more, `ResourceExhausted` for a message over the limit.
    pub async fn send(&mut self, message: Bytes) -> Result<()> {
        std::future::poll_fn(|cx| self.poll_ready(cx)).await?;
        self.start_send(message)
    }

    /// Says that the stream is under way, before there is a message: the other side learns that its
    /// call was accepted. The first message says it as well.
    ///
    /// # Errors
    /// As [`Outbound::send`].
    pub fn open(&mut self) -> Result<()> {
        match self {
            Self::Pipe(pipe) => {
                pipe.open();
                Ok(())
            }
            Self::Native(sender) => sender.open(),
        }
    }

    /// Waits for room for a message.
    pub fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<()>> {
        match self {
            Self::Pipe(pipe) => pipe.queue.poll_room(cx),
            Self::Native(sender) => sender.poll_ready(cx),
        }
    }

    /// Sends a message for which [`Outbound::poll_ready`] found room.
    ///
    /// # Errors
    /// As [`Outbound::send`].
    pub fn start_send(&mut self, message: Bytes) -> Result<()> {
        match self {
            Self::Pipe(pipe) => {
                pipe.open();
                pipe.queue.push(message)
            }
            Self::Native(sender) => sender.send(message),
        }
    }

    /// Waits until nobody receives any more. It takes the place of a [`Outbound::poll_ready`] that
    /// waits, and the other way round.
    #[cfg(feature = "http")]
    pub(crate) fn poll_gone(&self, cx: &mut Context<'_>) -> Poll<()> {
        match self {
            Self::Pipe(pipe) => pipe.queue.poll_gone(cx),
            Self::Native(_) => Poll::Pending,
        }
    }

    /// Ends the stream, well or with an error.
    pub fn finish(self, end: Result<()>) {
        match self {
            Self::Pipe(pipe) => pipe.queue.finish(end),
            Self::Native(sender) => sender.finish(end),
        }
    }
}

/// The sending end of a [`pipe`]; a sender that is dropped without an end leaves an error behind.
#[derive(Debug)]
pub struct PipeSender {
    queue: Arc<Queue>,
    /// Told when the stream is under way.
    opened: Option<oneshot::Sender<()>>,
}

impl PipeSender {
    fn open(&mut self) {
        if let Some(opened) = self.opened.take() {
            // Who does not wait for it does not need it.
            let _ = opened.send(());
        }
    }
}

impl Drop for PipeSender {
    fn drop(&mut self) {
        self.queue
            .finish(Err(Error::cancelled("the sender of the stream went away")));
    }
}

/// A stream within this process, holding at most `window` bytes unread.
#[must_use]
pub fn pipe(window: usize) -> (Outbound, Inbound) {
    let queue = Arc::new(Queue::new(window));
    let sender = PipeSender {
        queue: queue.clone(),
        opened: None,
    };
    (Outbound::Pipe(sender), Inbound::new(queue, window, None))
}

/// As [`pipe`]; what comes with it is told when the sender says that the stream is under way, and
/// fails where it ends without.
#[cfg(feature = "http")]
pub(crate) fn pipe_opening(window: usize) -> (Outbound, Inbound, oneshot::Receiver<()>) {
    let queue = Arc::new(Queue::new(window));
    let (opened, opening) = oneshot::channel();
    let sender = PipeSender {
        queue: queue.clone(),
        opened: Some(opened),
    };
    (
        Outbound::Pipe(sender),
        Inbound::new(queue, window, None),
        opening,
    )
}

/// The messages between a sender and a reader.
#[derive(Debug)]
pub(crate) struct Queue(Mutex<State>);

#[derive(Debug)]
struct State {
    messages: VecDeque<Bytes>,
    /// What may still be put in; below zero after a message larger than what was left.
    room: isize,
    end: Option<Result<()>>,
    reader: Option<Waker>,
    writer: Option<Waker>,
    reader_gone: bool,
}

impl Queue {
    pub(crate) fn new(window: usize) -> Self {
        Self(Mutex::new(State {
            messages: VecDeque::new(),
            room: window as isize,
            end: None,
            reader: None,
            writer: None,
            reader_gone: false,
        }))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing in here can panic half-way, so a poisoned queue is whole.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a message and says whom to wake; `ResourceExhausted` where the sender did not wait for
    /// room, which only a peer that breaks the rules does.
    pub(crate) fn receive(&self, message: Bytes) -> Result<Option<Waker>> {
        let mut state = self.lock();
        if state.reader_gone || state.end.is_some() {
            return Ok(None);
        }
        if state.room <= 0 {
            return Err(Error::resource_exhausted(
                "the peer sent more on a stream than its window",
            ));
        }
        state.room -= cost(&message) as isize;
        state.messages.push_back(message);
        Ok(state.reader.take())
    }

    /// Makes room for `bytes` more; says whether the stream has ended, so that nothing more comes.
    pub(crate) fn give_room(&self, bytes: usize) -> bool {
        let (writer, ended) = {
            let mut state = self.lock();
            state.room += bytes as isize;
            let writer = if state.room > 0 {
                state.writer.take()
            } else {
                None
            };
            (writer, state.end.is_some())
        };
        if let Some(writer) = writer {
            writer.wake();
        }
        ended
    }

    /// Ends the stream unless it has ended; says whom to wake.
    pub(crate) fn end(&self, end: Result<()>) -> Option<Waker> {
        let mut state = self.lock();
        if state.end.is_none() {
            state.end = Some(end);
        }
        state.reader.take()
    }

    fn finish(&self, end: Result<()>) {
        if let Some(reader) = self.end(end) {
            reader.wake();
        }
    }

    fn poll_room(&self, cx: &mut Context<'_>) -> Poll<Result<()>> {
        let mut state = self.lock();
        if state.reader_gone {
            return Poll::Ready(Err(Error::cancelled("nobody reads the stream any more")));
        }
        if state.room > 0 {
            return Poll::Ready(Ok(()));
        }
        state.writer = Some(cx.waker().clone());
        Poll::Pending
    }

    #[cfg(feature = "http")]
    fn poll_gone(&self, cx: &mut Context<'_>) -> Poll<()> {
        let mut state = self.lock();
        if state.reader_gone {
            return Poll::Ready(());
        }
        state.writer = Some(cx.waker().clone());
        Poll::Pending
    }

    fn push(&self, message: Bytes) -> Result<()> {
        if let Some(reader) = self.receive(message)? {
            reader.wake();
        }
        Ok(())
    }

    fn close_reader(&self) {
        let writer = {
            let mut state = self.lock();
            state.reader_gone = true;
            state.messages.clear();
            state.writer.take()
        };
        if let Some(writer) = writer {
            writer.wake();
        }
    }
}
