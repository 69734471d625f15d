//! `application/json`, for every serde type.

use std::any::TypeId;

use bytes::{BufMut, BytesMut};
use serde::{
    Serialize,
    de::{DeserializeOwned, IgnoredAny},
};

use super::Codec;
use crate::{Error, Result};

/// JSON by way of `serde_json`, which refuses input nested deeper than 128 levels.
#[derive(Clone, Copy, Debug)]
pub struct Json;

impl Codec for Json {
    fn encode(&self, value: &dyn erased_serde::Serialize, out: &mut BytesMut) -> Result<()> {
        write(&value, out)
    }

    fn decode(
        &self,
        bytes: &[u8],
        read: &mut dyn FnMut(&mut dyn erased_serde::Deserializer<'_>) -> Result<()>,
    ) -> Result<()> {
        let mut json = serde_json::Deserializer::from_slice(bytes);
        read(&mut <dyn erased_serde::Deserializer<'_>>::erase(&mut json))?;
        json.end().map_err(|error| malformed(&error))
    }
}

/// Writes a message. The empty one, `()`, is an object like the others.
pub(super) fn write_message<T: Serialize + 'static>(value: &T, out: &mut BytesMut) -> Result<()> {
    if TypeId::of::<T>() == TypeId::of::<()>() {
        out.extend_from_slice(b"{}");
        return Ok(());
    }
    write(value, out)
}

/// Reads a message; for the empty one, any JSON or nothing at all.
pub(super) fn read_message<T: DeserializeOwned + 'static>(bytes: &[u8]) -> Result<T> {
    if TypeId::of::<T>() == TypeId::of::<()>() {
        if !bytes.is_empty() {
            read::<IgnoredAny>(bytes)?;
        }
        return read(b"null");
    }
    read(bytes)
}

fn write<T: Serialize + ?Sized>(value: &T, out: &mut BytesMut) -> Result<()> {
    serde_json::to_writer(out.writer(), value).map_err(|error| {
        Error::internal(format!(
            "{} has no JSON form: {error}",
            std::any::type_name::<T>()
        ))
    })
}

fn read<T: DeserializeOwned>(bytes: &[u8]) -> Result<T> {
    serde_json::from_slice(bytes).map_err(|error| malformed(&error))
}

fn malformed(error: &serde_json::Error) -> Error {
    Error::invalid_argument(format!("the body is no such JSON: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_empty_message_is_an_object() {
        let mut out = BytesMut::new();
        write_message(&(), &mut out).unwrap();
        assert_eq!(&out[..], b"{}");
        for body in ["", "{}", "null", r#"{"a": [1]}"#] {
            read_message::<()>(body.as_bytes()).unwrap();
        }
        assert!(read_message::<()>(b"{").is_err());
    }
}
