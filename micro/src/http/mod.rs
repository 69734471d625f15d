//! HTTP on the server's one port: gRPC over HTTP/2, and plain calls with JSON over any version; and
//! calls of our own to gRPC servers.
//!
//! The server recognises HTTP by the first bytes of a connection and hands it over to [`serve`]. A
//! request's content type then says what it is: [`grpc`], or [`json`] with everything else. Both end
//! in the same [`Handlers::call`](crate::server::Handlers::call) as the native protocol.

mod body;
mod errors;
mod grpc;
mod grpc_client;
mod grpc_frame;
mod grpc_head;
mod grpc_outgoing;
mod health;
mod io;
mod json;
mod proto;
mod work;

use std::{convert::Infallible, pin::Pin, sync::Arc, time::Duration};

use ::http::{Request, Response};
use bytes::Bytes;
use hyper::{
    body::Incoming,
    server::conn::{http1, http2},
    service::service_fn,
};
use tokio::{io::AsyncReadExt, sync::watch};

pub(crate) use grpc_client::GrpcChannel;

use self::{
    body::Body,
    io::{Clock, Io, Tasks},
    work::Link,
};
use crate::{
    Error, Result,
    server::{Exit, Gate, Handlers},
    transport::Connection,
};

/// What every HTTP/2 connection begins with.
const PREFACE: &[u8; 24] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// How HTTP/1 requests begin.
const METHODS: [&[u8]; 9] = [
    b"GET ",
    b"HEAD ",
    b"POST ",
    b"PUT ",
    b"DELETE ",
    b"OPTIONS ",
    b"PATCH ",
    b"TRACE ",
    b"CONNECT ",
];
/// What a peer's headers may take besides metadata: its path and what the protocol adds.
const OVERHEAD: usize = 4 << 10;
/// How long a peer that was asked whether it lives may take to answer.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long a connection that is told to close may take to say its last.
const LAST: Duration = Duration::from_millis(300);

/// A version of HTTP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Version {
    Http1,
    Http2,
}

/// Which HTTP begins with `first`, where it is one, and all that was read to find out.
///
/// # Errors
/// `InvalidArgument` for what begins as HTTP/2 and goes on as something else.
pub(crate) async fn recognise(
    first: [u8; 8],
    connection: &mut Connection,
) -> Result<Option<(Version, Bytes)>> {
    if METHODS.iter().any(|method| first.starts_with(method)) {
        return Ok(Some((Version::Http1, Bytes::copy_from_slice(&first))));
    }
    if first[..] != PREFACE[..first.len()] {
        return Ok(None);
    }
    let mut rest = [0; PREFACE.len() - 8];
    connection.read_exact(&mut rest).await?;
    if rest[..] != PREFACE[first.len()..] {
        return Err(Error::invalid_argument(
            "the caller began with a preface of HTTP/2 that is none",
        ));
    }
    Ok(Some((Version::Http2, Bytes::from_static(PREFACE))))
}

/// How far a connection is on its way out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Serving,
    Leaving,
    Closed,
}

/// The way out of a connection.
#[derive(Debug)]
struct Door(watch::Sender<Stage>);

impl Exit for Door {
    fn leave(&self) {
        self.0.send_if_modified(|stage| {
            let serving = *stage == Stage::Serving;
            if serving {
                *stage = Stage::Leaving;
            }
            serving
        });
    }

    fn is_quiet(&self) -> bool {
        // Replies on their way are given a last moment when it closes.
        true
    }

    fn close(&self) {
        self.0.send_replace(Stage::Closed);
    }
}

/// Serves HTTP on a connection whose first bytes are in `first`, until either side closes it.
///
/// # Errors
/// What broke the connection.
pub(crate) async fn serve<H: Handlers>(
    connection: Connection,
    first: Bytes,
    version: Version,
    handlers: Arc<H>,
    gate: Arc<Gate>,
) -> Result<()> {
    let (door, stage) = watch::channel(Stage::Serving);
    let link = Arc::new(Link {
        handlers,
        gate: gate.clone(),
        address: connection.peer().to_owned(),
        stage: stage.clone(),
    });
    let _listed = gate.list(Arc::new(Door(door)));
    let io = Io::new(first, connection);
    // Boxed: the future of a connection is large, and the task of a native one need not be.
    Box::pin(serve_http(io, version, link, stage)).await
}

async fn serve_http(
    io: Io,
    version: Version,
    link: Arc<Link>,
    stage: watch::Receiver<Stage>,
) -> Result<()> {
    let limits = link.gate.limits.clone();
    let service = service_fn(move |request| {
        let link = link.clone();
        async move { Ok::<_, Infallible>(answer(&link, request).await) }
    });
    match version {
        Version::Http2 => {
            let streams = u32::try_from(limits.streams_per_connection).unwrap_or(u32::MAX);
            let headers = u32::try_from(limits.metadata + OVERHEAD).unwrap_or(u32::MAX);
            let connection = http2::Builder::new(Tasks)
                .timer(Clock)
                .max_concurrent_streams(streams)
                .max_header_list_size(headers)
                .keep_alive_interval(limits.keepalive)
                .keep_alive_timeout(PATIENCE)
                .serve_connection(io, service);
            drive(connection, http2::Connection::graceful_shutdown, stage).await
        }
        Version::Http1 => {
            let connection = http1::Builder::new()
                .timer(Clock)
                .header_read_timeout(limits.handshake)
                .max_buf_size((limits.metadata + OVERHEAD).max(8 << 10))
                .serve_connection(io, service);
            drive(connection, http1::Connection::graceful_shutdown, stage).await
        }
    }
}

/// Serves a connection up to its end, or a little longer than the server is there.
async fn drive<C: Future<Output = hyper::Result<()>>>(
    connection: C,
    leave: impl Fn(Pin<&mut C>),
    mut stage: watch::Receiver<Stage>,
) -> Result<()> {
    let mut connection = std::pin::pin!(connection);
    loop {
        tokio::select! {
            ended = connection.as_mut() => return ended.map_err(|error| errors::broken(&error)),
            Ok(()) = stage.changed() => leave(connection.as_mut()),
        }
        if *stage.borrow_and_update() == Stage::Closed {
            // The calls at work are cancelled by now; this is for what they have to say about it.
            return match tokio::time::timeout(LAST, connection).await {
                Ok(ended) => ended.map_err(|error| errors::broken(&error)),
                Err(_) => Ok(()),
            };
        }
    }
}

/// Answers one request, by the protocol that its content type names.
///
/// The HTTP format of Go Micro, whose requests name their method in `Micro-Endpoint`, is one more
/// case here.
async fn answer(link: &Arc<Link>, request: Request<Incoming>) -> Response<Body> {
    match grpc_head::form(grpc_head::media(request.headers())) {
        Some(form) => grpc::answer(link, request, form).await,
        None => json::answer(link, request).await,
    }
}
