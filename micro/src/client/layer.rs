//! Layers around a client: any `tower::Layer` that fits, and plain `async fn(request, next)`.
//!
//! A layer sees each call before it is sent, with its metadata, and the reply; it may answer by
//! itself, change what goes out or comes in, or fail. It runs once a call: what is sent again is
//! sent again further in.

use std::{error::Error as StdError, fmt, pin::Pin, sync::Arc, task};

use futures_util::future::BoxFuture;
use tower_layer::Layer;
use tower_service::Service;

use super::{Client, Request, Response};
use crate::{Error, Result, broker::Message, server::layer::from_layer};

/// The innermost service that layers are put around: the client.
#[derive(Clone, Debug)]
pub struct Inner<C>(C);

impl<C: Client> Service<Request> for Inner<C> {
    type Response = Response;
    type Error = Error;
    type Future = BoxFuture<'static, Result<Response>>;

    fn poll_ready(&mut self, _: &mut task::Context<'_>) -> task::Poll<Result<()>> {
        task::Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let client = self.0.clone();
        Box::pin(async move { client.call(request).await })
    }
}

/// A client inside a layer; made by [`Client::layer`].
#[derive(Clone)]
pub struct Layered<C, S> {
    client: C,
    service: S,
}

impl<C: Client, S> Layered<C, S> {
    pub(super) fn new<L: Layer<Inner<C>, Service = S>>(client: C, layer: &L) -> Self {
        Self {
            service: layer.layer(Inner(client.clone())),
            client,
        }
    }
}

impl<C: fmt::Debug, S> fmt::Debug for Layered<C, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Layered").field(&self.client).finish()
    }
}

impl<C, S> Client for Layered<C, S>
where
    C: Client,
    S: Service<Request, Response = Response> + Clone + Send + Sync + 'static,
    S::Error: Into<Box<dyn StdError + Send + Sync>>,
    S::Future: Send,
{
    async fn call(&self, request: Request) -> Result<Response> {
        let mut service = self.service.clone();
        std::future::poll_fn(|cx| service.poll_ready(cx))
            .await
            .map_err(from_layer)?;
        service.call(request).await.map_err(from_layer)
    }

    fn publish(&self, topic: &str, message: Message) -> impl Future<Output = Result<()>> + Send {
        self.client.publish(topic, message)
    }
}

/// The rest of the way of a call, from a layer made of an `async fn`.
pub struct Next<'a>(&'a (dyn Run + 'a));

impl fmt::Debug for Next<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Next")
    }
}

impl<'a> Next<'a> {
    /// Goes on with the call.
    ///
    /// # Errors
    /// What the layers further in, the client and the service say.
    pub fn run(
        self,
        request: Request,
    ) -> Pin<Box<dyn Future<Output = Result<Response>> + Send + 'a>> {
        self.0.run(request)
    }
}

trait Run: Sync {
    fn run<'a>(
        &'a self,
        request: Request,
    ) -> Pin<Box<dyn Future<Output = Result<Response>> + Send + 'a>>;
}

impl<C: Client> Run for C {
    fn run<'a>(
        &'a self,
        request: Request,
    ) -> Pin<Box<dyn Future<Output = Result<Response>> + Send + 'a>> {
        Box::pin(self.call(request))
    }
}

/// A client inside an `async fn(request, next)`; made by [`Client::wrap`].
pub struct Wrapped<C, F> {
    client: C,
    wrap: Arc<F>,
}

impl<C, F> Wrapped<C, F> {
    pub(super) fn new(client: C, wrap: F) -> Self {
        Self {
            client,
            wrap: Arc::new(wrap),
        }
    }
}

impl<C: Clone, F> Clone for Wrapped<C, F> {
    fn clone(&self) -> Self {
        Self {
            client: self.client.clone(),
            wrap: self.wrap.clone(),
        }
    }
}

impl<C: fmt::Debug, F> fmt::Debug for Wrapped<C, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Wrapped").field(&self.client).finish()
    }
}

/// An `async fn(request: Request, next: Next<'_>) -> Result<Response>`.
pub trait Wrap<'a>: Send + Sync + 'static {
    /// What it gives.
    type Future: Future<Output = Result<Response>> + Send + 'a;

    /// Runs it.
    fn wrap(&self, request: Request, next: Next<'a>) -> Self::Future;
}

impl<'a, F, Fut> Wrap<'a> for F
where
    F: Fn(Request, Next<'a>) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<Response>> + Send + 'a,
{
    type Future = Fut;

    fn wrap(&self, request: Request, next: Next<'a>) -> Fut {
        self(request, next)
    }
}

impl<C, F> Client for Wrapped<C, F>
where
    C: Client,
    F: for<'a> Wrap<'a>,
{
    async fn call(&self, request: Request) -> Result<Response> {
        self.wrap.wrap(request, Next(&self.client)).await
    }

    fn publish(&self, topic: &str, message: Message) -> impl Future<Output = Result<()>> + Send {
        self.client.publish(topic, message)
    }
}
