//! # micro
//!
//! A pluggable microservice framework: a trait, or a `.proto`, is the whole service definition.
// Lets the paths of generated code, `::micro::…`, work in this crate's own tests.
#[allow(unused_extern_crates)]
extern crate self as micro;

pub mod broker;
pub mod client;
pub mod codec;
pub mod context;
pub mod descriptor;
mod error;
mod id;
mod metadata;
pub mod mock;
pub mod native;
pub mod plugin;
pub mod registry;
pub mod rpc;
pub mod selector;
pub mod server;
pub mod service;
pub mod stream;
pub mod testing;
pub mod trace;
pub mod transport;

#[doc(hidden)]
#[path = "private.rs"]
pub mod __private;

pub use erased_serde;
pub use inventory;

pub use client::RpcClient;
pub use context::{Context, Peer};
pub use error::{Code, Error, Reach, Result};
pub use metadata::Metadata;
pub use server::Limits;
pub use service::Service;
pub use stream::Streaming;
pub use trace::Trace;

#[cfg(feature = "macros")]
pub use micro_macros::{Describe, service, subscribe};
