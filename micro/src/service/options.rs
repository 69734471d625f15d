//! What a service can be told: by its builder first, by `MICRO_*` variables next, else by default.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use super::env::{self, Source};
use crate::{
    Error, Result,
    broker::Broker,
    client::{ClientOptions, Parts},
    plugin,
    registry::Registry,
    selector::{PowerOfTwo, Selector},
    server::Limits,
    transport::{TcpTransport, Transport},
};

/// What the builder was told; `None` where it was told nothing.
#[derive(Default)]
pub(super) struct Told {
    pub(super) name: Option<String>,
    pub(super) version: Option<String>,
    pub(super) id: Option<String>,
    pub(super) address: Option<String>,
    pub(super) advertise: Option<String>,
    pub(super) metadata: BTreeMap<String, String>,
    pub(super) registry: Option<Arc<dyn Registry>>,
    pub(super) broker: Option<Arc<dyn Broker>>,
    pub(super) transport: Option<Arc<dyn Transport>>,
    pub(super) selector: Option<Arc<dyn Selector>>,
    pub(super) register_ttl: Option<Duration>,
    pub(super) register_interval: Option<Duration>,
    pub(super) drain_timeout: Option<Duration>,
    pub(super) leave_delay: Option<Duration>,
    pub(super) timeout: Option<Duration>,
    pub(super) retries: Option<u32>,
    pub(super) limits: Limits,
}

/// What a service goes by, once everything was asked.
#[derive(Clone, Debug)]
pub(super) struct Settled {
    pub(super) name: String,
    pub(super) version: String,
    pub(super) id: String,
    pub(super) address: String,
    pub(super) advertise: Option<String>,
    pub(super) metadata: BTreeMap<String, String>,
    pub(super) parts: Parts,
    pub(super) client: ClientOptions,
    pub(super) register_ttl: Duration,
    pub(super) register_interval: Duration,
    pub(super) drain_timeout: Duration,
    pub(super) leave_delay: Duration,
    pub(super) limits: Limits,
}

impl Told {
    /// Asks the environment for what the builder was not told.
    ///
    /// # Errors
    /// `InvalidArgument` that names the variable whose value is wrong, `NotFound` for a part that no
    /// plugin has.
    pub(super) fn settle(&self, env: Source<'_>) -> Result<Settled> {
        let name = pick(&self.name, || Ok(env::text(env, "MICRO_SERVER_NAME")))?
            .unwrap_or_else(|| "go.micro.server".to_owned());
        let id = pick(&self.id, || Ok(env::text(env, "MICRO_SERVER_ID")))?
            .unwrap_or_else(crate::id::unique);
        let ttl = pick(&self.register_ttl, || {
            env::duration(env, "MICRO_REGISTER_TTL")
        })?
        .unwrap_or(Duration::from_secs(90));
        let interval = pick(&self.register_interval, || {
            env::duration(env, "MICRO_REGISTER_INTERVAL")
        })?
        .unwrap_or(ttl / 3);
        if ttl.is_zero() || interval.is_zero() || interval >= ttl {
            return Err(Error::invalid_argument(format!(
                "a service registers for {ttl:?} (MICRO_REGISTER_TTL) every {interval:?} \
                 (MICRO_REGISTER_INTERVAL): the second must be shorter than the first, and neither zero"
            )));
        }
        let mut metadata = env::pairs(env, "MICRO_SERVER_METADATA")?.unwrap_or_default();
        metadata.extend(self.metadata.clone());
        let mut client = ClientOptions {
            max_message: self.limits.message,
            ..ClientOptions::default()
        };
        if let Some(timeout) = pick(&self.timeout, || {
            env::duration(env, "MICRO_CLIENT_REQUEST_TIMEOUT")
        })? {
            client.timeout = timeout;
        }
        if let Some(retries) = pick(&self.retries, || env::number(env, "MICRO_CLIENT_RETRIES"))? {
            client.retries = retries;
        }
        for kind in ["MICRO_SERVER", "MICRO_CLIENT"] {
            if let Some(value) = env::text(env, kind).filter(|value| value != "rpc") {
                return Err(Error::invalid_argument(format!(
                    "{kind}={value} is wrong: there is: rpc"
                )));
            }
        }
        Ok(Settled {
            version: pick(&self.version, || Ok(env::text(env, "MICRO_SERVER_VERSION")))?
                .unwrap_or_else(|| "latest".to_owned()),
            address: pick(&self.address, || Ok(env::text(env, "MICRO_SERVER_ADDRESS")))?
                .unwrap_or_default(),
            advertise: pick(&self.advertise, || {
                Ok(env::text(env, "MICRO_SERVER_ADVERTISE"))
            })?,
            id: format!("{name}-{id}"),
            name,
            metadata,
            parts: self.parts(env)?,
            client,
            register_ttl: ttl,
            register_interval: interval,
            drain_timeout: self.drain_timeout.unwrap_or(Duration::from_secs(10)),
            leave_delay: self.leave_delay.unwrap_or(Duration::from_millis(200)),
            limits: self.limits.clone(),
        })
    }

    /// Multicast DNS on the loopback interface, or on the one of the address that the service is
    /// made to listen on: whoever opens it to the network wants it to be found there.
    #[cfg(feature = "mdns")]
    fn default_registry(&self, env: Source<'_>) -> Result<Arc<dyn Registry>> {
        let address = pick(&self.address, || Ok(env::text(env, "MICRO_SERVER_ADDRESS")))?;
        match address.as_deref().and_then(super::record::own_address) {
            Some(ip) if !ip.is_loopback() => plugin::registry(&format!("mdns://{ip}")),
            _ => plugin::registry("mdns"),
        }
    }

    /// Without multicast, the services of one process still find each other.
    #[cfg(not(feature = "mdns"))]
    fn default_registry(&self, _: Source<'_>) -> Result<Arc<dyn Registry>> {
        plugin::registry("memory")
    }

    fn parts(&self, env: Source<'_>) -> Result<Parts> {
        let registry = part(&self.registry, env, "MICRO_REGISTRY", plugin::registry)?;
        let broker = part(&self.broker, env, "MICRO_BROKER", plugin::broker)?;
        let transport = part(&self.transport, env, "MICRO_TRANSPORT", plugin::transport)?;
        let selector = part(&self.selector, env, "MICRO_SELECTOR", plugin::selector)?;
        Ok(Parts {
            registry: registry.map_or_else(|| self.default_registry(env), Ok)?,
            broker: broker.map_or_else(|| plugin::broker("memory"), Ok)?,
            transport: transport.unwrap_or_else(|| Arc::new(TcpTransport::new())),
            selector: selector.unwrap_or_else(|| Arc::new(PowerOfTwo)),
        })
    }
}

/// What the builder was told, or else what the environment says.
fn pick<T: Clone>(told: &Option<T>, env: impl FnOnce() -> Result<Option<T>>) -> Result<Option<T>> {
    match told {
        Some(told) => Ok(Some(told.clone())),
        None => env(),
    }
}

fn part<T: ?Sized>(
    told: &Option<Arc<T>>,
    env: Source<'_>,
    name: &str,
    open: fn(&str) -> Result<Arc<T>>,
) -> Result<Option<Arc<T>>> {
    pick(told, || {
        let Some(url) = env::part(env, name) else {
            return Ok(None);
        };
        open(&url).map(Some).map_err(|error| {
            Error::new(error.code(), format!("{name} is wrong: {}", error.detail()))
        })
    })
}
