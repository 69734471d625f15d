//! A service without methods.

/// Offers nothing.
#[micro::service]
pub trait Nothing {}
