//! gRPC, the calling side: for servers that say in the registry that they speak it.

use std::{
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context as Cx, Poll, ready},
    time::Duration,
};

use ::http::{HeaderMap, HeaderValue, Request as HttpRequest, Uri, header};
use bytes::{Bytes, BytesMut};
use futures_util::{StreamExt, future, stream::BoxStream};
use http_body::Frame;
use hyper::{
    body::Incoming,
    client::conn::http2::{Builder, SendRequest},
};
use tokio::{sync::oneshot, time::Instant};

use super::{
    errors::broken,
    grpc_frame::{ENCODINGS, Encoding, Messages, put_prefix, too_large},
    grpc_head,
    io::{Clock, Io, Tasks},
};
use crate::{
    Code, Context, Error, Metadata, Result,
    client::{Request, RequestBody, Response, ResponseBody},
    codec::ContentType,
    descriptor::Kind,
    native::merged_metadata,
    stream::{Outbound, pipe},
    transport::Connection,
};

/// The bytes that a stream of replies may hold unread here.
const WINDOW: usize = 256 << 10;

/// A connection that carries calls to a gRPC server.
#[derive(Debug)]
pub(crate) struct GrpcChannel {
    sender: SendRequest<Outgoing>,
    authority: String,
    limit: usize,
}

