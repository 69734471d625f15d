//! What can be set for one call.

use std::time::Duration;

use crate::{Metadata, codec::ContentType, selector::Filter};

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
