//! `application/octet-stream` and `text/plain`: messages that are their own encoding.

use bytes::Bytes;

use super::{
    ContentType,
    wire::{Probe, Raw},
};
use crate::Error;

/// Bytes and text; sealed by being private.
pub trait RawMessage: Sized + 'static {
    /// Its functions.
    const RAW: Raw<Self>;
}

impl RawMessage for Bytes {
    const RAW: Raw<Self> = Raw {
        content_type: ContentType::Bytes,
        write: Self::clone,
        read: Ok,
    };
}

impl RawMessage for Vec<u8> {
    const RAW: Raw<Self> = Raw {
        content_type: ContentType::Bytes,
        write: |bytes| Bytes::copy_from_slice(bytes),
        read: |bytes| Ok(bytes.into()),
    };
}

impl RawMessage for String {
    const RAW: Raw<Self> = Raw {
        content_type: ContentType::Text,
        write: |text| Bytes::copy_from_slice(text.as_bytes()),
        read: |bytes| {
            Self::from_utf8(bytes.into()).map_err(|error| {
                Error::invalid_argument(format!("the body is no UTF-8 text: {error}"))
            })
        },
    };
}

impl<T: RawMessage> Probe<T> {
    /// How it goes as it is.
    pub const RAW: Option<Raw<T>> = Some(T::RAW);
}
