//! The calling end of a connection.

use std::{
    borrow::Cow,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
    time::Duration,
};

use bytes::{Bytes, BytesMut};
use futures_util::{StreamExt, future, stream::BoxStream};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    time::Instant,
};

use super::{
    error_body::take_error,
    frame::{
        ANSWER_METADATA, Frame, Header, Kind, NAME, PREFACE, Payload, VERSION, WINDOW,
        check_metadata,
    },
    input::{Incoming, Input},
    link::{Link, Writer},
    stream::{Credit, Room, Sender},
    timer::Timer,
    too_large,
};
use crate::{
    Context as CallContext, Error, Metadata, Result,
    client::{Request, RequestBody, Response, ResponseBody},
    descriptor,
    stream::{Inbound, Queue},
    transport::Connection,
};

/// A connection that carries calls. A clone is a handle to the same one; it closes when the last is
/// dropped and no call is under way.
#[derive(Clone, Debug)]
pub(crate) struct Channel(Arc<Handle>);

/// Closes the connection when the last user of it is gone.
#[derive(Debug)]
struct Handle(Arc<Shared>);

impl Drop for Handle {
    fn drop(&mut self) {
        self.0.lock().abandoned = true;
        self.0.link.driver.wake();
    }
}

#[derive(Debug)]
pub(super) struct Shared {
    link: Arc<Link>,
    calls: Mutex<Calls>,
    limit: usize,
}

#[derive(Debug, Default)]
struct Calls {
    slots: Vec<Slot>,
    free: Vec<u32>,
    /// The earliest deadline that the driver's timer may not be armed for yet.
    deadline: Option<Instant>,
    /// The server asked for no new calls.
    leaving: bool,
    /// Nobody will make a call any more.
    abandoned: bool,
}

/// One call, by its id. The id is free again only when the server has answered, so that an answer
/// can never be taken for that of a later call.
#[derive(Debug, Default)]
struct Slot {
    state: State,
    waker: Option<Waker>,
    deadline: Option<Instant>,
    /// The output that must have been written for the server to have seen the call.
    sent: u64,
    replies: Option<Arc<Queue>>,
    requests: Option<Arc<Room>>,
}

