//! What a service offers, as constant data: for routing, listings, reflection and JSON calls.

/// A service definition: a trait marked `#[micro::service]`, or a `service` of a `.proto`.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Service {
    /// Its full name, package included: `helloworld.Greeter`, or `Greeter` where there is no package.
    pub name: &'static str,
    /// Its doc comment.
    pub docs: &'static str,
    /// Its methods in the order of their definition.
    pub methods: &'static [Method],
    /// The serialised `google.protobuf.FileDescriptorSet` of a service that comes from a `.proto`.
    pub descriptor_set: Option<&'static [u8]>,
}

impl Service {
    /// A service with these methods.
    #[must_use]
    pub const fn new(name: &'static str, docs: &'static str, methods: &'static [Method]) -> Self {
        Self {
            name,
            docs,
            methods,
            descriptor_set: None,
        }
    }

    /// The same, with the `.proto` files that it comes from.
    #[must_use]
    pub const fn descriptor_set(mut self, set: &'static [u8]) -> Self {
        self.descriptor_set = Some(set);
        self
    }

    /// Its name without the package: `Greeter`. Go Micro calls its methods by that.
    #[must_use]
    pub fn short_name(&self) -> &'static str {
        self.name.rsplit('.').next().unwrap_or(self.name)
    }
}

/// One method of a [`Service`].
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Method {
    /// `helloworld.Greeter/Hello`: the path by which gRPC and our own protocol call it.
    pub path: &'static str,
    /// Its doc comment.
    pub docs: &'static str,
    /// Which sides stream.
    pub kind: Kind,
    /// Running it twice does what running it once does, so a failed call may be sent again.
    pub idempotent: bool,
    /// The topic whose messages it takes as well, where it has one.
    pub topic: Option<&'static str>,
    /// The message that it takes.
    pub request: Type,
    /// The message that it gives.
    pub response: Type,
    pub(crate) wire: RequestWire,
}

/// How the requests of a method go onto the wire: a `Wire` of its message type, for those who know
/// that type by other means.
#[derive(Clone, Copy)]
pub(crate) struct RequestWire(pub(crate) &'static (dyn std::any::Any + Send + Sync));

impl std::fmt::Debug for RequestWire {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("RequestWire")
    }
}

/// It follows from the type, which is compared.
impl PartialEq for RequestWire {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Method {
    /// Its name without the service: `Hello`.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.path.rsplit('/').next().unwrap_or(self.path)
    }

    /// Its name as Go Micro has it: `Greeter.Hello`.
    #[must_use]
    pub fn endpoint(&self) -> String {
        let (service, method) = self.path.split_once('/').unwrap_or(("", self.path));
        format!("{}.{method}", service.rsplit('.').next().unwrap_or(service))
    }
}

/// Which sides of a call send a stream of messages instead of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// One request, one reply.
    Unary,
    /// Many requests, one reply.
    ClientStream,
    /// One request, many replies.
    ServerStream,
    /// Many of both, in any order.
    Bidi,
}

impl Kind {
    /// Whether the caller sends a stream.
    #[must_use]
    pub const fn client_streams(self) -> bool {
        matches!(self, Self::ClientStream | Self::Bidi)
    }

    /// Whether the reply is a stream.
    #[must_use]
    pub const fn server_streams(self) -> bool {
        matches!(self, Self::ServerStream | Self::Bidi)
    }
}

/// The type of a message or a field.
///
/// A message is behind a function, so that a type may hold itself; [`Type::fields`] follows it.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Type {
    /// `true` or `false`.
    Bool,
    /// A signed integer of this many bits.
    Int(u8),
    /// An unsigned integer of this many bits.
    Uint(u8),
    /// A floating-point number of this many bits.
    Float(u8),
    /// Text.
    String,
    /// Bytes; base64 in JSON.
    Bytes,
    /// What may be absent.
    Optional(&'static Self),
    /// Any number of these.
    List(&'static Self),
    /// From keys to values.
    Map(&'static Self, &'static Self),
    /// A message with fields.
    Message(fn() -> &'static Message),
    /// One of several names.
    Enum(fn() -> &'static Enum),
    /// Nothing is known but the Rust type's name: it does not derive `micro::Describe`.
    Opaque(&'static str),
}

impl Type {
    /// The fields of a message; empty for all other types.
    #[must_use]
    pub fn fields(&self) -> &'static [Field] {
        match self {
            Self::Message(message) => message().fields,
            _ => &[],
        }
    }

    /// How Go Micro's registry spells the type: `string`, `int64`, `[]Note`, `Note`.
    #[must_use]
    pub fn go_name(&self) -> String {
        match self {
            Self::Bool => "bool".into(),
            Self::Int(bits) => format!("int{bits}"),
            Self::Uint(bits) => format!("uint{bits}"),
            Self::Float(bits) => format!("float{bits}"),
            Self::String => "string".into(),
            Self::Bytes => "[]uint8".into(),
            Self::Optional(inner) => inner.go_name(),
            Self::List(inner) => format!("[]{}", inner.go_name()),
            Self::Map(key, value) => format!("map[{}]{}", key.go_name(), value.go_name()),
            Self::Message(message) => short(message().name).into(),
            Self::Enum(of) => short(of().name).into(),
            Self::Opaque(name) => short(name).into(),
        }
    }
}

fn short(name: &str) -> &str {
    name.rsplit(['.', ':']).next().unwrap_or(name)
}

/// Messages and enums are the same when their names are: comparing must end for types that hold
/// themselves.
impl PartialEq for Type {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Bool, Self::Bool)
            | (Self::String, Self::String)
            | (Self::Bytes, Self::Bytes) => true,
            (Self::Int(a), Self::Int(b))
            | (Self::Uint(a), Self::Uint(b))
            | (Self::Float(a), Self::Float(b)) => a == b,
            (Self::Optional(a), Self::Optional(b)) | (Self::List(a), Self::List(b)) => a == b,
            (Self::Map(ka, va), Self::Map(kb, vb)) => ka == kb && va == vb,
            (Self::Message(a), Self::Message(b)) => a().name == b().name,
            (Self::Enum(a), Self::Enum(b)) => a().name == b().name,
            (Self::Opaque(a), Self::Opaque(b)) => a == b,
            _ => false,
        }
    }
}

