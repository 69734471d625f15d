//! What messages from a `.proto` are made of beside their own fields: Google's well-known types,
//! and the canonical JSON form of it all.
//!
//! ```
//! use micro::protobuf::{Timestamp, Value};
//!
//! let day = Timestamp { seconds: 86_400, nanos: 0 };
//! assert_eq!(day.to_string(), "1970-01-02T00:00:00Z");
//! assert_eq!(Value::from(vec![Value::from("a"), Value::from(1.0)]).to_string(), r#"["a",1.0]"#);
//! ```
//!
//! Every message that micro-build prints is `serde::Serialize` and `serde::Deserialize` by the
//! canonical proto3 JSON mapping: names in lowerCamelCase, 64-bit integers as text, enums by name,
//! bytes in base64. Reading accepts the names of the `.proto` and numbers too, and passes over
//! fields that it does not know, so that a peer with a newer `.proto` can still be understood.
//! A name that an enum does not have is an error; a number that it does not have is kept.
//!
//! The wrappers (`google.protobuf.StringValue`, …) are the Rust types that they wrap, and
//! `google.protobuf.Empty` is `()`.

mod any;
#[doc(hidden)]
pub mod json;
mod mask;
mod time;
mod value;

use crate::descriptor::{Describe, Enum, Field, Message, Type};

pub use any::{Any, Known, know};
pub use mask::FieldMask;
pub use time::{Duration, OutOfRange, Timestamp};
pub use value::{Kind, ListValue, NullValue, Struct, Value};

macro_rules! name_and_describe {
    ($($message:ident { $($field:literal = $number:literal: $kind:expr),* })*) => {$(
        impl prost::Name for $message {
            const PACKAGE: &'static str = "google.protobuf";
            const NAME: &'static str = stringify!($message);
        }

        impl Describe for $message {
            const TYPE: Type = Type::Message(|| &Message {
                name: concat!("google.protobuf.", stringify!($message)),
                docs: "",
                fields: &[$(Field { name: $field, number: $number, kind: $kind, docs: "" }),*],
            });
        }
    )*};
}

name_and_describe! {
    Any { "typeUrl" = 1: Type::String, "value" = 2: Type::Bytes }
    Duration { "seconds" = 1: Type::Int(64), "nanos" = 2: Type::Int(32) }
    FieldMask { "paths" = 1: Type::List(&Type::String) }
    ListValue { "values" = 1: Type::List(&Value::TYPE) }
    Struct { "fields" = 1: Type::Map(&Type::String, &Value::TYPE) }
    Timestamp { "seconds" = 1: Type::Int(64), "nanos" = 2: Type::Int(32) }
    Value {
        "nullValue" = 1: NullValue::TYPE,
        "numberValue" = 2: Type::Float(64),
        "stringValue" = 3: Type::String,
        "boolValue" = 4: Type::Bool,
        "structValue" = 5: Struct::TYPE,
        "listValue" = 6: ListValue::TYPE
    }
}

impl Describe for NullValue {
    const TYPE: Type = Type::Enum(|| &Enum {
        name: "google.protobuf.NullValue",
        docs: "",
        values: &[("NULL_VALUE", 0)],
    });
}
