//! Conformance suites, one for each kind of part. A plugin's own tests call `all` of its kind, or
//! the properties one by one; a property that does not hold panics.

pub mod broker;
pub mod codec;
pub mod registry;
pub mod selector;
pub mod transport;

mod guard;
