//! `application/protobuf`, for every `prost::Message`.

use std::fmt;

use bytes::{Bytes, BytesMut};

use super::{scratch, wire::Probe};
use crate::{Error, Result};

/// A type that goes as protobuf.
pub struct Protobuf<T: 'static> {
    len: fn(&T) -> usize,
    write: fn(&T, &mut BytesMut),
    read: fn(Bytes) -> Result<T>,
}

impl<T> Protobuf<T> {
    pub(super) fn encode(&self, value: &T) -> Result<Bytes> {
        scratch::encode((self.len)(value), |out| {
            (self.write)(value, out);
            Ok(())
        })
    }

    pub(super) fn decode(&self, bytes: Bytes) -> Result<T> {
        (self.read)(bytes)
    }
}

impl<T> fmt::Debug for Protobuf<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Protobuf")
    }
}

impl<T: prost::Message + Default + 'static> Probe<T> {
    /// How it goes as protobuf.
    pub const PROTOBUF: Option<Protobuf<T>> = Some(Protobuf {
        len: T::encoded_len,
        write: |value, out| value.encode_raw(out),
        read: |bytes| {
            T::decode(bytes).map_err(|error| {
                Error::invalid_argument(format!(
                    "the body is no {}: {error}",
                    std::any::type_name::<T>()
                ))
            })
        },
    });
}