#[derive(Debug, Default)]
enum State {
    #[default]
    Free,
    Waiting,
    /// The stream of replies is under way.
    Open(Payload),
    Done(Result<Payload>),
    /// The deadline has passed; the caller is yet to learn of it.
    Late,
    /// The caller is gone; the answer is not there yet.
    GivenUp,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Calls> {
        // Nothing in here can panic half-way.
        self.calls.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Channel {
    /// Makes a connection carry calls: says the preface and leaves a task to read and write, which
    /// ends with the connection or soon after the last handle is dropped.
    ///
    /// # Errors
    /// `Unavailable` where the other end hangs up or speaks something else.
    pub(crate) async fn open(
        mut io: Connection,
        limit: usize,
        keepalive: Duration,
    ) -> Result<Self> {
        io.write_all(&PREFACE).await?;
        let mut theirs = [0; PREFACE.len()];
        io.read_exact(&mut theirs).await.map_err(|error| {
            Error::unavailable(format!(
                "{} hung up during the handshake: {error}",
                io.peer()
            ))
            .unseen()
        })?;
        if theirs[..PREFACE.len() - 1] != PREFACE[..PREFACE.len() - 1] {
            return Err(Error::unavailable(format!(
                "{} does not speak the native protocol",
                io.peer()
            ))
            .unseen());
        }
        if theirs[PREFACE.len() - 1] != VERSION {
            return Err(Error::unavailable(format!(
                "{} speaks version {} of the native protocol, this side version {VERSION}",
                io.peer(),
                theirs[PREFACE.len() - 1]
            ))
            .unseen());
        }
        let shared = Arc::new(Shared {
            link: Arc::new(Link::default()),
            calls: Mutex::default(),
            limit,
        });
        let driver = Driver {
            shared: shared.clone(),
            input: Input::new(limit + ANSWER_METADATA, BytesMut::new()),
            writer: Writer::default(),
            timer: Timer::default(),
            heard: None,
            asked: false,
            keepalive,
            gave_way: false,
            woken: Vec::new(),
        };
        tokio::spawn(driver.run(io));
        Ok(Self(Arc::new(Handle(shared))))
    }

    /// Whether new calls can be made on it.
    pub(crate) fn is_open(&self) -> bool {
        let shared = &self.0.0;
        !shared.lock().leaving && shared.link.closed().is_none()
    }

    /// Sends a call with these headers beside those of `context`. It is `now`, and
    /// `deadline` bounds all of it, a stream included.
    ///
    /// # Errors
    /// What the handler said; `Unavailable` where the connection broke, marked unseen where the
    /// server can't have seen the call; `DeadlineExceeded`.
    pub(crate) async fn call(
        &self,
        request: &mut Request,
        metadata: Option<&Metadata>,
        (now, deadline): (Instant, Option<Instant>),
        context: &CallContext,
    ) -> Result<Response> {
        let shared = &self.0.0;
        future::poll_fn(|cx| shared.link.poll_room(cx)).await?;
        if request.kind == descriptor::Kind::Unary {
            return shared
                .begin(request, metadata, (now, deadline), context, None)?
                .reply()
                .await;
        }
        // Boxed, so that the future of a call without streams is small.
        Box::pin(shared.stream(request, metadata, (now, deadline), context)).await
    }
}

impl Shared {
    /// Sends the frame of a call.
    fn begin(
        self: &Arc<Self>,
        request: &Request,
        metadata: Option<&Metadata>,
        (now, deadline): (Instant, Option<Instant>),
        context: &CallContext,
        streams: Option<&Streams>,
    ) -> Result<CallGuard> {
        let none = Bytes::new();
        let body = match &request.body {
            RequestBody::Message(body) => body,
            RequestBody::Stream(_) => &none,
        };
        if body.len() > self.limit {
            return Err(too_large(body.len(), self.limit).unseen());
        }
        if request.path.len() > NAME {
            // The server would close the connection, under the calls of others.
            return Err(Error::invalid_argument(format!(
                "the name of a method has {} bytes, {NAME} at the most",
                request.path.len()
            ))
            .unseen());
        }
        let merged = merged_metadata(context, metadata);
        if let Some(merged) = &merged {
            check_metadata(merged).map_err(Error::unseen)?;
        }
        let trace = context.trace().map(|trace| trace.child().to_string());
        let mut extra = [("", ""); 2];
        let mut extras = 0;
        if let Some(trace) = &trace {
            extra[extras] = (crate::trace::TRACEPARENT, trace);
            extras += 1;
        }
        if request.accept != request.content_type {
            extra[extras] = ("accept", request.accept.as_str());
            extras += 1;
        }
        let millis = deadline.map_or(0, |deadline| {
            // Rounded up, and never 0, which would be no limit.
            let left = deadline.saturating_duration_since(now);
            let millis = left.as_secs().saturating_mul(1000) + u64::from(left.subsec_millis()) + 1;
            u32::try_from(millis).unwrap_or(u32::MAX)
        });
        let id = self.take_id(deadline, streams)?;
        // From here on the guard gives the call up wherever it is dropped.
        let guard = CallGuard {
            shared: self.clone(),
            id,
        };
        let mut frame = Frame::new(Header::new(Kind::Call, id).word(millis));
        frame.metadata = merged.as_deref();
        frame.extra = &extra[..extras];
        frame.content_type = Some(request.content_type);
        frame.streams = streams.is_some_and(|streams| streams.requests.is_some());
        let sent = self.link.send_call(&request.path, frame, body)?;
        self.lock().slots[id as usize].sent = sent;
        Ok(guard)
    }

    async fn stream(
        self: &Arc<Self>,
        request: &mut Request,
        metadata: Option<&Metadata>,
        times: (Instant, Option<Instant>),
        context: &CallContext,
    ) -> Result<Response> {
        let messages = request.take_stream();
        let streams = Streams {
            replies: request
                .kind
                .server_streams()
                .then(|| Arc::new(Queue::new(WINDOW))),
            requests: messages.is_some().then(|| Arc::new(Room::new())),
        };
        let guard = self.begin(request, metadata, times, context, Some(&streams))?;
        let pump = messages.zip(streams.requests).map(|(messages, room)| {
            pump(
                messages,
                Sender::new(self.link.clone(), guard.id, room, self.limit, None),
            )
        });
        let Some(queue) = streams.replies else {
            let Some(pump) = pump else {
                return guard.reply().await;
            };
            // The request stream is driven by whoever awaits the reply.
            let (pump, reply) = (std::pin::pin!(pump), std::pin::pin!(guard.reply()));
            return match future::select(reply, pump).await {
                future::Either::Left((reply, _)) => reply,
                future::Either::Right((Ok(()), reply)) => reply.await,
                future::Either::Right((Err(error), _)) => Err(error),
            };
        };
        // A caller that sends first must get its hands on the stream before any reply.
        let payload = if pump.is_some() {
            None
        } else {
            guard.opened().await?
        };
        if let Some(pump) = pump {
            // Ends with the call: when the server or the reader of the replies ends it.
            tokio::spawn(context.scope(async move { drop(pump.await) }));
        }
        let content_type = payload
            .as_ref()
            .map_or(request.accept, |payload| payload.content_type);
        let credit = Credit::new(self.link.clone(), guard.id, Some(guard));
        let inbound = Inbound::new(queue, WINDOW, Some(credit));
        let mut response = Response::new(content_type, ResponseBody::Stream(inbound));
        response.metadata = payload.map(|payload| payload.metadata).unwrap_or_default();
        Ok(response)
    }
}

/// What the streams of a call need at this end.
#[derive(Debug)]
struct Streams {
    replies: Option<Arc<Queue>>,
    requests: Option<Arc<Room>>,
}

/// The headers of the calling context, with those of the call in their place.
pub(crate) fn merged_metadata<'a>(
    context: &'a CallContext,
    own: Option<&'a Metadata>,
) -> Option<Cow<'a, Metadata>> {
    let own = own.filter(|own| !own.is_empty());
    if context.metadata().is_empty() {
        return own.map(Cow::Borrowed);
    }
    let mut merged = context.metadata().for_onward_call();
    if let Some(own) = own {
        merged.merge(own);
    }
    Some(Cow::Owned(merged))
}

