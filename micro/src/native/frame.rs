//! The frames of the native protocol: a fixed header of 16 bytes, metadata where there is any, body.

use bytes::{Buf, BufMut, Bytes, BytesMut};

use super::error_body::cut;
use crate::{Error, Metadata, Result, codec::ContentType};

/// What a connection begins with, each way: seven bytes that no other protocol starts with, and
/// the version.
pub const PREFACE: [u8; 8] = [0xF5, b'm', b'i', b'c', b'r', b'o', 0, VERSION];
/// The version of the protocol that this crate speaks.
pub const VERSION: u8 = 1;
/// The length of a [`Header`] in bytes.
pub const HEADER: usize = 16;
/// The bytes that each direction of a stream may hold unread, by the protocol.
pub const WINDOW: usize = 256 << 10;
/// How many names a connection may number.
pub(super) const NAMES: u16 = 4096;
/// The longest name.
pub(super) const NAME: usize = 512;
/// The most metadata that a caller takes with an answer, in bytes.
pub(super) const ANSWER_METADATA: usize = 64 << 10;

/// What a frame is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Kind {
    /// `tag` stands for the method named in the body, until further notice.
    Name = 1,
    /// A call: `tag` its method, `word` its time limit in milliseconds, 0 for none.
    Call = 2,
    /// The answer, and the end of the call: `word` is 0 or a [`Code`](crate::Code).
    Reply = 3,
    /// A reply stream is under way: what precedes its first message.
    Open = 4,
    /// A message of a stream.
    Data = 5,
    /// The caller has sent the last message of its stream.
    End = 6,
    /// The caller gave up. The call is answered all the same, so that its id is free again.
    Cancel = 7,
    /// The reader of a stream has room for `word` bytes more.
    Credit = 8,
    /// Asks for a [`Kind::Pong`] with the same `word`.
    Ping = 9,
    /// The answer to a [`Kind::Ping`].
    Pong = 10,
    /// The server is about to close: no new calls here, close when the last has been answered.
    Leave = 11,
}

impl Kind {
    fn parse(byte: u8) -> Option<Self> {
        Some(match byte {
            1 => Self::Name,
            2 => Self::Call,
            3 => Self::Reply,
            4 => Self::Open,
            5 => Self::Data,
            6 => Self::End,
            7 => Self::Cancel,
            8 => Self::Credit,
            9 => Self::Ping,
            10 => Self::Pong,
            11 => Self::Leave,
            _ => return None,
        })
    }
}

/// Metadata stands before the body.
const METADATA: u8 = 1;
/// The call was refused before its handler ran.
const UNSEEN: u8 = 2;
/// The caller sends a stream of messages.
const STREAM: u8 = 4;
/// The form of the body is in the metadata.
const NAMED: u8 = 15;

/// The header of a frame: length `u32`, id `u32`, kind `u8`, flags `u8`, tag `u16`, word `u32`, all
/// little endian. The length is that of what follows the header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// The bytes behind the header.
    pub len: u32,
    /// The call; 0 for frames of the connection.
    pub id: u32,
    /// What the frame is.
    pub kind: Kind,
    /// Bit 0: metadata; bit 1: not run; bit 2: a stream follows; bits 4 to 7: the form of the body.
    pub flags: u8,
    /// The number of a name.
    pub tag: u16,
    /// Depends on the kind.
    pub word: u32,
}

impl Header {
    /// A header of that kind for that call, with nothing behind it.
    #[must_use]
    pub fn new(kind: Kind, id: u32) -> Self {
        Self {
            len: 0,
            id,
            kind,
            flags: 0,
            tag: 0,
            word: 0,
        }
    }

    /// The same with this word.
    #[must_use]
    pub fn word(mut self, word: u32) -> Self {
        self.word = word;
        self
    }

    /// Reads a header from the front of `bytes`, which stay; `None` where too few are there.
    ///
    /// # Errors
    /// `InvalidArgument` for a kind that there is not: the connection can't go on.
    pub fn peek(bytes: &[u8]) -> Result<Option<Self>> {
        let Some(mut bytes) = bytes.get(..HEADER) else {
            return Ok(None);
        };
        let (len, id, kind, flags) = (
            bytes.get_u32_le(),
            bytes.get_u32_le(),
            bytes.get_u8(),
            bytes.get_u8(),
        );
        let (tag, word) = (bytes.get_u16_le(), bytes.get_u32_le());
        let kind = Kind::parse(kind).ok_or_else(|| {
            Error::invalid_argument(format!("{kind} is no kind of frame of the native protocol"))
        })?;
        Ok(Some(Self {
            len,
            id,
            kind,
            flags,
            tag,
            word,
        }))
    }

    fn put(self, out: &mut BytesMut) {
        let mut header = [0; HEADER];
        header[..4].copy_from_slice(&self.len.to_le_bytes());
        header[4..8].copy_from_slice(&self.id.to_le_bytes());
        header[8] = self.kind as u8;
        header[9] = self.flags;
        header[10..12].copy_from_slice(&self.tag.to_le_bytes());
        header[12..].copy_from_slice(&self.word.to_le_bytes());
        out.extend_from_slice(&header);
    }

    pub(super) fn unseen(self) -> bool {
        self.flags & UNSEEN != 0
    }

    pub(super) fn streams(self) -> bool {
        self.flags & STREAM != 0
    }
}

/// A frame to be written.
#[derive(Debug)]
pub(super) struct Frame<'a> {
    pub(super) header: Header,
    pub(super) metadata: Option<&'a Metadata>,
    /// Headers that are not in the metadata: trace, forms.
    pub(super) extra: &'a [(&'a str, &'a str)],
    pub(super) content_type: Option<ContentType>,
    pub(super) unseen: bool,
    pub(super) streams: bool,
}

