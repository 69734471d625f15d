//! A connection to a node, by the protocol that the node speaks.

use std::time::Duration;

use tokio::time::Instant;

use super::{Request, Response};
#[cfg(feature = "http")]
use crate::http::GrpcChannel;
use crate::{Context, Error, Metadata, Result, native, registry::Node, transport::Connection};

/// Carries calls to one node.
#[derive(Debug)]
pub(super) enum Channel {
    Native(native::Channel),
    #[cfg(feature = "http")]
    Grpc(GrpcChannel),
}

impl Channel {
    /// Makes a connection carry calls, by the `protocol` of the node's metadata: `grpc`, or ours for
    /// all others.
    ///
    /// # Errors
    /// `Unavailable` where the other end does not speak it.
    pub(super) async fn open(
        io: Connection,
        node: &Node,
        limit: usize,
        keepalive: Duration,
    ) -> Result<Self> {
        match node.metadata.get("protocol").map(String::as_str) {
            #[cfg(feature = "http")]
            Some("grpc") => GrpcChannel::open(io, &node.address, limit, keepalive)
                .await
                .map(Self::Grpc),
            #[cfg(not(feature = "http"))]
            Some("grpc") => Err(Error::unimplemented(format!(
                "{} speaks gRPC; enable the feature `http` of micro to call it",
                node.address
            ))),
            _ => native::Channel::open(io, limit, keepalive)
                .await
                .map(Self::Native),
        }
        .map_err(Error::unseen)
    }

    /// Whether new calls can be made on it.
    pub(super) fn is_open(&self) -> bool {
        match self {
            Self::Native(channel) => channel.is_open(),
            #[cfg(feature = "http")]
            Self::Grpc(channel) => channel.is_open(),
        }
    }

    /// Sends a call with these headers beside those of `context`. It is now the first of
    /// `times`, and the second bounds all of it, a stream included.
    ///
    /// # Errors
    /// What the handler said, `Unavailable` where the connection broke, `DeadlineExceeded`.
    pub(super) async fn call(
        &self,
        request: &mut Request,
        metadata: Option<&Metadata>,
        times: (Instant, Option<Instant>),
        context: &Context,
    ) -> Result<Response> {
        match self {
            Self::Native(channel) => channel.call(request, metadata, times, context).await,
            // Boxed, so that the future of a native call is small.
            #[cfg(feature = "http")]
            Self::Grpc(channel) => {
                Box::pin(channel.call(request, metadata, times.1, context)).await
            }
        }
    }
}
