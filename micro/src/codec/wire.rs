//! How a message type goes onto the wire, found out at compile time.

use std::{any::type_name, fmt, marker::PhantomData};

use bytes::Bytes;
#[cfg(feature = "json")]
use bytes::BytesMut;
use serde::{Serialize, de::DeserializeOwned};

use super::{ContentType, Protobuf, scratch};
use crate::{
    Error, Result,
    descriptor::{Describe, Type},
};

/// The ways in which `T` can be written and read: one table of functions for each type.
pub struct Wire<T: 'static> {
    /// As protobuf, where `T` is a `prost::Message`.
    pub protobuf: Option<Protobuf<T>>,
    /// In every self-describing format, where `T` is `Serialize` and `DeserializeOwned`.
    pub serde: Option<Serde<T>>,
    /// As it is, where `T` is bytes or text.
    pub raw: Option<Raw<T>>,
    /// What it is made of.
    pub schema: Type,
}

impl<T> Wire<T> {
    /// The content type that calls use unless told otherwise: bytes and text as they are, messages as
    /// protobuf where they can, else as JSON.
    #[must_use]
    pub const fn preferred(&self) -> ContentType {
        match (&self.raw, &self.protobuf) {
            (Some(raw), _) => raw.content_type,
            (_, Some(_)) => ContentType::Protobuf,
            _ => ContentType::Json,
        }
    }

    /// Whether `T` can be written and read as `content_type`.
    #[must_use]
    pub fn speaks(&self, content_type: ContentType) -> bool {
        match content_type {
            ContentType::Protobuf => self.protobuf.is_some(),
            ContentType::Json => cfg!(feature = "json") && self.serde.is_some(),
            ContentType::Bytes | ContentType::Text => self
                .raw
                .as_ref()
                .is_some_and(|raw| raw.content_type == content_type),
            ContentType::Other(_) => self.serde.is_some(),
        }
    }

    /// Writes a message.
    ///
    /// # Errors
    /// `Unimplemented` where `T` has no such form, `Internal` where this value has none.
    pub fn encode(&self, value: &T, content_type: ContentType) -> Result<Bytes> {
        match (content_type, &self.protobuf, &self.serde, &self.raw) {
            (ContentType::Protobuf, Some(protobuf), _, _) => protobuf.encode(value),
            #[cfg(feature = "json")]
            (ContentType::Json, _, Some(serde), _) => {
                scratch::encode(256, |out| (serde.to_json)(value, out))
            }
            (ContentType::Bytes | ContentType::Text, _, _, Some(raw))
                if raw.content_type == content_type =>
            {
                Ok((raw.write)(value))
            }
            (ContentType::Other(_), _, Some(serde), _) => match content_type.plugin() {
                Some(codec) => scratch::encode(256, |out| codec.encode((serde.erase)(value), out)),
                None => Err(self.mute(content_type)),
            },
            _ => Err(self.mute(content_type)),
        }
    }

    /// Reads a message.
    ///
    /// # Errors
    /// `Unimplemented` where `T` has no such form, `InvalidArgument` where the bytes are not one.
    pub fn decode(&self, bytes: Bytes, content_type: ContentType) -> Result<T> {
        match (content_type, &self.protobuf, &self.serde, &self.raw) {
            (ContentType::Protobuf, Some(protobuf), _, _) => protobuf.decode(bytes),
            #[cfg(feature = "json")]
            (ContentType::Json, _, Some(serde), _) => (serde.from_json)(&bytes),
            (ContentType::Bytes | ContentType::Text, _, _, Some(raw))
                if raw.content_type == content_type =>
            {
                (raw.read)(bytes)
            }
            (ContentType::Other(_), _, Some(serde), _) => {
                let codec = content_type
                    .plugin()
                    .ok_or_else(|| self.mute(content_type))?;
                let mut value = None;
                codec.decode(&bytes, &mut |deserializer| {
                    value = Some((serde.read)(deserializer)?);
                    Ok(())
                })?;
                value.ok_or_else(|| {
                    Error::internal(format!("the codec of {content_type} read nothing"))
                })
            }
            _ => Err(self.mute(content_type)),
        }
    }

    #[cold]
    fn mute(&self, content_type: ContentType) -> Error {
        let mut forms = Vec::new();
        forms.extend(
            self.protobuf
                .as_ref()
                .map(|_| ContentType::Protobuf.as_str()),
        );
        forms.extend(self.raw.as_ref().map(|raw| raw.content_type.as_str()));
        forms.extend(self.serde.as_ref().map(|_| ContentType::Json.as_str()));
        Error::unimplemented(format!(
            "{} can't be sent as {content_type}; it can as: {}",
            type_name::<T>(),
            forms.join(", ")
        ))
    }
}

