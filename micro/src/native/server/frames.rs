//! What each frame of a caller does.

use std::{sync::Arc, task::Waker, time::Duration};

use bytes::Bytes;
use tokio::time::Instant;

use super::{AtWork, Driver};
use crate::{
    Error, Peer, Result, context,
    native::{
        frame::{Header, Kind, NAME, NAMES, Payload, WINDOW},
        input::{Incoming, kept},
        slots::{Started, Work},
        stream::{Credit, Room, Sender},
        too_large,
    },
    server::{Body, Call, Response, Route},
    stream::{Inbound, Outbound, Queue},
};

impl<S, F> Driver<'_, S, F>
where
    S: Fn(Call) -> F,
    F: Future<Output = Result<Response>>,
{
    pub(super) fn on_frame(&mut self, incoming: Incoming) -> Result<()> {
        let (header, body) = match incoming {
            Incoming::Frame(header, body) => (header, body),
            Incoming::TooLarge(header) => return self.on_too_large(header),
        };
        match header.kind {
            Kind::Call => self.on_call(header, body)?,
            Kind::Name => self.on_name(header, &body)?,
            Kind::Data => {
                // The call may be over already; what still comes for it is dropped.
                if let Some(requests) = self
                    .calls
                    .get(&header.id)
                    .and_then(|call| call.requests.as_ref())
                {
                    requests
                        .receive(kept(body))?
                        .into_iter()
                        .for_each(Waker::wake);
                }
            }
            Kind::End => {
                if let Some(requests) = self
                    .calls
                    .get(&header.id)
                    .and_then(|call| call.requests.as_ref())
                {
                    requests.end(Ok(())).into_iter().for_each(Waker::wake);
                }
            }
            Kind::Cancel => self.cancel(header.id, &Error::cancelled("the caller gave up")),
            Kind::Credit => {
                if let Some(replies) = self
                    .calls
                    .get(&header.id)
                    .and_then(|call| call.replies.as_ref())
                {
                    replies.give(header.word);
                }
            }
            Kind::Ping => self
                .link
                .send_header(Header::new(Kind::Pong, 0).word(header.word)),
            Kind::Pong => {}
            Kind::Reply | Kind::Open | Kind::Leave => {
                return Err(Error::invalid_argument(format!(
                    "a caller sent a {:?} frame",
                    header.kind
                )));
            }
        }
        Ok(())
    }

    fn on_name(&mut self, header: Header, body: &[u8]) -> Result<()> {
        if header.tag >= NAMES || body.len() > NAME {
            return Err(Error::resource_exhausted(
                "too many names on one connection, or too long ones",
            ));
        }
        let at = usize::from(header.tag);
        if self.names.len() <= at {
            self.names.resize_with(at + 1, || None);
        }
        let name = std::str::from_utf8(body)
            .map_err(|_| Error::invalid_argument("the name of a method is no text"));
        self.names[at] = Some(name.and_then(|name| self.gate.router.find(name)));
        Ok(())
    }

    fn on_call(&mut self, header: Header, body: Bytes) -> Result<()> {
        if self.calls.contains_key(&header.id) {
            return Err(Error::invalid_argument(format!(
                "the call id {} is in use",
                header.id
            )));
        }
        match self.admit(header, body) {
            Ok((work, call, at_work)) => self.run(work, call, at_work),
            Err(error) => self.reply(header.id, Err(error), true),
        }
        Ok(())
    }

    /// Makes a call of a frame; an error is one of a call that has not run.
    fn admit(&mut self, header: Header, body: Bytes) -> Result<(Work, Call, AtWork)> {
        let route = match self.names.get(usize::from(header.tag)) {
            Some(Some(route)) => route.clone()?,
            _ => {
                return Err(Error::invalid_argument(format!(
                    "no method has the number {}",
                    header.tag
                )));
            }
        };
        let kind = route.method.kind;
        let limits = &self.gate.limits;
        let payload = Payload::parse(header, body, limits.metadata)?;
        if payload.body.len() > limits.message {
            return Err(too_large(payload.body.len(), limits.message));
        }
        if self.slots.len() >= limits.calls_per_connection {
            return Err(Error::resource_exhausted(format!(
                "{} calls at work on this connection, no more are taken",
                self.slots.len()
            )));
        }
        self.gate.admit()?;
        let streams = header.streams() || kind.server_streams();
        if streams && self.streams >= limits.streams_per_connection {
            return Err(Error::resource_exhausted(format!(
                "{} streams open on this connection, no more are taken",
                self.streams
            )));
        }
        if header.streams() && !kind.client_streams() {
            return Err(Error::invalid_argument(format!(
                "{} takes one message, not a stream",
                route.method.path
            )));
        }
        let deadline =
            (header.word > 0).then(|| Instant::now() + Duration::from_millis(header.word.into()));
        let span = call_span(&route, &self.peer);
        let context =
            context::Context::for_call(payload.metadata, deadline, Some(self.peer.clone()));
        let accept = payload.accept.unwrap_or(payload.content_type);
        let mut at_work = AtWork::default();
        let body = if header.streams() {
            let queue = Arc::new(Queue::new(WINDOW));
            at_work.requests = Some(queue.clone());
            let credit = Credit::new(self.link.clone(), header.id, None);
            Body::Stream(Inbound::new(queue, WINDOW, Some(credit)))
        } else {
            Body::Message(payload.body)
        };
        let output = kind.server_streams().then(|| {
            let room = Arc::new(Room::new());
            at_work.replies = Some(room.clone());
            Outbound::Native(Sender::new(
                self.link.clone(),
                header.id,
                room,
                limits.message,
                Some(accept),
            ))
        });
        let work = Work {
            id: header.id,
            context: context.clone(),
            deadline,
            path: route.method.path,
            span,
        };
        Ok((
            work,
            Call {
                context,
                route,
                content_type: payload.content_type,
                accept,
                body,
                output,
            },
            at_work,
        ))
    }

    fn run(&mut self, work: Work, call: Call, mut at_work: AtWork) {
        let (id, deadline) = (work.id, work.deadline);
        let streams = at_work.streams();
        let future = (self.start)(call);
        match self.slots.start(work, future) {
            Started::Done(work, reply) => {
                // It never was among the calls at work, but others may hold on to its streams.
                at_work.close();
                work.context.cancel();
                self.reply(id, reply, false);
            }
            Started::Waits(slot) => {
                self.streams += usize::from(streams);
                at_work.slot = Some(slot);
                self.calls.insert(id, at_work);
                self.gate.begin();
                if let Some(deadline) = deadline {
                    self.timer.arm(deadline);
                }
                if self.heard.is_none() {
                    let now = Instant::now();
                    self.heard = Some(now);
                    self.timer.arm(now + self.gate.limits.keepalive);
                }
            }
        }
    }

    fn on_too_large(&mut self, header: Header) -> Result<()> {
        let error = too_large(header.len as usize, self.gate.limits.message);
        match header.kind {
            Kind::Call if !self.calls.contains_key(&header.id) => {
                self.reply(header.id, Err(error), true);
                Ok(())
            }
            Kind::Data => {
                self.cancel(header.id, &error);
                Ok(())
            }
            _ => Err(error),
        }
    }
}

/// Named as OpenTelemetry's RPC conventions have it.
fn call_span(route: &Route, peer: &Peer) -> tracing::Span {
    tracing::info_span!(
        "rpc.server",
        rpc.system.name = "micro",
        rpc.method = route.method.path,
        network.peer.address = peer.address,
    )
}
