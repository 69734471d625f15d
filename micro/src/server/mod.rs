//! Server: calls that arrive, dispatched to handlers that are known at compile time.
//!
//! The generator makes a [`Handler`] of each service; a service's handlers are one statically typed
//! list ([`Handlers`]), so from the frame to the user's method there is no boxed future and no table
//! of closures: the path of a call is resolved to numbers once a connection, and numbers are
//! matched.

use std::sync::Arc;

use crate::{Result, descriptor};

mod call;
mod gate;
mod handlers;
pub mod layer;
mod limits;
mod router;
mod rpc;
mod subscriber;

pub use call::{Body, Call, Input, Output, Response};
#[cfg(feature = "http")]
pub(crate) use gate::Exit;
pub(crate) use gate::Gate;
pub use handlers::Handlers;
pub use limits::Limits;
pub use router::{Route, Router};
pub(crate) use rpc::RpcServer;
pub use subscriber::Subscriber;

/// One service, ready to be called: what `GreeterServer<S>` is. Generated, seldom written.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no handler of a service",
    note = "put `#[micro::service]` on its `impl` of a service trait, or wrap it: `GreeterServer::new(it)`"
)]
pub trait Handler: Send + Sync + 'static {
    /// What it offers.
    fn service(&self) -> &'static descriptor::Service;

    /// Runs the method that is at `method` in the descriptor.
    ///
    /// The future ends with the reply, or with the last message of a streamed one. Dropping it is
    /// how a call is cancelled.
    fn call(&self, method: usize, call: Call) -> impl Future<Output = Result<Response>> + Send;

    /// The topics that it follows beside its calls.
    fn subscribers(self: &Arc<Self>) -> Vec<Subscriber> {
        Vec::new()
    }
}

/// What [`Service::handle`](crate::Service::handle) takes: a [`Handler`], or a value whose `impl` of
/// a service trait is marked `#[micro::service]`.
///
/// `M` tells the service traits apart that one type may have; where it has several, wrap it in the
/// server of the one that is meant: `GreeterServer::new(it)`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no handler of a service",
    note = "put `#[micro::service]` on its `impl` of a service trait, or wrap it: `GreeterServer::new(it)`"
)]
pub trait IntoHandler<M> {
    /// The handler that it becomes.
    type Handler: Handler;

    /// The handler, and the subscribers that stand beside it.
    fn into_handler(self) -> (Self::Handler, Vec<Subscriber>);
}

/// Marks a value that is a [`Handler`] already.
#[derive(Debug)]
pub enum Ready {}

impl<H: Handler> IntoHandler<Ready> for H {
    type Handler = H;

    fn into_handler(self) -> (H, Vec<Subscriber>) {
        (self, Vec::new())
    }
}
