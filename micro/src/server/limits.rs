//! How much a server takes on.

use std::time::Duration;

/// What a server accepts from its callers; all bounds are on by default.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// The largest message in bytes, either way; 4 MiB.
    pub message: usize,
    /// The bytes of metadata of one call; 16 KiB.
    pub metadata: usize,
    /// Calls at work at the same time on one connection; 16,384.
    pub calls_per_connection: usize,
    /// Streaming calls at the same time on one connection; 200.
    pub streams_per_connection: usize,
    /// Calls at work at the same time over all connections; 65,536.
    pub calls: usize,
    /// Connections at the same time; 65,536.
    pub connections: usize,
    /// Time for a connection to say what it speaks; 10 s.
    pub handshake: Duration,
    /// Time without a byte after which the other side is asked whether it lives; 10 s.
    pub keepalive: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            message: 4 << 20,
            metadata: 16 << 10,
            calls_per_connection: 16_384,
            streams_per_connection: 200,
            calls: 65_536,
            connections: 65_536,
            handshake: Duration::from_secs(10),
            keepalive: Duration::from_secs(10),
        }
    }
}
