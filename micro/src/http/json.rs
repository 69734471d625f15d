//! Plain HTTP: `POST /helloworld.Greeter/Hello` with JSON, or another form, and the reply in return.
//!
//! It is what the Connect protocol calls unary, so its clients work too. `GET /livez`, `/readyz` and
//! `/healthz` say how the server is. No answer lets pages of other origins in.

use std::{pin::Pin, sync::Arc, time::Duration};

use ::http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, header};
use bytes::{Bytes, BytesMut};
use http_body::Body as _;
use hyper::body::Incoming;
use serde_json::json;
use tokio::{sync::oneshot, time::Instant};

use super::{
    body::{Body, Form, Task},
    grpc_frame::too_large,
    grpc_head, health,
    work::Link,
};
use crate::{
    Code, Error, Result, base64,
    codec::ContentType,
    server::{self, Call, Route},
    stream::pipe_opening,
};

const LINES: &str = "application/x-ndjson";

/// Answers a request.
pub(super) async fn answer(link: &Arc<Link>, request: Request<Incoming>) -> Response<Body> {
    let connect = request.headers().contains_key("connect-protocol-version");
    match request.uri().path() {
        "/livez" => return probe(request.method(), true),
        "/readyz" | "/healthz" => return probe(request.method(), health::ready(link)),
        _ => {}
    }
    match call(link, request).await {
        Ok(response) => response,
        Err(Refusal { status, error }) => {
            let status = status.unwrap_or_else(|| http_status(error.code(), connect));
            failed(status, &error)
        }
    }
}

/// An error with the status that it has, where that does not follow from its kind.
struct Refusal {
    status: Option<StatusCode>,
    error: Error,
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        Self {
            status: None,
            error,
        }
    }
}

impl Refusal {
    fn with(status: StatusCode) -> impl Fn(Error) -> Self {
        move |error| Self {
            status: Some(status),
            error,
        }
    }
}

async fn call(
    link: &Arc<Link>,
    request: Request<Incoming>,
) -> std::result::Result<Response<Body>, Refusal> {
    let (head, body) = request.into_parts();
    let limit = link.gate.limits.message;
    let route = link
        .gate
        .router
        .find_foreign(head.uri.path())
        .map_err(Refusal::with(StatusCode::NOT_FOUND))?;
    if head.method != Method::POST {
        return Err(Refusal::with(StatusCode::METHOD_NOT_ALLOWED)(
            Error::unimplemented(format!(
                "{} is called by POST, not by {}",
                route.method.path, head.method
            )),
        ));
    }
    let media = grpc_head::media(&head.headers);
    let unsupported = Refusal::with(StatusCode::UNSUPPORTED_MEDIA_TYPE);
    let form = ContentType::parse(media).map_err(&unsupported)?;
    if let Some(encoding) = head.headers.get(header::CONTENT_ENCODING)
        && encoding != "identity"
    {
        return Err(unsupported(Error::unimplemented(
            "the body is compressed; send it as it is",
        )));
    }
    let lines = head
        .headers
        .get(header::ACCEPT)
        .is_some_and(|accept| accept == LINES);
    streams(&route, lines, form)?;
    let accept = head
        .headers
        .get(header::ACCEPT)
        .and_then(|accept| ContentType::parse(accept.to_str().ok()?).ok())
        .unwrap_or(form);
    let deadline = timeout(&head.headers)?.and_then(|timeout| Instant::now().checked_add(timeout));
    let metadata = grpc_head::take_metadata(&head.headers);
    let work = link.begin(&route, metadata, deadline, "http")?;
    let over = body.size_hint().lower() > limit as u64;
    if over {
        return Err(oversized(limit));
    }
    let handlers = link.handlers.clone();
    let Some(message) = work.run(collect(body, limit)).await? else {
        return Err(oversized(limit));
    };
    let call = Call {
        context: work.context.clone(),
        route,
        content_type: form,
        accept,
        body: server::Body::Message(message),
        output: None,
    };
    if lines {
        let (outbound, replies, opening) = pipe_opening(crate::native::WINDOW);
        let call = Call {
            output: Some(outbound),
            ..call
        };
        let (end, mut ended) = oneshot::channel();
        let task = tokio::spawn(async move {
            let reply = work.run(handlers.run(call)).await;
            let _ = end.send(reply);
        });
        let task = Task(task.abort_handle());
        if opening.await.is_err() {
            let gone = |_| Err(Error::cancelled("the call was dropped"));
            (&mut ended).await.unwrap_or_else(gone)?;
            return Ok(response(LINES, Bytes::new()));
        }
        let mut response = response(LINES, Bytes::new());
        *response.body_mut() = Body::stream(replies, ended, task, Form::Lines, limit);
        return Ok(response);
    }
    let reply = work.run(handlers.run(call)).await?;
    if reply.body.len() > limit {
        return Err(too_large(reply.body.len(), limit).into());
    }
    // The caller's own word for the form, where it gets the form that it sent.
    let sent = reply.content_type.unwrap_or(accept);
    let name = if sent == form { media } else { sent.as_str() };
    let mut response = response(name, reply.body);
    grpc_head::put_metadata(response.headers_mut(), &reply.metadata);
    Ok(response)
}

