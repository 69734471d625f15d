//! What the service offers: all that its callers and its handler have to agree on.

use futures_util::Stream;
use micro::{Result, Streaming};
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
pub struct Hello {
    pub name: String,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub struct Greeting {
    pub text: String,
}

/// Greets people. (Becomes the description of the service.)
#[micro::service]
pub trait Greeter {
    /// Greets one.
    async fn hello(&self, who: Hello) -> Result<Greeting>;
    /// Greets everyone who comes in, for as long as they do.
    async fn welcome(
        &self,
        guests: Streaming<Hello>,
    ) -> Result<impl Stream<Item = Result<Greeting>>>;
}
