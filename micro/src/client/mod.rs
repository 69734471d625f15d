//! Client: calls and messages that go out, by the name of a service.
//!
//! Generated clients like `GreeterClient<C>` are thin: they make a [`Call`], which gathers options
//! and is sent when it is awaited, by whatever [`Client`] they were given.

use crate::{Result, broker};

mod budget;
mod call;
mod channel;
pub mod layer;
mod options;
mod pool;
mod request;
mod rpc;
mod topic;

pub use call::{Bidi, Call, ClientStream, Input, Many, One, Output, ServerStream, Stub, Unary};
pub use options::{CallOptions, ClientOptions};
pub use request::{Request, RequestBody, Response, ResponseBody};
pub(crate) use rpc::Parts;
pub use rpc::RpcClient;
pub use topic::{Publish, Topic};

/// Sends calls and messages: the one bound on what generated clients take.
///
/// A clone is a handle to the same client.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no client",
    note = "pass `service.client()`, a client wrapped in layers, or a mock's `client()`"
)]
pub trait Client: Clone + Send + Sync + 'static {
    /// Sends a call, of any kind, to one node of the service that it names.
    ///
    /// # Errors
    /// What the handler returned, or what kept the call from it: `NotFound` where no node is known,
    /// `Unavailable` where none could be reached, `DeadlineExceeded`.
    fn call(&self, request: Request) -> impl Future<Output = Result<Response>> + Send;

    /// Publishes a message.
    ///
    /// # Errors
    /// Those of [`Broker::publish`](broker::Broker::publish).
    fn publish(
        &self,
        topic: &str,
        message: broker::Message,
    ) -> impl Future<Output = Result<()>> + Send;

    /// Calls a method with one request and one reply without generated code: JSON in, JSON out.
    /// `endpoint` is `Greeter.Hello`, or `helloworld.Greeter/Hello`.
    ///
    /// # Errors
    /// As [`Client::call`]; `InvalidArgument` where the reply is no JSON.
    #[cfg(feature = "json")]
    fn call_json(
        &self,
        service: &str,
        endpoint: &str,
        message: &serde_json::Value,
    ) -> impl Future<Output = Result<serde_json::Value>> + Send {
        request::json(self, service, endpoint, message)
    }

    /// This client inside a `tower` layer, which sees each [`Request`] and its [`Response`].
    fn layer<L>(self, layer: L) -> layer::Layered<Self, L::Service>
    where
        L: tower_layer::Layer<layer::Inner<Self>>,
        layer::Layered<Self, L::Service>: Client,
    {
        layer::Layered::new(self, &layer)
    }

    /// This client inside an `async fn(request: Request, next: Next<'_>) -> Result<Response>`.
    ///
    /// ```
    /// use micro::{Result, Service, client::{Client, Request, Response, layer::Next}};
    ///
    /// async fn signed(mut request: Request, next: Next<'_>) -> Result<Response> {
    ///     request.options_mut().metadata.insert("authorization", "Bearer t0ken")?;
    ///     next.run(request).await
    /// }
    /// let client = Service::new("caller").client().wrap(signed);
    /// # drop(client);
    /// ```
    fn wrap<F>(self, wrap: F) -> layer::Wrapped<Self, F>
    where
        layer::Wrapped<Self, F>: Client,
    {
        layer::Wrapped::new(self, wrap)
    }
}
