//! gRPC, the serving side.

use std::sync::Arc;

use ::http::{HeaderMap, Method, Request, Response, StatusCode, Version, header};
use bytes::Bytes;
use futures_util::future::{self, Either};
use hyper::body::Incoming;
use tokio::{sync::oneshot, time::Instant};

use super::{
    body::{Body, Form, Task},
    grpc_frame::{ENCODINGS, Encoding, Messages, too_large},
    grpc_head, health,
    work::{Link, Work},
};
use crate::{
    Error, Result,
    codec::ContentType,
    server::{self, Call, Route},
    stream::{Outbound, pipe, pipe_opening},
};

/// Answers a call whose messages have this form.
pub(super) async fn answer(
    link: &Arc<Link>,
    request: Request<Incoming>,
    form: Result<ContentType>,
) -> Response<Body> {
    if request.version() != Version::HTTP_2 {
        return plain(StatusCode::HTTP_VERSION_NOT_SUPPORTED, "gRPC needs HTTP/2");
    }
    if request.method() != Method::POST {
        return plain(
            StatusCode::METHOD_NOT_ALLOWED,
            "gRPC calls are sent by POST",
        );
    }
    let shown = *form.as_ref().unwrap_or(&ContentType::Protobuf);
    let answered = match form {
        Ok(form) => call(link, request, form).await,
        Err(error) => Err(error),
    };
    answered.unwrap_or_else(|error| failed(shown, &error))
}

async fn call(
    link: &Arc<Link>,
    request: Request<Incoming>,
    form: ContentType,
) -> Result<Response<Body>> {
    let (head, body) = request.into_parts();
    let limits = &link.gate.limits;
    let encoding = Encoding::of(&head.headers)?;
    let timeout = grpc_head::take_timeout(&head.headers)?;
    let mut messages = Messages::new(body, limits.message, encoding);
    let route = match link.gate.router.find_foreign(head.uri.path()) {
        Ok(route) => route,
        Err(error) => match health::method(head.uri.path()) {
            Some(method) => return health::answer(link, method, messages.only().await?),
            None => return Err(error),
        },
    };
    let accept = accepted(&head.headers).unwrap_or(form);
    let deadline = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
    let metadata = grpc_head::take_metadata(&head.headers);
    let work = link.begin(&route, metadata, deadline, "grpc")?;
    let started = Started {
        link: link.clone(),
        route,
        form,
        accept,
        messages,
    };
    if route.method.kind.server_streams() {
        return started.stream(work).await;
    }
    let reply = work.run(started.run(&work, None)).await?;
    if reply.body.len() > limits.message {
        return Err(too_large(reply.body.len(), limits.message));
    }
    let mut trailers = HeaderMap::new();
    grpc_head::put_status(&mut trailers, Ok(()));
    let mut response = opened(
        reply.content_type.unwrap_or(accept),
        Body::reply(reply.body, trailers),
    );
    grpc_head::put_metadata(response.headers_mut(), &reply.metadata);
    Ok(response)
}

/// A call that was taken on and has not run.
struct Started {
    link: Arc<Link>,
    route: Route,
    form: ContentType,
    accept: ContentType,
    messages: Messages,
}

impl Started {
    /// Runs it; its stream of messages, where it has one, is read meanwhile.
    async fn run(mut self, work: &Work, output: Option<Outbound>) -> Result<server::Response> {
        let (body, pump) = if self.route.method.kind.client_streams() {
            let (outbound, inbound) = pipe(crate::native::WINDOW);
            let pump = pump(self.messages, outbound);
            (server::Body::Stream(inbound), Some(pump))
        } else {
            (server::Body::Message(self.messages.only().await?), None)
        };
        let handled = self.link.handlers.clone().run(Call {
            context: work.context.clone(),
            route: self.route,
            content_type: self.form,
            accept: self.accept,
            body,
            output,
        });
        let Some(pump) = pump else {
            return handled.await;
        };
        match future::select(handled, std::pin::pin!(pump)).await {
            Either::Left((reply, _)) => reply,
            Either::Right(((), handled)) => handled.await,
        }
    }

    /// Runs it in a task of its own, which ends when nobody reads its replies.
    async fn stream(self, work: Work) -> Result<Response<Body>> {
        let limits = &self.link.gate.limits;
        let (accept, limit) = (self.accept, limits.message);
        let (outbound, replies, opening) = pipe_opening(crate::native::WINDOW);
        let (end, ended) = oneshot::channel();
        let task = tokio::spawn(async move {
            let reply = work.run(self.run(&work, Some(outbound))).await;
            // Whoever waited may be gone.
            let _ = end.send(reply);
        });
        let task = Task(task.abort_handle());
        if opening.await.is_err() {
            // It is over before it began: an error is all that there is to say.
            let reply = ended
                .await
                .unwrap_or_else(|_| Err(Error::cancelled("the call was dropped")));
            let reply = reply?;
            let mut response = opened(accept, Body::empty());
            grpc_head::put_metadata(response.headers_mut(), &reply.metadata);
            grpc_head::put_status(response.headers_mut(), Ok(()));
            return Ok(response);
        }
        Ok(opened(
            accept,
            Body::stream(replies, ended, task, Form::Grpc, limit),
        ))
    }
}

/// Hands a caller's messages to the handler, no faster than it reads them.
pub(super) async fn pump(mut messages: Messages, mut outbound: Outbound) {
    let end = loop {
        let next = future::poll_fn(|cx| {
            if outbound.poll_gone(cx).is_ready() {
                return std::task::Poll::Ready(None);
            }
            messages.poll_next(cx).map(Some)
        });
        match next.await {
            None => return,
            Some(None) => break Ok(()),
            Some(Some(Err(error))) => break Err(error),
            Some(Some(Ok(message))) => {
                if outbound.send(message).await.is_err() {
                    return;
                }
            }
        }
    };
    outbound.finish(end);
}

/// The form that the caller asks for, where it asks; gRPC itself has no word for it.
fn accepted(headers: &HeaderMap) -> Option<ContentType> {
    let accept = headers.get(header::ACCEPT)?.to_str().ok()?;
    ContentType::parse(accept).ok()
}

/// A response under way.
pub(super) fn opened(form: ContentType, body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, grpc_head::content_type(form));
    grpc_head::put_static(headers, "grpc-accept-encoding", ENCODINGS);
    response
}

/// A response that is an error and nothing else.
fn failed(form: ContentType, error: &Error) -> Response<Body> {
    let mut response = opened(form, Body::empty());
    grpc_head::put_status(response.headers_mut(), Err(error));
    response
}

/// For a caller that speaks something other than gRPC.
fn plain(status: StatusCode, text: &'static str) -> Response<Body> {
    let mut response = Response::new(Body::Full(Some(Bytes::from_static(text.as_bytes()))));
    *response.status_mut() = status;
    response
}
