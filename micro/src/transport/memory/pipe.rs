//! Bytes one way: a bounded buffer in which they may take their time.

use std::{
    collections::VecDeque,
    io::{self, IoSlice},
    sync::{Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
    time::Duration,
};

use bytes::{Buf, BufMut, BytesMut};
use tokio::{io::ReadBuf, time::Instant};

const CAPACITY: usize = 256 * 1024;

#[derive(Default)]
pub(super) struct Pipe(Mutex<State>);

#[derive(Default)]
struct State {
    bytes: BytesMut,
    /// The last bytes of `bytes` that are not due yet: how many, and when they are. Empty where
    /// nothing is delayed.
    under_way: VecDeque<(usize, Instant)>,
    /// How many bytes those are together.
    early: usize,
    /// The writer has ended; the end itself arrives then.
    finished: Option<Option<Instant>>,
    /// Nobody will read any more.
    deserted: bool,
    /// Broken by a fault.
    snapped: bool,
    /// Nothing arrives.
    stalled: bool,
    reader: Option<Waker>,
    writer: Option<Waker>,
}

impl Pipe {
    fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        let mut state = self.lock();
        let result = change(&mut state);
        let wakers = [state.reader.take(), state.writer.take()];
        drop(state);
        wakers.into_iter().flatten().for_each(Waker::wake);
        result
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes at most `limit` of the bytes in `slices`, to arrive after `delay`.
    pub(super) fn poll_write(
        &self,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
        limit: usize,
        delay: Duration,
    ) -> Poll<io::Result<usize>> {
        let mut state = self.lock();
        if state.deserted || state.snapped || state.finished.is_some() {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        let mut room = limit.min(CAPACITY - state.bytes.len());
        if room == 0 && limit > 0 {
            keep(&mut state.writer, cx);
            return Poll::Pending;
        }
        let mut written = 0;
        for slice in slices {
            let part = &slice[..slice.len().min(room)];
            state.bytes.put_slice(part);
            written += part.len();
            room -= part.len();
        }
        if let Some(due) = state.due(delay).filter(|_| written > 0) {
            state.under_way.push_back((written, due));
            state.early += written;
        }
        let reader = state.reader.take();
        drop(state);
        if let Some(reader) = reader {
            reader.wake();
        }
        Poll::Ready(Ok(written))
    }

    /// Reads what has arrived, or says when the first byte, or the end, will.
    pub(super) fn poll_read(
        &self,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<Option<Instant>>> {
        let mut state = self.lock();
        let arrived = match state.stalled {
            true => 0,
            false => state.arrived(),
        };
        if arrived > 0 {
            let taken = arrived.min(buf.remaining());
            buf.put_slice(&state.bytes[..taken]);
            state.bytes.advance(taken);
            let writer = state.writer.take();
            drop(state);
            if let Some(writer) = writer {
                writer.wake();
            }
            return Poll::Ready(Ok(None));
        }
        if state.snapped && state.bytes.is_empty() {
            return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()));
        }
        // Also kept while bytes are under way: a partition or a fault may come first.
        keep(&mut state.reader, cx);
        let next = match (state.under_way.front(), state.finished) {
            _ if state.stalled => return Poll::Pending,
            (Some((_, due)), _) => *due,
            (None, Some(Some(due))) if due > Instant::now() => due,
            (None, Some(_)) => return Poll::Ready(Ok(None)),
            (None, None) => return Poll::Pending,
        };
        Poll::Ready(Ok(Some(next)))
    }

    pub(super) fn finish(&self, delay: Duration) {
        self.change(|state| {
            if state.finished.is_none() {
                state.finished = Some(state.due(delay));
            }
        });
    }

    pub(super) fn desert(&self) {
        self.change(|state| {
            state.deserted = true;
            state.lose();
        });
    }

    pub(super) fn snap(&self, lossy: bool) {
        self.change(|state| {
            state.snapped = true;
            if lossy {
                state.lose();
            }
        });
    }

    pub(super) fn stall(&self, stalled: bool) {
        self.change(|state| state.stalled = stalled);
    }
}

impl State {
    fn lose(&mut self) {
        self.bytes = BytesMut::new();
        self.under_way.clear();
        self.early = 0;
    }

    /// When something sent now arrives, where that is not at once; never before what was sent
    /// earlier.
    fn due(&self, delay: Duration) -> Option<Instant> {
        let earlier = self.under_way.back().map(|(_, due)| *due);
        if delay.is_zero() {
            return earlier;
        }
        Some(
            earlier
                .unwrap_or_else(Instant::now)
                .max(Instant::now() + delay),
        )
    }

    /// How many bytes have arrived.
    fn arrived(&mut self) -> usize {
        if self.early > 0 {
            let now = Instant::now();
            while let Some(&(bytes, due)) = self.under_way.front() {
                if due > now {
                    break;
                }
                self.early -= bytes;
                self.under_way.pop_front();
            }
        }
        self.bytes.len() - self.early
    }
}

fn keep(place: &mut Option<Waker>, cx: &Context<'_>) {
    match place {
        Some(waker) if waker.will_wake(cx.waker()) => {}
        _ => *place = Some(cx.waker().clone()),
    }
}
