//! Layers around handlers: any `tower::Layer` that fits, and plain `async fn(call, next)`.
//!
//! A layer sees each call with its metadata, and with [`Call::message`] its decoded message; it may
//! answer by itself, change what goes in or out, or fail. It costs each call one allocation; a
//! server without layers has none.

use std::{error::Error as StdError, fmt, pin::Pin, sync::Arc, task};

use futures_util::future::BoxFuture;
use tower_layer::Layer;
use tower_service::Service;

use super::{Call, Handlers, Response};
use crate::{Error, Result, descriptor};

/// The innermost service that layers are put around: the handlers.
pub struct Inner<L>(Arc<L>);

impl<L> Inner<L> {
    pub(crate) fn new(handlers: Arc<L>) -> Self {
        Self(handlers)
    }
}

impl<L> Clone for Inner<L> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<L> fmt::Debug for Inner<L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Inner")
    }
}

impl<L: Handlers> Service<Call> for Inner<L> {
    type Response = Response;
    type Error = Error;
    type Future = BoxFuture<'static, Result<Response>>;

    fn poll_ready(&mut self, _: &mut task::Context<'_>) -> task::Poll<Result<()>> {
        task::Poll::Ready(Ok(()))
    }

    fn call(&mut self, call: Call) -> Self::Future {
        let handlers = self.0.clone();
        Box::pin(async move { handlers.call(call).await })
    }
}

/// Handlers inside a layer.
pub struct Layered<L, S> {
    handlers: Arc<L>,
    service: S,
}

impl<L: Handlers, S> Layered<L, S> {
    pub(crate) fn new<T: Layer<Inner<L>, Service = S>>(handlers: L, layer: &T) -> Self {
        let handlers = Arc::new(handlers);
        Self {
            service: layer.layer(Inner::new(handlers.clone())),
            handlers,
        }
    }
}

impl<L, S> fmt::Debug for Layered<L, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Layered")
    }
}

impl<L, S> Handlers for Layered<L, S>
where
    L: Handlers,
    S: Service<Call, Response = Response> + Clone + Send + Sync + 'static,
    S::Error: Into<Box<dyn StdError + Send + Sync>>,
    S::Future: Send,
{
    fn len(&self) -> usize {
        self.handlers.len()
    }

    fn services(&self, into: &mut Vec<&'static descriptor::Service>) {
        self.handlers.services(into);
    }

    async fn call(&self, call: Call) -> Result<Response> {
        let mut service = self.service.clone();
        std::future::poll_fn(|cx| service.poll_ready(cx))
            .await
            .map_err(from_layer)?;
        service.call(call).await.map_err(from_layer)
    }
}

/// An error of ours as it is; of others, what they say. A layer that times out, sheds or limits says
/// it in its own type: map it to ours in the layer where callers shall tell it apart.
pub(crate) fn from_layer(error: impl Into<Box<dyn StdError + Send + Sync>>) -> Error {
    match error.into().downcast::<Error>() {
        Ok(ours) => *ours,
        Err(other) => Error::unavailable(format!("a layer refused the call: {other}")),
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
    /// What the layers further in, and the handler, say.
    pub fn run(self, call: Call) -> Pin<Box<dyn Future<Output = Result<Response>> + Send + 'a>> {
        self.0.run(call)
    }
}

trait Run: Sync {
    fn run<'a>(&'a self, call: Call)
    -> Pin<Box<dyn Future<Output = Result<Response>> + Send + 'a>>;
}

impl<L: Handlers> Run for L {
    fn run<'a>(
        &'a self,
        call: Call,
    ) -> Pin<Box<dyn Future<Output = Result<Response>> + Send + 'a>> {
        Box::pin(self.call(call))
    }
}

/// Handlers inside an `async fn(call, next)`.
pub struct Wrapped<L, F> {
    handlers: L,
    wrap: F,
}

impl<L, F> Wrapped<L, F> {
    pub(crate) fn new(handlers: L, wrap: F) -> Self {
        Self { handlers, wrap }
    }
}

impl<L, F> fmt::Debug for Wrapped<L, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Wrapped")
    }
}

/// An `async fn(call: Call, next: Next<'_>) -> Result<Response>`, or a closure like it that boxes
/// its future.
pub trait Wrap<'a>: Send + Sync + 'static {
    /// What it gives.
    type Future: Future<Output = Result<Response>> + Send + 'a;

    /// Runs it.
    fn wrap(&self, call: Call, next: Next<'a>) -> Self::Future;
}

impl<'a, F, Fut> Wrap<'a> for F
where
    F: Fn(Call, Next<'a>) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<Response>> + Send + 'a,
{
    type Future = Fut;

    fn wrap(&self, call: Call, next: Next<'a>) -> Fut {
        self(call, next)
    }
}

impl<L, F> Handlers for Wrapped<L, F>
where
    L: Handlers,
    F: for<'a> Wrap<'a>,
{
    fn len(&self) -> usize {
        self.handlers.len()
    }

    fn services(&self, into: &mut Vec<&'static descriptor::Service>) {
        self.handlers.services(into);
    }

    async fn call(&self, call: Call) -> Result<Response> {
        self.wrap.wrap(call, Next(&self.handlers)).await
    }
}
