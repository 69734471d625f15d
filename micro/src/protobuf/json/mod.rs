//! The canonical JSON mapping, behind what the generator prints: one call for each field.
//!
//! The generator names how each field goes by types that hold nothing, like `Opt<List<Long>>`, so
//! the `.proto` decides and not the Rust type: an `i32` may be a number or an enum.

pub(super) mod base64;
mod container;
mod message;
mod scalar;

pub use container::{Boxed, List, Map, Opt};
pub use message::{Message, Reader, Writer, deserialize, serialize};
pub use scalar::{
    Blob, Bool, Double, Empty, Enum, Float, Int, Long, Names, Nested, Null, Text, Uint, Ulong,
    Value,
};

use serde::{Deserializer, Serializer};

/// How a `T` goes as JSON.
pub trait As<T> {
    /// Whether a field without presence leaves it out.
    fn is_default(_: &T) -> bool {
        false
    }

    /// Writes it.
    fn write<S: Serializer>(value: &T, out: S) -> Result<S::Ok, S::Error>;

    /// Reads it.
    fn read<'de, D: Deserializer<'de>>(input: D) -> Result<T, D::Error>;

    /// What `null` stands for; nothing where a `null` leaves the field unset.
    #[must_use]
    fn null() -> Option<T> {
        None
    }
}

/// Lets an [`As`] write where serde wants a value.
struct Out<'a, K, T>(&'a T, std::marker::PhantomData<K>);

impl<'a, K, T> Out<'a, K, T> {
    fn new(value: &'a T) -> Self {
        Self(value, std::marker::PhantomData)
    }
}

impl<K: As<T>, T> serde::Serialize for Out<'_, K, T> {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        K::write(self.0, out)
    }
}

/// Lets an [`As`] read where serde wants a seed, and where `null` may stand for the value.
struct InOrNull<K, T>(std::marker::PhantomData<(K, T)>);

impl<K, T> InOrNull<K, T> {
    fn new() -> Self {
        Self(std::marker::PhantomData)
    }
}

impl<'de, K: As<T>, T> serde::de::DeserializeSeed<'de> for InOrNull<K, T> {
    type Value = Option<T>;

    fn deserialize<D: Deserializer<'de>>(self, input: D) -> Result<Option<T>, D::Error> {
        input.deserialize_option(self)
    }
}

impl<'de, K: As<T>, T> serde::de::Visitor<'de> for InOrNull<K, T> {
    type Value = Option<T>;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a value or null")
    }

    fn visit_none<E>(self) -> Result<Option<T>, E> {
        Ok(K::null())
    }

    fn visit_unit<E>(self) -> Result<Option<T>, E> {
        Ok(K::null())
    }

    fn visit_some<D: Deserializer<'de>>(self, input: D) -> Result<Option<T>, D::Error> {
        K::read(input).map(Some)
    }
}