impl<T> fmt::Debug for Wire<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Wire")
            .field("type", &type_name::<T>())
            .field("protobuf", &self.protobuf.is_some())
            .field("serde", &self.serde.is_some())
            .field("raw", &self.raw.as_ref().map(|raw| raw.content_type))
            .finish()
    }
}

/// A type that goes through serde.
pub struct Serde<T: 'static> {
    #[cfg(feature = "json")]
    to_json: fn(&T, &mut BytesMut) -> Result<()>,
    #[cfg(feature = "json")]
    from_json: fn(&[u8]) -> Result<T>,
    erase: fn(&T) -> &dyn erased_serde::Serialize,
    read: fn(&mut dyn erased_serde::Deserializer<'_>) -> Result<T>,
}

impl<T: Serialize + DeserializeOwned> Serde<T> {
    const NEW: Self = Self {
        #[cfg(feature = "json")]
        to_json: super::json::write_message::<T>,
        #[cfg(feature = "json")]
        from_json: super::json::read_message::<T>,
        erase: |value| value,
        read: |deserializer| {
            erased_serde::deserialize(deserializer)
                .map_err(|error| Error::invalid_argument(error.to_string()))
        },
    };
}

/// A type that is bytes or text already.
pub struct Raw<T: 'static> {
    /// `Bytes` or `Text`.
    pub content_type: ContentType,
    pub(super) write: fn(&T) -> Bytes,
    pub(super) read: fn(Bytes) -> Result<T>,
}

impl<T> fmt::Debug for Serde<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Serde")
    }
}

impl<T> fmt::Debug for Raw<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Raw({})", self.content_type)
    }
}

/// Asks at compile time what a type can do.
///
/// `Probe::<T>::SERDE` is the inherent constant where `T` has serde, and the one of
/// [`Undetected`] where it has not: an inherent item comes before a trait's. It works on types that
/// are spelled out, so it is used by what the generator prints, never in generic code.
#[derive(Debug)]
pub struct Probe<T>(PhantomData<T>);

/// What [`Probe`] says of a type that lacks the thing asked for.
pub trait Undetected {
    /// The type asked about.
    type Of: 'static;
    /// No protobuf.
    const PROTOBUF: Option<Protobuf<Self::Of>> = None;
    /// No serde.
    const SERDE: Option<Serde<Self::Of>> = None;
    /// Neither bytes nor text.
    const RAW: Option<Raw<Self::Of>> = None;
    /// Not described.
    const SCHEMA: Option<Type> = None;
}

impl<T: 'static> Undetected for Probe<T> {
    type Of = T;
}

impl<T: Serialize + DeserializeOwned + 'static> Probe<T> {
    /// How it goes through serde.
    pub const SERDE: Option<Serde<T>> = Some(Serde::NEW);
}

impl<T: Describe> Probe<T> {
    /// What it is made of.
    pub const SCHEMA: Option<Type> = Some(T::TYPE);
}

/// A message where only its trait bounds are known: any serde type, sent as JSON or in the format
/// of a codec plugin.
///
/// There is nothing to implement. Generated code knows its message types by name and can use
/// protobuf too; this is for generic code, like a [topic](crate::Service) of any message.
#[diagnostic::on_unimplemented(
    message = "`{Self}` can't be sent as a message",
    note = "derive `serde::Serialize` and `serde::Deserialize` for it"
)]
pub trait Message: Send + Sized + 'static {
    /// How the type goes onto the wire.
    fn wire() -> &'static Wire<Self>;
}

struct Generic<T>(PhantomData<T>);

impl<T: Serialize + DeserializeOwned + 'static> Generic<T> {
    const WIRE: Wire<T> = Wire {
        protobuf: None,
        serde: Some(Serde::NEW),
        raw: None,
        schema: Type::Opaque("message"),
    };
}

impl<T: Serialize + DeserializeOwned + Send + 'static> Message for T {
    fn wire() -> &'static Wire<Self> {
        &Generic::<T>::WIRE
    }
}

/// Stands in for the protobuf table where the feature is off; there is no value of it.
#[cfg(not(feature = "protobuf"))]
pub struct NoProtobuf<T>(std::convert::Infallible, PhantomData<fn() -> T>);

#[cfg(not(feature = "protobuf"))]
impl<T> NoProtobuf<T> {
    fn encode(&self, _: &T) -> Result<Bytes> {
        match self.0 {}
    }

    fn decode(&self, _: Bytes) -> Result<T> {
        match self.0 {}
    }
}

#[cfg(not(feature = "protobuf"))]
impl<T> fmt::Debug for NoProtobuf<T> {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {}
    }
}
