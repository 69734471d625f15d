//! The serving end of a connection.

use std::{
    collections::HashMap,
    sync::Arc,
    task::{Context, Poll, Waker},
    time::Duration,
};

use bytes::BytesMut;
use tokio::{io::AsyncWriteExt, time::Instant};

use super::{
    error_body::put_error,
    frame::{Frame, Header, Kind, PREFACE, check_metadata},
    input::Input,
    link::{HIGH, Link, Writer},
    slots::{Slots, Work},
    stream::Room,
    timer::Timer,
    too_large,
};
use crate::{
    Error, Peer, Result,
    server::{Call, Gate, Handlers, Response, Route},
    stream::Queue,
    transport::Connection,
};

mod frames;

/// What one turn of a connection's task does at most before others on the thread have theirs.
const TURN: usize = 256;
/// Replies from this size on are counted one by one, not a turn at a time.
const LARGE_REPLY: usize = 16 << 10;
/// How long a peer that was asked whether it lives may take to answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// Serves calls on a connection whose first bytes, the preface, are in `first`, until either side
/// closes it. Calls at work then are cancelled.
///
/// # Errors
/// What broke the connection: the peer went away in the middle, or broke the protocol.
pub(crate) async fn serve<H: Handlers>(
    mut io: Connection,
    first: BytesMut,
    handlers: &H,
    gate: &Gate,
) -> Result<()> {
    let link = Arc::new(Link::default());
    let peer = Arc::new(Peer::new(io.peer(), "native"));
    io.write_all(&PREFACE).await?;
    let start = |call| handlers.call(call);
    let mut driver = Driver {
        start,
        gate,
        peer,
        input: Input::new(gate.limits.message + gate.limits.metadata + 4, first),
        writer: Writer::default(),
        slots: Slots::new(link.clone()),
        calls: HashMap::new(),
        names: Vec::new(),
        streams: 0,
        replied: 0,
        timer: Timer::default(),
        heard: None,
        asked: false,
        link: link.clone(),
    };
    let _listed = gate.list(link);
    let ended = std::future::poll_fn(|cx| driver.poll(&mut io, cx)).await;
    driver.abandon();
    let _ = io.shutdown().await;
    ended
}

struct Driver<'a, S, F> {
    start: S,
    gate: &'a Gate,
    peer: Arc<Peer>,
    link: Arc<Link>,
    input: Input,
    writer: Writer,
    slots: Slots<F>,
    /// The calls at work, by id.
    calls: HashMap<u32, AtWork>,
    /// What the numbers of names stand for.
    names: Vec<Option<Result<Route>>>,
    streams: usize,
    /// The size of the reply to the last frame, where that had one at once.
    replied: usize,
    timer: Timer,
    /// When the peer was last heard of, as far as that is watched: while calls are at work.
    heard: Option<Instant>,
    asked: bool,
}

/// A call at work.
#[derive(Default)]
struct AtWork {
    slot: Option<usize>,
    requests: Option<Arc<Queue>>,
    replies: Option<Arc<Room>>,
}

impl AtWork {
    fn streams(&self) -> bool {
        self.requests.is_some() || self.replies.is_some()
    }

    fn close(&self) {
        if let Some(requests) = &self.requests {
            requests
                .end(Err(Error::cancelled("the call is over")))
                .into_iter()
                .for_each(Waker::wake);
        }
        if let Some(replies) = &self.replies {
            replies.close();
        }
    }
}

