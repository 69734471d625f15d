//! A service without methods.

#[micro::service]
pub trait Nothing {}