impl GrpcChannel {
    /// Makes a connection carry calls, and leaves a task to read and write, which ends with the
    /// connection or when the channel is dropped and no call is under way.
    ///
    /// # Errors
    /// `Unavailable` where the other end hangs up.
    pub(crate) async fn open(
        io: Connection,
        address: &str,
        limit: usize,
        keepalive: Duration,
    ) -> Result<Self> {
        let peer = io.peer().to_owned();
        let (sender, connection) = Builder::new(Tasks)
            .timer(Clock)
            .keep_alive_interval(keepalive)
            .keep_alive_timeout(keepalive / 2)
            .initial_stream_window_size(1 << 20)
            .initial_connection_window_size(4 << 20)
            .max_header_list_size(64 << 10)
            .handshake(Io::new(Bytes::new(), io))
            .await
            .map_err(|error| broken(&error))?;
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(network.peer.address = peer, %error, "a connection broke");
            }
        });
        // What is no authority, like the path of a socket, has none.
        let authority = match address.parse::<::http::uri::Authority>() {
            Ok(authority) => authority.to_string(),
            Err(_) => "localhost".to_owned(),
        };
        Ok(Self {
            sender,
            authority,
            limit,
        })
    }

    /// Whether new calls can be made on it.
    pub(crate) fn is_open(&self) -> bool {
        !self.sender.is_closed()
    }

    /// Sends a call with these headers beside those of `context`.
    ///
    /// # Errors
    /// What the handler said; `Unavailable` where the connection broke, marked unseen where the
    /// server can't have seen the call; `DeadlineExceeded`.
    pub(crate) async fn call(
        &self,
        request: &mut Request,
        metadata: Option<&Metadata>,
        deadline: Option<Instant>,
        context: &Context,
    ) -> Result<Response> {
        let outgoing = self.head(request, metadata, deadline, context)?;
        let failed = Arc::new(Mutex::new(None));
        let (reading, read) = oneshot::channel();
        let body = match (request.take_stream(), &request.body) {
            (Some(messages), _) => Outgoing::Stream {
                messages,
                context: context.clone(),
                limit: self.limit,
                failed: failed.clone(),
                read,
                rest: None,
            },
            (None, RequestBody::Message(message)) if message.len() > self.limit => {
                return Err(too_large(message.len(), self.limit).unseen());
            }
            (None, RequestBody::Message(message)) => Outgoing::one(message.clone()),
            (None, RequestBody::Stream(_)) => Outgoing::Frames(Vec::new()),
        };
        let began = self.sender.clone().send_request(outgoing.map(|()| body));
        let call = Reading {
            limit: self.limit,
            accept: request.accept,
            failed,
            reading,
        };
        let early = request.kind == Kind::Bidi;
        let (outbound, inbound) = match request.kind {
            Kind::Unary | Kind::ClientStream => {
                let read = async {
                    let (mut reply, mut messages) = call.opened(began.await)?;
                    let message = call.only(&mut messages).await?;
                    if let Some(trailers) = &messages.trailers {
                        reply.metadata.merge(&grpc_head::take_metadata(trailers));
                    }
                    reply.body = ResponseBody::Message(message);
                    Ok(reply)
                };
                return by(deadline, read).await;
            }
            Kind::ServerStream | Kind::Bidi => pipe(WINDOW),
        };
        let mut response = Response::new(request.accept, ResponseBody::Stream(inbound));
        if early {
            // A caller that sends first must get its hands on the stream before any reply.
            tokio::spawn(async move {
                let mut outbound = outbound;
                let read = async {
                    let opened = unless_gone(&outbound, began).await?;
                    let (_, messages) = call.opened(opened)?;
                    call.stream(messages, &mut outbound).await
                };
                let end = by(deadline, read).await;
                outbound.finish(end);
            });
            return Ok(response);
        }
        let (head, messages) = by(deadline, async { call.opened(began.await) }).await?;
        response.content_type = head.content_type;
        response.metadata = head.metadata;
        tokio::spawn(async move {
            let mut outbound = outbound;
            let end = by(deadline, call.stream(messages, &mut outbound)).await;
            outbound.finish(end);
        });
        Ok(response)
    }

    fn head(
        &self,
        request: &Request,
        metadata: Option<&Metadata>,
        deadline: Option<Instant>,
        context: &Context,
    ) -> Result<HttpRequest<()>> {
        let mut path = request.path.trim_start_matches('/').to_owned();
        // As Go Micro writes it: `Greeter.Hello`.
        if let (None, Some(dot)) = (path.find('/'), path.rfind('.')) {
            path.replace_range(dot..=dot, "/");
        }
        let uri = Uri::builder()
            .scheme("http")
            .authority(self.authority.as_str())
            .path_and_query(format!("/{path}"))
            .build()
            .map_err(|error| {
                Error::invalid_argument(format!("{path:?} can't be called by gRPC: {error}"))
                    .unseen()
            })?;
        let mut headers = HeaderMap::new();
        if let Some(metadata) = merged_metadata(context, metadata) {
            grpc_head::put_metadata(&mut headers, &metadata);
        }
        if let Some(trace) = context.trace()
            && let Ok(trace) = HeaderValue::from_str(&trace.child().to_string())
        {
            headers.insert(crate::trace::TRACEPARENT, trace);
        }
        let form = request.content_type;
        headers.insert(header::CONTENT_TYPE, grpc_head::content_type(form));
        if request.accept != form {
            headers.insert(
                header::ACCEPT,
                HeaderValue::from_static(request.accept.as_str()),
            );
        }
        grpc_head::put_static(&mut headers, "te", "trailers");
        grpc_head::put_static(&mut headers, "grpc-accept-encoding", ENCODINGS);
        if let Some(deadline) = deadline {
            let left = deadline.saturating_duration_since(Instant::now());
            headers.insert("grpc-timeout", grpc_head::timeout(left));
        }
        let mut outgoing = HttpRequest::new(());
        *outgoing.method_mut() = ::http::Method::POST;
        *outgoing.uri_mut() = uri;
        *outgoing.version_mut() = ::http::Version::HTTP_2;
        *outgoing.headers_mut() = headers;
        Ok(outgoing)
    }
}

async fn by<T>(deadline: Option<Instant>, work: impl Future<Output = Result<T>>) -> Result<T> {
    let Some(deadline) = deadline else {
        return work.await;
    };
    match tokio::time::timeout_at(deadline, work).await {
        Ok(done) => done,
        Err(_) => Err(Error::timeout("no reply before the deadline").with_id("micro.client")),
    }
}

/// Waits, but no longer than somebody reads what `outbound` sends.
async fn unless_gone<T>(outbound: &Outbound, work: impl Future<Output = T>) -> Result<T> {
    let gone = future::poll_fn(|cx| outbound.poll_gone(cx));
    tokio::select! {
        biased;
        () = gone => Err(Error::cancelled("nobody reads the stream any more")),
        done = work => Ok(done),
    }
}

