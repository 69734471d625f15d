//! A pluggable microservice framework: a trait, or a `.proto`, is the whole definition of a service.
//!
//! ```
//! use micro::{Result, Service};
//!
//! #[micro::service]
//! trait Greeter {
//!     async fn hello(&self, name: String) -> Result<String>;
//! }
//!
//! struct Polite;
//!
//! #[micro::service]
//! impl Greeter for Polite {
//!     async fn hello(&self, name: String) -> Result<String> {
//!         Ok(format!("Hello {name}!"))
//!     }
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<()> {
//! # let memory = micro::registry::MemoryRegistry::new();
//! # let client = Service::new("client").registry(memory.clone());
//! # let service = Service::new("greeter").registry(memory);
//! # if false {
//! // A service runs until SIGTERM…
//! Service::new("greeter").handle(Polite).run().await?;
//! # }
//! # let running = service.handle(Polite).start().await?;
//!
//! // …and whoever knows its name can call it.
//! # if false {
//! let client = Service::new("client");
//! # }
//! let greeter = GreeterClient::new("greeter", client.client());
//! assert_eq!(greeter.hello("Ada".into()).await?, "Hello Ada!");
//! # running.stop().await
//! # }
//! ```
//!
//! [`macro@service`] is what can stand in a definition, [`Service`] what a service can be told, by its
//! builder or by `MICRO_*` variables, [`Context`] what a call carries, [`testing`] how to test without
//! ports. The crate `micro-build` generates the same from `.proto` files.
//!
//! # The parts
//!
//! Each is a module whose contract is one small trait, or type, with implementations beside it. Those
//! that have names are chosen by the builder or a variable, `MICRO_REGISTRY=file:///services.json`, and
//! [`plugin`] is how others join.
//!
//! | part | contract | built in |
//! |---|---|---|
//! | [`mod@service`] | [`Service`] | a server and a client with one name and one lifecycle |
//! | [`server`] | [`server::Handler`] | handlers, [layers](server::layer), [`Limits`] |
//! | [`client`] | [`client::Client`] | [`RpcClient`]; mocks |
//! | [`transport`] | [`transport::Transport`] | **`tcp`**, `unix`, `memory` |
//! | [`codec`] | [`codec::Codec`] | protobuf, JSON, bytes, text |
//! | [`registry`] | [`registry::Registry`] | **`mdns`**, `file`, `memory`; [`registry::Cache`] over any |
//! | [`selector`] | [`selector::Selector`] | **`p2c`**, `random`, `roundrobin`, `leastconn`, `hash` |
//! | [`broker`] | [`broker::Broker`] | **`memory`** |
//!
//! # The other modules
//!
//! - [`context`], [`trace`]: what calls inherit. [`stream`]: messages within a call.
//! - [`native`]: the protocol on the wire. [`descriptor`], [`rpc`]: definitions as data.
//! - [`testing`], [`mock`]: for tests. [`plugin`]: parts by name.
//!
//! # Features
//!
//! All are on by default, and none of them takes anything away from another.
//!
//! | feature | brings |
//! |---|---|
//! | `macros` | `#[micro::service]` and `#[derive(micro::Describe)]` |
//! | `json` | `application/json`, and the registry in a file |
//! | `protobuf` | `application/protobuf`, and what generated messages need |
//! | `http` | gRPC and plain HTTP with JSON on the port of a service, calls to gRPC servers |
//! | `mdns` | discovery by multicast DNS; without it, services find each other within their process |
// Lets the paths of generated code, `::micro::…`, work in this crate's own tests.
#[allow(unused_extern_crates)]
extern crate self as micro;

#[cfg(feature = "http")]
mod base64;
pub mod broker;
pub mod client;
pub mod codec;
pub mod context;
pub mod descriptor;
mod error;
#[cfg(feature = "http")]
mod http;
mod id;
mod metadata;
pub mod mock;
pub mod native;
mod pipe;
pub mod plugin;
#[cfg(feature = "protobuf")]
pub mod protobuf;
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

/// Makes a service of a trait, and a handler of what implements it.
///
/// # On a trait: the definition
///
/// ```
/// use futures_util::Stream;
/// use micro::{Context, Result, Streaming};
///
/// /// Greets. (Doc comments become descriptions.)
/// #[micro::service(package = "acme")]
/// pub trait Greeter {
///     /// Says hello.
///     async fn hello(&self, name: String) -> Result<String>;
///     /// The context is there for those who want it: metadata, deadline, who calls.
///     #[micro(idempotent)]
///     async fn watch(&self, ctx: &Context, room: String) -> Result<impl Stream<Item = Result<String>>>;
///     async fn upload(&self, names: Streaming<String>) -> Result<u32>;
///     /// Called by clients, and by what is published to the topic.
///     #[subscribe(topic = "user.created", queue = "greeter")]
///     async fn welcome(&self, name: String) -> Result<()>;
/// }
/// # fn main() {}
/// ```
///
/// A method takes one message, or a [`Streaming`] of them, and gives a [`Result`] of one, or of an
/// `impl Stream<Item = Result<…>>`. A message is any type with serde's
/// `Serialize` and `Deserialize`, or a `prost::Message`. Beside the trait it prints, as visible as
/// the trait is:
///
/// - `GreeterClient<C>`, whose methods give a [`Call`](client::Call): set options, then await it,
/// - `GreeterServer<S>`, which calls an `S: Greeter`, and `GreeterServer::SERVICE`, which says what
///   there is to call,
/// - `MockGreeter`, which stands in for a server in tests.
///
/// | attribute | on | says |
/// |---|---|---|
/// | `name = "…"`, `package = "…"` | the trait | what it is called on the wire: `acme.Greeter`, after the trait otherwise |
/// | `crate = path` | all | where the runtime is, for programs that call it something else |
/// | `#[micro(name = "…")]` | a method | what it is called on the wire: `SayHello` for `say_hello` otherwise |
/// | `#[micro(idempotent)]` | a method | running it twice does no harm, so a failed call may be sent again |
/// | `#[subscribe(topic = "…", queue = "…")]` | a method | it takes the messages of a topic as well |
///
/// # On an `impl` of the trait: the handler
///
/// ```
/// # #[micro::service]
/// # pub trait Greeter {
/// #     async fn hello(&self, name: String) -> micro::Result<String>;
/// # }
/// struct Hello {
///     greeting: String,
/// }
///
/// #[micro::service]
/// impl Greeter for Hello {
///     // The context may be left out.
///     async fn hello(&self, name: String) -> micro::Result<String> {
///         Ok(format!("{} {name}", self.greeting))
///     }
///
///     // No method of the trait: `#[subscribe]` in an `impl` makes it a subscriber beside it.
///     #[subscribe(topic = "user.gone")]
///     async fn farewell(&self, name: String) -> micro::Result<()> {
///         println!("{name} is gone");
///         Ok(())
///     }
/// }
///
/// # fn main() {
/// let mock = MockGreeter::new().hello(|name| Ok(format!("hi {name}")));
/// let greeter = mock.client();
/// # let _ = async move {
/// assert_eq!(greeter.hello("Ada".into()).await?, "hi Ada");
/// # micro::Result::<()>::Ok(())
/// # };
/// # }
/// ```
///
/// Where the trait is in another module, `GreeterServer` has to be found the same way: by
/// `impl api::Greeter for Hello`, or by importing both.
///
/// # On an `impl` of a type's own methods: both at once
///
/// ```
/// struct Counter;
///
/// #[micro::service]
/// impl Counter {
///     /// Called as `Counter/Next`.
///     pub async fn next(&self, from: u32) -> micro::Result<u32> {
///         self.log(from).await;
///         Ok(from + 1)
///     }
///
///     // Not for others; nor are methods that are not `async` or have no `&self`.
///     #[micro(skip)]
///     async fn log(&self, _: u32) {}
/// }
/// # fn main() {}
/// ```
///
/// `CounterClient`, `CounterServer` and `MockCounter` are as visible as the most visible of its
/// methods.
#[cfg(feature = "macros")]
pub use micro_macros::service;

/// Says of a message type what fields it has, as serde writes them: for listings, and for tools that
/// read the descriptor. It is never needed to send a message.
///
/// ```
/// use micro::descriptor::Describe;
/// use serde::{Deserialize, Serialize};
///
/// /// A note.
/// #[derive(Serialize, Deserialize, micro::Describe)]
/// #[serde(rename_all = "camelCase")]
/// struct Note {
///     /// Who wrote it.
///     written_by: Option<String>,
///     answers: Vec<Note>,
///     // A type that does not describe itself is known by its name.
///     took: std::time::Duration,
/// }
///
/// let fields = Note::TYPE.fields();
/// assert_eq!((fields[0].name, fields[0].docs), ("writtenBy", "Who wrote it."));
/// assert_eq!(fields[1].kind.go_name(), "[]Note");
/// ```
///
/// It reads `rename`, `rename_all`, `skip`, `skip_serializing` and `transparent`; the fields of a
/// `flatten`ed field are left out. A struct of one unnamed field is what that field is; an enum
/// without data is its names; tuples and enums with data are known by their name only. A generic
/// type asks its parameters for a description.
#[cfg(feature = "macros")]
pub use micro_macros::Describe;

/// Marks a method that takes the messages of a topic, in what is marked [`service`](macro@service);
/// it does nothing elsewhere.
#[cfg(feature = "macros")]
pub use micro_macros::subscribe;

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
