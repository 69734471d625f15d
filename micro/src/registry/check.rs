//! What a record must hold to before anybody acts on it.

use std::time::Duration;

use super::{Node, Service};
use crate::{Error, Result};

/// The most nodes of one service and version that are taken from a registry.
pub(super) const MAX_NODES: usize = 10_000;
const MAX_NAME: usize = 253;
const MAX_VALUE: usize = 4096;
const MAX_ENTRIES: usize = 1024;

impl Service {
    /// Whether the record may be registered, or believed when it comes from a registry: names of at
    /// most 253 letters, digits and `. _ - / @ : +`, addresses and metadata without control
    /// characters, everything of a bounded size.
    ///
    /// # Errors
    /// `InvalidArgument` that names the field.
    pub fn check(&self) -> Result<()> {
        name("service name", &self.name)?;
        text("version", &self.version, MAX_NAME)?;
        count("endpoints", self.endpoints.len(), MAX_ENTRIES)?;
        count("nodes", self.nodes.len(), MAX_NODES)?;
        entries(&self.metadata)?;
        for endpoint in &self.endpoints {
            text("endpoint name", &endpoint.name, MAX_NAME)?;
            entries(&endpoint.metadata)?;
        }
        self.nodes.iter().try_for_each(Node::check)
    }

    /// Whether the record may be registered for that long: what [`check`](Self::check) asks for, at
    /// least one node, and a time to live that is not zero.
    ///
    /// # Errors
    /// `InvalidArgument` that says what to change.
    pub fn check_registration(&self, ttl: Duration) -> Result<()> {
        self.check()?;
        if self.nodes.is_empty() {
            return Err(Error::invalid_argument(format!(
                "service {:?} has no nodes, so there is nothing to register",
                self.name
            )));
        }
        if ttl.is_zero() {
            return Err(Error::invalid_argument(format!(
                "service {:?} is to be registered for no time; use Duration::MAX for ever",
                self.name
            )));
        }
        Ok(())
    }
}

impl Node {
    /// Whether the node may be believed; see [`Service::check`].
    ///
    /// # Errors
    /// `InvalidArgument` that names the field.
    pub fn check(&self) -> Result<()> {
        name("node id", &self.id)?;
        if self.address.is_empty() {
            return Err(Error::invalid_argument(format!(
                "node {:?} has no address",
                self.id
            )));
        }
        text("node address", &self.address, MAX_NAME + 8)?;
        if self.address.contains(char::is_whitespace) {
            return Err(Error::invalid_argument(format!(
                "the address {:?} of node {:?} holds white space",
                self.address, self.id
            )));
        }
        entries(&self.metadata)
    }
}

/// Whether a service can have that name; see [`Service::check`].
///
/// # Errors
/// `InvalidArgument` that shows the name.
pub fn check_name(value: &str) -> Result<()> {
    name("service name", value)
}

fn name(what: &str, value: &str) -> Result<()> {
    let fits = |c: char| c.is_ascii_alphanumeric() || "._-/@:+".contains(c);
    if value.is_empty() || value.len() > MAX_NAME || !value.chars().all(fits) {
        return Err(Error::invalid_argument(format!(
            "{what} {:?} must be 1 to {MAX_NAME} letters, digits or any of . _ - / @ : +",
            shorten(value)
        )));
    }
    Ok(())
}

fn text(what: &str, value: &str, most: usize) -> Result<()> {
    if value.len() > most {
        return Err(Error::invalid_argument(format!(
            "{what} {:?} is {} bytes long, {most} at the most",
            shorten(value),
            value.len()
        )));
    }
    if value.chars().any(char::is_control) {
        return Err(Error::invalid_argument(format!(
            "{what} {:?} holds a control character",
            shorten(value)
        )));
    }
    Ok(())
}

fn count(what: &str, number: usize, most: usize) -> Result<()> {
    if number > most {
        return Err(Error::invalid_argument(format!(
            "{number} {what}, {most} at the most"
        )));
    }
    Ok(())
}

fn entries(metadata: &std::collections::BTreeMap<String, String>) -> Result<()> {
    count("metadata entries", metadata.len(), MAX_ENTRIES)?;
    metadata.iter().try_for_each(|(key, value)| {
        text("metadata key", key, MAX_NAME)?;
        text("metadata value", value, MAX_VALUE)
    })
}

fn shorten(value: &str) -> String {
    value.chars().take(64).collect()
}
