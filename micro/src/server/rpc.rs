//! The default server: accepts connections and serves each in a task of its own.

use std::{sync::Arc, time::Duration};

use bytes::BytesMut;
use tokio::{
    io::AsyncReadExt,
    sync::{Notify, watch},
    task::{JoinHandle, JoinSet},
};

use super::{Gate, Handlers, Limits, Router};
use crate::{
    Error, Result,
    native::{self, PREFACE},
    transport::{Connection, Listener},
};

/// How far a server is on its way out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Phase {
    Serving,
    /// No connection is accepted, and those that have not said anything yet are closed.
    Leaving,
    Closed,
}

/// A server at work. Dropping it closes everything at once.
#[derive(Debug)]
pub(crate) struct RpcServer {
    gate: Arc<Gate>,
    phase: watch::Sender<Phase>,
    task: JoinHandle<()>,
    address: String,
}

impl RpcServer {
    /// Serves `handlers` to whoever connects; tells `handled` of each call that was handled.
    ///
    /// # Errors
    /// `AlreadyExists` where two of the handlers serve the same service.
    pub(crate) fn start<H: Handlers>(
        handlers: H,
        limits: Limits,
        listener: Box<dyn Listener>,
        handled: Option<Arc<Notify>>,
    ) -> Result<Self> {
        let mut services = Vec::new();
        handlers.services(&mut services);
        let gate = Arc::new(Gate::new(limits, Router::new(services)?, handled));
        let (phase, phases) = watch::channel(Phase::Serving);
        let address = listener.address();
        let task = tokio::spawn(accept(listener, Arc::new(handlers), gate.clone(), phases));
        Ok(Self {
            gate,
            phase,
            task,
            address,
        })
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// Tells those who ask that new callers are not welcome; who comes is served all the same.
    pub(crate) fn unready(&self) {
        self.gate.unready();
    }

    /// Asks callers to go elsewhere, waits until none has a call at work, then closes; closes at
    /// the latest after `most`. Says whether all calls were finished.
    pub(crate) async fn drain(&mut self, most: Duration) -> bool {
        // Callers that know our protocol close by themselves; others are not waited for when idle.
        const GOODBYE: Duration = Duration::from_secs(1);
        self.phase.send_replace(Phase::Leaving);
        self.gate.leave();
        let finished = tokio::time::timeout(most, self.gate.idle(GOODBYE.min(most)))
            .await
            .is_ok();
        if !finished {
            tracing::warn!(
                calls = self.gate.calls(),
                "calls are cut off: the drain deadline has passed"
            );
        }
        self.close().await;
        finished
    }

    /// Closes every connection; calls at work are cancelled.
    pub(crate) async fn close(&mut self) {
        self.phase.send_replace(Phase::Closed);
        self.gate.close();
        let _ = (&mut self.task).await;
    }
}

impl Drop for RpcServer {
    fn drop(&mut self) {
        self.phase.send_replace(Phase::Closed);
        self.gate.close();
        self.task.abort();
    }
}

/// Accepts until the server is closed, and owns the tasks of the connections.
async fn accept<H: Handlers>(
    mut listener: Box<dyn Listener>,
    handlers: Arc<H>,
    gate: Arc<Gate>,
    mut phases: watch::Receiver<Phase>,
) {
    let mut connections = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            Some(_) = connections.join_next(), if !connections.is_empty() => continue,
            _ = phases.wait_for(|phase| *phase > Phase::Serving) => break,
        };
        match accepted {
            Ok(connection) if connections.len() >= gate.limits.connections => {
                tracing::warn!(
                    network.peer.address = connection.peer(),
                    connections = connections.len(),
                    "a connection is refused: as many are open as the limits allow"
                );
            }
            Ok(connection) => {
                connections.spawn(serve(
                    connection,
                    handlers.clone(),
                    gate.clone(),
                    phases.clone(),
                ));
            }
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                // Where files have run out, trying again at once would only burn time.
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }
    // Who comes now is refused before it has sent anything, so it can safely go elsewhere.
    drop(listener);
    loop {
        tokio::select! {
            Some(_) = connections.join_next(), if !connections.is_empty() => {}
            _ = phases.wait_for(|phase| *phase == Phase::Closed) => break,
        }
    }
    // Those that were told to close do so now; none may keep the server, not even one whose handler
    // blocks its thread and can't be ended.
    const LAST: Duration = Duration::from_millis(250);
    let _ = tokio::time::timeout(LAST, ended(&mut connections)).await;
    connections.abort_all();
    if tokio::time::timeout(LAST, ended(&mut connections))
        .await
        .is_err()
    {
        tracing::warn!(
            connections = connections.len(),
            "a handler blocks its thread; it is left behind"
        );
        connections.detach_all();
    }
}

async fn ended(tasks: &mut JoinSet<()>) {
    while tasks.join_next().await.is_some() {}
}

async fn serve<H: Handlers>(
    mut connection: Connection,
    handlers: Arc<H>,
    gate: Arc<Gate>,
    mut phases: watch::Receiver<Phase>,
) {
    let peer = connection.peer().to_owned();
    let recognised = tokio::select! {
        recognised = tokio::time::timeout(gate.limits.handshake, recognise(&mut connection)) => recognised,
        _ = phases.wait_for(|phase| *phase > Phase::Serving) => return,
    };
    let ended = match recognised {
        Ok(Ok(Protocol::Native)) => {
            native::server::serve(connection, BytesMut::new(), &*handlers, &gate).await
        }
        #[cfg(feature = "http")]
        Ok(Ok(Protocol::Http(version, first))) => {
            crate::http::serve(connection, first, version, handlers, gate.clone()).await
        }
        Ok(Err(error)) => Err(error),
        Err(_) => Err(Error::timeout(format!(
            "no handshake within {:?}",
            gate.limits.handshake
        ))),
    };
    match ended {
        Ok(()) => tracing::debug!(network.peer.address = peer, "a connection ended"),
        Err(error) => tracing::debug!(network.peer.address = peer, %error, "a connection broke"),
    }
}

/// What a caller speaks.
#[derive(Debug)]
enum Protocol {
    Native,
    /// The bytes are those that were read to find out.
    #[cfg(feature = "http")]
    Http(crate::http::Version, bytes::Bytes),
}

/// Reads the first bytes, which say what the caller speaks.
async fn recognise(connection: &mut Connection) -> Result<Protocol> {
    let mut first = [0; PREFACE.len()];
    connection.read_exact(&mut first).await?;
    if first == PREFACE {
        return Ok(Protocol::Native);
    }
    if first[..PREFACE.len() - 1] == PREFACE[..PREFACE.len() - 1] {
        // Our version in return tells the caller which one to come back with.
        tokio::io::AsyncWriteExt::write_all(connection, &PREFACE).await?;
        return Err(Error::unimplemented(format!(
            "the caller speaks version {} of the native protocol",
            first[PREFACE.len() - 1]
        )));
    }
    #[cfg(feature = "http")]
    if let Some((version, first)) = crate::http::recognise(first, connection).await? {
        return Ok(Protocol::Http(version, first));
    }
    // The first bytes of a TLS handshake.
    let what = if first.starts_with(&[0x16, 3]) {
        "TLS, and this address has none"
    } else {
        "no protocol that is served here"
    };
    Err(Error::unimplemented(format!("the caller speaks {what}")))
}
