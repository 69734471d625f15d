//! Codec: messages to bytes and back, chosen by content type for each call.
//!
//! Which codecs a method can speak is known when it is compiled: the generator makes a constant
//! [`Wire`] for each message type, from what the type derives. Which of them one call uses is
//! decided by its content type when it runs. A format that this crate does not know, like
//! `application/msgpack`, joins as a [`Codec`] from a plugin crate and serves every serde type.

use std::fmt;

use bytes::BytesMut;

use crate::{Error, Result};

mod bytes_text;
#[cfg(feature = "json")]
mod json;
#[cfg(feature = "protobuf")]
mod protobuf;
mod scratch;
mod wire;

#[cfg(feature = "json")]
pub use json::Json;
#[cfg(feature = "protobuf")]
pub use protobuf::Protobuf;
#[cfg(not(feature = "protobuf"))]
pub use wire::NoProtobuf as Protobuf;
pub use wire::{Message, Probe, Raw, Serde, Undetected, Wire};

/// Writes and reads every serde type in one format.
///
/// ```
/// use micro::codec::{Codec, Plugin};
///
/// struct Upper;
/// impl Codec for Upper {
///     fn encode(
///         &self,
///         value: &dyn micro::erased_serde::Serialize,
///         out: &mut bytes::BytesMut,
///     ) -> micro::Result<()> {
///         let text = serde_json::to_string(value).map_err(|e| micro::Error::internal(e.to_string()))?;
///         out.extend_from_slice(text.to_uppercase().as_bytes());
///         Ok(())
///     }
///     fn decode(
///         &self,
///         bytes: &[u8],
///         read: &mut dyn FnMut(&mut dyn micro::erased_serde::Deserializer<'_>) -> micro::Result<()>,
///     ) -> micro::Result<()> {
///         let text = String::from_utf8_lossy(bytes).to_lowercase();
///         let mut json = serde_json::Deserializer::from_str(&text);
///         read(&mut <dyn micro::erased_serde::Deserializer<'_>>::erase(&mut json))
///     }
/// }
/// micro::inventory::submit! { Plugin { content_type: "application/x-upper", codec: &Upper } }
/// ```
pub trait Codec: Send + Sync + 'static {
    /// Appends `value` to `out`.
    ///
    /// # Errors
    /// `Internal` where the format has no form for the value.
    fn encode(&self, value: &dyn erased_serde::Serialize, out: &mut BytesMut) -> Result<()>;

    /// Hands `read` a deserializer over `bytes`. Input nested deeper than 128 levels must be refused.
    ///
    /// # Errors
    /// `InvalidArgument` where the bytes are no such format, and what `read` says.
    fn decode(
        &self,
        bytes: &[u8],
        read: &mut dyn FnMut(&mut dyn erased_serde::Deserializer<'_>) -> Result<()>,
    ) -> Result<()>;
}

/// A [`Codec`] that is compiled in, by its content type.
pub struct Plugin {
    /// The media type, lower case and without parameters.
    pub content_type: &'static str,
    /// The codec.
    pub codec: &'static dyn Codec,
}

inventory::collect!(Plugin);

impl fmt::Debug for Plugin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Plugin")
            .field("content_type", &self.content_type)
            .finish_non_exhaustive()
    }
}

/// The form of an encoded message, by media type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ContentType {
    /// `application/protobuf`.
    Protobuf,
    /// `application/json`.
    Json,
    /// `application/octet-stream`: the bytes themselves.
    Bytes,
    /// `text/plain`: UTF-8.
    Text,
    /// A format of a [`Plugin`].
    Other(&'static str),
}

impl ContentType {
    /// The media type.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Protobuf => "application/protobuf",
            Self::Json => "application/json",
            Self::Bytes => "application/octet-stream",
            Self::Text => "text/plain",
            Self::Other(name) => name,
        }
    }

    /// Reads a media type; parameters like `charset` and the case do not matter.
    ///
    /// # Errors
    /// `Unimplemented`, with the media types that there are, where no codec speaks it.
    pub fn parse(text: &str) -> Result<Self> {
        let media = text.split(';').next().unwrap_or_default().trim();
        let is = |name: &str| media.eq_ignore_ascii_case(name);
        if is("application/protobuf") || is("application/x-protobuf") || is("application/proto") {
            return Ok(Self::Protobuf);
        }
        for known in [Self::Json, Self::Bytes, Self::Text] {
            if is(known.as_str()) {
                return Ok(known);
            }
        }
        match inventory::iter::<Plugin>().find(|plugin| is(plugin.content_type)) {
            Some(plugin) => Ok(Self::Other(plugin.content_type)),
            None => Err(unknown(text)),
        }
    }

    /// The codec plugin that speaks it, where it is one's.
    fn plugin(self) -> Option<&'static dyn Codec> {
        let Self::Other(name) = self else { return None };
        Some(
            inventory::iter::<Plugin>()
                .find(|plugin| plugin.content_type == name)?
                .codec,
        )
    }
}

impl fmt::Display for ContentType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cold]
fn unknown(text: &str) -> Error {
    let builtin = [
        ContentType::Protobuf,
        ContentType::Json,
        ContentType::Bytes,
        ContentType::Text,
    ];
    let mut names: Vec<_> = builtin.iter().map(|known| known.as_str()).collect();
    names.extend(inventory::iter::<Plugin>().map(|plugin| plugin.content_type));
    let text: String = text.chars().take(100).collect();
    Error::unimplemented(format!(
        "no codec speaks {text:?}; there are: {}",
        names.join(", ")
    ))
}