/// Sends a caller's messages until they end or nobody reads them.
async fn pump(mut messages: BoxStream<'static, Result<Bytes>>, mut sender: Sender) -> Result<()> {
    loop {
        let next = future::poll_fn(|cx| {
            if sender.poll_gone(cx).is_ready() {
                return Poll::Ready(None);
            }
            messages.poll_next_unpin(cx).map(Some)
        });
        let Some(next) = next.await else {
            return Ok(());
        };
        let sent = match next {
            Some(Ok(message)) => {
                if future::poll_fn(|cx| sender.poll_ready(cx)).await.is_err() {
                    return Ok(());
                }
                sender.send(message)
            }
            Some(Err(error)) => Err(error),
            None => {
                sender.finish(Ok(()));
                return Ok(());
            }
        };
        if let Err(error) = sent {
            sender.finish(Err(error.clone()));
            return Err(error);
        }
    }
}

impl Shared {
    fn take_id(&self, deadline: Option<Instant>, streams: Option<&Streams>) -> Result<u32> {
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
pub(super) struct CallGuard {
    shared: Arc<Shared>,
    id: u32,
}

impl CallGuard {
    async fn reply(&self) -> Result<Response> {
        let payload = future::poll_fn(|cx| self.poll(cx, false))
            .await?
            .ok_or_else(no_reply)?;
        let mut response = Response::new(payload.content_type, ResponseBody::Message(payload.body));
        response.metadata = payload.metadata;
        Ok(response)
    }

    /// Waits until the server has accepted a stream, or ended it without a message.
    async fn opened(&self) -> Result<Option<Payload>> {
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
            // The reply stays where it is, so that the guard knows that there is no call to give up.
            State::Done(result) => {
                Poll::Ready(std::mem::replace(result, Err(no_reply())).map(Some))
            }
            State::Late => Poll::Ready(Err(late())),
            State::Open(_) | State::Free | State::GivenUp => Poll::Ready(Ok(None)),
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
        let answered = matches!(slot.state, State::Done(_));
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
fn late() -> Error {
    Error::timeout("the deadline passed before the reply came").with_id("micro.client")
}

#[cold]
fn no_reply() -> Error {
    Error::internal("the reply was taken already")
}

/// Reads and writes a connection.
struct Driver {
    shared: Arc<Shared>,
    input: Input,
    writer: Writer,
    timer: Timer,
    heard: Option<Instant>,
    asked: bool,
    keepalive: Duration,
    /// Has let other tasks run since it last wrote, so that what they send goes along.
    gave_way: bool,
    woken: Vec<Waker>,
}

impl Driver {
    async fn run(mut self, mut io: Connection) {
        let ended = future::poll_fn(|cx| self.poll(&mut io, cx)).await;
        let error = match ended {
            Ok(()) => Error::unavailable(format!("{} closed the connection", io.peer())),
            Err(error) => Error::unavailable(format!(
                "the connection to {} broke: {}",
                io.peer(),
                error.detail()
            )),
        };
        tracing::debug!(network.peer.address = io.peer(), %error, "a connection ended");
        self.shared.link.close(error.clone());
        self.fail_all(&error);
        let _ = io.shutdown().await;
    }

    fn poll(&mut self, io: &mut Connection, cx: &mut Context<'_>) -> Poll<Result<()>> {
        let link = self.shared.link.clone();
        link.driver.register(cx.waker());
        link.attend();
        if let Some(reason) = link.closed() {
            return Poll::Ready(Err(reason));
        }
        while self.timer.poll(cx).is_ready() {
            self.on_timer()?;
        }
        let mut left = 1024;
        loop {
            if left == 0 {
                cx.waker().wake_by_ref();
                break;
            }
            left -= 1;
            if let Some(incoming) = self.input.next()? {
                self.on_frame(incoming)?;
                continue;
            }
            match self.input.poll_read(io, cx) {
                Poll::Ready(Ok(0)) => return Poll::Ready(Ok(())),
                Poll::Ready(Ok(_)) => {
                    if self.heard.is_some() {
                        self.heard = Some(Instant::now());
                        self.asked = false;
                    }
                }
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error.into())),
                Poll::Pending => break,
            }
        }
        self.input.rest();
        let open = self.watch_over_calls();
        // All that were answered are woken in one go, and before anything is written, as most of
        // them will have something to send.
        self.woken.drain(..).for_each(Waker::wake);
        if !open {
            if link.waiting(&self.writer) == 0 {
                return Poll::Ready(Ok(()));
            }
        } else if !std::mem::replace(&mut self.gave_way, true) && link.waiting(&self.writer) > 0 {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        if link.poll_flush(&mut self.writer, io, cx)?.is_ready() {
            self.gave_way = false;
        }
        Poll::Pending
    }

    /// Sees to the timer; says whether the connection is still of use.
    fn watch_over_calls(&mut self) -> bool {
        let mut calls = self.shared.lock();
        let at_work = calls.slots.len() - calls.free.len();
        let deadline = calls.deadline;
        let done = at_work == 0 && (calls.abandoned || calls.leaving);
        if done {
            // Whoever comes now must not wait for a connection that closes.
            calls.leaving = true;
        }
        drop(calls);
        if let Some(deadline) = deadline {
            self.timer.arm(deadline);
        }
        if at_work > 0 && self.heard.is_none() {
            let now = Instant::now();
            self.heard = Some(now);
            self.timer.arm(now + self.keepalive);
        }
        !done
    }

    fn on_frame(&mut self, incoming: Incoming) -> Result<()> {
        let (header, body) = match incoming {
            Incoming::Frame(header, body) => (header, body),
            Incoming::TooLarge(header) => {
                let error = too_large(header.len as usize, self.shared.limit);
                if header.kind == Kind::Data {
                    // The server goes on until it is told; its answer then frees the id.
                    self.end_replies(header.id, Err(error));
                    self.shared
                        .link
                        .send_header(Header::new(Kind::Cancel, header.id));
                } else {
                    self.on_answer(header.id, Err(error));
                }
                return Ok(());
            }
        };
        match header.kind {
            Kind::Reply if header.word == 0 => {
                let payload = Payload::parse(header, body, ANSWER_METADATA);
                self.on_answer(header.id, payload);
            }
            Kind::Reply => {
                let error = match Payload::parse(header, body, ANSWER_METADATA) {
                    Ok(payload) => take_error(header, payload.body),
                    Err(error) => error,
                };
                self.on_answer(header.id, Err(error));
            }
            Kind::Open => {
                let payload = Payload::parse(header, body, ANSWER_METADATA)?;
                let mut calls = self.shared.lock();
                if let Some(slot) = calls.slots.get_mut(header.id as usize)
                    && matches!(slot.state, State::Waiting)
                {
                    slot.state = State::Open(payload);
                    self.woken.extend(slot.waker.take());
                }
            }
            Kind::Data => {
                let replies = {
                    let calls = self.shared.lock();
                    calls
                        .slots
                        .get(header.id as usize)
                        .and_then(|slot| slot.replies.clone())
                };
                if let Some(replies) = replies {
                    self.woken.extend(replies.receive(body)?);
                }
            }
            Kind::Credit => {
                let requests = {
                    let calls = self.shared.lock();
                    calls
                        .slots
                        .get(header.id as usize)
                        .and_then(|slot| slot.requests.clone())
                };
                if let Some(requests) = requests {
                    requests.give(header.word);
                }
            }
            Kind::Ping => self
                .shared
                .link
                .send_header(Header::new(Kind::Pong, 0).word(header.word)),
            Kind::Pong => {}
            Kind::Leave => self.shared.lock().leaving = true,
            Kind::Name | Kind::Call | Kind::End | Kind::Cancel => {
                return Err(Error::invalid_argument(format!(
                    "a server sent a {:?} frame",
                    header.kind
                )));
            }
        }
        Ok(())
    }

    fn on_answer(&mut self, id: u32, answer: Result<Payload>) {
        let mut calls = self.shared.lock();
        let Some(slot) = calls.slots.get_mut(id as usize) else {
            return;
        };
        match slot.state {
            State::Free | State::Done(_) => return,
            State::GivenUp => {
                *slot = Slot::default();
                calls.free.push(id);
                return;
            }
            State::Waiting | State::Open(_) | State::Late => {}
        }
        if let Some(replies) = slot.replies.take() {
            let end = answer.as_ref().map(|_| ()).map_err(Clone::clone);
            self.woken.extend(replies.end(end));
        }
        if let Some(requests) = slot.requests.take() {
            requests.close();
        }
        // A stream that was opened in the same breath is handed over with what it holds; its end,
        // good or bad, stands behind that.
        slot.state = match (std::mem::take(&mut slot.state), answer) {
            (State::Open(opened), Err(_)) => State::Done(Ok(opened)),
            (_, answer) => State::Done(answer),
        };
        slot.deadline = None;
        self.woken.extend(slot.waker.take());
    }

    fn end_replies(&mut self, id: u32, end: Result<()>) {
        let replies = {
            let mut calls = self.shared.lock();
            calls
                .slots
                .get_mut(id as usize)
                .and_then(|slot| slot.replies.take())
        };
        if let Some(replies) = replies {
            self.woken.extend(replies.end(end));
        }
    }

    fn on_timer(&mut self) -> Result<()> {
        let now = Instant::now();
        let mut late = Vec::new();
        let at_work = {
            let mut calls = self.shared.lock();
            let mut earliest = None;
            for (slot, id) in calls.slots.iter_mut().zip(0..) {
                let Some(deadline) = slot.deadline else {
                    continue;
                };
                if deadline <= now {
                    slot.deadline = None;
                    late.push(id);
                } else {
                    earliest =
                        Some(earliest.map_or(deadline, |earliest: Instant| earliest.min(deadline)));
                }
            }
            calls.deadline = earliest;
            calls.slots.len() - calls.free.len()
        };
        for id in late {
            self.expire(id);
        }
        if at_work == 0 {
            self.heard = None;
            self.shared.link.rest(&mut self.writer);
            return Ok(());
        }
        let Some(heard) = self.heard else {
            return Ok(());
        };
        let silent = now - heard;
        let patience = self.keepalive / 2;
        if self.asked && silent >= self.keepalive + patience {
            return Err(Error::unavailable(format!(
                "the server has been silent for {silent:?}"
            )));
        }
        if silent >= self.keepalive && !self.asked {
            self.asked = true;
            self.shared.link.send_header(Header::new(Kind::Ping, 0));
        }
        let next = heard + self.keepalive + if self.asked { patience } else { Duration::ZERO };
        self.timer.arm(next.max(now + Duration::from_millis(10)));
        Ok(())
    }

    /// The deadline of a call has passed.
    fn expire(&mut self, id: u32) {
        self.end_replies(id, Err(late()));
        let mut calls = self.shared.lock();
        let slot = &mut calls.slots[id as usize];
        if let Some(requests) = slot.requests.take() {
            requests.close();
        }
        if matches!(slot.state, State::Waiting | State::Open(_)) {
            slot.state = State::Late;
            self.woken.extend(slot.waker.take());
        }
    }

    /// The connection is gone: so are the calls on it.
    fn fail_all(&mut self, error: &Error) {
        let written = self.writer.written;
        let ids = self.shared.lock().slots.len() as u32;
        for id in 0..ids {
            let unseen = {
                let calls = self.shared.lock();
                // One that is being sent just now may be seen: `sent` is not known yet.
                calls.slots[id as usize].sent != u64::MAX && calls.slots[id as usize].sent > written
            };
            let error = if unseen {
                error.clone().unseen()
            } else {
                error.clone()
            };
            self.on_answer(id, Err(error));
        }
        self.woken.drain(..).for_each(Waker::wake);
    }
}
