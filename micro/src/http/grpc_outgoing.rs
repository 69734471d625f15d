//! The messages of a call of ours on their way to a gRPC server.

use std::{
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context as Cx, Poll, ready},
};

use bytes::{Bytes, BytesMut};
use futures_util::{StreamExt, stream::BoxStream};
use http_body::Frame;
use tokio::sync::oneshot;

use super::grpc_frame::{put_prefix, too_large};
use crate::{Context, Error, Result};

/// The messages of a call on their way out.
pub(super) enum Outgoing {
    /// What is left, the last first.
    Frames(Vec<Bytes>),
    Stream {
        messages: BoxStream<'static, Result<Bytes>>,
        context: Context,
        limit: usize,
        failed: Arc<Mutex<Option<Error>>>,
        /// Over when nobody reads the answer any more: an unread answer alone does not end a call
        /// whose requests still come.
        read: oneshot::Receiver<()>,
        /// A large message whose beginning was sent.
        rest: Option<Bytes>,
    },
}

/// Messages up to this size are copied behind their prefix.
const SMALL: usize = 8 << 10;

impl Outgoing {
    pub(super) fn one(message: Bytes) -> Self {
        let (first, rest) = frames(message);
        let mut frames: Vec<_> = rest.into_iter().collect();
        frames.push(first);
        Self::Frames(frames)
    }
}

fn frames(message: Bytes) -> (Bytes, Option<Bytes>) {
    let mut first = BytesMut::new();
    put_prefix(&mut first, message.len());
    if message.len() > SMALL {
        return (first.freeze(), Some(message));
    }
    first.extend_from_slice(&message);
    (first.freeze(), None)
}

impl http_body::Body for Outgoing {
    type Data = Bytes;
    /// Its reason is what the server is told.
    type Error = h2::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Cx<'_>,
    ) -> Poll<Option<std::result::Result<Frame<Bytes>, h2::Error>>> {
        let (messages, context, limit, failed, read, rest) = match self.get_mut() {
            Self::Frames(frames) => return Poll::Ready(frames.pop().map(|f| Ok(Frame::data(f)))),
            Self::Stream {
                messages,
                context,
                limit,
                failed,
                read,
                rest,
            } => (messages, context, *limit, failed, read, rest),
        };
        if Pin::new(read).poll(cx).is_ready() {
            return Poll::Ready(Some(Err(h2::Reason::CANCEL.into())));
        }
        if let Some(rest) = rest.take() {
            return Poll::Ready(Some(Ok(Frame::data(rest))));
        }
        let next = {
            let _entered = context.enter();
            ready!(messages.poll_next_unpin(cx))
        };
        let next = match next {
            None => return Poll::Ready(None),
            Some(Ok(message)) if message.len() > limit => Err(too_large(message.len(), limit)),
            Some(next) => next,
        };
        Poll::Ready(Some(match next {
            Ok(message) => {
                let (first, behind) = frames(message);
                *rest = behind;
                Ok(Frame::data(first))
            }
            Err(error) => {
                *failed.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
                Err(h2::Reason::CANCEL.into())
            }
        }))
    }

    fn is_end_stream(&self) -> bool {
        matches!(self, Self::Frames(frames) if frames.is_empty())
    }
}
