//! A call of a generated client, from its options to its reply.

use std::{fmt, pin::Pin, sync::Arc, time::Duration};

use futures_util::{Stream, StreamExt, stream::BoxStream};

use super::{CallOptions, Client, Request, RequestBody, Response, ResponseBody};
use crate::{Error, Metadata, Result, Streaming, codec::ContentType, rpc::Rpc, selector::Filter};

/// What generated clients hold: a client, and the name of the service that they call.
#[derive(Clone, Debug)]
pub struct Stub<C> {
    client: C,
    service: Arc<str>,
}

impl<C: Client> Stub<C> {
    /// Calls to the service registered as `service` by way of `client`.
    #[must_use]
    pub fn new(service: impl Into<Arc<str>>, client: C) -> Self {
        Self {
            client,
            service: service.into(),
        }
    }

    /// A call with one message.
    pub fn one<Req: Send + 'static, O: Output>(
        &self,
        rpc: &'static Rpc<Req, O::Message>,
        message: Req,
    ) -> Call<C, One<Req>, O> {
        self.call(rpc, One(message))
    }

    /// A call with a stream of messages.
    pub fn many<Req: Send + 'static, O: Output>(
        &self,
        rpc: &'static Rpc<Req, O::Message>,
        messages: impl Stream<Item = Req> + Send + 'static,
    ) -> Call<C, Many<Req>, O> {
        self.call(rpc, Many(messages.boxed()))
    }

    fn call<I: Input, O: Output>(
        &self,
        rpc: &'static Rpc<I::Message, O::Message>,
        input: I,
    ) -> Call<C, I, O> {
        Call {
            client: self.client.clone(),
            service: self.service.clone(),
            rpc,
            input,
            options: None,
        }
    }
}

/// A call with one message and one reply.
pub type Unary<C, Req, Resp> = Call<C, One<Req>, One<Resp>>;
/// A call with one message and a stream of replies.
pub type ServerStream<C, Req, Resp> = Call<C, One<Req>, Many<Resp>>;
/// A call with a stream of messages and one reply.
pub type ClientStream<C, Req, Resp> = Call<C, Many<Req>, One<Resp>>;
/// A call with a stream of messages and a stream of replies.
pub type Bidi<C, Req, Resp> = Call<C, Many<Req>, Many<Resp>>;

/// A call that is not sent yet: set options, then await it. Dropping the awaited future cancels the
/// call, on the server too.
#[must_use = "a call is sent when it is awaited"]
pub struct Call<C, I: Input, O: Output> {
    client: C,
    service: Arc<str>,
    rpc: &'static Rpc<I::Message, O::Message>,
    input: I,
    options: Option<Box<CallOptions>>,
}

impl<C, I: Input, O: Output> Call<C, I, O> {
    /// Waits no longer than this for the reply, retries included; a call made inside a handler
    /// never waits longer than its own caller does.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.options_mut().timeout = Some(timeout);
        self
    }

    /// Adds a header.
    ///
    /// # Panics
    /// Where the name is no header name or the value holds a control character: both come from the
    /// program. For what comes from outside, check it with [`Metadata::insert`] and use
    /// [`Call::metadata`].
    pub fn header(mut self, name: &str, value: &str) -> Self {
        if let Err(error) = self.options_mut().metadata.append(name, value) {
            panic!("{error}");
        }
        self
    }

    /// Adds headers.
    pub fn metadata(mut self, metadata: &Metadata) -> Self {
        self.options_mut().metadata.merge(metadata);
        self
    }

    /// Sends the message in this form, and asks for the reply in it.
    pub fn content_type(mut self, content_type: ContentType) -> Self {
        self.options_mut().content_type = Some(content_type);
        self
    }

    /// Asks for the reply in this form.
    pub fn accept(mut self, content_type: ContentType) -> Self {
        self.options_mut().accept = Some(content_type);
        self
    }

    /// Sends the call again up to this often where that is safe.
    pub fn retries(mut self, retries: u32) -> Self {
        self.options_mut().retries = Some(retries);
        self
    }

    /// Says that running this call twice does no harm, so that it may be sent again.
    pub fn idempotent(mut self) -> Self {
        self.options_mut().idempotent = Some(true);
        self
    }

    /// Sends calls with the same key to the same node, where the selector goes by keys.
    pub fn key(mut self, key: impl Into<String>) -> Self {
        self.options_mut().key = Some(key.into());
        self
    }

    /// Sends the call only to nodes that pass.
    pub fn filter(mut self, filter: Filter) -> Self {
        self.options_mut().filters.push(filter);
        self
    }

    /// Sends the call to this address, whatever the registry says.
    pub fn address(mut self, address: impl Into<String>) -> Self {
        self.options_mut().address = Some(address.into());
        self
    }

    fn options_mut(&mut self) -> &mut CallOptions {
        self.options.get_or_insert_default()
    }
}