/// The fields of a message type.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Message {
    /// Full protobuf name, or the Rust name.
    pub name: &'static str,
    /// Its doc comment.
    pub docs: &'static str,
    /// Its fields in the order of their definition.
    pub fields: &'static [Field],
}

/// One field of a message.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Field {
    /// Its name in JSON.
    pub name: &'static str,
    /// Its protobuf number; 0 where it has none.
    pub number: u32,
    /// Its type.
    pub kind: Type,
    /// Its doc comment.
    pub docs: &'static str,
}

/// The values of an enum type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Enum {
    /// Full protobuf name, or the Rust name.
    pub name: &'static str,
    /// Its doc comment.
    pub docs: &'static str,
    /// The values by name, with their protobuf numbers, or their places.
    pub values: &'static [(&'static str, i32)],
}

/// A type that can say of what it is made; derive it with `#[derive(micro::Describe)]`.
///
/// Messages from a `.proto` have it. It is never needed to send a message: without it, listings
/// know the type by its Rust name only.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not say which fields it has",
    note = "derive it: `#[derive(micro::Describe)]`"
)]
pub trait Describe {
    /// The description.
    const TYPE: Type;
}

macro_rules! describe {
    ($($rust:ty => $kind:expr),* $(,)?) => {$(
        impl Describe for $rust {
            const TYPE: Type = $kind;
        }
    )*};
}

describe! {
    bool => Type::Bool,
    i8 => Type::Int(8), i16 => Type::Int(16), i32 => Type::Int(32), i64 => Type::Int(64), i128 => Type::Int(128),
    u8 => Type::Uint(8), u16 => Type::Uint(16), u32 => Type::Uint(32), u64 => Type::Uint(64), u128 => Type::Uint(128),
    isize => Type::Int(64), usize => Type::Uint(64),
    f32 => Type::Float(32), f64 => Type::Float(64),
    String => Type::String, str => Type::String, char => Type::String,
    bytes::Bytes => Type::Bytes,
    () => Type::Message(|| &Message { name: "Empty", docs: "", fields: &[] }),
}

impl<T: Describe> Describe for Option<T> {
    const TYPE: Type = Type::Optional(&T::TYPE);
}

impl<T: Describe> Describe for Vec<T> {
    const TYPE: Type = Type::List(&T::TYPE);
}

impl<T: Describe> Describe for std::collections::BTreeSet<T> {
    const TYPE: Type = Type::List(&T::TYPE);
}

impl<T: Describe, S> Describe for std::collections::HashSet<T, S> {
    const TYPE: Type = Type::List(&T::TYPE);
}

impl<T: Describe + ?Sized> Describe for Box<T> {
    const TYPE: Type = T::TYPE;
}

impl<T: Describe + ?Sized> Describe for std::sync::Arc<T> {
    const TYPE: Type = T::TYPE;
}

impl<K: Describe, V: Describe, S> Describe for std::collections::HashMap<K, V, S> {
    const TYPE: Type = Type::Map(&K::TYPE, &V::TYPE);
}

impl<K: Describe, V: Describe> Describe for std::collections::BTreeMap<K, V> {
    const TYPE: Type = Type::Map(&K::TYPE, &V::TYPE);
}

/// A service that is compiled in, found at run time for listings; never for dispatch.
#[derive(Clone, Copy, Debug)]
pub struct Listed(pub &'static Service);

inventory::collect!(Listed);

/// Every service definition that is compiled into this program.
pub fn services() -> impl Iterator<Item = &'static Service> {
    inventory::iter::<Listed>().map(|listed| listed.0)
}
