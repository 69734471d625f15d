//! The core of generated mocks: answers by closures, and a log of the calls.

use std::{
    any::{Any, type_name},
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use bytes::Bytes;
use futures_util::{FutureExt, Stream, StreamExt, future::BoxFuture};

use crate::{
    Error, Result, Streaming, broker,
    client::{Client, Request, RequestBody, Response, ResponseBody},
    codec::{ContentType, Wire},
    rpc::Rpc,
    stream::{Inbound, pipe},
};

const WINDOW: usize = 256 * 1024;

type Answer = dyn FnMut(Request) -> BoxFuture<'static, Result<Response>> + Send;

/// What a generated mock is made of. A clone shares answers and log.
#[derive(Clone, Default)]
pub struct Mock(Arc<Shared>);

#[derive(Default)]
struct Shared {
    answers: Mutex<HashMap<&'static str, Box<Answer>>>,
    calls: Mutex<Vec<MockCall>>,
    published: Mutex<Vec<(String, broker::Message)>>,
}

/// The [`Client`] of a mock.
pub type MockClient = Mock;

/// A call that a mock got.
#[derive(Clone)]
pub struct MockCall {
    /// `helloworld.Greeter/Hello`.
    pub path: String,
    /// The headers that were set for the call.
    pub metadata: crate::Metadata,
    body: Option<Bytes>,
    content_type: ContentType,
    wire: &'static (dyn Any + Send + Sync),
}

impl MockCall {
    /// The message of the call.
    ///
    /// # Errors
    /// `InvalidArgument` where it was a stream or is of another type.
    pub fn message<T: 'static>(&self) -> Result<T> {
        let (Some(wire), Some(body)) = (self.wire.downcast_ref::<Wire<T>>(), &self.body) else {
            return Err(Error::invalid_argument(format!(
                "the call of {} has no single message of type {}",
                self.path,
                type_name::<T>()
            )));
        };
        wire.decode(body.clone(), self.content_type)
    }
}

impl fmt::Debug for MockCall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MockCall")
            .field("path", &self.path)
            .field("metadata", &self.metadata)
            .finish_non_exhaustive()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Mock {
    /// Answers calls of one message with one.
    pub fn unary<Req: 'static, Resp: 'static>(
        &self,
        rpc: &'static Rpc<Req, Resp>,
        mut answer: impl FnMut(Req) -> Result<Resp> + Send + 'static,
    ) {
        self.on(rpc, move |request| {
            let reply = one(rpc, &request).and_then(&mut answer);
            futures_util::future::ready(
                reply.and_then(|reply| message(rpc, &reply, request.accept)),
            )
            .boxed()
        });
    }

    /// Answers calls of one message with the messages of a stream.
    pub fn server_stream<Req: 'static, Resp: Send + 'static, S>(
        &self,
        rpc: &'static Rpc<Req, Resp>,
        mut answer: impl FnMut(Req) -> Result<S> + Send + 'static,
    ) where
        S: Stream<Item = Result<Resp>> + Send + 'static,
    {
        self.on(rpc, move |request| {
            let replies = one(rpc, &request).and_then(&mut answer);
            futures_util::future::ready(replies.map(|replies| stream(rpc, replies, request.accept)))
                .boxed()
        });
    }

    /// Answers calls of a stream of messages with one.
    pub fn client_stream<Req: Send + 'static, Resp: 'static, F>(
        &self,
        rpc: &'static Rpc<Req, Resp>,
        mut answer: impl FnMut(Streaming<Req>) -> F + Send + 'static,
    ) where
        F: Future<Output = Result<Resp>> + Send + 'static,
    {
        self.on(rpc, move |request| {
            let accept = request.accept;
            let reply = answer(many(rpc, request));
            async move { message(rpc, &reply.await?, accept) }.boxed()
        });
    }

    /// Answers calls of a stream of messages with the messages of another.
    pub fn bidi<Req: Send + 'static, Resp: Send + 'static, S>(
        &self,
        rpc: &'static Rpc<Req, Resp>,
        mut answer: impl FnMut(Streaming<Req>) -> Result<S> + Send + 'static,
    ) where
        S: Stream<Item = Result<Resp>> + Send + 'static,
    {
        self.on(rpc, move |request| {
            let accept = request.accept;
            let replies = answer(many(rpc, request));
            futures_util::future::ready(replies.map(|replies| stream(rpc, replies, accept))).boxed()
        });
    }

    fn on<Req: 'static, Resp: 'static>(
        &self,
        rpc: &'static Rpc<Req, Resp>,
        mut answer: impl FnMut(Request) -> BoxFuture<'static, Result<Response>> + Send + 'static,
    ) {
        let shared = Arc::downgrade(&self.0);
        let logged = move |request: Request| {
            if let Some(shared) = shared.upgrade() {
                lock(&shared.calls).push(MockCall {
                    path: request.path.clone().into_owned(),
                    metadata: request
                        .options
                        .as_ref()
                        .map(|set| set.metadata.clone())
                        .unwrap_or_default(),
                    body: match &request.body {
                        RequestBody::Message(bytes) => Some(bytes.clone()),
                        RequestBody::Stream(_) => None,
                    },
                    content_type: request.content_type,
                    wire: rpc.request,
                });
            }
            answer(request)
        };
        lock(&self.0.answers).insert(rpc.method.path, Box::new(logged));
    }

    /// The calls so far, in their order.
    #[must_use]
    pub fn calls(&self) -> Vec<MockCall> {
        lock(&self.0.calls).clone()
    }

    /// What was published by way of this client so far, by topic.
    #[must_use]
    pub fn published(&self) -> Vec<(String, broker::Message)> {
        lock(&self.0.published).clone()
    }
}

