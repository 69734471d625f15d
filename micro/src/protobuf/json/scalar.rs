//! How one value goes: numbers, text, bytes, enums, messages.

use std::{fmt, marker::PhantomData};

use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{Error, IgnoredAny, MapAccess, Unexpected, Visitor},
    ser::SerializeMap,
};

use super::{As, base64};
use crate::protobuf::value::{Kind, Value as AnyValue};

macro_rules! markers {
    ($($(#[doc = $doc:literal])+ $name:ident;)*) => {$(
        $(#[doc = $doc])+
        #[derive(Debug)]
        pub struct $name;
    )*};
}

markers! {
    /// `bool`.
    Bool;
    /// A signed integer of 32 bits: a number.
    Int;
    /// An unsigned integer of 32 bits: a number.
    Uint;
    /// A signed integer of 64 bits: text.
    Long;
    /// An unsigned integer of 64 bits: text.
    Ulong;
    /// `float`.
    Float;
    /// `double`.
    Double;
    /// `string`.
    Text;
    /// `bytes`: base64.
    Blob;
    /// Any type that has serde: a message.
    Nested;
    /// `google.protobuf.Value`: `null` is a value of it.
    Value;
    /// `google.protobuf.NullValue`: `null`.
    Null;
    /// `google.protobuf.Empty`: `{}`.
    Empty;
}

/// An enum by the names of `E`.
#[derive(Debug)]
pub struct Enum<E>(PhantomData<E>);

/// The names of an enum's values.
pub trait Names {
    /// Its full name.
    const NAME: &'static str;
    /// Names and numbers, aliases behind the name that is written.
    const NAMES: &'static [(&'static str, i32)];
}

impl As<bool> for Bool {
    fn is_default(value: &bool) -> bool {
        !value
    }

    fn write<S: Serializer>(value: &bool, out: S) -> Result<S::Ok, S::Error> {
        out.serialize_bool(*value)
    }

    fn read<'de, D: Deserializer<'de>>(input: D) -> Result<bool, D::Error> {
        bool::deserialize(input)
    }
}

