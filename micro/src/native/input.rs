//! The incoming half of a connection: bytes to frames.

use std::{
    cell::RefCell,
    pin::pin,
    task::{Context, Poll},
};

use bytes::{Buf, Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt};

use super::frame::{HEADER, Header};
use crate::Result;

const BLOCK: usize = 64 << 10;

/// What is put aside, in place of `message`, until somebody reads it: a small message is a slice
/// that would keep the whole block alive in which it came, which no window counts.
pub(super) fn kept(message: Bytes) -> Bytes {
    if message.len() < BLOCK / 4 {
        Bytes::copy_from_slice(&message)
    } else {
        message
    }
}

thread_local! {
    /// An idle connection keeps no buffer: while one is at work it uses its thread's.
    static SPARE: RefCell<BytesMut> = RefCell::new(BytesMut::new());
}

/// Reads frames; a frame over the limit is skipped as it comes, and never held.
#[derive(Debug)]
pub(super) struct Input {
    buffer: BytesMut,
    /// What is still to come of a frame over the limit.
    skip: usize,
    limit: usize,
}

/// A frame that was read.
#[derive(Debug)]
pub(super) enum Incoming {
    /// A whole one.
    Frame(Header, Bytes),
    /// One over the limit, whose payload is skipped.
    TooLarge(Header),
}

impl Input {
    /// Takes frames whose payload has at most `limit` bytes; `first` was read already.
    pub(super) fn new(limit: usize, first: BytesMut) -> Self {
        Self {
            buffer: first,
            skip: 0,
            limit,
        }
    }

    /// The next frame, where all of it is there.
    ///
    /// # Errors
    /// `InvalidArgument` for what is no frame.
    pub(super) fn next(&mut self) -> Result<Option<Incoming>> {
        if self.skip > 0 {
            let skipped = self.skip.min(self.buffer.len());
            self.buffer.advance(skipped);
            self.skip -= skipped;
            if self.skip > 0 {
                return Ok(None);
            }
        }
        let Some(header) = Header::peek(&self.buffer)? else {
            return Ok(None);
        };
        let len = header.len as usize;
        if len > self.limit {
            self.buffer.advance(HEADER);
            self.skip = len;
            return Ok(Some(Incoming::TooLarge(header)));
        }
        if self.buffer.len() < HEADER + len {
            return Ok(None);
        }
        self.buffer.advance(HEADER);
        Ok(Some(Incoming::Frame(
            header,
            self.buffer.split_to(len).freeze(),
        )))
    }

    /// Reads what is there; 0 at the end.
    pub(super) fn poll_read(
        &mut self,
        io: &mut (impl AsyncRead + Unpin),
        cx: &mut Context<'_>,
    ) -> Poll<std::io::Result<usize>> {
        if self.buffer.capacity() == 0 {
            self.buffer = SPARE.take();
        }
        if self.buffer.capacity() - self.buffer.len() < BLOCK / 16 {
            // Grows with what did arrive, not with what a header promises.
            self.buffer.reserve(BLOCK.max(self.buffer.len()));
        }
        pin!(io.read_buf(&mut self.buffer)).poll(cx)
    }

    /// Gives the buffer back to the thread where nothing is in it.
    pub(super) fn rest(&mut self) {
        if self.buffer.is_empty() && self.buffer.capacity() > 0 {
            SPARE.set(std::mem::take(&mut self.buffer));
        }
    }
}
