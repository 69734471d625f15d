//! Connections inside one process, with faults to order: for tests, and for parts that share a
//! process.

use std::{fmt, sync::Arc, time::Duration};

use async_trait::async_trait;
use tokio::sync::mpsc;

use self::network::Network;
use super::{Connection, Listener, Transport};
use crate::{Error, Result, plugin};

mod link;
mod network;
mod pipe;

inventory::submit! {
    plugin::Transport { name: "memory", open: |_url| Ok(Arc::new(MemoryTransport::shared())) }
}

/// How many connections may wait to be accepted.
const BACKLOG: usize = 1024;

/// A network in memory. Clones are parts of the same one: what one listens at, another dials.
///
/// An address is any text; listening at an empty one, or at one that ends in `:0`, takes a fresh one.
/// Each direction of a connection holds at most 256 KiB, then the writer waits.
///
/// The network can be made slow and unreliable while it is used. Delays obey tokio's clock, so a
/// test that pauses it takes no time, and chance is repeatable by [`seed`](Self::seed).
///
/// ```
/// use std::time::Duration;
/// use micro::transport::{MemoryTransport, Transport};
/// use tokio::io::{AsyncReadExt, AsyncWriteExt};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let network = MemoryTransport::new();
/// let mut listener = network.listen("greeter:1").await?;
/// let mut client = network.clone().dial("greeter:1").await?;
/// let mut server = listener.accept().await?;
///
/// client.write_all(b"hello").await?;
/// let mut buffer = [0; 5];
/// server.read_exact(&mut buffer).await?;
/// assert_eq!(&buffer, b"hello");
///
/// network.partition("greeter:1", true);
/// assert!(network.dial("greeter:1").await.is_err());
/// network.heal();
/// assert!(network.dial("greeter:1").await.is_ok());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Default)]
pub struct MemoryTransport {
    network: Arc<Network>,
}

impl MemoryTransport {
    /// A network of its own, without faults.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The network that `memory://` stands for: one for the whole process.
    #[must_use]
    pub fn shared() -> Self {
        static SHARED: std::sync::LazyLock<MemoryTransport> =
            std::sync::LazyLock::new(MemoryTransport::new);
        SHARED.clone()
    }

    /// Bytes take this long to arrive, and connecting twice as long. Holds for what is written from
    /// now on, also over connections that are open.
    pub fn delay(&self, delay: Duration) -> &Self {
        self.network.set_delay(delay);
        self
    }

    /// The next `dials` dials find nobody, whatever their address.
    pub fn fail_dials(&self, dials: usize) -> &Self {
        self.network.faults().failing = dials;
        self
    }

    /// This share of dials, from 0 to 1, finds nobody, by chance.
    pub fn fail_dials_at_random(&self, share: f64) -> &Self {
        self.network.faults().share = share;
        self
    }

    /// Where the chance of this network begins; 0 unless set.
    pub fn seed(&self, seed: u64) -> &Self {
        self.network.faults().chance = fastrand::Rng::with_seed(seed);
        self
    }

    /// A connection opened from now on breaks once this many bytes went over it, both ways taken
    /// together. Those arrive; whoever then reads on or writes finds it reset.
    pub fn break_after(&self, bytes: u64) -> &Self {
        self.network.faults().break_after = Some(bytes);
        self
    }

    /// Breaks every connection that is open. What is on its way is lost; dialling works as before.
    pub fn disconnect_all(&self) -> &Self {
        self.network.disconnect_all();
        self
    }

    /// Cuts an address off, or joins it again. While it is cut off nobody can dial it, and its
    /// connections stay open with no byte arriving over them; what they hold arrives afterwards.
    pub fn partition(&self, address: &str, cut: bool) -> &Self {
        self.network.partition(address, cut);
        self
    }

    /// Ends every partition, and failing dials and the breaking of connections to come. The delay
    /// stays.
    pub fn heal(&self) -> &Self {
        self.network.heal();
        self
    }
}

#[async_trait]
impl Transport for MemoryTransport {
    fn name(&self) -> &'static str {
        "memory"
    }

    async fn dial(&self, address: &str) -> Result<Connection> {
        let delay = self.network.delay();
        if !delay.is_zero() {
            tokio::time::sleep(2 * delay).await;
        }
        let gone = || Error::unavailable(format!("nobody listens at {address}")).unseen();
        let listener = self.network.route(address)?;
        // Waits while the backlog is full.
        let place = listener.reserve_owned().await.map_err(|_| gone())?;
        let (dialled, accepted) = self.network.connect(address);
        place.send(accepted);
        Ok(dialled)
    }

    async fn listen(&self, address: &str) -> Result<Box<dyn Listener>> {
        let (sender, incoming) = mpsc::channel(BACKLOG);
        let address = self.network.listen(address, sender)?;
        Ok(Box::new(Memory {
            network: self.network.clone(),
            address,
            incoming,
        }))
    }
}

impl fmt::Debug for MemoryTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryTransport").finish_non_exhaustive()
    }
}

struct Memory {
    network: Arc<Network>,
    address: String,
    incoming: mpsc::Receiver<Connection>,
}

#[async_trait]
impl Listener for Memory {
    fn address(&self) -> String {
        self.address.clone()
    }

    async fn accept(&mut self) -> Result<Connection> {
        self.incoming
            .recv()
            .await
            .ok_or_else(|| Error::unavailable(format!("{} is closed", self.address)))
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        self.network.unlisten(&self.address);
    }
}
