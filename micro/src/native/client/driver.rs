//! The task of a connection: reads answers, writes calls, keeps time.

use std::{
    sync::Arc,
    task::{Context, Poll, Waker},
    time::Duration,
};

use bytes::BytesMut;
use futures_util::future;
use tokio::{io::AsyncWriteExt, time::Instant};

use super::{
    super::{
        error_body::take_error,
        frame::{ANSWER_METADATA, Header, Kind, Payload},
        input::{Incoming, Input, kept},
        link::Writer,
        timer::Timer,
        too_large,
    },
    calls::{Shared, Slot, State, late},
};
use crate::{Error, Result, transport::Connection};

/// Reads and writes a connection.
pub(super) struct Driver {
    shared: Arc<Shared>,
    input: Input,
    writer: Writer,
    timer: Timer,
    heard: Option<Instant>,
    asked: bool,
    keepalive: Duration,
    /// Has let other tasks run since it last wrote, so that what they send goes along.
    gave_way: bool,
    woken: Vec<Waker>,
}

impl Driver {
    pub(super) fn new(shared: Arc<Shared>, keepalive: Duration) -> Self {
        Self {
            input: Input::new(shared.limit + ANSWER_METADATA, BytesMut::new()),
            shared,
            writer: Writer::default(),
            timer: Timer::default(),
            heard: None,
            asked: false,
            keepalive,
            gave_way: false,
            woken: Vec::new(),
        }
    }

    pub(super) async fn run(mut self, mut io: Connection) {
        let ended = future::poll_fn(|cx| self.poll(&mut io, cx)).await;
        let error = match ended {
            Ok(()) => Error::unavailable(format!("{} closed the connection", io.peer())),
            Err(error) => Error::unavailable(format!(
                "the connection to {} broke: {}",
                io.peer(),
                error.detail()
            )),
        };
        tracing::debug!(network.peer.address = io.peer(), %error, "a connection ended");
        self.shared.link.close(error.clone());
        self.fail_all(&error);
        let _ = io.shutdown().await;
    }