impl Client for Mock {
    async fn call(&self, request: Request) -> Result<Response> {
        let answered = match lock(&self.0.answers).get_mut(&*request.path) {
            Some(answer) => answer(request),
            None => {
                return Err(Error::unimplemented(format!(
                    "the mock has no answer for {}; give it one",
                    request.path
                )));
            }
        };
        answered.await
    }

    async fn publish(&self, topic: &str, message: broker::Message) -> Result<()> {
        lock(&self.0.published).push((topic.to_owned(), message));
        Ok(())
    }
}

impl fmt::Debug for Mock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mock")
            .field("calls", &self.calls())
            .finish_non_exhaustive()
    }
}

fn one<Req, Resp>(rpc: &Rpc<Req, Resp>, request: &Request) -> Result<Req> {
    match &request.body {
        RequestBody::Message(bytes) => rpc.request.decode(bytes.clone(), request.content_type),
        RequestBody::Stream(_) => Err(Error::invalid_argument(
            "a stream where one message was due",
        )),
    }
}

fn many<Req, Resp>(rpc: &'static Rpc<Req, Resp>, request: Request) -> Streaming<Req> {
    let inbound = match request.body {
        RequestBody::Message(bytes) => Inbound::once(bytes),
        RequestBody::Stream(messages) => pumped(messages),
    };
    Streaming::new(inbound, request.content_type, rpc.request)
}

fn message<Req, Resp>(rpc: &Rpc<Req, Resp>, reply: &Resp, accept: ContentType) -> Result<Response> {
    Ok(Response::new(
        accept,
        ResponseBody::Message(rpc.response.encode(reply, accept)?),
    ))
}

fn stream<Req, Resp: Send + 'static>(
    rpc: &'static Rpc<Req, Resp>,
    replies: impl Stream<Item = Result<Resp>> + Send + 'static,
    accept: ContentType,
) -> Response {
    let wire = rpc.response;
    let replies = replies.map(move |reply| wire.encode(&reply?, accept));
    Response::new(accept, ResponseBody::Stream(pumped(replies)))
}

/// Moves a stream into a bounded pipe by a task that ends when either side does.
fn pumped(messages: impl Stream<Item = Result<Bytes>> + Send + 'static) -> Inbound {
    let (mut outbound, inbound) = pipe(WINDOW);
    tokio::spawn(async move {
        let mut messages = std::pin::pin!(messages);
        let end = loop {
            match messages.next().await {
                Some(Ok(message)) => {
                    if outbound.send(message).await.is_err() {
                        return;
                    }
                }
                Some(Err(error)) => break Err(error),
                None => break Ok(()),
            }
        };
        outbound.finish(end);
    });
    inbound
}
