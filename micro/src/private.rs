//! The contract between generated code and this crate.
//!
//! Generated code names the runtime only through `v1`. What breaks that contract becomes `v2`, so
//! that code from another generator says "could not find `v2`" once.

/// Version 1.
pub mod v1 {
    pub use std::{
        convert::{From, Into},
        future::Future,
        marker::{Send, Sync},
        mem::drop,
        primitive::str,
        result::Result::Err,
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

    /// A list of what follows topics.
    pub fn list<const N: usize>(subscribers: [Subscriber; N]) -> Vec<Subscriber> {
        subscribers.into()
    }

    /// How a call ends.
    pub type Answered = Result<Response>;

    /// What a client sends where it sends a stream.
    #[diagnostic::on_unimplemented(
        message = "`{Self}` is no stream of `{T}` that can be sent",
        note = "it is a `Stream<Item = {T}> + Send + 'static`"
    )]
    pub trait Messages<T>: Stream<Item = T> + Send + 'static {}
    impl<T, S: Stream<Item = T> + Send + 'static> Messages<T> for S {}

    /// What a mock replies where the service replies with a stream.
    #[diagnostic::on_unimplemented(
        message = "`{Self}` is no stream of replies",
        note = "it is a `Stream<Item = micro::Result<{T}>> + Send + 'static`"
    )]
    pub trait Replies<T>: Stream<Item = Result<T>> + Send + 'static {}
    impl<T, S: Stream<Item = Result<T>> + Send + 'static> Replies<T> for S {}

    /// What a mock replies where it has to read a stream first.
    #[diagnostic::on_unimplemented(
        message = "`{Self}` is no future reply",
        note = "it is a `Future<Output = micro::Result<{T}>> + Send + 'static`"
    )]
    pub trait Reply<T>: Future<Output = Result<T>> + Send + 'static {}
    impl<T, F: Future<Output = Result<T>> + Send + 'static> Reply<T> for F {}

    /// The closure of a mock: `|req| Ok(reply)`.
    pub trait Answer<Req, Resp>: FnMut(Req) -> Result<Resp> + Send + 'static {}
    impl<Req, Resp, F: FnMut(Req) -> Result<Resp> + Send + 'static> Answer<Req, Resp> for F {}

    /// The closure of a mock: `|messages| async { Ok(reply) }`.
    pub trait LateAnswer<Req, Resp>: FnMut(Req) -> Resp + Send + 'static {}
    impl<Req, Resp, F: FnMut(Req) -> Resp + Send + 'static> LateAnswer<Req, Resp> for F {}

    /// The answer to a place that no method has, which no router hands out.
    #[cold]
    pub fn no_method(service: &Service, method: usize) -> crate::Error {
        crate::Error::unimplemented(format!("{} has no method number {method}", service.name))
    }

    /// Follows a topic by a method of `this`.
    pub fn subscriber<H, T, F, R>(
        this: &Arc<H>,
        topic: &'static str,
        wire: &'static Wire<T>,
        run: F,
    ) -> Subscriber
    where
        H: Send + Sync + 'static,
        T: Send + 'static,
        F: Fn(Arc<H>, Context, T) -> R + Clone + Send + Sync + 'static,
        R: Future<Output = Result<()>> + Send + 'static,
    {
        let this = this.clone();
        Subscriber::new(topic, wire, move |ctx, event| run(this.clone(), ctx, event))
    }

    pub use crate::{
        __micro_common as common, __micro_described as described, __micro_rpc as rpc,
        __micro_wire as wire,
    };

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
            // Nothing may come into scope here by a name that a message type could have.
            use $crate::__private::v1::Undetected as _;
            $crate::__private::v1::need::<
                $message,
                {
                    $crate::__private::v1::Probe::<$message>::PROTOBUF.is_some()
                        || $crate::__private::v1::Probe::<$message>::SERDE.is_some()
                        || $crate::__private::v1::Probe::<$message>::RAW.is_some()
                },
            >();
            &$crate::__private::v1::Wire::<$message> {
                protobuf: $crate::__private::v1::Probe::<$message>::PROTOBUF,
                serde: $crate::__private::v1::Probe::<$message>::SERDE,
                raw: $crate::__private::v1::Probe::<$message>::RAW,
                schema: $crate::__private::v1::described!($message),
            }
        }
    };
}

/// What a type is made of, or its name where it does not say so.
#[doc(hidden)]
#[macro_export]
macro_rules! __micro_described {
    ($message:ty) => {{
        #[allow(unused_imports)]
        use $crate::__private::v1::Undetected as _;
        $crate::__private::v1::schema(
            $crate::__private::v1::Probe::<$message>::SCHEMA,
            ::core::stringify!($message),
        )
    }};
}

/// A method with its types.
#[doc(hidden)]
#[macro_export]
macro_rules! __micro_rpc {
    ($path:literal, $docs:literal, $kind:ident, $request:ty, $response:ty) => {
        $crate::__private::v1::Rpc::new(
            $path,
            $docs,
            $crate::__private::v1::Kind::$kind,
            $crate::__private::v1::wire!($request),
            $crate::__private::v1::wire!($response),
        )
    };
}

/// What is the same for every service.
#[doc(hidden)]
#[macro_export]
macro_rules! __micro_common {
    ($vis:vis $client:ident, $server:ident, $mock:ident, $name:literal) => {
        $crate::__private::v1::inventory::submit! {
            $crate::__private::v1::Listed($server::SERVICE)
        }

        impl<__C: $crate::__private::v1::Client> $client<__C> {
            /// Calls the service registered as `service` by way of `client`.
            $vis fn new(
                service: impl $crate::__private::v1::Into<
                    $crate::__private::v1::Arc<$crate::__private::v1::str>,
                >,
                client: __C,
            ) -> Self {
                Self($crate::__private::v1::Stub::new(service, client))
            }
        }

        impl<__C> $crate::__private::v1::From<$crate::__private::v1::Stub<__C>> for $client<__C> {
            fn from(stub: $crate::__private::v1::Stub<__C>) -> Self {
                Self(stub)
            }
        }

        impl<__S> $server<__S> {
            /// Serves `handler`.
            $vis fn new(
                handler: impl $crate::__private::v1::Into<$crate::__private::v1::Arc<__S>>,
            ) -> Self {
                Self(handler.into())
            }
        }

        impl $mock {
            /// A mock without answers.
            $vis fn new() -> Self {
                Self(::core::default::Default::default())
            }

            /// A client that calls this mock.
            $vis fn client(&self) -> $client<$crate::__private::v1::MockClient> {
                $client::new($name, ::core::clone::Clone::clone(&self.0))
            }

            /// The calls so far.
            $vis fn calls(&self) -> $crate::__private::v1::Vec<$crate::__private::v1::MockCall> {
                self.0.calls()
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
