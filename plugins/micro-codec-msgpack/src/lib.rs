//! MessagePack for micro: `application/msgpack`, for every message type that has serde's derives.
//!
//! Linking it in is all that it takes; a call then asks for it by content type:
//!
//! ```
//! use micro_codec_msgpack as _;
//! use micro::codec::ContentType;
//!
//! # fn main() -> micro::Result<()> {
//! let msgpack = ContentType::parse("application/msgpack")?;
//! // greeter.hello(request).content_type(msgpack).await?
//! # let _ = msgpack;
//! # Ok(())
//! # }
//! ```
//!
//! On the wire, structs are maps from field names to values, as in JSON, so that a field may be
//! added without breaking whoever does not know it. Bytes are MessagePack's `bin`.

use bytes::{BufMut, BytesMut};
use micro::{
    Error, Result,
    codec::{Codec, Plugin},
    erased_serde::{Deserializer, Serialize},
    inventory,
};

/// The media type.
pub const CONTENT_TYPE: &str = "application/msgpack";

/// How deep a message may be nested, as in JSON.
const DEPTH: usize = 128;

/// The codec.
#[derive(Clone, Copy, Debug)]
pub struct MsgPack;

inventory::submit! { Plugin { content_type: CONTENT_TYPE, codec: &MsgPack } }

impl Codec for MsgPack {
    fn encode(&self, value: &dyn Serialize, out: &mut BytesMut) -> Result<()> {
        let mut writer = out.writer();
        let mut serializer = rmp_serde::Serializer::new(&mut writer).with_struct_map();
        value
            .erased_serialize(&mut <dyn micro::erased_serde::Serializer>::erase(
                &mut serializer,
            ))
            .map_err(|error| {
                Error::internal(format!("the message has no MessagePack form: {error}"))
            })
    }

    fn decode(
        &self,
        bytes: &[u8],
        read: &mut dyn FnMut(&mut dyn Deserializer<'_>) -> Result<()>,
    ) -> Result<()> {
        let mut rest = bytes;
        let mut deserializer = rmp_serde::Deserializer::new(&mut rest);
        deserializer.set_max_depth(DEPTH);
        read(&mut <dyn Deserializer<'_>>::erase(&mut deserializer))?;
        if !rest.is_empty() {
            return Err(Error::invalid_argument(format!(
                "{} bytes behind the end of the message",
                rest.len()
            )));
        }
        Ok(())
    }
}
