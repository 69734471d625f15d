//! How a message goes: an object with one entry for each field that is set.

use std::{fmt, marker::PhantomData};

use serde::{
    Deserializer, Serializer,
    de::{DeserializeSeed, Error, IgnoredAny, MapAccess, Visitor},
    ser::SerializeMap,
};

use super::{As, Out, container};

/// What the generator prints for a message.
pub trait Message: Default {
    /// Its full name.
    const NAME: &'static str;
    /// The names of each field: in JSON, and in the `.proto`.
    const FIELDS: &'static [(&'static str, &'static str)];

    /// Writes the fields that are set.
    fn write<M: SerializeMap>(&self, out: &mut Writer<M>) -> Result<(), M::Error>;

    /// Reads the value of the field at this place of [`FIELDS`](Message::FIELDS).
    fn read<'de, A: MapAccess<'de>>(
        &mut self,
        field: usize,
        input: &mut Reader<'_, A>,
    ) -> Result<(), A::Error>;
}

/// Takes the fields of a message.
#[derive(Debug)]
pub struct Writer<M>(M);

impl<M: SerializeMap> Writer<M> {
    /// A field that is left out where it holds the default.
    pub fn field<K: As<T>, T>(&mut self, name: &'static str, value: &T) -> Result<(), M::Error> {
        if K::is_default(value) {
            return Ok(());
        }
        self.member::<K, T>(name, value)
    }

    /// A field that is set whatever it holds: a member of a `oneof`, or `required`.
    pub fn member<K: As<T>, T>(&mut self, name: &'static str, value: &T) -> Result<(), M::Error> {
        self.0.serialize_entry(name, &Out::<K, T>::new(value))
    }
}

/// Gives the fields of a message.
#[derive(Debug)]
pub struct Reader<'a, A> {
    map: A,
    name: &'a str,
}

impl<'de, A: MapAccess<'de>> Reader<'_, A> {
    /// Reads a field; `null` leaves it as it is.
    pub fn field<K: As<T>, T>(&mut self, field: &mut T) -> Result<(), A::Error> {
        if let Some(value) = container::value::<K, T, A>(&mut self.map).map_err(|e| self.at(&e))? {
            *field = value;
        }
        Ok(())
    }

    /// Reads a member of a `oneof`, of which one may be set.
    pub fn member<K: As<T>, T, O>(
        &mut self,
        field: &mut Option<O>,
        member: fn(T) -> O,
    ) -> Result<(), A::Error> {
        let value = container::value::<K, T, A>(&mut self.map).map_err(|e| self.at(&e))?;
        if let Some(value) = value {
            if field.is_some() {
                return Err(A::Error::custom(format_args!(
                    "{}: another member of its oneof is set",
                    self.name
                )));
            }
            *field = Some(member(value));
        }
        Ok(())
    }

    /// Says in which field it went wrong.
    fn at(&self, error: &A::Error) -> A::Error {
        A::Error::custom(format_args!("{}: {error}", self.name))
    }
}

/// Which fields were read.
#[derive(Default)]
struct Seen {
    first: u64,
    more: Vec<u64>,
}

impl Seen {
    /// Marks a field; `true` where it was marked before.
    fn mark(&mut self, field: usize) -> bool {
        let place = field / 64;
        if place > self.more.len() {
            self.more.resize(place, 0);
        }
        let word = match place {
            0 => &mut self.first,
            _ => &mut self.more[place - 1],
        };
        let bit = 1 << (field % 64);
        let before = *word & bit != 0;
        *word |= bit;
        before
    }
}

/// Finds a field by its name, beginning where the last one was found: writers keep the order.
struct Find {
    fields: &'static [(&'static str, &'static str)],
    from: usize,
}

impl<'de> DeserializeSeed<'de> for Find {
    type Value = Option<usize>;

    fn deserialize<D: Deserializer<'de>>(self, input: D) -> Result<Option<usize>, D::Error> {
        input.deserialize_identifier(self)
    }
}

impl Visitor<'_> for Find {
    type Value = Option<usize>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name of a field")
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<Option<usize>, E> {
        let is = |place: &usize| {
            let (json, proto) = self.fields[*place];
            json == name || proto == name
        };
        let count = self.fields.len();
        Ok((self.from..count).chain(0..self.from).find(is))
    }

    fn visit_bytes<E: Error>(self, name: &[u8]) -> Result<Option<usize>, E> {
        match std::str::from_utf8(name) {
            Ok(name) => self.visit_str(name),
            Err(_) => Ok(None),
        }
    }
}

struct Object<T>(PhantomData<T>);

impl<'de, T: Message> Visitor<'de> for Object<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a {}", T::NAME)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<T, A::Error> {
        let mut message = T::default();
        let mut input = Reader { map, name: "" };
        let mut seen = Seen::default();
        let mut from = 0;
        let find = |from| Find {
            fields: T::FIELDS,
            from,
        };
        while let Some(found) = input.map.next_key_seed(find(from))? {
            let Some(field) = found else {
                input.map.next_value::<IgnoredAny>()?;
                continue;
            };
            input.name = T::FIELDS[field].0;
            if seen.mark(field) {
                return Err(A::Error::custom(format_args!(
                    "{}: given twice",
                    input.name
                )));
            }
            message.read(field, &mut input)?;
            from = (field + 1) % T::FIELDS.len();
        }
        Ok(message)
    }
}

/// `serde::Serialize` of a message.
pub fn serialize<T: Message, S: Serializer>(message: &T, out: S) -> Result<S::Ok, S::Error> {
    let mut writer = Writer(out.serialize_map(None)?);
    message.write(&mut writer)?;
    writer.0.end()
}

/// `serde::Deserialize` of a message.
pub fn deserialize<'de, T: Message, D: Deserializer<'de>>(input: D) -> Result<T, D::Error> {
    input.deserialize_map(Object(PhantomData))
}
