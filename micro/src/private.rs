//! The contract between generated code and this crate.
//!
//! Generated code names the runtime only through `v1`. What breaks that contract becomes `v2`, so
//! that code from another generator says "could not find `v2`" once.

/// Version 1.
pub mod v1 {
    pub use std::{
        clone::Clone,
        convert::Into,
        default::Default,
        fmt::Debug,
        future::Future,
        marker::{Send, Sync},
        mem::drop,
        ops::FnMut,
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

    pub use crate::{__micro_described as described, __micro_wire as wire};

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
