//! # micro
//!
//! A pluggable microservice framework: a trait, or a `.proto`, is the whole service definition.
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
