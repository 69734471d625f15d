//! What can be set for a client, and for one call.

use std::time::Duration;

use crate::{Metadata, codec::ContentType, selector::Filter};

/// How a client behaves where a call does not say otherwise.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ClientOptions {
    /// How long a call may take, retries included; 30 s.
    pub timeout: Duration,
    /// How long making a connection may take; 5 s.
    pub connect_timeout: Duration,
    /// How often a call is sent again where that is safe; 3.
    pub retries: u32,
    /// How long a call waits for a first node of a service that the registry does not know; 1 s.
    pub discovery_timeout: Duration,
    /// The largest message in bytes, either way; 4 MiB.
    pub max_message: usize,
    /// Time without a byte, while calls are under way, after which a node is asked whether it
    /// lives; 10 s.
    pub keepalive: Duration,
}

impl Default for ClientOptions {
    fn default() -> Self {
        Self {
            timeout: Duration::from_secs(30),
            connect_timeout: Duration::from_secs(5),
            retries: 3,
            discovery_timeout: Duration::from_secs(1),
            max_message: 4 << 20,
            keepalive: Duration::from_secs(10),
        }
    }
}

/// Options of one call; what is `None` is as the client has it.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct CallOptions {
    /// How long to wait for the reply, retries included. A stream is bounded by it as a whole.
    pub timeout: Option<Duration>,
    /// Headers beside those inherited from the calling context.
    pub metadata: Metadata,
    /// The form of the request.
    pub content_type: Option<ContentType>,
    /// The form of the reply; that of the request unless set.
    pub accept: Option<ContentType>,
    /// How often an idempotent call, or one that no server saw, is sent again.
    pub retries: Option<u32>,
    /// The key that a consistent hash goes by.
    pub key: Option<String>,
    /// Which nodes it may go to.
    pub filters: Vec<Filter>,
    /// The one node that it goes to, by address, whatever the registry says.
    pub address: Option<String>,
    /// Whether it may be run twice, in place of what its definition says.
    pub idempotent: Option<bool>,
}