impl<S, F> Driver<'_, S, F>
where
    S: Fn(Call) -> F,
    F: Future<Output = Result<Response>>,
{
    fn poll(&mut self, io: &mut Connection, cx: &mut Context<'_>) -> Poll<Result<()>> {
        self.link.driver.register(cx.waker());
        self.link.attend();
        if let Some(reason) = self.link.closed() {
            return Poll::Ready(Err(reason));
        }
        let mut left = TURN;
        self.slots.take_woken();
        while left > 0
            && let Some(polled) = self.slots.next()
        {
            left -= 1;
            if let Poll::Ready((work, reply)) = polled {
                self.finish(&work, reply);
            }
        }
        let mut crowded = self.link.waiting(&self.writer) >= HIGH;
        while left > 0 && !crowded {
            if let Some(incoming) = self.input.next()? {
                left -= 1;
                self.replied = 0;
                self.on_frame(incoming)?;
                // A few bytes may ask for megabytes: who does not read its replies is not served.
                crowded = self.replied >= LARGE_REPLY && self.link.waiting(&self.writer) >= HIGH;
                continue;
            }
            crowded = self.link.waiting(&self.writer) >= HIGH;
            if crowded {
                break;
            }
            match self.input.poll_read(io, cx) {
                Poll::Ready(Ok(0)) => return Poll::Ready(Ok(())),
                Poll::Ready(Ok(_)) => {
                    if let Some(heard) = &mut self.heard {
                        *heard = Instant::now();
                        self.asked = false;
                    }
                }
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error.into())),
                Poll::Pending => break,
            }
        }
        self.input.rest();
        // After all that may have armed it: it wakes nobody before it was polled.
        while self.timer.poll(cx).is_ready() {
            self.on_timer()?;
        }
        let flushed = self.link.poll_flush(&mut self.writer, io, cx)?;
        // Nothing else would wake it: the turn was cut short, or there is room to read again.
        if left == 0 || self.slots.has_woken() || (crowded && flushed.is_ready()) {
            cx.waker().wake_by_ref();
        }
        Poll::Pending
    }

    /// Ends a call before its handler did.
    fn cancel(&mut self, id: u32, reason: &Error) {
        let Some(slot) = self.calls.get(&id).and_then(|call| call.slot) else {
            return;
        };
        if let Some(work) = self.slots.remove(slot) {
            self.finish(&work, Err(reason.clone()));
        }
    }

    /// Ends a call that was at work.
    fn finish(&mut self, work: &Work, reply: Result<Response>) {
        let at_work = self.calls.remove(&work.id);
        if let Some(at_work) = &at_work {
            self.streams -= usize::from(at_work.streams());
            at_work.close();
        }
        work.context.cancel();
        self.reply(work.id, reply, false);
        // Last: a server that waits for its calls may close the connection from here on.
        if at_work.is_some() {
            self.gate.end();
        }
    }

    fn reply(&mut self, id: u32, reply: Result<Response>, unseen: bool) {
        if !unseen {
            self.gate.handled();
        }
        let header = Header::new(Kind::Reply, id);
        let limit = self.gate.limits.message;
        let sent = match reply {
            Ok(response) if response.body.len() <= limit => {
                let mut frame = Frame::new(header);
                frame.metadata = Some(&response.metadata);
                frame.content_type = response.content_type;
                self.replied = response.body.len();
                match check_metadata(&response.metadata) {
                    Ok(()) => self.link.send(frame, &response.body),
                    Err(error) => self.send_error(header, &error, false),
                }
            }
            Ok(response) => self.send_error(header, &too_large(response.body.len(), limit), false),
            Err(error) => self.send_error(header, &error, unseen),
        };
        // A connection that is closed has no caller left.
        drop(sent);
    }

    fn send_error(&self, header: Header, error: &Error, unseen: bool) -> Result<()> {
        tracing::debug!(rpc.response.status_code = %error.code(), %error, "a call failed");
        let mut frame = Frame::new(header.word(error.code().grpc().into()));
        // What a handler says of calls of its own, that nobody has seen them, is not so of its call.
        frame.unseen = unseen;
        self.link.send(frame, &put_error(error))
    }

    fn on_timer(&mut self) -> Result<()> {
        let now = Instant::now();
        let late = self
            .slots
            .end(|work| work.deadline.is_some_and(|deadline| deadline <= now));
        for work in late {
            let error = Error::timeout(format!(
                "the deadline passed while {} was handled",
                work.path
            ));
            self.finish(&work, Err(error));
        }
        if let Some(next) = self.slots.next_deadline() {
            self.timer.arm(next);
        }
        let Some(heard) = self.heard else {
            return Ok(());
        };
        if self.calls.is_empty() {
            // Only a peer that waits for something is asked.
            self.heard = None;
            self.slots.rest();
            self.link.rest(&mut self.writer);
            return Ok(());
        }
        let keepalive = self.gate.limits.keepalive;
        let silent = now - heard;
        if silent >= keepalive + PATIENCE && self.asked {
            return Err(Error::unavailable(format!(
                "the caller has been silent for {silent:?}"
            )));
        }
        if silent >= keepalive && !self.asked {
            self.asked = true;
            self.link.send_header(Header::new(Kind::Ping, 0));
        }
        let next = if self.asked {
            heard + keepalive + PATIENCE
        } else {
            heard + keepalive
        };
        self.timer.arm(next.max(now + Duration::from_millis(100)));
        Ok(())
    }

    /// The connection is gone: nobody waits for the calls at work.
    fn abandon(&mut self) {
        let gone = Error::cancelled("the caller went away");
        self.link.close(gone.clone());
        for work in self.slots.end(|_| true) {
            self.finish(&work, Err(gone.clone()));
        }
    }
}
