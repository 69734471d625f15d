//! The native protocol, written and read by hand.

use micro::{
    Code,
    native::{HEADER, Header, Kind, PREFACE},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// A frame as bytes, of any kind, those that there are not included.
pub fn frame(kind: u8, id: u32, flags: u8, tag: u16, word: u32, body: &[u8]) -> Vec<u8> {
    let mut out = (body.len() as u32).to_le_bytes().to_vec();
    out.extend_from_slice(&id.to_le_bytes());
    out.extend_from_slice(&[kind, flags]);
    out.extend_from_slice(&tag.to_le_bytes());
    out.extend_from_slice(&word.to_le_bytes());
    out.extend_from_slice(body);
    out
}

pub fn name(tag: u16, path: &str) -> Vec<u8> {
    frame(Kind::Name as u8, 0, 0, tag, 0, path.as_bytes())
}

/// Flags of a call whose body is JSON.
pub const JSON: u8 = 1 << 4;
/// A stream of messages follows.
pub const STREAM: u8 = 4;
/// Metadata stands before the body.
pub const METADATA: u8 = 1;

pub fn call(id: u32, tag: u16, flags: u8, body: &[u8]) -> Vec<u8> {
    frame(Kind::Call as u8, id, flags, tag, 0, body)
}

pub fn data(id: u32, body: &[u8]) -> Vec<u8> {
    frame(Kind::Data as u8, id, JSON, 0, 0, body)
}

/// Metadata, and the body behind it.
pub fn with_metadata(entries: &[(&[u8], &[u8])], body: &[u8]) -> Vec<u8> {
    let mut block = Vec::new();
    for (name, value) in entries {
        block.extend_from_slice(&(name.len() as u16).to_le_bytes());
        block.extend_from_slice(&(value.len() as u16).to_le_bytes());
        block.extend_from_slice(name);
        block.extend_from_slice(value);
    }
    let mut out = (block.len() as u32).to_le_bytes().to_vec();
    out.extend_from_slice(&block);
    out.extend_from_slice(body);
    out
}

/// A caller that says what it likes.
pub struct Raw {
    pub io: TcpStream,
}

impl Raw {
    /// Connects, and says nothing yet.
    pub async fn silent(address: &str) -> Self {
        let io = TcpStream::connect(address).await.unwrap();
        io.set_nodelay(true).unwrap();
        Self { io }
    }

    /// Connects and exchanges prefaces.
    pub async fn connect(address: &str) -> Self {
        let mut raw = Self::silent(address).await;
        raw.send(&PREFACE).await;
        let mut theirs = [0; PREFACE.len()];
        raw.io.read_exact(&mut theirs).await.unwrap();
        assert_eq!(theirs, PREFACE);
        raw
    }

    pub async fn send(&mut self, bytes: &[u8]) {
        // The other side may have hung up, which reading then shows.
        let _ = self.io.write_all(bytes).await;
    }

    /// The next frame; `None` at the end of the connection.
    pub async fn frame(&mut self) -> Option<(Header, Vec<u8>)> {
        let mut header = [0; HEADER];
        self.io.read_exact(&mut header).await.ok()?;
        let header = Header::peek(&header).unwrap().unwrap();
        let mut body = vec![0; header.len as usize];
        self.io.read_exact(&mut body).await.ok()?;
        Some((header, body))
    }

    /// The answer to a call, whatever comes before: its code where it is an error, and whether it
    /// says that the handler never ran.
    pub async fn answer(&mut self, id: u32) -> Option<(Option<Code>, bool)> {
        loop {
            let (header, _) = self.frame().await?;
            if header.kind == Kind::Reply && header.id == id {
                let code = (header.word > 0).then(|| Code::from_grpc(header.word));
                return Some((code, header.flags & 2 != 0));
            }
        }
    }

    /// Waits until the other side hangs up.
    pub async fn wait_closed(&mut self) {
        let mut buffer = [0; 4096];
        while self.io.read(&mut buffer).await.is_ok_and(|read| read > 0) {}
    }
}