impl<'a> Frame<'a> {
    pub(super) fn new(header: Header) -> Self {
        Self {
            header,
            metadata: None,
            extra: &[],
            content_type: None,
            unseen: false,
            streams: false,
        }
    }

    /// Appends header and metadata; the body of `body` bytes is to follow.
    pub(super) fn put(self, out: &mut BytesMut, body: usize) {
        let named = match self.content_type {
            Some(ContentType::Other(name)) => Some(("content-type", name)),
            _ => None,
        };
        let form = match self.content_type {
            None | Some(ContentType::Protobuf) => 0,
            Some(ContentType::Json) => 1,
            Some(ContentType::Bytes) => 2,
            Some(ContentType::Text) => 3,
            Some(ContentType::Other(_)) => NAMED,
        };
        let mut header = self.header;
        header.flags =
            (form << 4) | (u8::from(self.unseen) * UNSEEN) | (u8::from(self.streams) * STREAM);
        let entries = || {
            let own = self.metadata.into_iter().flat_map(Metadata::iter);
            let extra = self.extra.iter().copied().chain(named);
            own.chain(extra.map(|(name, value)| (name, value.as_bytes())))
        };
        let mut len = 0;
        for (name, value) in entries() {
            len += 4 + name.len() + value.len();
        }
        if len == 0 {
            header.len = body as u32;
            return header.put(out);
        }
        header.flags |= METADATA;
        header.len = (4 + len + body) as u32;
        header.put(out);
        out.put_u32_le(len as u32);
        for (name, value) in entries() {
            out.put_u16_le(name.len() as u16);
            out.put_u16_le(value.len() as u16);
            out.extend_from_slice(name.as_bytes());
            out.extend_from_slice(value);
        }
    }
}

/// Whether a frame can carry these headers.
///
/// # Errors
/// `ResourceExhausted` for a header of which the length does not go into 16 bits.
pub(super) fn check_metadata(metadata: &Metadata) -> Result<()> {
    let most = usize::from(u16::MAX);
    match metadata
        .iter()
        .find(|(name, value)| name.len() > most || value.len() > most)
    {
        None => Ok(()),
        Some((name, value)) => Err(Error::resource_exhausted(format!(
            "the metadata {:?} has {} bytes, {most} at the most",
            cut(name, 64),
            value.len()
        ))),
    }
}

/// What stood behind a header.
#[derive(Debug)]
pub(super) struct Payload {
    pub(super) metadata: Metadata,
    pub(super) content_type: ContentType,
    pub(super) accept: Option<ContentType>,
    pub(super) body: Bytes,
}

impl Payload {
    /// Takes apart what stood behind `header`.
    ///
    /// # Errors
    /// `InvalidArgument` for metadata that can't be read, `ResourceExhausted` where there is more
    /// than `limit` of it, `Unimplemented` for a content type that no codec speaks.
    pub(super) fn parse(header: Header, mut bytes: Bytes, limit: usize) -> Result<Self> {
        let mut metadata = Metadata::new();
        if header.flags & METADATA != 0 {
            let wrong = || Error::invalid_argument("a frame's metadata is cut short");
            let len = bytes.try_get_u32_le().map_err(|_| wrong())? as usize;
            if len > limit {
                return Err(Error::resource_exhausted(format!(
                    "{len} bytes of metadata, {limit} at the most"
                )));
            }
            if len > bytes.len() {
                return Err(wrong());
            }
            let mut block = bytes.split_to(len);
            while block.has_remaining() {
                let name = block.try_get_u16_le().map_err(|_| wrong())?.into();
                let value = block.try_get_u16_le().map_err(|_| wrong())?.into();
                if block.len() < name + value {
                    return Err(wrong());
                }
                let (name, value) = (block.split_to(name), block.split_to(value));
                let name = std::str::from_utf8(&name)
                    .map_err(|_| Error::invalid_argument("a metadata name is no text"))?;
                metadata.append_bytes(name, &value)?;
            }
        }
        let content_type = match header.flags >> 4 {
            0 => ContentType::Protobuf,
            1 => ContentType::Json,
            2 => ContentType::Bytes,
            3 => ContentType::Text,
            NAMED => ContentType::parse(metadata.get("content-type").unwrap_or_default())?,
            other => {
                return Err(Error::unimplemented(format!(
                    "{other} is no known form of a body"
                )));
            }
        };
        let accept = match metadata.get("accept") {
            Some(accept) => Some(ContentType::parse(accept)?),
            None => None,
        };
        Ok(Self {
            metadata,
            content_type,
            accept,
            body: bytes,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_come_back_as_they_went() {
        let mut metadata = Metadata::new();
        metadata.insert("tenant", "a").unwrap();
        let mut frame = Frame::new(Header {
            tag: 7,
            ..Header::new(Kind::Call, 42).word(250)
        });
        frame.metadata = Some(&metadata);
        frame.extra = &[("accept", "application/json")];
        frame.content_type = Some(ContentType::Text);
        let mut out = BytesMut::new();
        frame.put(&mut out, 5);
        out.extend_from_slice(b"hello");
        let mut bytes = out.freeze();
        let header = Header::peek(&bytes).unwrap().unwrap();
        bytes.advance(HEADER);
        assert_eq!(header.len as usize, bytes.len());
        assert_eq!((header.id, header.tag, header.word), (42, 7, 250));
        let payload = Payload::parse(header, bytes, 1024).unwrap();
        assert_eq!(payload.metadata.get("tenant"), Some("a"));
        assert_eq!(
            (payload.content_type, payload.accept),
            (ContentType::Text, Some(ContentType::Json))
        );
        assert_eq!(payload.body, "hello");
    }
}
