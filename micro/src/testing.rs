//! A service and its client within one process: no port, no registry server, time can be paused.
//!
//! ```
//! use micro::{Result, testing};
//!
//! #[micro::service]
//! trait Greeter {
//!     async fn hello(&self, name: String) -> Result<String>;
//! }
//!
//! struct Hello;
//!
//! #[micro::service]
//! impl Greeter for Hello {
//!     async fn hello(&self, name: String) -> Result<String> {
//!         Ok(format!("Hello {name}"))
//!     }
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<()> {
//! let app = testing::app().handle(Hello).start().await?;
//! let greeter: GreeterClient<_> = app.client();
//! assert_eq!(greeter.hello("Ada".into()).await?, "Hello Ada");
//! app.stop().await
//! # }
//! ```

use std::time::Duration;

use crate::{
    Result,
    broker::MemoryBroker,
    client::{RpcClient, Stub, Topic},
    codec::Message,
    registry::MemoryRegistry,
    server::{Handlers, IntoHandler},
    service::{Running, Service},
    transport::MemoryTransport,
};

/// The name under which the service of an [`App`] is registered.
pub const NAME: &str = "app";

/// An app to be: a [`Service`] made of the parts that need nothing outside of the process.
#[derive(Debug)]
pub struct Builder<H>(Service<H>);

/// Begins an app. What it needs besides handlers is set on the service: [`Builder::with`].
#[must_use]
pub fn app() -> Builder<()> {
    let service = Service::new(NAME)
        .registry(MemoryRegistry::new())
        .broker(MemoryBroker::new())
        .transport(MemoryTransport::new())
        .leave_delay(Duration::ZERO);
    Builder(service)
}

impl<H: Handlers> Builder<H> {
    /// Handles the calls of a service, as [`Service::handle`] does.
    #[must_use]
    pub fn handle<M, I: IntoHandler<M>>(
        self,
        handler: I,
    ) -> Builder<(H, std::sync::Arc<I::Handler>)> {
        Builder(self.0.handle(handler))
    }

    /// Changes the service: layers, limits, other parts.
    #[must_use]
    pub fn with<T>(self, change: impl FnOnce(Service<H>) -> Service<T>) -> Builder<T> {
        Builder(change(self.0))
    }

    /// Starts it.
    ///
    /// # Errors
    /// As [`Service::start`].
    pub async fn start(self) -> Result<App> {
        self.0.start().await.map(App)
    }
}

/// A running app. Dropping it stops it.
#[derive(Debug)]
pub struct App(Running);

impl App {
    /// A generated client of the app: `let greeter: GreeterClient<_> = app.client()`.
    #[must_use]
    pub fn client<T: From<Stub<RpcClient>>>(&self) -> T {
        Stub::new(NAME, self.0.client()).into()
    }

    /// A topic of the app's broker.
    #[must_use]
    pub fn topic<T: Message>(&self, name: impl Into<String>) -> Topic<RpcClient, T> {
        Topic::new(name, self.0.client())
    }

    /// The service behind it.
    pub fn running(&self) -> &Running {
        &self.0
    }

    /// Stops it in order.
    ///
    /// # Errors
    /// As [`Running::stop`].
    pub async fn stop(self) -> Result<()> {
        self.0.stop().await
    }
}
