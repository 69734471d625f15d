//! # micro
//!
//! A pluggable microservice framework: a trait, or a `.proto`, is the whole service definition.
// Lets the paths of generated code, `::micro::…`, work in this crate's own tests.
extern crate self as micro;

pub mod broker;
pub mod client;
pub mod codec;
pub mod context;
pub mod descriptor;
mod error;
mod metadata;
pub mod mock;
pub mod native;
pub mod plugin;
#[cfg(feature = "protobuf")]
pub mod protobuf;
pub mod registry;
pub mod rpc;
pub mod selector;
pub mod server;
pub mod stream;
pub mod trace;
pub mod transport;

#[doc(hidden)]
#[path = "private.rs"]
pub mod __private;

pub use erased_serde;
pub use inventory;

pub use context::{Context, Peer};
pub use error::{Code, Error, Reach, Result};
pub use metadata::Metadata;
pub use stream::Streaming;
pub use trace::Trace;

#[cfg(feature = "macros")]
pub use micro_macros::{Describe, service, subscribe};

/// The code that micro-build printed for one package: `micro::include_proto!("greeter")`.
///
/// A package stands in a module of its own. Where packages use each other's messages, they must be
/// nested as their names are; [`include_protos!`] does that for all of them.
///
/// ```ignore
/// mod greeter {
///     micro::include_proto!("greeter");
/// }
/// ```
#[cfg(feature = "protobuf")]
#[macro_export]
macro_rules! include_proto {
    ($package:literal) => {
        ::core::include!(::core::concat!(
            ::core::env!("OUT_DIR"),
            "/",
            $package,
            ".rs"
        ));
    };
}

/// The code that micro-build printed for all packages, in modules nested as the packages' names are.
///
/// ```ignore
/// mod proto {
///     micro::include_protos!(); // proto::google::rpc::Status, proto::greeter::v1::GreeterClient, …
/// }
/// ```
#[cfg(feature = "protobuf")]
#[macro_export]
macro_rules! include_protos {
    () => {
        ::core::include!(::core::concat!(::core::env!("OUT_DIR"), "/_includes.rs"));
    };
}
