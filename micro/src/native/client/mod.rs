//! The calling end of a connection.

use std::{borrow::Cow, sync::Arc, task::Poll, time::Duration};

use bytes::Bytes;
use futures_util::{StreamExt, future, stream::BoxStream};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    time::Instant,
};

use super::{
    frame::{Frame, Header, Kind, NAME, PREFACE, VERSION, WINDOW, check_metadata},
    stream::{Credit, Room, Sender},
    too_large,
};
use crate::{
    Context as CallContext, Error, Metadata, Result,
    client::{Request, RequestBody, Response, ResponseBody},
    descriptor,
    stream::{Inbound, Queue},
    transport::Connection,
};

mod calls;
mod driver;

pub(crate) use calls::CallGuard;
use calls::{Shared, Streams};
use driver::Driver;

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
        let shared = Arc::new(Shared::new(limit));
        tokio::spawn(Driver::new(shared.clone(), keepalive).run(io));
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
