//! From a builder to a running service.

use std::{sync::Arc, time::Duration};

use tokio::sync::Notify;

use super::{
    Running, Service, Settled, hooks,
    record::record,
    running::{AbortOnDrop, Registration, signal},
    subscriptions::Subscriptions,
};
use crate::{
    Error, Result,
    registry::{self, Registry},
    server::{Handlers, RpcServer},
};

impl<H: Handlers> Service<H> {
    /// Starts the service, serves until SIGTERM, SIGINT (Ctrl-C) or its [stop
    /// handle](Self::stop_handle) ends it, and stops it in order: it leaves the registry, lets its
    /// callers see that, finishes the calls at work and the messages taken, and closes. A second
    /// signal ends the process at once, with 128 and the signal's number for its exit code.
    ///
    /// # Errors
    /// What kept it from starting: a wrong `MICRO_*` variable, an address that is taken, a broker
    /// that can't be reached, a hook's error; or the error of a hook at the stop.
    pub async fn run(self) -> Result<()> {
        let running = self.start().await?;
        let stop = running.stop_handle();
        tokio::select! {
            number = signal() => tracing::info!(signal = number, "stopping"),
            () = stop.stopped() => {}
        }
        tokio::select! {
            stopped = running.stop() => stopped,
            number = signal() => {
                tracing::warn!(signal = number, "stopped at once by a second signal");
                std::process::exit(128 + number);
            }
        }
    }

    /// Starts the service and gives a handle to it; dropping that stops it at once.
    ///
    /// # Errors
    /// As [`run`](Self::run).
    pub async fn start(self) -> Result<Running> {
        self.settle();
        let Self {
            handlers,
            subscribers,
            mut hooks,
            once,
            settled,
            stop,
            ..
        } = self;
        let (settled, client) = settled
            .into_inner()
            .ok_or_else(|| Error::internal("the service is not settled"))?;
        let settled = settled?;
        hooks::run(std::mem::take(&mut hooks.before_start)).await?;

        let transport = &settled.parts.transport;
        let address = match settled.address.as_str() {
            "" if transport.name() == "tcp" => "127.0.0.1:0",
            address => address,
        };
        let listener = transport.listen(address).await?;
        let mut services = Vec::new();
        handlers.services(&mut services);
        let handled = Arc::new(Notify::new());
        let server = RpcServer::start(
            handlers,
            settled.limits.clone(),
            listener,
            once.then(|| handled.clone()),
        )?;
        let listening = server.address().to_owned();
        tracing::info!(
            service = settled.name,
            address = listening,
            transport = transport.name(),
            "listening"
        );
        settled.parts.broker.connect().await?;
        let record = record(&settled, &listening, &services, &subscribers)?;
        let registration = register(&settled, record).await;
        let subscriptions =
            Subscriptions::start(&settled.parts.broker, &subscribers, &handled).await;
        let subscriptions = match subscriptions {
            Ok(subscriptions) => subscriptions,
            Err(error) => {
                registration.end().await;
                return Err(error);
            }
        };
        let after_start = std::mem::take(&mut hooks.after_start);
        let running = Running::new(
            settled,
            client,
            server,
            registration,
            subscriptions,
            hooks,
            stop,
            once.then_some(handled),
        );
        if let Err(error) = hooks::run(after_start).await {
            let _ = running.stop().await;
            return Err(error);
        }
        Ok(running)
    }
}

/// Registers, and leaves a task that does it again and again. A registry that is out of reach does
/// not keep a service from starting: it is told as soon as it is back.
async fn register(settled: &Settled, record: registry::Service) -> Registration {
    let registry = settled.parts.registry.clone();
    let registered = announce(&*registry, &record, settled.register_ttl).await;
    let task = tokio::spawn(keep_registered(
        registry.clone(),
        record.clone(),
        settled.register_ttl,
        settled.register_interval,
        registered,
    ));
    Registration {
        registry,
        record,
        task: AbortOnDrop(task),
    }
}

async fn keep_registered(
    registry: Arc<dyn Registry>,
    record: registry::Service,
    ttl: Duration,
    interval: Duration,
    mut registered: bool,
) {
    loop {
        let pause = if registered {
            // A fleet that was started together does not stay in step.
            interval.mul_f64(0.9 + fastrand::f64() * 0.1)
        } else {
            interval.min(Duration::from_millis(fastrand::u64(1000..3000)))
        };
        tokio::time::sleep(pause).await;
        registered = announce(&*registry, &record, ttl).await;
    }
}

async fn announce(registry: &dyn Registry, record: &registry::Service, ttl: Duration) -> bool {
    // A registry that hangs is one that is out of reach.
    let patience = Duration::from_secs(5);
    let registered = tokio::time::timeout(patience, registry.register(record, ttl)).await;
    let error = match registered {
        Ok(Ok(())) => return true,
        Ok(Err(error)) => error,
        Err(_) => Error::unavailable(format!("no answer within {patience:?}")),
    };
    tracing::warn!(service = record.name, %error, "registering failed; it will be tried again");
    false
}

impl Registration {
    /// Leaves the registry.
    pub(super) async fn end(self) {
        self.task.end().await;
        let patience = Duration::from_secs(2);
        match tokio::time::timeout(patience, self.registry.deregister(&self.record)).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => {
                tracing::warn!(service = self.record.name, %error, "deregistering failed")
            }
            Err(_) => tracing::warn!(
                service = self.record.name,
                "deregistering took longer than {patience:?}"
            ),
        }
    }
}
