//! A service at work, and how it is stopped.

use std::{sync::Arc, time::Duration};

use tokio::{
    sync::{Notify, watch},
    task::JoinHandle,
};

use super::{
    hooks::{self, Hooks},
    options::Settled,
    subscriptions::Subscriptions,
};
use crate::{
    Result,
    client::RpcClient,
    registry::{self, Registry},
    server::RpcServer,
};

/// A service at work. Dropping it stops it at once and loses what is under way; [`Running::stop`]
/// loses nothing that can be finished in time.
#[derive(Debug)]
#[must_use = "a running service stops when this is dropped"]
pub struct Running {
    settled: Settled,
    client: RpcClient,
    server: RpcServer,
    registration: Registration,
    subscriptions: Subscriptions,
    hooks: Hooks,
    stop: StopHandle,
    once: Option<AbortOnDrop>,
}

/// Stops a service from anywhere. A clone stops the same one.
#[derive(Clone, Debug)]
pub struct StopHandle(Arc<watch::Sender<bool>>);

impl Default for StopHandle {
    fn default() -> Self {
        Self(Arc::new(watch::Sender::new(false)))
    }
}

impl StopHandle {
    /// Stops the service, or keeps it from serving where it has not started yet. Returns at once;
    /// the service drains first, and [`run`](super::Service::run) returns when it is done.
    pub fn stop(&self) {
        self.0.send_replace(true);
    }

    /// Waits until [`StopHandle::stop`] is called.
    pub async fn stopped(&self) {
        // The sender is held here, so waiting can't fail.
        let _ = self.0.subscribe().wait_for(|stop| *stop).await;
    }
}

/// That the registry knows of the service, and the task that keeps it so.
pub(super) struct Registration {
    pub(super) registry: Arc<dyn Registry>,
    pub(super) record: registry::Service,
    pub(super) task: AbortOnDrop,
}

/// A task that ends with its owner.
#[derive(Debug)]
pub(super) struct AbortOnDrop(pub(super) JoinHandle<()>);

impl AbortOnDrop {
    /// Ends the task and waits until it has.
    pub(super) async fn end(mut self) {
        self.0.abort();
        let _ = (&mut self.0).await;
    }
}

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl std::fmt::Debug for Registration {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Registration")
            .field("record", &self.record)
            .finish_non_exhaustive()
    }
}

impl Running {
    #[expect(
        clippy::too_many_arguments,
        reason = "it is what a service is made of, named once"
    )]
    pub(super) fn new(
        settled: Settled,
        client: RpcClient,
        server: RpcServer,
        registration: Registration,
        subscriptions: Subscriptions,
        hooks: Hooks,
        stop: StopHandle,
        once: Option<Arc<Notify>>,
    ) -> Self {
        let once = once.map(|handled| {
            let stop = stop.clone();
            AbortOnDrop(tokio::spawn(async move {
                handled.notified().await;
                stop.stop();
            }))
        });
        Self {
            settled,
            client,
            server,
            registration,
            subscriptions,
            hooks,
            stop,
            once,
        }
    }

    /// The address that it listens on: `127.0.0.1:40123`.
    #[must_use]
    pub fn address(&self) -> &str {
        self.server.address()
    }

    /// What it told the registry of itself.
    #[must_use]
    pub fn record(&self) -> &registry::Service {
        &self.registration.record
    }

    /// Its client.
    #[must_use]
    pub fn client(&self) -> RpcClient {
        self.client.clone()
    }

    /// Stops it from elsewhere; somebody has to wait for it with [`Running::wait`].
    #[must_use]
    pub fn stop_handle(&self) -> StopHandle {
        self.stop.clone()
    }

    /// Waits until a [`StopHandle`] stops it, and stops it in order.
    ///
    /// # Errors
    /// As [`Running::stop`].
    pub async fn wait(self) -> Result<()> {
        self.stop.stopped().await;
        self.stop().await
    }

    /// Stops the service in order: leaves the registry, lets callers see that, finishes the calls at
    /// work and the messages taken as far as the drain timeout allows, closes.
    ///
    /// # Errors
    /// The first error of a hook, or of the broker at its end; everything is stopped all the same.
    pub async fn stop(mut self) -> Result<()> {
        self.stop.stop();
        self.once = None;
        let before = hooks::run_all(std::mem::take(&mut self.hooks.before_stop)).await;
        let Self {
            settled,
            mut server,
            registration,
            mut subscriptions,
            hooks,
            ..
        } = self;
        let name = settled.name.clone();
        server.unready();
        registration.end().await;
        tracing::debug!(service = name, "deregistered");
        tokio::time::sleep(settled.leave_delay).await;
        let drained = async {
            let messages = tokio::time::timeout(settled.drain_timeout, subscriptions.drain());
            tokio::join!(server.drain(settled.drain_timeout), messages)
        };
        let (calls, messages) = drained.await;
        drop(subscriptions);
        let broker = settled.parts.broker.clone();
        let disconnected =
            match tokio::time::timeout(Duration::from_secs(1), broker.disconnect()).await {
                Ok(disconnected) => disconnected,
                Err(_) => Ok(()),
            };
        let after = hooks::run_all(hooks.after_stop).await;
        tracing::info!(
            service = name,
            finished = calls && messages.is_ok(),
            "stopped"
        );
        before.and(disconnected).and(after)
    }
}

/// Waits for SIGTERM or SIGINT; gives its number.
pub(super) async fn signal() -> i32 {
    const INTERRUPT: i32 = 2;
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        const TERMINATE: i32 = 15;
        // A process that may not listen for signals is stopped by them anyhow.
        if let Ok(mut terminate) = signal(SignalKind::terminate())
            && let Ok(mut interrupt) = signal(SignalKind::interrupt())
        {
            return tokio::select! {
                _ = terminate.recv() => TERMINATE,
                _ = interrupt.recv() => INTERRUPT,
            };
        }
    }
    match tokio::signal::ctrl_c().await {
        Ok(()) => INTERRUPT,
        Err(_) => std::future::pending().await,
    }
}
