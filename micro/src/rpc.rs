//! A method with its types: what generated clients, servers and mocks all refer to.

use crate::{
    codec::Wire,
    descriptor::{Kind, Method, RequestWire, Type},
};

/// One method of a service with its message types: a constant that the generator prints.
#[derive(Debug)]
pub struct Rpc<Req: 'static, Resp: 'static> {
    /// The method's descriptor.
    pub method: Method,
    /// How requests go onto the wire.
    pub request: &'static Wire<Req>,
    /// How replies go onto the wire.
    pub response: &'static Wire<Resp>,
}

impl<Req, Resp> Rpc<Req, Resp> {
    /// The method at `path`, `helloworld.Greeter/Hello`.
    #[must_use]
    pub const fn new(
        path: &'static str,
        docs: &'static str,
        kind: Kind,
        request: &'static Wire<Req>,
        response: &'static Wire<Resp>,
    ) -> Self {
        let method = Method {
            path,
            docs,
            kind,
            idempotent: false,
            topic: None,
            request: request.schema,
            response: response.schema,
            wire: RequestWire(request),
        };
        Self {
            method,
            request,
            response,
        }
    }

    /// The same, declared to have no more effect when it is run again.
    #[must_use]
    pub const fn idempotent(mut self) -> Self {
        self.method.idempotent = true;
        self
    }

    /// The same, taking the messages of a topic as well.
    #[must_use]
    pub const fn topic(mut self, topic: &'static str) -> Self {
        self.method.topic = Some(topic);
        self
    }
}

/// Not described: only the Rust name is known.
#[must_use]
pub const fn schema(known: Option<Type>, rust_name: &'static str) -> Type {
    match known {
        Some(known) => known,
        None => Type::Opaque(rust_name),
    }
}
