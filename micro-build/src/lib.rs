//! Generates micro services, clients and messages from `.proto` files in `build.rs`. No `protoc` is
//! needed, and no dependency beside `micro` and this crate.
//!
//! ```toml
//! [dependencies]
//! micro = "0.1"
//!
//! [build-dependencies]
//! micro-build = "0.1"
//! ```
//! ```no_run
//! // build.rs
//! fn main() -> micro_build::Result<()> {
//!     micro_build::compile_protos(&["proto/greeter.proto"], &["proto"])
//! }
//! ```
//! ```ignore
//! // src/main.rs
//! mod proto {
//!     micro::include_proto!("greeter"); // messages, trait Greeter, GreeterClient, GreeterServer, MockGreeter
//! }
//! ```
//! Where packages use each other's messages, `micro::include_protos!()` includes all of them, in
//! modules nested as the packages' names are.
//!
//! # What comes from where
//! - A `service` becomes what `#[micro::service]` makes of a trait; see `micro`'s documentation.
//! - `option idempotency_level = IDEMPOTENT;` (or `NO_SIDE_EFFECTS`) is `#[micro(idempotent)]`.
//! - `import "micro/options.proto";` gives `option (micro.topic) = {name: "…", queue: "…"};`, by which
//!   a method takes the messages of a topic as well. This crate brings the file with it.
//! - Messages are [prost]'s. Through serde they also have the canonical JSON mapping, which
//!   `micro::protobuf` describes.
//! - A method that would have a name of the generated code's own (`new`, `client`, `calls`) or that
//!   differs from another in case alone gets an underscore behind its name. A service whose generated
//!   types would have the name of a message is called `GreeterService`. On the wire nothing changes.
//!
//! [prost]: https://docs.rs/prost
#![deny(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

mod builder;
mod describe;
mod docs;
mod editions;
mod emit;
mod error;
mod generate;
mod includes;
mod json;
mod locations;
mod lower;
mod messages;
mod options;
mod parser;
mod protoc;
mod ranges;
mod resolve;
mod rust;
mod schema;
mod select;
mod source;

use std::path::Path;

pub use builder::{Builder, DescriptorSet};
pub use error::{Error, Result};
/// What [`Builder::prost`] sets up.
pub use prost_build;

/// Generates everything for these files, and for what they import.
///
/// Imports are looked for in `includes`, in their order; without any, beside each file.
///
/// # Errors
/// What is wrong in a file, with its place; an error printed by `main` shows it readably.
pub fn compile_protos(protos: &[impl AsRef<Path>], includes: &[impl AsRef<Path>]) -> Result<()> {
    configure().compile_protos(protos, includes)
}

/// More than [`compile_protos`] has: `micro_build::configure().….compile_protos(…)`.
pub fn configure() -> Builder {
    Builder::new()
}