/// Reads what a server answers.
struct Reading {
    limit: usize,
    accept: ContentType,
    /// What went wrong in the caller's own stream, which is what the call fails with.
    failed: Arc<Mutex<Option<Error>>>,
    /// Ends the caller's own stream when it is dropped.
    #[expect(dead_code, reason = "held to be dropped when nobody reads")]
    reading: oneshot::Sender<()>,
}

impl Reading {
    fn failed(&self, error: Error) -> Error {
        // Nothing can panic while it is held.
        let mut failed = self.failed.lock().unwrap_or_else(PoisonError::into_inner);
        failed.take().unwrap_or(error)
    }

    /// The head of the answer, and what is to be read; an error where that is all.
    fn opened(
        &self,
        response: hyper::Result<::http::Response<Incoming>>,
    ) -> Result<(Response, Messages)> {
        let response = response.map_err(|error| self.failed(broken(&error)))?;
        let (head, body) = response.into_parts();
        if let Some(Err(error)) = grpc_head::take_status(&head.headers) {
            return Err(error);
        }
        let status = head.status.as_u16();
        if status != 200 {
            return Err(foreign(status));
        }
        let media = grpc_head::media(&head.headers);
        let form = match grpc_head::form(media) {
            Some(form) => form.map_err(|error| Error::internal(error.detail().to_owned()))?,
            None => {
                return Err(Error::unknown(format!(
                    "the server answered with {:?}, which is not gRPC",
                    media.chars().take(100).collect::<String>()
                )));
            }
        };
        // A bare `application/grpc` is whatever was asked for.
        let form = match media {
            "application/grpc" => self.accept,
            _ => form,
        };
        let encoding = Encoding::of(&head.headers)?;
        let mut reply = Response::new(form, ResponseBody::Message(Bytes::new()));
        reply.metadata = grpc_head::take_metadata(&head.headers);
        Ok((reply, Messages::new(body, self.limit, encoding)))
    }

    /// The next message; `None` where the call ended well.
    async fn next(&self, messages: &mut Messages) -> Result<Option<Bytes>> {
        match messages.next().await {
            Some(Ok(message)) => Ok(Some(message)),
            Some(Err(error)) if error.code() == Code::InvalidArgument => {
                // The fault is the server's, not that of the caller's argument.
                Err(self.failed(Error::internal(error.detail().to_owned())))
            }
            Some(Err(error)) => Err(self.failed(error)),
            None => match messages.trailers.as_ref().and_then(grpc_head::take_status) {
                Some(end) => end.map(|()| None),
                None => Err(self.failed(Error::internal(
                    "the server ended the call without a status",
                ))),
            },
        }
    }

    async fn only(&self, messages: &mut Messages) -> Result<Bytes> {
        let Some(message) = self.next(messages).await? else {
            return Err(Error::internal("the server said OK and sent no reply"));
        };
        match self.next(messages).await? {
            None => Ok(message),
            Some(_) => Err(Error::internal("the server sent more than one reply")),
        }
    }

    async fn stream(&self, mut messages: Messages, outbound: &mut Outbound) -> Result<()> {
        while let Some(message) = unless_gone(outbound, self.next(&mut messages)).await?? {
            outbound.send(message).await?;
        }
        Ok(())
    }
}

/// What gRPC says that the status of a server stands for that is none of gRPC's.
#[cold]
fn foreign(status: u16) -> Error {
    let code = match status {
        400 => Code::Internal,
        401 => Code::Unauthenticated,
        403 => Code::PermissionDenied,
        404 => Code::Unimplemented,
        429 | 502..=504 => Code::Unavailable,
        _ => Code::Unknown,
    };
    Error::new(
        code,
        format!("the server answered with HTTP {status}, which is not gRPC"),
    )
}

/// The messages of a call on their way out.
enum Outgoing {
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
    fn one(message: Bytes) -> Self {
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
