//! The message that all send, with the same fields in each encoding.

use bytes::Bytes;

/// Protobuf for those who speak it, serde for tarpc.
#[derive(Clone, PartialEq, prost::Message, serde::Serialize, serde::Deserialize)]
pub struct Msg {
    #[prost(bytes = "bytes", tag = "1")]
    pub body: Bytes,
}

/// JSON has no bytes: a text of the same length.
#[derive(Clone, serde::Serialize, serde::Deserialize)]
pub struct Text {
    pub body: String,
}

/// A count as the body of a reply.
pub fn count(n: u64) -> Msg {
    Msg {
        body: Bytes::copy_from_slice(&n.to_le_bytes()),
    }
}

/// The count in such a body.
pub fn counted(body: &[u8]) -> u64 {
    body.try_into().map(u64::from_le_bytes).unwrap_or(0)
}
