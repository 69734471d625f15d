//! What is sent in return.

use std::{
    convert::Infallible,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::{Bytes, BytesMut};
use http::HeaderMap;
use http_body::{Frame, SizeHint};
use tokio::{sync::oneshot, task::AbortHandle};

use super::{
    grpc_frame::{PREFIX, put_prefix, too_large},
    grpc_head, json,
};
use crate::{Error, Result, server::Response, stream::Inbound};

/// Replies are gathered up to this size, so that many small ones share a frame; larger ones are not
/// copied.
const GATHER: usize = 8 << 10;

/// The body of a response.
#[derive(Debug)]
pub(super) enum Body {
    /// All of it, or the rest; `None` once it is sent.
    Full(Option<Bytes>),
    /// What is left of one reply, then how the call ended.
    Reply(Vec<Bytes>, Option<HeaderMap>),
    Stream(Box<Replies>),
}

/// The replies of a streaming call, and how it ended.
#[derive(Debug)]
pub(super) struct Replies {
    replies: Inbound,
    end: oneshot::Receiver<Result<Response>>,
    /// The task of the handler, which ends when nobody reads its replies.
    #[expect(dead_code, reason = "held to be dropped with the replies")]
    task: Task,
    form: Form,
    limit: usize,
    /// A large reply whose beginning was sent.
    rest: Option<Bytes>,
    broken: Option<Error>,
    ended: bool,
}

/// How replies follow each other.
#[derive(Clone, Copy, Debug)]
pub(super) enum Form {
    Grpc,
    /// Each on a line of its own.
    Lines,
}

/// A task that ends with its owner.
#[derive(Debug)]
pub(super) struct Task(pub(super) AbortHandle);

impl Drop for Task {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Body {
    pub(super) fn empty() -> Self {
        Self::Full(None)
    }

    /// One message of gRPC and the status.
    pub(super) fn reply(message: Bytes, trailers: HeaderMap) -> Self {
        let mut first = BytesMut::with_capacity(PREFIX + small(&message));
        put_prefix(&mut first, message.len());
        let mut parts = Vec::with_capacity(2);
        if message.len() > GATHER {
            parts.push(message);
        } else {
            first.extend_from_slice(&message);
        }
        parts.push(first.freeze());
        Self::Reply(parts, Some(trailers))
    }

    pub(super) fn stream(
        replies: Inbound,
        end: oneshot::Receiver<Result<Response>>,
        task: Task,
        form: Form,
        limit: usize,
    ) -> Self {
        Self::Stream(Box::new(Replies {
            replies,
            end,
            task,
            form,
            limit,
            rest: None,
            broken: None,
            ended: false,
        }))
    }
}

fn small(message: &Bytes) -> usize {
    if message.len() > GATHER {
        0
    } else {
        message.len()
    }
}

impl http_body::Body for Body {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let frame = match self.get_mut() {
            Self::Full(bytes) => bytes.take().map(Frame::data),
            Self::Reply(parts, trailers) => parts
                .pop()
                .map(Frame::data)
                .or_else(|| trailers.take().map(Frame::trailers)),
            Self::Stream(replies) => ready!(replies.poll_frame(cx)),
        };
        Poll::Ready(frame.map(Ok))
    }

    fn is_end_stream(&self) -> bool {
        matches!(self, Self::Full(None))
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Full(bytes) => SizeHint::with_exact(bytes.as_ref().map_or(0, Bytes::len) as u64),
            Self::Reply(..) | Self::Stream(_) => SizeHint::default(),
        }
    }
}

impl Replies {
    fn poll_frame(&mut self, cx: &mut Context<'_>) -> Poll<Option<Frame<Bytes>>> {
        if let Some(rest) = self.rest.take() {
            return Poll::Ready(Some(Frame::data(rest)));
        }
        let mut gathered = BytesMut::new();
        while self.broken.is_none() && gathered.len() < GATHER && self.rest.is_none() {
            match self.replies.poll_next(cx) {
                Poll::Ready(Some(Ok(message))) => self.put(message, &mut gathered),
                // The end of the call says more than the end of its stream.
                Poll::Ready(_) => break,
                Poll::Pending if gathered.is_empty() => return Poll::Pending,
                Poll::Pending => break,
            }
        }
        if !gathered.is_empty() {
            return Poll::Ready(Some(Frame::data(gathered.freeze())));
        }
        if self.ended {
            return Poll::Ready(None);
        }
        let end = match self.broken.take() {
            Some(error) => Err(error),
            None => ready!(Pin::new(&mut self.end).poll(cx))
                .unwrap_or_else(|_| Err(Error::cancelled("the call was dropped"))),
        };
        self.ended = true;
        Poll::Ready(self.end_frame(end))
    }

    fn put(&mut self, message: Bytes, out: &mut BytesMut) {
        if message.len() > self.limit {
            self.broken = Some(too_large(message.len(), self.limit));
            return;
        }
        match self.form {
            Form::Grpc => {
                put_prefix(out, message.len());
                if message.len() > GATHER {
                    self.rest = Some(message);
                } else {
                    out.extend_from_slice(&message);
                }
            }
            Form::Lines => {
                out.extend_from_slice(&message);
                out.extend_from_slice(b"\n");
            }
        }
    }

    fn end_frame(&self, end: Result<Response>) -> Option<Frame<Bytes>> {
        match self.form {
            Form::Grpc => Some(Frame::trailers(trailers(&end))),
            Form::Lines => {
                let mut line = json::error_line(&end.err()?);
                line.push('\n');
                Some(Frame::data(line.into()))
            }
        }
    }
}

/// The status of a call with the metadata that it left behind.
fn trailers(end: &Result<Response>) -> HeaderMap {
    let mut trailers = HeaderMap::new();
    if let Ok(response) = end {
        grpc_head::put_metadata(&mut trailers, &response.metadata);
    }
    grpc_head::put_status(&mut trailers, end.as_ref().map(|_| ()));
    trailers
}