impl<C: Client, I: Input, O: Output> Call<C, I, O> {
    async fn send(self) -> Result<O::Value> {
        let set = self.options.as_deref();
        let content_type = set
            .and_then(|set| set.content_type)
            .unwrap_or(self.rpc.request.preferred());
        let accept = set.and_then(|set| set.accept).unwrap_or_else(|| {
            // The reply has the form of the request where it can, and its own first choice where not.
            if self.rpc.response.speaks(content_type) {
                content_type
            } else {
                self.rpc.response.preferred()
            }
        });
        let body = self.input.encode(self.rpc, content_type)?;
        let method = &self.rpc.method;
        let idempotent = set
            .and_then(|set| set.idempotent)
            .unwrap_or(method.idempotent);
        let mut request = Request::new(self.service, method.path, method.kind, content_type, body);
        request.accept = accept;
        request.idempotent = idempotent;
        request.options = self.options;
        O::decode(self.rpc, self.client.call(request).await?)
    }
}

impl<C: Client, I: Input, O: Output> IntoFuture for Call<C, I, O> {
    type Output = Result<O::Value>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.send())
    }
}

impl<C, I: Input, O: Output> fmt::Debug for Call<C, I, O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Call")
            .field("service", &self.service)
            .field("method", &self.rpc.method.path)
            .field("options", &self.options)
            .finish_non_exhaustive()
    }
}

/// What a call sends: one message or many. Sealed.
pub trait Input: Send + Sized + 'static {
    /// The type of the message.
    type Message: Send + 'static;

    #[doc(hidden)]
    fn encode<Resp>(
        self,
        rpc: &'static Rpc<Self::Message, Resp>,
        form: ContentType,
    ) -> Result<RequestBody>;
}

/// What a call gets: one reply or many. Sealed.
pub trait Output: Sized + 'static {
    /// The type of the message.
    type Message: Send + 'static;
    /// What awaiting the call gives.
    type Value: Send + 'static;

    #[doc(hidden)]
    fn decode<Req>(
        rpc: &'static Rpc<Req, Self::Message>,
        response: Response,
    ) -> Result<Self::Value>;
}

/// One message.
#[derive(Debug)]
pub struct One<T>(T);

/// A stream of messages.
pub struct Many<T>(BoxStream<'static, T>);

impl<T> fmt::Debug for Many<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Many")
    }
}

impl<T: Send + 'static> Input for One<T> {
    type Message = T;

    fn encode<Resp>(self, rpc: &'static Rpc<T, Resp>, form: ContentType) -> Result<RequestBody> {
        Ok(RequestBody::Message(rpc.request.encode(&self.0, form)?))
    }
}

impl<T: Send + 'static> Input for Many<T> {
    type Message = T;

    fn encode<Resp>(self, rpc: &'static Rpc<T, Resp>, form: ContentType) -> Result<RequestBody> {
        let wire = rpc.request;
        Ok(RequestBody::Stream(
            self.0
                .map(move |message| wire.encode(&message, form))
                .boxed(),
        ))
    }
}

impl<T: Send + 'static> Output for One<T> {
    type Message = T;
    type Value = T;

    fn decode<Req>(rpc: &'static Rpc<Req, T>, response: Response) -> Result<T> {
        match response.body {
            ResponseBody::Message(bytes) => rpc
                .response
                .decode(bytes, response.content_type)
                .map_err(|e| undecodable(rpc.method.path, &e)),
            ResponseBody::Stream(_) => Err(Error::internal(format!(
                "{} answered with a stream",
                rpc.method.path
            ))),
        }
    }
}

impl<T: Send + 'static> Output for Many<T> {
    type Message = T;
    type Value = Streaming<T>;

    fn decode<Req>(rpc: &'static Rpc<Req, T>, response: Response) -> Result<Streaming<T>> {
        match response.body {
            ResponseBody::Stream(inbound) => {
                Ok(Streaming::new(inbound, response.content_type, rpc.response))
            }
            ResponseBody::Message(_) => Err(Error::internal(format!(
                "{} answered without a stream",
                rpc.method.path
            ))),
        }
    }
}

/// What is wrong with a reply is the server's fault, not that of the caller's argument.
#[cold]
fn undecodable(path: &str, error: &Error) -> Error {
    Error::internal(format!(
        "the reply of {path} can't be decoded: {}",
        error.detail()
    ))
}