/// Refuses what streams, but for replies on lines.
fn streams(route: &Route, lines: bool, form: ContentType) -> Result<()> {
    let kind = route.method.kind;
    let path = route.method.path;
    match (kind.client_streams(), kind.server_streams(), lines) {
        (true, ..) => Err(Error::unimplemented(format!(
            "{path} takes a stream of messages, which plain HTTP has none of; call it by gRPC"
        ))),
        (_, true, false) => Err(Error::unimplemented(format!(
            "{path} replies with a stream; call it by gRPC, or with `accept: {LINES}`"
        ))),
        (_, true, true) if form != ContentType::Json => Err(Error::unimplemented(format!(
            "replies on lines are JSON, and so must the request be, not {form}"
        ))),
        (_, false, true) => Err(Error::unimplemented(format!(
            "{path} has one reply; ask for `accept: application/json`"
        ))),
        _ => Ok(()),
    }
}

/// All of a body; `None` where it is over the limit.
async fn collect(mut body: Incoming, limit: usize) -> Result<Option<Bytes>> {
    let mut first = Bytes::new();
    let mut whole = BytesMut::new();
    while let Some(frame) = std::future::poll_fn(|cx| Pin::new(&mut body).poll_frame(cx)).await {
        let frame = frame.map_err(|error| super::errors::broken(&error))?;
        let Ok(data) = frame.into_data() else {
            continue;
        };
        if first.len() + whole.len() + data.len() > limit {
            return Ok(None);
        }
        if first.is_empty() && whole.is_empty() {
            // Most bodies come in one piece, which is not copied.
            first = data;
        } else {
            whole.extend_from_slice(&std::mem::take(&mut first));
            whole.extend_from_slice(&data);
        }
    }
    Ok(Some(if whole.is_empty() {
        first
    } else {
        whole.freeze()
    }))
}

fn timeout(headers: &HeaderMap) -> Result<Option<Duration>> {
    let Some(value) = headers.get("connect-timeout-ms") else {
        return Ok(None);
    };
    let millis = value
        .to_str()
        .ok()
        .filter(|text| text.len() <= 10)
        .and_then(|text| text.parse().ok());
    match millis {
        Some(millis) => Ok(Some(Duration::from_millis(millis))),
        None => Err(Error::invalid_argument(format!(
            "connect-timeout-ms is {value:?}; it is a number of milliseconds, of at most ten digits"
        ))),
    }
}

#[cold]
fn oversized(limit: usize) -> Refusal {
    Refusal::with(StatusCode::PAYLOAD_TOO_LARGE)(Error::resource_exhausted(format!(
        "the body is over the limit of {limit} bytes"
    )))
}

/// The status of an error: Go Micro's, or Connect's for those who speak it.
fn http_status(code: Code, connect: bool) -> StatusCode {
    let number = match code {
        Code::DeadlineExceeded if connect => 504,
        Code::FailedPrecondition if connect => 400,
        code => code.http(),
    };
    StatusCode::from_u16(number).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

fn describe(error: &Error) -> serde_json::Value {
    let mut described = json!({ "code": error.code().name(), "message": error.detail() });
    if !error.id().is_empty() {
        described["id"] = error.id().into();
    }
    if let Some(status) = error.details() {
        let details = grpc_head::details(status).map(|(kind, value)| {
            let kind = kind.rsplit('/').next().unwrap_or(kind);
            json!({ "type": kind, "value": base64::encode(value) })
        });
        described["details"] = details.collect();
    }
    described
}

/// The last line of a stream that failed.
pub(super) fn error_line(error: &Error) -> String {
    json!({ "error": describe(error) }).to_string()
}

fn failed(status: StatusCode, error: &Error) -> Response<Body> {
    let mut response = response("application/json", describe(error).to_string().into());
    *response.status_mut() = status;
    if status == StatusCode::METHOD_NOT_ALLOWED {
        grpc_head::put_static(response.headers_mut(), "allow", "POST");
    }
    response
}

fn response(media: &str, body: Bytes) -> Response<Body> {
    let mut response = Response::new(Body::Full(Some(body)));
    let media =
        HeaderValue::from_str(media).unwrap_or(HeaderValue::from_static("application/json"));
    response.headers_mut().insert(header::CONTENT_TYPE, media);
    response
}

fn probe(method: &Method, good: bool) -> Response<Body> {
    if !matches!(*method, Method::GET | Method::HEAD) {
        let error = Error::unimplemented(format!("it is asked by GET, not by {method}"));
        let mut response = failed(StatusCode::METHOD_NOT_ALLOWED, &error);
        grpc_head::put_static(response.headers_mut(), "allow", "GET, HEAD");
        return response;
    }
    let (status, text) = match good {
        true => (StatusCode::OK, "serving"),
        false => (StatusCode::SERVICE_UNAVAILABLE, "leaving"),
    };
    let mut response = response(
        "application/json",
        json!({ "status": text }).to_string().into(),
    );
    *response.status_mut() = status;
    response
}
