//! What a service tells the registry of itself.

use std::{collections::BTreeMap, net::SocketAddr};

use super::options::Settled;
use crate::{
    Error, Result,
    descriptor::{self, Field, Method, Type},
    registry::{Endpoint, Node, Service, Value},
    server::Subscriber,
};

/// How deep Go Micro describes messages.
const DEPTH: usize = 3;

/// The record of a service that listens at `listening`.
///
/// # Errors
/// `InvalidArgument` for an address or a name that no registry would take.
pub(super) fn record(
    settled: &Settled,
    listening: &str,
    services: &[&'static descriptor::Service],
    subscribers: &[Subscriber],
) -> Result<Service> {
    let mut metadata = settled.metadata.clone();
    let mut put = |key: &str, value: &str| metadata.insert(key.to_owned(), value.to_owned());
    put("protocol", "native");
    let protocols = if cfg!(feature = "http") {
        "native,grpc,http"
    } else {
        "native"
    };
    put("protocols", protocols);
    put("server", "rpc");
    put("transport", settled.parts.transport.name());
    let calls = services
        .iter()
        .flat_map(|service| service.methods)
        .map(method);
    let topics = subscribers.iter().map(topic);
    let service = Service {
        name: settled.name.clone(),
        version: settled.version.clone(),
        metadata: BTreeMap::new(),
        endpoints: calls.chain(topics).collect(),
        nodes: vec![Node {
            id: settled.id.clone(),
            address: advertised(settled, listening)?,
            metadata,
        }],
    };
    service.check()?;
    Ok(service)
}

/// The address for others: the one that was set, or the one that it listens on, with an address of
/// this host in place of "all of them".
fn advertised(settled: &Settled, listening: &str) -> Result<String> {
    let Ok(listening) = listening.parse::<SocketAddr>() else {
        return Ok(settled
            .advertise
            .clone()
            .unwrap_or_else(|| listening.to_owned()));
    };
    if let Some(set) = &settled.advertise {
        // A host without a port is reached at the port that it listens on.
        let bare = !set.contains(':') || set.starts_with('[') && set.ends_with(']');
        return Ok(if bare {
            format!("{set}:{}", listening.port())
        } else {
            set.clone()
        });
    }
    if !listening.ip().is_unspecified() {
        return Ok(listening.to_string());
    }
    let outward = outward(listening.is_ipv6()).map_err(|error| {
        Error::invalid_argument(format!(
            "it listens on all addresses and none to advertise was found ({error}); set one, by \
             .advertise(…) or MICRO_SERVER_ADVERTISE"
        ))
    })?;
    Ok(SocketAddr::new(outward, listening.port()).to_string())
}

/// The address at which others reach what listens at `address`; `None` where it is no IPv4 address
/// with a port, as multicast DNS takes.
#[cfg(feature = "mdns")]
pub(super) fn own_address(address: &str) -> Option<std::net::IpAddr> {
    let all = address
        .strip_prefix(':')
        .map(|port| format!("0.0.0.0:{port}"));
    let listening: SocketAddr = all.as_deref().unwrap_or(address).parse().ok()?;
    if !listening.is_ipv4() {
        return None;
    }
    if listening.ip().is_unspecified() {
        outward(false).ok()
    } else {
        Some(listening.ip())
    }
}

/// The address that this host uses towards others. Connecting a datagram socket sends nothing.
fn outward(v6: bool) -> std::io::Result<std::net::IpAddr> {
    let (any, other) = if v6 {
        ("[::]:0", "[2001:db8::1]:9")
    } else {
        ("0.0.0.0:0", "192.0.2.1:9")
    };
    let socket = std::net::UdpSocket::bind(any)?;
    match socket.connect(other) {
        Ok(()) => Ok(socket.local_addr()?.ip()),
        // A host without a way out has itself.
        Err(_) if v6 => Ok(std::net::Ipv6Addr::LOCALHOST.into()),
        Err(_) => Ok(std::net::Ipv4Addr::LOCALHOST.into()),
    }
}

fn method(method: &Method) -> Endpoint {
    let mut metadata = BTreeMap::new();
    let docs = method.docs.trim();
    if !docs.is_empty() {
        // Registries bound their records, and line ends have no place in them.
        let line: String = docs.split_whitespace().collect::<Vec<_>>().join(" ");
        metadata.insert("description".to_owned(), line.chars().take(500).collect());
    }
    if method.kind.client_streams() || method.kind.server_streams() {
        metadata.insert("stream".to_owned(), "true".to_owned());
    }
    if method.idempotent {
        metadata.insert("idempotent".to_owned(), "true".to_owned());
    }
    Endpoint {
        name: method.endpoint(),
        request: Some(message(&method.request)),
        response: Some(message(&method.response)),
        metadata,
    }
}

fn topic(subscriber: &Subscriber) -> Endpoint {
    let pairs = [("topic", subscriber.topic.as_str()), ("subscriber", "true")];
    Endpoint {
        name: subscriber.topic.clone(),
        metadata: pairs
            .into_iter()
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .collect(),
        ..Endpoint::default()
    }
}

fn message(of: &Type) -> Value {
    let name = of.go_name();
    Value {
        name: name.clone(),
        kind: name,
        values: fields(of, DEPTH),
    }
}

fn fields(of: &Type, depth: usize) -> Vec<Value> {
    let inner = match of {
        Type::Optional(inner) | Type::List(inner) | Type::Map(_, inner) => inner,
        other => other,
    };
    if depth == 0 {
        return Vec::new();
    }
    let value = |field: &Field| Value {
        name: field.name.to_owned(),
        kind: field.kind.go_name(),
        values: fields(&field.kind, depth - 1),
    };
    inner.fields().iter().map(value).collect()
}
