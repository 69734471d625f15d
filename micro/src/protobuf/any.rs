//! `google.protobuf.Any`: a message of any type, with the type's name.

use std::{
    cell::Cell,
    collections::BTreeMap,
    sync::{LazyLock, RwLock},
};

use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{DeserializeOwned, Error as _},
    ser::{Error as _, SerializeMap},
};

use serde_json::{Map, Value};

use super::json::base64;
use crate::{Error, Result};

/// A message of any type.
///
/// Its JSON form is that of the message with the type beside: `{"@type": "…/user.Created", …}`. For
/// that the program must [know] the type; an unknown one goes as `{"@type": …, "value": base64}`.
#[derive(Clone, PartialEq, Eq, Hash, prost::Message)]
pub struct Any {
    /// The name of its type behind a slash: `type.googleapis.com/user.Created`.
    #[prost(string, tag = "1")]
    pub type_url: String,
    /// The message as protobuf.
    #[prost(bytes = "vec", tag = "2")]
    pub value: Vec<u8>,
}

impl Any {
    /// Packs a message.
    #[must_use]
    pub fn pack<T: prost::Name>(message: &T) -> Self {
        Self {
            type_url: format!("type.googleapis.com/{}", T::full_name()),
            value: message.encode_to_vec(),
        }
    }

    /// Unpacks a message.
    ///
    /// # Errors
    /// `InvalidArgument` where it is of another type or malformed.
    pub fn unpack<T: prost::Name + Default>(&self) -> Result<T> {
        if !self.is::<T>() {
            return Err(Error::invalid_argument(format!(
                "a {} where a {} is wanted",
                self.type_name(),
                T::full_name()
            )));
        }
        T::decode(&*self.value).map_err(|error| {
            Error::invalid_argument(format!("the value is no {}: {error}", T::full_name()))
        })
    }

    /// Whether it is a `T`.
    #[must_use]
    pub fn is<T: prost::Name>(&self) -> bool {
        self.type_name() == T::full_name()
    }

    /// The name of its type: `user.Created`.
    #[must_use]
    pub fn type_name(&self) -> &str {
        self.type_url.rsplit('/').next().unwrap_or_default()
    }
}

/// The names of the types whose JSON form stands under `value`, as it is no object of fields.
const SPECIAL: [&str; 7] = [
    "google.protobuf.Any",
    "google.protobuf.Duration",
    "google.protobuf.FieldMask",
    "google.protobuf.ListValue",
    "google.protobuf.Struct",
    "google.protobuf.Timestamp",
    "google.protobuf.Value",
];

/// A message type that can be found by name, for the JSON form of [`Any`].
#[derive(Clone, Copy, Debug)]
pub struct Known {
    name: fn() -> String,
    to_json: fn(&[u8]) -> Result<Value>,
    from_json: fn(Value) -> Result<Vec<u8>>,
}

inventory::collect!(Known);

impl Known {
    /// The type `T`.
    #[must_use]
    pub const fn new<T: prost::Name + Default + Serialize + DeserializeOwned>() -> Self {
        Self {
            name: T::full_name,
            to_json: |bytes| {
                let message = T::decode(bytes).map_err(|error| {
                    Error::invalid_argument(format!("the value is no {}: {error}", T::full_name()))
                })?;
                serde_json::to_value(&message).map_err(|error| Error::internal(error.to_string()))
            },
            from_json: |value| {
                let message: T = serde_json::from_value(value)
                    .map_err(|error| Error::invalid_argument(error.to_string()))?;
                Ok(message.encode_to_vec())
            },
        }
    }
}

static KNOWN: LazyLock<RwLock<BTreeMap<String, Known>>> = LazyLock::new(|| {
    let own = [
        Known::new::<Any>(),
        Known::new::<super::Duration>(),
        Known::new::<super::FieldMask>(),
        Known::new::<super::ListValue>(),
        Known::new::<super::Struct>(),
        Known::new::<super::Timestamp>(),
        Known::new::<super::Value>(),
    ];
    let all = own.into_iter().chain(inventory::iter::<Known>().copied());
    RwLock::new(all.map(|known| ((known.name)(), known)).collect())
});

/// Makes a message type known, so that an [`Any`] that holds one has its own JSON form.
///
/// Needed only for messages of a `.proto` that does not itself use `google.protobuf.Any`: where it
/// does, micro-build makes all messages of that build known.
pub fn know<T: prost::Name + Default + Serialize + DeserializeOwned>() {
    let known = Known::new::<T>();
    let mut all = KNOWN
        .write()
        .unwrap_or_else(std::sync::PoisonError::into_inner);
    all.insert((known.name)(), known);
}

fn known(name: &str) -> Option<Known> {
    let all = KNOWN
        .read()
        .unwrap_or_else(std::sync::PoisonError::into_inner);
    all.get(name).copied()
}

thread_local! {
    static DEPTH: Cell<usize> = const { Cell::new(0) };
}

/// How deep messages may be packed into each other, as prost has it for messages within messages.
const DEEPEST: usize = 100;

/// Counts how deep we are: a hostile peer may pack deeper than the stack goes.
struct Depth;

impl Depth {
    fn enter() -> Option<Self> {
        let depth = DEPTH.get();
        (depth < DEEPEST).then(|| {
            DEPTH.set(depth + 1);
            Self
        })
    }
}

impl Drop for Depth {
    fn drop(&mut self) {
        DEPTH.set(DEPTH.get() - 1);
    }
}

impl Serialize for Any {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        let Some(_depth) = Depth::enter() else {
            return Err(S::Error::custom("packed too deep"));
        };
        let mut map = out.serialize_map(None)?;
        if self.type_url.is_empty() && self.value.is_empty() {
            return map.end();
        }
        map.serialize_entry("@type", &self.type_url)?;
        let Some(known) = known(self.type_name()) else {
            map.serialize_entry("value", &base64::encode(&self.value))?;
            return map.end();
        };
        match (known.to_json)(&self.value).map_err(S::Error::custom)? {
            Value::Object(fields) if !SPECIAL.contains(&self.type_name()) => {
                for (name, value) in &fields {
                    map.serialize_entry(name, value)?;
                }
            }
            value => map.serialize_entry("value", &value)?,
        }
        map.end()
    }
}

impl<'de> Deserialize<'de> for Any {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        let mut fields = Map::deserialize(input)?;
        let type_url = match fields.remove("@type") {
            Some(Value::String(url)) => url,
            None if fields.is_empty() => return Ok(Self::default()),
            _ => return Err(D::Error::custom("an Any without \"@type\"")),
        };
        let mut any = Self {
            type_url,
            value: Vec::new(),
        };
        any.value = match (known(any.type_name()), fields.get("value")) {
            (Some(known), Some(value)) if SPECIAL.contains(&any.type_name()) => {
                (known.from_json)(value.clone())
            }
            (Some(known), _) => (known.from_json)(Value::Object(fields)),
            (None, Some(Value::String(text))) => base64::decode(text)
                .ok_or_else(|| Error::invalid_argument("the value is no base64")),
            (None, _) => Err(Error::invalid_argument(format!(
                "this program does not know the type {}; `micro::protobuf::know` makes it known",
                any.type_name()
            ))),
        }
        .map_err(D::Error::custom)?;
        Ok(any)
    }
}
