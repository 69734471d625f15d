//! Registry: who serves what, and where.
//!
//! A [`Registry`] is told of services with a time to live and tells others about them. The client
//! never asks it during a call: it keeps a [view](crate::selector) fresh from [`Registry::watch`].

use std::{collections::BTreeMap, time::Duration};

use async_trait::async_trait;
use futures_core::stream::BoxStream;
use serde::{Deserialize, Serialize};

use crate::Result;

/// Knows which services there are.
///
/// Implementations are shared by everything in a process, so each method takes `&self` and may be
/// called at the same time as the others. Every future may be dropped at any point: what it was
/// about then either happened or did not.
///
/// What comes out of a registry was written by somebody else: implementations pass on only records
/// that pass [`Service::check`], and say with a `tracing` warning what they left out.
#[async_trait]
pub trait Registry: Send + Sync + 'static {
    /// Announces the nodes of `service`, in place of records with the same name, version and node
    /// id. They are forgotten `ttl` after the last call, so that a node that dies vanishes.
    ///
    /// # Errors
    /// `Unavailable` where the registry can't be reached, `InvalidArgument` for a record that fails
    /// [`Service::check_registration`], `ResourceExhausted` where the registry has no room.
    async fn register(&self, service: &Service, ttl: Duration) -> Result<()>;

    /// Takes the nodes of `service` back; no error where they are not there.
    ///
    /// # Errors
    /// `Unavailable` where the registry can't be reached.
    async fn deregister(&self, service: &Service) -> Result<()>;

    /// The records of one service, one for each version; empty where there is none.
    ///
    /// # Errors
    /// `Unavailable` where the registry can't be reached, `InvalidArgument` for a name that fails
    /// [`check_name`].
    async fn get(&self, name: &str) -> Result<Vec<Service>>;

    /// The records of all services, one for each name and version, in the order of name and version.
    /// Where the registry keeps no more than names by which to list, nodes and endpoints are empty.
    ///
    /// # Errors
    /// `Unavailable` where the registry can't be reached.
    async fn list(&self) -> Result<Vec<Service>>;

    /// Follows one service, or all where `name` is `None`.
    ///
    /// The first event is a [`Event::Snapshot`] of what is there now. A registry that lost its
    /// connection, or its place in the history, comes back with another snapshot, so whoever folds
    /// the events has the truth and misses nothing. An error item says that the registry is out of
    /// reach for now: the stream goes on, tries again by itself with growing pauses, and ends only
    /// when it is dropped, which also ends whatever works for it.
    ///
    /// # Errors
    /// `Unavailable` where the registry can't be reached at all, `InvalidArgument` for a name that
    /// fails [`check_name`].
    async fn watch(&self, name: Option<&str>) -> Result<BoxStream<'static, Result<Event>>>;
}

/// A change in a registry.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// All that there is now of what is watched; what was known before and is not in it is gone.
    Snapshot(Vec<Service>),
    /// Nodes that are new, or whose record changed: the record holds just these nodes.
    Update(Service),
    /// Nodes that are gone: the record holds just these nodes.
    Delete(Service),
}

/// A service of one version, with its nodes: Go Micro's `registry.Service`, which is also its JSON.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Service {
    /// The name by which clients call it: `greeter`.
    pub name: String,
    /// Its version, of any form; Go Micro's default is `latest`.
    #[serde(default)]
    pub version: String,
    /// What else is known of the service.
    #[serde(default, deserialize_with = "null_as_default")]
    pub metadata: BTreeMap<String, String>,
    /// What can be called on it.
    #[serde(default, deserialize_with = "null_as_default")]
    pub endpoints: Vec<Endpoint>,
    /// Where it runs.
    #[serde(default, deserialize_with = "null_as_default")]
    pub nodes: Vec<Node>,
}

/// One running process of a service.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Node {
    /// Unique among all nodes: `greeter-6f1f…`.
    pub id: String,
    /// Where it listens: `10.0.0.7:8080`, `[::1]:8080`, or what its transport takes.
    pub address: String,
    /// How to speak to it and what sets it apart: `protocol`, `server`, `transport`, labels.
    #[serde(default, deserialize_with = "null_as_default")]
    pub metadata: BTreeMap<String, String>,
}

/// One method of a service, or one topic that it follows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Endpoint {
    /// `Greeter.Hello`.
    pub name: String,
    /// The message that it takes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<Value>,
    /// The message that it gives back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub response: Option<Value>,
    /// `stream`, `description`, `topic`, `subscriber`, as Go Micro has them.
    #[serde(default, deserialize_with = "null_as_default")]
    pub metadata: BTreeMap<String, String>,
}

/// A message or a field of one, by name and type: Go Micro's `registry.Value`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Value {
    /// The field's name.
    pub name: String,
    /// Its type: `string`, `int64`, `[]Note`, `Note`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The fields of a message, three levels deep at the most.
    #[serde(default, deserialize_with = "null_as_default")]
    pub values: Vec<Self>,
}

/// Go writes a nil map or slice as `null`.
fn null_as_default<'de, D, T>(deserializer: D) -> std::result::Result<T, D::Error>
where
    D: serde::Deserializer<'de>,
    T: Default + Deserialize<'de>,
{
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

pub mod cache;
mod check;
mod feed;
#[cfg(feature = "json")]
pub mod file;
#[cfg(feature = "mdns")]
pub mod mdns;
pub mod memory;
mod table;

pub use cache::Cache;
pub use check::check_name;
#[cfg(feature = "json")]
pub use file::FileRegistry;
#[cfg(feature = "mdns")]
pub use mdns::MdnsRegistry;
pub use memory::MemoryRegistry;
