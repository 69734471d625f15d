//! The outgoing half of a connection: whoever has something to say appends it, one task writes.

use std::{
    borrow::Cow,
    collections::{HashMap, VecDeque},
    io::IoSlice,
    pin::Pin,
    sync::{Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker, ready},
};

use bytes::{Buf, Bytes, BytesMut};
use futures_util::task::AtomicWaker;
use tokio::io::AsyncWrite;

use super::frame::{Frame, Header, Kind, NAMES};
use crate::{Error, Result};

/// Bodies from this size on are handed to the system as they are; smaller ones are copied together.
const LARGE: usize = 8 << 10;
/// Output that waits before whoever produces more has to wait too.
pub(super) const HIGH: usize = 1 << 20;

/// Frames on their way out, and the task that writes them.
#[derive(Debug, Default)]
pub(crate) struct Link {
    out: Mutex<Out>,
    /// The connection's task.
    pub(super) driver: AtomicWaker,
}

#[derive(Debug, Default)]
struct Out {
    pending: Segments,
    /// The driver knows that there is output, or is at work and will look.
    scheduled: bool,
    /// Bytes appended since the connection began.
    appended: u64,
    names: HashMap<Cow<'static, str>, u16>,
    /// The name that was called last, if it is a constant, by where it is, and its number.
    last: Option<(&'static str, u16)>,
    blocked: Vec<Waker>,
    closed: Option<Error>,
}

impl Out {
    #[expect(
        clippy::ptr_arg,
        reason = "a path that is static is kept without a copy"
    )]
    /// The number of a method's name, told to the other side where it does not know it.
    fn number(&mut self, path: &Cow<'static, str>) -> u16 {
        if let (Cow::Borrowed(path), Some((last, number))) = (path, self.last)
            && std::ptr::eq(*path, last)
        {
            return number;
        }
        let number = self.names.get(path).copied().unwrap_or_else(|| {
            if self.names.len() >= NAMES.into() {
                // Numbers may be given anew: the other side takes the last word for each.
                self.names.clear();
            }
            let number = self.names.len() as u16;
            let name = Bytes::copy_from_slice(path.as_bytes());
            let header = Header {
                tag: number,
                ..Header::new(Kind::Name, 0)
            };
            self.pending.push(Frame::new(header), &name);
            self.names.insert(path.clone(), number);
            number
        });
        self.last = match path {
            Cow::Borrowed(path) => Some((path, number)),
            // One that was made at run time may be gone, and its place another's.
            Cow::Owned(_) => None,
        };
        number
    }
}

/// Bytes in order: sealed pieces, then a tail that grows.
#[derive(Debug, Default)]
pub(super) struct Segments {
    sealed: VecDeque<Bytes>,
    tail: BytesMut,
    len: usize,
}

impl Segments {
    fn push(&mut self, frame: Frame<'_>, body: &Bytes) {
        let before = self.tail.len();
        frame.put(&mut self.tail, body.len());
        if body.len() < LARGE {
            self.tail.extend_from_slice(body);
            self.len += self.tail.len() - before;
        } else {
            self.len += self.tail.len() - before + body.len();
            self.sealed.push_back(self.tail.split().freeze());
            self.sealed.push_back(body.clone());
        }
    }

    /// Writes as much as the other side takes; says how much.
    fn poll_write(
        &mut self,
        io: &mut (impl AsyncWrite + Unpin),
        cx: &mut Context<'_>,
    ) -> Poll<std::io::Result<usize>> {
        let mut total = 0;
        while self.len > 0 {
            let written = if self.sealed.is_empty() {
                Pin::new(&mut *io).poll_write(cx, &self.tail)
            } else {
                let mut slices = [IoSlice::new(&[]); 16];
                let mut used = 0;
                let pieces = self
                    .sealed
                    .iter()
                    .map(|piece| &piece[..])
                    .chain([&self.tail[..]]);
                for (slice, piece) in slices.iter_mut().zip(pieces) {
                    *slice = IoSlice::new(piece);
                    used += 1;
                }
                Pin::new(&mut *io).poll_write_vectored(cx, &slices[..used])
            };
            match written {
                Poll::Ready(Ok(0)) => {
                    return Poll::Ready(Err(std::io::ErrorKind::WriteZero.into()));
                }
                Poll::Ready(Ok(written)) => {
                    total += written;
                    self.advance(written);
                }
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Pending if total > 0 => break,
                Poll::Pending => return Poll::Pending,
            }
        }
        Poll::Ready(Ok(total))
    }

    fn advance(&mut self, mut written: usize) {
        self.len -= written;
        while let Some(first) = self.sealed.front_mut() {
            if written < first.len() {
                return first.advance(written);
            }
            written -= first.len();
            self.sealed.pop_front();
        }
        self.tail.advance(written);
        if self.tail.is_empty() {
            self.tail.clear();
        }
    }
}

