//! A call at work: its deadline, its context, and what happens when it ends early.

use std::{any::Any, panic::AssertUnwindSafe, sync::Arc};

use futures_util::{FutureExt, future::BoxFuture};
use tokio::{sync::watch, time::Instant};
use tracing::Instrument;

use super::Stage;
use crate::{
    Context, Error, Metadata, Peer, Result,
    server::{Call, Gate, Handlers, Response, Route},
};

/// Handlers without their type, so that all that is HTTP is compiled once and not in each program.
pub(super) trait Dispatch: Send + Sync {
    fn run(self: Arc<Self>, call: Call) -> BoxFuture<'static, Result<Response>>;
}

impl<H: Handlers> Dispatch for H {
    fn run(self: Arc<Self>, call: Call) -> BoxFuture<'static, Result<Response>> {
        Box::pin(async move { Handlers::call(&*self, call).await })
    }
}

/// A connection, as its requests see it.
pub(super) struct Link {
    pub(super) handlers: Arc<dyn Dispatch>,
    pub(super) gate: Arc<Gate>,
    pub(super) address: String,
    pub(super) stage: watch::Receiver<Stage>,
}

/// A call that was taken on. Dropping it ends the call: whoever waits for its end by the context
/// learns of it.
pub(super) struct Work {
    pub(super) context: Context,
    path: &'static str,
    span: tracing::Span,
    gate: Arc<Gate>,
    stage: watch::Receiver<Stage>,
}

impl Link {
    /// Takes on a call.
    ///
    /// # Errors
    /// `ResourceExhausted` where as many are at work as the limits allow, or the metadata is larger.
    pub(super) fn begin(
        &self,
        route: &Route,
        metadata: Metadata,
        deadline: Option<Instant>,
        protocol: &'static str,
    ) -> Result<Work> {
        let size = metadata.size();
        if size > self.gate.limits.metadata {
            return Err(Error::resource_exhausted(format!(
                "metadata of {size} bytes is over the limit of {}",
                self.gate.limits.metadata
            )));
        }
        self.gate.admit()?;
        self.gate.begin();
        let peer = Arc::new(Peer::new(self.address.clone(), protocol));
        // Named as OpenTelemetry's RPC conventions have it.
        let span = tracing::info_span!(
            "rpc.server",
            rpc.system.name = protocol,
            rpc.method = route.method.path,
            network.peer.address = self.address,
        );
        Ok(Work {
            context: Context::for_call(metadata, deadline, Some(peer)),
            path: route.method.path,
            span,
            gate: self.gate.clone(),
            stage: self.stage.clone(),
        })
    }
}

impl Work {
    /// Runs what the call is about in its context, up to its deadline.
    ///
    /// # Errors
    /// What it said, `DeadlineExceeded`, `Internal` where it panicked, `Unavailable` where the server
    /// stops.
    pub(super) async fn run<T>(&self, work: impl Future<Output = Result<T>>) -> Result<T> {
        let late = self.context.deadline();
        if late.is_some_and(|deadline| deadline <= Instant::now()) {
            return Err(Error::timeout(format!(
                "the deadline had passed when the call of {} came",
                self.path
            )));
        }
        let work = AssertUnwindSafe(work).catch_unwind();
        let work = self.context.scope(work).instrument(self.span.clone());
        let mut stage = self.stage.clone();
        let late = async move {
            match late {
                Some(deadline) => tokio::time::sleep_until(deadline).await,
                None => std::future::pending().await,
            }
        };
        let result = tokio::select! {
            biased;
            result = work => result.unwrap_or_else(|panic| Err(self.panicked(&*panic))),
            () = late => Err(Error::timeout(format!(
                "the deadline passed while {} was handled",
                self.path
            ))),
            _ = stage.wait_for(|stage| *stage == Stage::Closed) => {
                Err(Error::unavailable("the server has stopped"))
            }
        };
        if let Err(error) = &result {
            tracing::debug!(rpc.response.status_code = %error.code(), %error, "a call failed");
        }
        result
    }

    #[cold]
    fn panicked(&self, panic: &(dyn Any + Send)) -> Error {
        let text = panic
            .downcast_ref::<&str>()
            .copied()
            .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
            .unwrap_or("no message");
        tracing::error!(rpc.method = self.path, panic = text, "a handler panicked");
        // What it said is for our log, not for the caller.
        Error::internal(format!("the handler of {} panicked", self.path))
    }
}

impl Drop for Work {
    fn drop(&mut self) {
        self.context.cancel();
        self.gate.handled();
        self.gate.end();
    }
}
