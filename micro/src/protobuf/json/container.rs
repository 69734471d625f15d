//! How many values go: options, lists, maps, and what is behind a box.

use std::{
    collections::{BTreeMap, HashMap},
    fmt,
    hash::Hash,
    marker::PhantomData,
};

use serde::{
    Deserializer, Serializer,
    de::{DeserializeSeed, Error, MapAccess, SeqAccess, Unexpected, Visitor},
    ser::SerializeMap,
};

use super::{As, InOrNull, Out};

/// What may be absent.
#[derive(Debug)]
pub struct Opt<K>(PhantomData<K>);

/// What is behind a box, as a message that holds itself.
#[derive(Debug)]
pub struct Boxed<K>(PhantomData<K>);

/// Any number of values.
#[derive(Debug)]
pub struct List<K>(PhantomData<K>);

/// From keys, which are text in JSON, to values.
#[derive(Debug)]
pub struct Map<K>(PhantomData<K>);

impl<K: As<T>, T> As<Option<T>> for Opt<K> {
    fn is_default(value: &Option<T>) -> bool {
        value.is_none()
    }

    fn write<S: Serializer>(value: &Option<T>, out: S) -> Result<S::Ok, S::Error> {
        match value {
            Some(value) => K::write(value, out),
            None => out.serialize_unit(),
        }
    }

    fn read<'de, D: Deserializer<'de>>(input: D) -> Result<Option<T>, D::Error> {
        InOrNull::<K, T>::new().deserialize(input)
    }

    fn null() -> Option<Option<T>> {
        K::null().map(Some)
    }
}

impl<K: As<T>, T> As<Box<T>> for Boxed<K> {
    fn write<S: Serializer>(value: &Box<T>, out: S) -> Result<S::Ok, S::Error> {
        K::write(value, out)
    }

    fn read<'de, D: Deserializer<'de>>(input: D) -> Result<Box<T>, D::Error> {
        K::read(input).map(Box::new)
    }

    fn null() -> Option<Box<T>> {
        K::null().map(Box::new)
    }
}

struct Items<K, T>(PhantomData<(K, T)>);

impl<'de, K: As<T>, T> Visitor<'de> for Items<K, T> {
    type Value = Vec<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Vec<T>, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element_seed(InOrNull::<K, T>::new())? {
            list.push(item.ok_or_else(|| A::Error::custom("null in an array"))?);
        }
        Ok(list)
    }
}

impl<K: As<T>, T> As<Vec<T>> for List<K> {
    fn is_default(value: &Vec<T>) -> bool {
        value.is_empty()
    }

    fn write<S: Serializer>(value: &Vec<T>, out: S) -> Result<S::Ok, S::Error> {
        out.collect_seq(value.iter().map(Out::<K, T>::new))
    }

    fn read<'de, D: Deserializer<'de>>(input: D) -> Result<Vec<T>, D::Error> {
        input.deserialize_seq(Items::<K, T>(PhantomData))
    }
}

/// A type that may be a map's key.
pub trait Key: Sized + fmt::Display {
    /// From the text of it.
    fn parse(text: &str) -> Option<Self>;
}

macro_rules! keys {
    ($($rust:ty),*) => {$(
        impl Key for $rust {
            fn parse(text: &str) -> Option<Self> {
                text.parse().ok()
            }
        }
    )*};
}

keys!(bool, i32, i64, u32, u64, String);

struct ReadKey<K>(PhantomData<K>);

impl<'de, K: Key> DeserializeSeed<'de> for ReadKey<K> {
    type Value = K;

    fn deserialize<D: Deserializer<'de>>(self, input: D) -> Result<K, D::Error> {
        input.deserialize_str(self)
    }
}

impl<K: Key> Visitor<'_> for ReadKey<K> {
    type Value = K;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<K, E> {
        K::parse(text).ok_or_else(|| E::invalid_value(Unexpected::Str(text), &self))
    }
}

struct Entries<E, K, V, C>(PhantomData<(E, K, V, C)>);

impl<'de, E: As<V>, K: Key, V, C: Default + Extend<(K, V)>> Visitor<'de> for Entries<E, K, V, C> {
    type Value = C;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<C, A::Error> {
        let mut entries = C::default();
        while let Some(key) = map.next_key_seed(ReadKey(PhantomData))? {
            let value = map
                .next_value_seed(InOrNull::<E, V>::new())?
                .ok_or_else(|| A::Error::custom("null in a map"))?;
            entries.extend([(key, value)]);
        }
        Ok(entries)
    }
}

/// Writes the entries of a map of either kind.
fn write<'a, E, K, V, S>(
    entries: impl ExactSizeIterator<Item = (&'a K, &'a V)>,
    out: S,
) -> Result<S::Ok, S::Error>
where
    E: As<V>,
    K: Key + 'a,
    V: 'a,
    S: Serializer,
{
    let mut map = out.serialize_map(Some(entries.len()))?;
    for (key, value) in entries {
        map.serialize_entry(&format_args!("{key}"), &Out::<E, V>::new(value))?;
    }
    map.end()
}

macro_rules! maps {
    ($($map:ident: $($bound:ident)+;)*) => {$(
        impl<E: As<V>, K: Key $(+ $bound)+, V> As<$map<K, V>> for Map<E> {
            fn is_default(value: &$map<K, V>) -> bool {
                value.is_empty()
            }

            fn write<S: Serializer>(value: &$map<K, V>, out: S) -> Result<S::Ok, S::Error> {
                write::<E, K, V, S>(value.iter(), out)
            }

            fn read<'de, D: Deserializer<'de>>(input: D) -> Result<$map<K, V>, D::Error> {
                input.deserialize_map(Entries::<E, K, V, _>(PhantomData))
            }
        }
    )*};
}

maps! {
    HashMap: Eq Hash;
    BTreeMap: Ord;
}

/// Reads one value behind a key, or `null`.
pub(super) fn value<'de, K: As<T>, T, A: MapAccess<'de>>(
    map: &mut A,
) -> Result<Option<T>, A::Error> {
    map.next_value_seed(InOrNull::<K, T>::new())
}