/// A number as JSON may spell it: a number, or text that is one.
struct Number<T>(fn(f64) -> Option<T>, fn(i128) -> Option<T>, &'static str);

impl<T> Visitor<'_> for Number<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.2)
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<T, E> {
        (self.1)(number.into()).ok_or_else(|| E::invalid_value(Unexpected::Signed(number), &self))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<T, E> {
        (self.1)(number.into()).ok_or_else(|| E::invalid_value(Unexpected::Unsigned(number), &self))
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<T, E> {
        (self.0)(number).ok_or_else(|| E::invalid_value(Unexpected::Float(number), &self))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
        // Rust reads "inf", "nan" and a leading "+", JSON does not.
        let plain = text
            .bytes()
            .all(|b| matches!(b, b'0'..=b'9' | b'.' | b'e' | b'E' | b'-' | b'+'))
            && !text.starts_with(['+', '.'])
            && !text.ends_with('.');
        let number = match text {
            "NaN" => (self.0)(f64::NAN),
            "Infinity" => (self.0)(f64::INFINITY),
            "-Infinity" => (self.0)(f64::NEG_INFINITY),
            _ if !plain => None,
            _ => match text.parse::<i128>() {
                Ok(integer) => (self.1)(integer),
                Err(_) => text
                    .parse()
                    .ok()
                    .filter(|n: &f64| n.is_finite())
                    .and_then(self.0),
            },
        };
        number.ok_or_else(|| E::invalid_value(Unexpected::Str(text), &self))
    }
}

/// The integer that a number without a fraction is, within what `f64` holds exactly.
fn integral<T: TryFrom<i128>>(number: f64) -> Option<T> {
    (number.fract() == 0.0 && number.abs() < 1e30)
        .then_some(number as i128)
        .and_then(|integer| T::try_from(integer).ok())
}

macro_rules! integers {
    ($($marker:ident $rust:ty, $expect:literal, |$value:ident, $out:ident| $write:expr;)*) => {$(
        impl As<$rust> for $marker {
            fn is_default(value: &$rust) -> bool {
                *value == 0
            }

            fn write<S: Serializer>($value: &$rust, $out: S) -> Result<S::Ok, S::Error> {
                $write
            }

            fn read<'de, D: Deserializer<'de>>(input: D) -> Result<$rust, D::Error> {
                input.deserialize_any(Number(integral, |n| n.try_into().ok(), $expect))
            }
        }
    )*};
}

integers! {
    Int i32, "an integer of 32 bits", |value, out| out.serialize_i32(*value);
    Uint u32, "an unsigned integer of 32 bits", |value, out| out.serialize_u32(*value);
    Long i64, "an integer of 64 bits", |value, out| out.collect_str(value);
    Ulong u64, "an unsigned integer of 64 bits", |value, out| out.collect_str(value);
}

fn write_special<S: Serializer>(value: f64, out: S) -> Result<S::Ok, S::Error> {
    out.serialize_str(if value.is_nan() {
        "NaN"
    } else if value > 0.0 {
        "Infinity"
    } else {
        "-Infinity"
    })
}

impl As<f64> for Double {
    fn is_default(value: &f64) -> bool {
        value.to_bits() == 0
    }

    fn write<S: Serializer>(value: &f64, out: S) -> Result<S::Ok, S::Error> {
        if value.is_finite() {
            out.serialize_f64(*value)
        } else {
            write_special(*value, out)
        }
    }

    fn read<'de, D: Deserializer<'de>>(input: D) -> Result<f64, D::Error> {
        input.deserialize_any(Number(Some, |n| Some(n as f64), "a number"))
    }
}

impl As<f32> for Float {
    fn is_default(value: &f32) -> bool {
        value.to_bits() == 0
    }

    fn write<S: Serializer>(value: &f32, out: S) -> Result<S::Ok, S::Error> {
        if value.is_finite() {
            out.serialize_f32(*value)
        } else {
            write_special((*value).into(), out)
        }
    }

    fn read<'de, D: Deserializer<'de>>(input: D) -> Result<f32, D::Error> {
        // A number beyond `f32` is an error; the infinities are meant.
        let narrow = |n: f64| Some(n as f32).filter(|narrow| narrow.is_finite() || !n.is_finite());
        input.deserialize_any(Number(narrow, |n| Some(n as f32), "a number of 32 bits"))
    }
}

impl As<String> for Text {
    fn is_default(value: &String) -> bool {
        value.is_empty()
    }

    fn write<S: Serializer>(value: &String, out: S) -> Result<S::Ok, S::Error> {
        out.serialize_str(value)
    }

    fn read<'de, D: Deserializer<'de>>(input: D) -> Result<String, D::Error> {
        String::deserialize(input)
    }
}

struct Bytes;

impl Visitor<'_> for Bytes {
    type Value = Vec<u8>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("base64")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Vec<u8>, E> {
        base64::decode(text).ok_or_else(|| E::invalid_value(Unexpected::Str(text), &self))
    }

    fn visit_bytes<E: Error>(self, bytes: &[u8]) -> Result<Vec<u8>, E> {
        Ok(bytes.to_vec())
    }
}

impl<B: AsRef<[u8]> + From<Vec<u8>>> As<B> for Blob {
    fn is_default(value: &B) -> bool {
        value.as_ref().is_empty()
    }

    fn write<S: Serializer>(value: &B, out: S) -> Result<S::Ok, S::Error> {
        out.serialize_str(&base64::encode(value.as_ref()))
    }

    fn read<'de, D: Deserializer<'de>>(input: D) -> Result<B, D::Error> {
        input.deserialize_any(Bytes).map(B::from)
    }
}

struct NameOrNumber<E>(PhantomData<E>);

impl<N: Names> Visitor<'_> for NameOrNumber<N> {
    type Value = i32;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a value of {}", N::NAME)
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<i32, E> {
        number
            .try_into()
            .map_err(|_| E::invalid_value(Unexpected::Signed(number), &self))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<i32, E> {
        number
            .try_into()
            .map_err(|_| E::invalid_value(Unexpected::Unsigned(number), &self))
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<i32, E> {
        integral(number).ok_or_else(|| E::invalid_value(Unexpected::Float(number), &self))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<i32, E> {
        N::NAMES
            .iter()
            .find_map(|(name, number)| (*name == text).then_some(*number))
            .or_else(|| text.parse().ok())
            .ok_or_else(|| E::invalid_value(Unexpected::Str(text), &self))
    }
}

impl<N: Names> As<i32> for Enum<N> {
    fn is_default(value: &i32) -> bool {
        *value == 0
    }

    fn write<S: Serializer>(value: &i32, out: S) -> Result<S::Ok, S::Error> {
        match N::NAMES.iter().find(|(_, number)| number == value) {
            Some((name, _)) => out.serialize_str(name),
            // A value of a newer `.proto`.
            None => out.serialize_i32(*value),
        }
    }

    fn read<'de, D: Deserializer<'de>>(input: D) -> Result<i32, D::Error> {
        input.deserialize_any(NameOrNumber(PhantomData::<N>))
    }
}

impl<T: Serialize + for<'de> Deserialize<'de>> As<T> for Nested {
    fn write<S: Serializer>(value: &T, out: S) -> Result<S::Ok, S::Error> {
        value.serialize(out)
    }

    fn read<'de, D: Deserializer<'de>>(input: D) -> Result<T, D::Error> {
        T::deserialize(input)
    }
}

impl As<AnyValue> for Value {
    fn write<S: Serializer>(value: &AnyValue, out: S) -> Result<S::Ok, S::Error> {
        value.serialize(out)
    }

    fn read<'de, D: Deserializer<'de>>(input: D) -> Result<AnyValue, D::Error> {
        AnyValue::deserialize(input)
    }

    fn null() -> Option<AnyValue> {
        Some(AnyValue {
            kind: Some(Kind::NullValue(0)),
        })
    }
}

impl As<i32> for Null {
    fn is_default(_: &i32) -> bool {
        true
    }

    fn write<S: Serializer>(_: &i32, out: S) -> Result<S::Ok, S::Error> {
        out.serialize_unit()
    }

    fn read<'de, D: Deserializer<'de>>(input: D) -> Result<i32, D::Error> {
        Option::<IgnoredAny>::deserialize(input).map(|_| 0)
    }

    fn null() -> Option<i32> {
        Some(0)
    }
}

struct Anything;

impl<'de> Visitor<'de> for Anything {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }
}

impl As<()> for Empty {
    fn write<S: Serializer>((): &(), out: S) -> Result<S::Ok, S::Error> {
        out.serialize_map(Some(0))?.end()
    }

    fn read<'de, D: Deserializer<'de>>(input: D) -> Result<(), D::Error> {
        input.deserialize_any(Anything)
    }
}
