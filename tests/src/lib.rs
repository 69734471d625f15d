//! What is tested across crates.

pub mod suite;
