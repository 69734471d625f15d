//! Whether the server is there for calls: `grpc.health.v1.Health`, `/livez`, `/readyz`, `/healthz`.

use std::sync::Arc;

use ::http::{HeaderMap, Response};
use bytes::{Bytes, BytesMut};
use tokio::sync::oneshot;

use super::{
    body::{Body, Form, Task},
    grpc::opened,
    grpc_head, proto,
    work::Link,
};
use crate::{Error, Result, codec::ContentType, server, stream::pipe};

/// The methods of the health service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Method {
    Check,
    Watch,
}

/// What a service is, by its number in the protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Status {
    Serving = 1,
    NotServing = 2,
    Unknown = 3,
}

/// The method at `path`, where it is one of the health service's.
pub(super) fn method(path: &str) -> Option<Method> {
    match path {
        "/grpc.health.v1.Health/Check" => Some(Method::Check),
        "/grpc.health.v1.Health/Watch" => Some(Method::Watch),
        _ => None,
    }
}

/// Whether new callers are welcome.
pub(super) fn ready(link: &Link) -> bool {
    *link.gate.ready().borrow()
}

/// Answers the request in `message`, a `HealthCheckRequest`.
///
/// # Errors
/// `NotFound` for the check of a service that is not here.
pub(super) fn answer(link: &Arc<Link>, method: Method, message: Bytes) -> Result<Response<Body>> {
    let name = String::from_utf8_lossy(proto::bytes_of(&message, 1)).into_owned();
    let known = name.is_empty()
        || link
            .gate
            .router
            .services()
            .iter()
            .any(|service| service.name == name || service.short_name() == name);
    match method {
        Method::Watch => Ok(watch(link, known)),
        Method::Check if !known => Err(Error::not_found(format!(
            "no service {:?} here",
            name.chars().take(100).collect::<String>()
        ))),
        Method::Check => {
            let mut trailers = HeaderMap::new();
            grpc_head::put_status(&mut trailers, Ok(()));
            let message = response(status(known, ready(link)));
            Ok(opened(
                ContentType::Protobuf,
                Body::reply(message, trailers),
            ))
        }
    }
}

fn status(known: bool, ready: bool) -> Status {
    match (known, ready) {
        (false, _) => Status::Unknown,
        (true, true) => Status::Serving,
        (true, false) => Status::NotServing,
    }
}

/// A `HealthCheckResponse`.
fn response(status: Status) -> Bytes {
    let mut message = BytesMut::new();
    proto::put_int(&mut message, 1, status as u64);
    message.freeze()
}

/// Tells the status now and when it changes. It is no call at work: a server that leaves tells so
/// and ends it.
fn watch(link: &Link, known: bool) -> Response<Body> {
    let (mut outbound, replies) = pipe(1 << 10);
    let (end, ended) = oneshot::channel();
    let mut ready = link.gate.ready();
    let mut stage = link.stage.clone();
    let task = tokio::spawn(async move {
        let watching = async {
            loop {
                let now = *ready.borrow_and_update();
                outbound.send(response(status(known, now))).await?;
                if ready.changed().await.is_err() {
                    return Ok(());
                }
            }
        };
        let result: Result<()> = tokio::select! {
            result = watching => result,
            _ = stage.wait_for(|stage| *stage != super::Stage::Serving) => Ok(()),
        };
        let _ = end.send(result.and(Err::<server::Response, _>(Error::unavailable(
            "the server is leaving",
        ))));
    });
    let task = Task(task.abort_handle());
    opened(
        ContentType::Protobuf,
        Body::stream(replies, ended, task, Form::Grpc, usize::MAX),
    )
}
