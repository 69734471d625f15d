//! Messages of gRPC in an HTTP/2 body: a flag, four bytes of length, the message.

use std::{
    io::Read,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::{Buf, BufMut, Bytes, BytesMut};
use http::HeaderMap;
use http_body::Body;
use hyper::body::Incoming;

use crate::{Error, Result};

/// What stands before each message.
pub(super) const PREFIX: usize = 5;

/// Appends what stands before a message of `len` bytes.
pub(super) fn put_prefix(out: &mut BytesMut, len: usize) {
    out.put_u8(0);
    out.put_u32(len as u32);
}

/// How the messages that are marked as compressed are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Encoding {
    Identity,
    Gzip,
}

/// Encodings that are read, as `grpc-accept-encoding` lists them.
pub(super) const ENCODINGS: &str = "identity,gzip";

impl Encoding {
    /// What a peer's `grpc-encoding` says.
    ///
    /// # Errors
    /// `Unimplemented` for one that is not read here.
    pub(super) fn of(headers: &HeaderMap) -> Result<Self> {
        match headers.get("grpc-encoding").map(|value| value.as_bytes()) {
            None | Some(b"identity") => Ok(Self::Identity),
            Some(b"gzip") => Ok(Self::Gzip),
            Some(other) => Err(Error::unimplemented(format!(
                "messages compressed by {:?} can't be read; there are: {ENCODINGS}",
                String::from_utf8_lossy(&other[..other.len().min(50)])
            ))),
        }
    }
}

/// The messages of a body, in order.
#[derive(Debug)]
pub(super) struct Messages {
    body: Incoming,
    /// The last bytes that came, where no message was begun before them.
    chunk: Bytes,
    /// A message of which a part is there.
    partial: BytesMut,
    limit: usize,
    encoding: Encoding,
    ended: bool,
    /// What stood behind the messages.
    pub(super) trailers: Option<HeaderMap>,
}

impl Messages {
    pub(super) fn new(body: Incoming, limit: usize, encoding: Encoding) -> Self {
        Self {
            body,
            chunk: Bytes::new(),
            partial: BytesMut::new(),
            limit,
            encoding,
            ended: false,
            trailers: None,
        }
    }

    /// The next message; `None` at the end.
    pub(super) async fn next(&mut self) -> Option<Result<Bytes>> {
        std::future::poll_fn(|cx| self.poll_next(cx)).await
    }

    /// The one message of a body that has no other.
    ///
    /// # Errors
    /// `InvalidArgument` where there is none, or another.
    pub(super) async fn only(&mut self) -> Result<Bytes> {
        let Some(message) = self.next().await.transpose()? else {
            return Err(Error::invalid_argument(
                "there is no message, one is needed",
            ));
        };
        match self.next().await.transpose()? {
            None => Ok(message),
            Some(_) => Err(Error::invalid_argument("there is more than one message")),
        }
    }

    pub(super) fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes>>> {
        loop {
            if self.ended {
                return Poll::Ready(None);
            }
            match self.cut() {
                Ok(None) => {}
                Ok(Some(message)) => return Poll::Ready(Some(Ok(message))),
                Err(error) => return Poll::Ready(Some(Err(self.end(error)))),
            }
            match ready!(Pin::new(&mut self.body).poll_frame(cx)) {
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) => self.chunk = data,
                    Err(frame) => self.trailers = frame.into_trailers().ok(),
                },
                Some(Err(error)) => {
                    let error = super::errors::broken(&error);
                    return Poll::Ready(Some(Err(self.end(error))));
                }
                None if self.partial.is_empty() => self.ended = true,
                None => {
                    let error = Error::invalid_argument("the stream ended inside of a message");
                    return Poll::Ready(Some(Err(self.end(error))));
                }
            }
        }
    }

    fn end(&mut self, error: Error) -> Error {
        self.ended = true;
        error
    }

    /// Takes a message from what has come, where there is a whole one.
    fn cut(&mut self) -> Result<Option<Bytes>> {
        if self.partial.is_empty()
            && let Some((compressed, len)) = self.prefix(&self.chunk)?
            && self.chunk.len() - PREFIX >= len
        {
            self.chunk.advance(PREFIX);
            let message = self.chunk.split_to(len);
            return self.plain(compressed, message).map(Some);
        }
        self.partial.extend_from_slice(&self.chunk);
        self.chunk.clear();
        let Some((compressed, len)) = self.prefix(&self.partial)? else {
            return Ok(None);
        };
        if self.partial.len() - PREFIX < len {
            return Ok(None);
        }
        self.partial.advance(PREFIX);
        let message = self.partial.split_to(len).freeze();
        // What came behind it may hold more messages.
        self.chunk = std::mem::take(&mut self.partial).freeze();
        self.plain(compressed, message).map(Some)
    }

    fn prefix(&self, mut bytes: &[u8]) -> Result<Option<(bool, usize)>> {
        if bytes.len() < PREFIX {
            return Ok(None);
        }
        let compressed = match bytes.get_u8() {
            0 => false,
            1 => true,
            other => {
                return Err(Error::invalid_argument(format!(
                    "a message begins with {other}, which says neither that it is compressed nor that it is not"
                )));
            }
        };
        let len = bytes.get_u32() as usize;
        if len > self.limit {
            return Err(too_large(len, self.limit));
        }
        Ok(Some((compressed, len)))
    }

    fn plain(&self, compressed: bool, message: Bytes) -> Result<Bytes> {
        match (compressed, self.encoding) {
            (false, _) => Ok(message),
            (true, Encoding::Gzip) => inflate(&message, self.limit),
            (true, Encoding::Identity) => Err(Error::invalid_argument(
                "a message is marked as compressed, and grpc-encoding does not say how",
            )),
        }
    }
}

/// Never holds more than `limit` bytes, whatever the message claims to become.
fn inflate(message: &[u8], limit: usize) -> Result<Bytes> {
    let mut plain = Vec::new();
    flate2::read::GzDecoder::new(message)
        .take(limit as u64 + 1)
        .read_to_end(&mut plain)
        .map_err(|error| Error::invalid_argument(format!("a message is no gzip: {error}")))?;
    if plain.len() > limit {
        return Err(Error::resource_exhausted(format!(
            "a compressed message is over the limit of {limit} bytes when it is inflated"
        )));
    }
    Ok(plain.into())
}

#[cold]
pub(super) fn too_large(len: usize, limit: usize) -> Error {
    Error::resource_exhausted(format!(
        "a message of {len} bytes is over the limit of {limit}"
    ))
}
