//! A call as a handler and its layers see it, and the reply.

use std::{any::Any, fmt};

use bytes::Bytes;
use futures_util::{Stream, StreamExt};

use super::Route;
use crate::{
    Context, Error, Metadata, Result, Streaming,
    codec::{ContentType, Wire},
    descriptor::Method,
    rpc::Rpc,
    stream::{Inbound, Outbound},
};

/// A call that arrived: its context, the method that it is for, and its message or messages.
#[derive(Debug)]
pub struct Call {
    /// Metadata, deadline, cancellation, peer and trace.
    pub context: Context,
    /// The method that it is for.
    pub route: Route,
    /// The form of the request.
    pub content_type: ContentType,
    /// The form that the reply is to have.
    pub accept: ContentType,
    /// The message, or the stream of them.
    pub body: Body,
    /// Where the messages of a streamed reply go; there only where the method streams its reply.
    pub output: Option<Outbound>,
}

/// The message of a call, or the stream of them.
pub enum Body {
    /// One encoded message.
    Message(Bytes),
    /// One message that a layer decoded: the handler takes it as it is.
    Decoded(Box<dyn Any + Send + Sync>),
    /// A stream of encoded messages.
    Stream(Inbound),
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Message(bytes) => write!(f, "Message({} bytes)", bytes.len()),
            Self::Decoded(_) => f.write_str("Decoded"),
            Self::Stream(_) => f.write_str("Stream"),
        }
    }
}

/// The end of a call that went well.
#[derive(Clone, Debug, Default)]
pub struct Response {
    /// Headers beside the reply.
    pub metadata: Metadata,
    /// The encoded reply; empty behind a stream.
    pub body: Bytes,
    /// The form of the reply.
    pub content_type: Option<ContentType>,
}

impl Call {
    /// The method that is called.
    #[must_use]
    pub fn method(&self) -> &'static Method {
        self.route.method
    }

    /// The message, decoded. The first look decodes it, and the handler takes the value on from
    /// there, so looking costs nothing more; changing it changes what the handler gets.
    ///
    /// # Errors
    /// `InvalidArgument` where the body can't be decoded, `Internal` where `T` is not the method's
    /// message type, `FailedPrecondition` for a stream.
    pub fn message<T: Send + Sync + 'static>(&mut self) -> Result<&mut T> {
        let method = self.route.method;
        if let Body::Message(bytes) = &self.body {
            let wire = method.wire.0.downcast_ref::<Wire<T>>();
            let wire = wire.ok_or_else(|| another_type::<T>(method.path))?;
            let value = wire.decode(bytes.clone(), self.content_type)?;
            self.body = Body::Decoded(Box::new(value));
        }
        match &mut self.body {
            Body::Decoded(value) => value
                .downcast_mut()
                .ok_or_else(|| another_type::<T>(method.path)),
            _ => Err(Error::failed_precondition(format!(
                "{} takes a stream, so there is no one message to look at",
                method.path
            ))),
        }
    }

    /// Takes the call apart for the handler.
    #[doc(hidden)]
    pub fn split(self) -> (Context, Input, Output) {
        let input = Input {
            body: self.body,
            content_type: self.content_type,
        };
        (
            self.context,
            input,
            Output {
                accept: self.accept,
                outbound: self.output,
            },
        )
    }
}

#[cold]
fn another_type<T>(path: &str) -> Error {
    Error::internal(format!(
        "a layer took the message of {path} for a {}, which it is not",
        std::any::type_name::<T>()
    ))
}

/// The request side of a call, as generated code uses it.
#[derive(Debug)]
pub struct Input {
    body: Body,
    content_type: ContentType,
}

impl Input {
    /// The one message.
    ///
    /// # Errors
    /// As [`Call::message`].
    pub fn message<Req: 'static, Resp>(self, rpc: &Rpc<Req, Resp>) -> Result<Req> {
        match self.body {
            Body::Message(bytes) => rpc.request.decode(bytes, self.content_type),
            Body::Decoded(value) => match value.downcast() {
                Ok(value) => Ok(*value),
                Err(_) => Err(another_type::<Req>(rpc.method.path)),
            },
            Body::Stream(_) => Err(Error::invalid_argument(format!(
                "{} takes one message, not a stream",
                rpc.method.path
            ))),
        }
    }

    /// The messages.
    pub fn stream<Req, Resp>(self, rpc: &Rpc<Req, Resp>) -> Streaming<Req> {
        let inbound = match self.body {
            Body::Stream(inbound) => inbound,
            Body::Message(bytes) => Inbound::once(bytes),
            Body::Decoded(_) => Inbound::empty(),
        };
        Streaming::new(inbound, self.content_type, rpc.request)
    }
}

/// The reply side of a call, as generated code uses it.
#[derive(Debug)]
pub struct Output {
    accept: ContentType,
    outbound: Option<Outbound>,
}

impl Output {
    /// Replies with one message.
    ///
    /// # Errors
    /// The handler's, or that of encoding its reply.
    pub fn reply<Req, Resp>(self, rpc: &Rpc<Req, Resp>, reply: Result<Resp>) -> Result<Response> {
        let body = rpc
            .response
            .encode(&reply.map_err(Error::seen)?, self.accept)?;
        Ok(Response {
            body,
            content_type: Some(self.accept),
            metadata: Metadata::new(),
        })
    }

    /// Replies with a stream: sends each message as the receiver has room for it.
    ///
    /// # Errors
    /// The handler's or its stream's, that of encoding a message, `Cancelled` where nobody receives
    /// any more.
    pub async fn stream<Req, Resp, S>(
        self,
        rpc: &Rpc<Req, Resp>,
        replies: Result<S>,
    ) -> Result<Response>
    where
        S: Stream<Item = Result<Resp>>,
    {
        let mut replies = std::pin::pin!(replies.map_err(Error::seen)?);
        let Some(mut outbound) = self.outbound else {
            return Err(Error::internal(format!(
                "{} streams, its protocol does not",
                rpc.method.path
            )));
        };
        outbound.open()?;
        while let Some(reply) = replies.next().await {
            outbound
                .send(
                    rpc.response
                        .encode(&reply.map_err(Error::seen)?, self.accept)?,
                )
                .await?;
        }
        Ok(Response {
            content_type: Some(self.accept),
            ..Response::default()
        })
    }
}