    fn poll(&mut self, io: &mut Connection, cx: &mut Context<'_>) -> Poll<Result<()>> {
        let link = self.shared.link.clone();
        link.driver.register(cx.waker());
        link.attend();
        if let Some(reason) = link.closed() {
            return Poll::Ready(Err(reason));
        }
        let mut left = 1024;
        loop {
            if left == 0 {
                cx.waker().wake_by_ref();
                break;
            }
            left -= 1;
            if let Some(incoming) = self.input.next()? {
                self.on_frame(incoming)?;
                continue;
            }
            match self.input.poll_read(io, cx) {
                Poll::Ready(Ok(0)) => return Poll::Ready(Ok(())),
                Poll::Ready(Ok(_)) => {
                    if self.heard.is_some() {
                        self.heard = Some(Instant::now());
                        self.asked = false;
                    }
                }
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error.into())),
                Poll::Pending => break,
            }
        }
        self.input.rest();
        let (open, at_work) = self.watch_over_calls();
        // After all that may have armed it: it wakes nobody before it was polled.
        while self.timer.poll(cx).is_ready() {
            self.on_timer()?;
        }
        // All that were answered are woken in one go, and before anything is written, as most of
        // them will have something to send.
        self.woken.drain(..).for_each(Waker::wake);
        if !open {
            if link.waiting(&self.writer) == 0 {
                return Poll::Ready(Ok(()));
            }
        } else if at_work > 1
            && !std::mem::replace(&mut self.gave_way, true)
            && link.waiting(&self.writer) > 0
        {
            // A lone caller has nobody to wait for.
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        if link.poll_flush(&mut self.writer, io, cx)?.is_ready() {
            self.gave_way = false;
        }
        Poll::Pending
    }

    /// Sees to the timer; says whether the connection is still of use, and how many calls there are.
    fn watch_over_calls(&mut self) -> (bool, usize) {
        let mut calls = self.shared.lock();
        let at_work = calls.slots.len() - calls.free.len();
        let deadline = calls.deadline;
        let done = at_work == 0 && (calls.abandoned || calls.leaving);
        if done {
            // Whoever comes now must not wait for a connection that closes.
            calls.leaving = true;
        }
        drop(calls);
        if let Some(deadline) = deadline {
            self.timer.arm(deadline);
        }
        if at_work > 0 && self.heard.is_none() {
            let now = Instant::now();
            self.heard = Some(now);
            self.timer.arm(now + self.keepalive);
        }
        (!done, at_work)
    }

    fn on_frame(&mut self, incoming: Incoming) -> Result<()> {
        let (header, body) = match incoming {
            Incoming::Frame(header, body) => (header, body),
            Incoming::TooLarge(header) => {
                let error = too_large(header.len as usize, self.shared.limit);
                if header.kind == Kind::Data {
                    // The server goes on until it is told; its answer then frees the id.
                    self.end_replies(header.id, Err(error));
                    self.shared
                        .link
                        .send_header(Header::new(Kind::Cancel, header.id));
                } else {
                    self.on_answer(header.id, Err(error));
                }
                return Ok(());
            }
        };
        match header.kind {
            Kind::Reply if header.word == 0 => {
                let payload = Payload::parse(header, body, ANSWER_METADATA);
                self.on_answer(header.id, payload);
            }
            Kind::Reply => {
                let error = match Payload::parse(header, body, ANSWER_METADATA) {
                    Ok(payload) => take_error(header, payload.body),
                    Err(error) => error,
                };
                self.on_answer(header.id, Err(error));
            }
            Kind::Open => {
                let payload = Payload::parse(header, body, ANSWER_METADATA)?;
                let mut calls = self.shared.lock();
                if let Some(slot) = calls.slots.get_mut(header.id as usize)
                    && matches!(slot.state, State::Waiting)
                {
                    slot.state = State::Open(payload);
                    self.woken.extend(slot.waker.take());
                }
            }
            Kind::Data => {
                let replies = {
                    let calls = self.shared.lock();
                    calls
                        .slots
                        .get(header.id as usize)
                        .and_then(|slot| slot.replies.clone())
                };
                if let Some(replies) = replies {
                    self.woken.extend(replies.receive(kept(body))?);
                }
            }
            Kind::Credit => {
                let requests = {
                    let calls = self.shared.lock();
                    calls
                        .slots
                        .get(header.id as usize)
                        .and_then(|slot| slot.requests.clone())
                };
                if let Some(requests) = requests {
                    requests.give(header.word);
                }
            }
            Kind::Ping => self
                .shared
                .link
                .send_header(Header::new(Kind::Pong, 0).word(header.word)),
            Kind::Pong => {}
            Kind::Leave => self.shared.lock().leaving = true,
            Kind::Name | Kind::Call | Kind::End | Kind::Cancel => {
                return Err(Error::invalid_argument(format!(
                    "a server sent a {:?} frame",
                    header.kind
                )));
            }
        }
        Ok(())
    }

    fn on_answer(&mut self, id: u32, answer: Result<Payload>) {
        let mut calls = self.shared.lock();
        let Some(slot) = calls.slots.get_mut(id as usize) else {
            return;
        };
        match slot.state {
            State::Free | State::Done(_) | State::Taken => return,
            State::GivenUp => {
                *slot = Slot::default();
                calls.free.push(id);
                return;
            }
            State::Waiting | State::Open(_) | State::Late => {}
        }
        if let Some(replies) = slot.replies.take() {
            let end = answer.as_ref().map(|_| ()).map_err(Clone::clone);
            self.woken.extend(replies.end(end));
        }
        if let Some(requests) = slot.requests.take() {
            requests.close();
        }
        // A stream that was opened in the same breath is handed over with what it holds; its end,
        // good or bad, stands behind that.
        slot.state = match (std::mem::take(&mut slot.state), answer) {
            (State::Open(opened), Err(_)) => State::Done(Ok(opened)),
            (_, answer) => State::Done(answer),
        };
        slot.deadline = None;
        self.woken.extend(slot.waker.take());
    }

    fn end_replies(&mut self, id: u32, end: Result<()>) {
        let replies = {
            let mut calls = self.shared.lock();
            calls
                .slots
                .get_mut(id as usize)
                .and_then(|slot| slot.replies.take())
        };
        if let Some(replies) = replies {
            self.woken.extend(replies.end(end));
        }
    }

    fn on_timer(&mut self) -> Result<()> {
        let now = Instant::now();
        let mut late = Vec::new();
        let at_work = {
            let mut calls = self.shared.lock();
            let mut earliest = None;
            for (slot, id) in calls.slots.iter_mut().zip(0..) {
                let Some(deadline) = slot.deadline else {
                    continue;
                };
                if deadline <= now {
                    slot.deadline = None;
                    late.push(id);
                } else {
                    earliest =
                        Some(earliest.map_or(deadline, |earliest: Instant| earliest.min(deadline)));
                }
            }
            calls.deadline = earliest;
            calls.slots.len() - calls.free.len()
        };
        for id in late {
            self.expire(id);
        }
        if at_work == 0 {
            self.heard = None;
            self.shared.link.rest(&mut self.writer);
            return Ok(());
        }
        let Some(heard) = self.heard else {
            return Ok(());
        };
        let silent = now - heard;
        let patience = self.keepalive / 2;
        if self.asked && silent >= self.keepalive + patience {
            return Err(Error::unavailable(format!(
                "the server has been silent for {silent:?}"
            )));
        }
        if silent >= self.keepalive && !self.asked {
            self.asked = true;
            self.shared.link.send_header(Header::new(Kind::Ping, 0));
        }
        let next = heard + self.keepalive + if self.asked { patience } else { Duration::ZERO };
        self.timer.arm(next.max(now + Duration::from_millis(10)));
        Ok(())
    }

    /// The deadline of a call has passed.
    fn expire(&mut self, id: u32) {
        self.end_replies(id, Err(late()));
        let mut calls = self.shared.lock();
        let slot = &mut calls.slots[id as usize];
        if let Some(requests) = slot.requests.take() {
            requests.close();
        }
        if matches!(slot.state, State::Waiting | State::Open(_)) {
            slot.state = State::Late;
            self.woken.extend(slot.waker.take());
        }
    }

    /// The connection is gone: so are the calls on it.
    fn fail_all(&mut self, error: &Error) {
        let written = self.writer.written;
        let ids = self.shared.lock().slots.len() as u32;
        for id in 0..ids {
            let unseen = {
                let calls = self.shared.lock();
                // One that is being sent just now may be seen: `sent` is not known yet.
                calls.slots[id as usize].sent != u64::MAX && calls.slots[id as usize].sent > written
            };
            let error = if unseen {
                error.clone().unseen()
            } else {
                error.clone()
            };
            self.on_answer(id, Err(error));
        }
        self.woken.drain(..).for_each(Waker::wake);
    }
}
