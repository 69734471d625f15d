//! What is known of a service once it is read, whichever front-end read it: plain data, comparable.

use syn::{Attribute, Expr, Ident, ImplItemFn, ItemImpl, Path, Type, Visibility};

/// A service definition.
#[derive(Clone, Debug, PartialEq)]
pub struct Service {
    /// Attributes that are not ours and not docs, to be printed on the trait again.
    pub attrs: Vec<Attribute>,
    /// Who may see what is printed.
    pub vis: Visibility,
    /// The trait's name: `Greeter`.
    pub ident: Ident,
    /// The name on the wire, package included: `helloworld.Greeter`.
    pub name: String,
    /// The doc comment, line by line, as after `///` (a leading blank is kept).
    pub docs: Vec<String>,
    /// The methods in the order of their definition.
    pub methods: Vec<Method>,
    /// Where the runtime is: `::micro` unless `crate = path` says otherwise.
    pub runtime: Path,
    /// An expression for the bytes of a `FileDescriptorSet`, where there is one.
    pub descriptor_set: Option<Expr>,
}

/// One method.
#[derive(Clone, Debug, PartialEq)]
pub struct Method {
    /// Attributes that are not ours and not docs, like `#[cfg(…)]` or `#[deprecated]`.
    pub attrs: Vec<Attribute>,
    /// The Rust name: `say_hello`, a raw identifier where it is a keyword.
    pub ident: Ident,
    /// The name on the wire: `SayHello`.
    pub name: String,
    /// The doc comment, line by line.
    pub docs: Vec<String>,
    /// Which sides stream.
    pub kind: Kind,
    /// Whether it may be run twice.
    pub idempotent: bool,
    /// The topic whose messages it takes as well.
    pub topic: Option<Topic>,
    /// The name of its message argument: `req`.
    pub argument: Ident,
    /// The message type that it takes; that of the stream's items where it takes a stream.
    pub request: Type,
    /// The message type that it gives; that of the stream's items where it gives a stream.
    pub response: Type,
}

/// Which sides of a call send a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// One request, one reply.
    Unary,
    /// Many requests, one reply.
    ClientStream,
    /// One request, many replies.
    ServerStream,
    /// Many of both.
    Bidi,
}

/// A topic that a method follows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Topic {
    /// Its name.
    pub name: String,
    /// The queue that shares its messages, where there is one.
    pub queue: Option<String>,
}

/// A method that is not called but follows a topic.
#[derive(Clone, Debug, PartialEq)]
pub struct Subscription {
    /// Attributes that are not ours.
    pub attrs: Vec<Attribute>,
    /// The Rust name.
    pub ident: Ident,
    /// What it follows.
    pub topic: Topic,
    /// The message type of the topic.
    pub event: Type,
    /// Whether it takes the context.
    pub context: bool,
}

/// An `impl` of a service trait.
#[derive(Clone, Debug, PartialEq)]
pub struct Handler {
    /// Where the runtime is.
    pub runtime: Path,
    /// The `impl` as the compiler is to see it.
    pub item: ItemImpl,
    /// The server that the trait's definition printed: `api::GreeterServer`.
    pub server: Path,
    /// Methods that are not in the trait.
    pub moved: Vec<ImplItemFn>,
    /// What follows topics.
    pub subscriptions: Vec<Subscription>,
}

/// An `impl` of a type's own methods, and the service that they are.
#[derive(Clone, Debug, PartialEq)]
pub struct Endpoints {
    /// The service definition, called like the type.
    pub service: Service,
    /// The `impl` as the compiler is to see it.
    pub item: ItemImpl,
    /// Methods that do not take the context.
    pub without_context: Vec<Ident>,
    /// What follows topics.
    pub subscriptions: Vec<Subscription>,
}
