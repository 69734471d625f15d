//! Transport: connections between two addresses.
//!
//! A transport carries bytes, in order and both ways; calls and streams are made of them by a
//! protocol on top ([`native`](crate::native) is ours), so each protocol runs over each transport.

use std::{
    fmt,
    pin::Pin,
    task::{Context, Poll},
};

use async_trait::async_trait;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::Result;

/// Opens and accepts connections.
#[async_trait]
pub trait Transport: Send + Sync + 'static {
    /// The name by which it is chosen, and which nodes give as their `transport`: `tcp`.
    fn name(&self) -> &'static str;

    /// Connects to an address that a [`Listener`] of this transport gave. The caller bounds the
    /// time; dropping the future leaves nothing behind.
    ///
    /// # Errors
    /// `Unavailable` where nobody listens, `InvalidArgument` for an address of another form. Both
    /// are marked [`unseen`](crate::Error::unseen).
    async fn dial(&self, address: &str) -> Result<Connection>;

    /// Listens at an address; port 0, or an empty name, takes a free one.
    ///
    /// # Errors
    /// `AlreadyExists` where the address is taken, `PermissionDenied`, `InvalidArgument`.
    async fn listen(&self, address: &str) -> Result<Box<dyn Listener>>;
}

/// Accepts connections until it is dropped.
#[async_trait]
pub trait Listener: Send {
    /// Where it listens, in the form that [`Transport::dial`] takes.
    fn address(&self) -> String;

    /// Waits for the next connection. Cancel-safe.
    ///
    /// # Errors
    /// What concerns one connection only, or passes (too many open files): accepting goes on after a
    /// pause.
    async fn accept(&mut self) -> Result<Connection>;
}

/// Bytes both ways; what a transport's connection must be.
pub trait Io: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Io for T {}

/// A connection, with what is known of the other end.
pub struct Connection {
    io: Box<dyn Io>,
    peer: String,
}

impl Connection {
    /// Wraps the two directions; `peer` is the other end's address, empty where it has none.
    pub fn new(io: impl Io + 'static, peer: impl Into<String>) -> Self {
        Self {
            io: Box::new(io),
            peer: peer.into(),
        }
    }

    /// The address of the other end.
    #[must_use]
    pub fn peer(&self) -> &str {
        &self.peer
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection")
            .field("peer", &self.peer)
            .finish_non_exhaustive()
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.io).poll_read(cx, buf)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<std::io::Result<usize>> {
        Pin::new(&mut self.io).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[std::io::IoSlice<'_>],
    ) -> Poll<std::io::Result<usize>> {
        Pin::new(&mut self.io).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}

pub mod memory;
pub mod tcp;
#[cfg(unix)]
pub mod unix;

pub use memory::MemoryTransport;
pub use tcp::TcpTransport;
#[cfg(unix)]
pub use unix::UnixTransport;
