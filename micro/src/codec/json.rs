//! `application/json`, for every serde type.

use bytes::{BufMut, BytesMut};
use serde::{Serialize, de::DeserializeOwned};

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

pub(super) fn write<T: Serialize + ?Sized>(value: &T, out: &mut BytesMut) -> Result<()> {
    serde_json::to_writer(out.writer(), value).map_err(|error| {
        Error::internal(format!(
            "{} has no JSON form: {error}",
            std::any::type_name::<T>()
        ))
    })
}

pub(super) fn read<T: DeserializeOwned>(bytes: &[u8]) -> Result<T> {
    serde_json::from_slice(bytes).map_err(|error| malformed(&error))
}

fn malformed(error: &serde_json::Error) -> Error {
    Error::invalid_argument(format!("the body is no such JSON: {error}"))
}
