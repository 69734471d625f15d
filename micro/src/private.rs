//! The contract between generated code and this crate.
//!
//! Generated code names the runtime only through `v1`. What breaks that contract becomes `v2`, so
//! that code from another generator says "could not find `v2`" once.

/// Version 1.
pub mod v1 {
    pub use std::{
        convert::Into,
        future::{Future, IntoFuture},
        option::Option,
        primitive::str,
        result::Result::{Err, Ok},
        string::String,
        sync::Arc,
        vec::Vec,
    };

    pub use futures_core::Stream;
    pub use inventory;
    #[cfg(feature = "protobuf")]
    pub use prost;
    pub use serde;

    pub use crate::{
        Context, Result, Streaming,
        client::{Bidi, Client, ClientStream, ServerStream, Stub, Unary},
        codec::{Probe, Undetected, Wire},
        descriptor::{Describe, Enum, Field, Kind, Listed, Message, Method, Service, Type},
        mock::{Mock, MockCall, MockClient},
        rpc::{Rpc, schema},
        server::{Call, Handler, IntoHandler, Response, Subscriber},
    };

    /// The answer to a place that no method has, which no router hands out.
    #[cold]
    pub fn no_method(service: &Service, method: usize) -> crate::Error {
        crate::Error::unimplemented(format!("{} has no method number {method}", service.name))
    }

    pub use crate::__micro_wire as wire;

    #[cfg(feature = "protobuf")]
    pub use crate::{
        __micro_message as message,
        protobuf::{self, Known, json},
    };

    /// Holds for a type that some codec can carry.
    #[diagnostic::on_unimplemented(
        message = "`{Self}` can't be sent as a message",
        note = "derive `serde::Serialize` and `serde::Deserialize` for it, or `prost::Message`"
    )]
    pub trait Sendable<const SENDABLE: bool> {}

    impl<T> Sendable<true> for T {}

    /// Asks for a [`Sendable`] type.
    pub const fn need<T: Sendable<SENDABLE>, const SENDABLE: bool>() {}
}

/// The table of what a type can be sent as.
#[doc(hidden)]
#[macro_export]
macro_rules! __micro_wire {
    ($message:ty) => {
        const {
            #[allow(unused_imports)]
            use $crate::__private::v1::{Option, Probe, Undetected as _, Wire, need, schema};
            need::<
                $message,
                {
                    Probe::<$message>::PROTOBUF.is_some()
                        || Probe::<$message>::SERDE.is_some()
                        || Probe::<$message>::RAW.is_some()
                },
            >();
            &Wire::<$message> {
                protobuf: Probe::<$message>::PROTOBUF,
                serde: Probe::<$message>::SERDE,
                raw: Probe::<$message>::RAW,
                schema: schema(Probe::<$message>::SCHEMA, ::core::stringify!($message)),
            }
        }
    };
}

/// What a message from a `.proto` needs beside its [`json::Message`](crate::protobuf).
#[cfg(feature = "protobuf")]
#[doc(hidden)]
#[macro_export]
macro_rules! __micro_message {
    ($message:ty) => {
        impl $crate::__private::v1::serde::Serialize for $message {
            fn serialize<S: $crate::__private::v1::serde::Serializer>(
                &self,
                out: S,
            ) -> ::core::result::Result<S::Ok, S::Error> {
                $crate::__private::v1::json::serialize(self, out)
            }
        }

        impl<'de> $crate::__private::v1::serde::Deserialize<'de> for $message {
            fn deserialize<D: $crate::__private::v1::serde::Deserializer<'de>>(
                input: D,
            ) -> ::core::result::Result<Self, D::Error> {
                $crate::__private::v1::json::deserialize(input)
            }
        }
    };
}