/// The driver's side of a [`Link`]: what it has taken over and not written yet.
#[derive(Debug, Default)]
pub(super) struct Writer {
    writing: Segments,
    /// Bytes handed to the system since the connection began.
    pub(super) written: u64,
}

impl Link {
    fn lock(&self) -> MutexGuard<'_, Out> {
        // Nothing in here can panic half-way, so a poisoned buffer is whole.
        self.out.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Appends a frame.
    ///
    /// # Errors
    /// Why the connection is closed, where it is.
    pub(super) fn send(&self, frame: Frame<'_>, body: &Bytes) -> Result<()> {
        self.append(|out| out.pending.push(frame, body)).map(drop)
    }

    /// Appends a frame without a body.
    pub(crate) fn send_header(&self, header: Header) {
        // A closed connection needs no word.
        let _ = self.send(Frame::new(header), &Bytes::new());
    }

    /// Appends a call of the method at `path`, with its number, and first the number itself where
    /// the other side does not know it. Says how many bytes must have been written for the call to
    /// be out.
    ///
    /// # Errors
    /// As [`Link::send`].
    #[expect(
        clippy::ptr_arg,
        reason = "a path that is static is kept without a copy"
    )]
    pub(super) fn send_call(
        &self,
        path: &Cow<'static, str>,
        mut frame: Frame<'_>,
        body: &Bytes,
    ) -> Result<u64> {
        self.append(|out| {
            frame.header.tag = out.number(path);
            out.pending.push(frame, body);
        })
    }

    fn append(&self, write: impl FnOnce(&mut Out)) -> Result<u64> {
        let (wake, end) = {
            let mut out = self.lock();
            if let Some(error) = &out.closed {
                return Err(error.clone().unseen());
            }
            let before = out.pending.len;
            write(&mut out);
            out.appended += (out.pending.len - before) as u64;
            (!std::mem::replace(&mut out.scheduled, true), out.appended)
        };
        if wake {
            self.driver.wake();
        }
        Ok(end)
    }

    /// Waits until little enough output waits.
    pub(super) fn poll_room(&self, cx: &mut Context<'_>) -> Poll<Result<()>> {
        let mut out = self.lock();
        if let Some(error) = &out.closed {
            return Poll::Ready(Err(error.clone().unseen()));
        }
        if out.pending.len < HIGH {
            return Poll::Ready(Ok(()));
        }
        out.blocked.push(cx.waker().clone());
        Poll::Pending
    }

    /// Ends the connection; the first reason stays.
    pub(crate) fn close(&self, reason: Error) {
        let blocked = {
            let mut out = self.lock();
            out.closed.get_or_insert(reason);
            std::mem::take(&mut out.blocked)
        };
        blocked.into_iter().for_each(Waker::wake);
        self.driver.wake();
    }

    /// Why the connection is closed, where it is.
    pub(super) fn closed(&self) -> Option<Error> {
        self.lock().closed.clone()
    }

    /// Whether all that was sent has been written.
    pub(crate) fn is_quiet(&self) -> bool {
        !self.lock().scheduled
    }

    /// Says that the driver is at work: it will look for output before it rests.
    pub(super) fn attend(&self) {
        self.lock().scheduled = true;
    }

    /// Writes all that is there. Ready when nothing is left, and from then on a new frame wakes the
    /// driver.
    pub(super) fn poll_flush(
        &self,
        writer: &mut Writer,
        io: &mut (impl AsyncWrite + Unpin),
        cx: &mut Context<'_>,
    ) -> Poll<std::io::Result<()>> {
        loop {
            if writer.writing.len == 0 {
                let blocked = {
                    let mut out = self.lock();
                    if out.pending.len == 0 {
                        out.scheduled = false;
                        drop(out);
                        return Pin::new(io).poll_flush(cx);
                    }
                    std::mem::swap(&mut out.pending, &mut writer.writing);
                    std::mem::take(&mut out.blocked)
                };
                blocked.into_iter().for_each(Waker::wake);
            }
            let written = ready!(writer.writing.poll_write(io, cx))?;
            writer.written += written as u64;
            if writer.writing.len > 0 {
                return Poll::Pending;
            }
        }
    }

    /// How much output waits, the part that the driver took over included.
    pub(super) fn waiting(&self, writer: &Writer) -> usize {
        self.lock().pending.len + writer.writing.len
    }

    /// Gives back buffers that an idle connection does not need.
    pub(super) fn rest(&self, writer: &mut Writer) {
        let mut out = self.lock();
        if out.pending.len == 0 && writer.writing.len == 0 {
            out.pending = Segments::default();
            writer.writing = Segments::default();
        }
    }
}
