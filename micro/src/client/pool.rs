//! The connection to one node, made when it is first needed and shared by all calls.

use std::{sync::Arc, time::Duration};

use arc_swap::ArcSwapOption;
use tokio::{sync::Mutex, time::Instant};

use super::channel::Channel;
use crate::{Error, Result, registry::Node, transport::Transport};

/// How connections are made.
pub(super) struct Dialer {
    pub(super) transport: Arc<dyn Transport>,
    pub(super) connect_timeout: Duration,
    pub(super) max_message: usize,
    pub(super) keepalive: Duration,
}

/// The connection of one client to one node.
#[derive(Debug, Default)]
pub(super) struct Pool {
    current: ArcSwapOption<Channel>,
    /// Held while one is made, so that callers who come meanwhile wait for it.
    dialing: Mutex<()>,
}

impl Pool {
    /// Makes a connection that takes new calls, or waits for the one that is being made.
    ///
    /// # Errors
    /// `Unavailable` where there is none to be had, `DeadlineExceeded` where the caller's time is
    /// up before there is; either is marked unseen.
    pub(super) async fn dial(
        &self,
        dialer: &Dialer,
        node: &Node,
        deadline: Instant,
    ) -> Result<Arc<Channel>> {
        let address = node.address.as_str();
        let dialed = async {
            let _dialing = self.dialing.lock().await;
            if let Some(channel) = self.open() {
                return Ok(channel);
            }
            let made = async {
                let io = dialer.transport.dial(address).await?;
                Channel::open(io, node, dialer.max_message, dialer.keepalive).await
            };
            let channel = match tokio::time::timeout(dialer.connect_timeout, made).await {
                Ok(made) => Arc::new(made.map_err(Error::unseen)?),
                Err(_) => {
                    return Err(Error::unavailable(format!(
                        "no connection to {address} within {:?}",
                        dialer.connect_timeout
                    ))
                    .unseen());
                }
            };
            tracing::debug!(network.peer.address = address, "connected");
            self.current.store(Some(channel.clone()));
            Ok(channel)
        };
        match tokio::time::timeout_at(deadline, dialed).await {
            Ok(dialed) => dialed,
            Err(_) => Err(Error::timeout(format!(
                "the deadline passed while connecting to {address}"
            ))
            .unseen()),
        }
    }

    /// The connection, where there is one that takes new calls.
    pub(super) fn open(&self) -> Option<Arc<Channel>> {
        self.current.load_full().filter(|channel| channel.is_open())
    }
}
