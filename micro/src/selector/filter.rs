//! Which nodes a call may go to at all.

use std::{fmt, sync::Arc};

use super::Candidate;

/// A condition on the nodes that a call may go to. Unlike ejection, it is never waived: where no
/// node passes all filters of a call, the call fails.
///
/// ```
/// use micro::selector::Filter;
///
/// let near = Filter::label("zone", "a");
/// let not_the_canary = Filter::new(|node| node.version() != "2.0.0-rc1");
/// ```
#[derive(Clone)]
pub struct Filter(Condition);

#[derive(Clone)]
enum Condition {
    Version(Arc<str>),
    Label(Arc<str>, Arc<str>),
    Endpoint(Arc<str>),
    Custom(Arc<dyn Fn(&Candidate) -> bool + Send + Sync>),
}

impl Filter {
    /// Nodes of which `condition` says yes. It is asked about many nodes for each call, so it
    /// should be quick.
    #[must_use]
    pub fn new(condition: impl Fn(&Candidate) -> bool + Send + Sync + 'static) -> Self {
        Self(Condition::Custom(Arc::new(condition)))
    }

    /// Nodes that run this version of the service.
    #[must_use]
    pub fn version(version: impl Into<Arc<str>>) -> Self {
        Self(Condition::Version(version.into()))
    }

    /// Nodes whose metadata holds this value under this key.
    #[must_use]
    pub fn label(key: impl Into<Arc<str>>, value: impl Into<Arc<str>>) -> Self {
        Self(Condition::Label(key.into(), value.into()))
    }

    /// Nodes whose record lists this endpoint: `Greeter.Hello`.
    #[must_use]
    pub fn endpoint(name: impl Into<Arc<str>>) -> Self {
        Self(Condition::Endpoint(name.into()))
    }

    /// Whether the node passes.
    #[must_use]
    pub fn matches(&self, node: &Candidate) -> bool {
        match &self.0 {
            Condition::Version(version) => node.version() == &**version,
            Condition::Label(key, value) => node
                .node()
                .metadata
                .get(&**key)
                .is_some_and(|has| *has == **value),
            Condition::Endpoint(name) => node.endpoints().any(|endpoint| endpoint == &**name),
            Condition::Custom(condition) => condition(node),
        }
    }
}

impl fmt::Debug for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Condition::Version(version) => write!(f, "Filter(version={version})"),
            Condition::Label(key, value) => write!(f, "Filter({key}={value})"),
            Condition::Endpoint(name) => write!(f, "Filter(endpoint={name})"),
            Condition::Custom(_) => f.write_str("Filter(..)"),
        }
    }
}
