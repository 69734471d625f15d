//! Methods that are there under a condition only.

use crate::messages::*;

/// Differs from platform to platform.
#[micro::service]
pub trait Platform {
    /// Only there where it is not.
    #[cfg(not(any()))]
    async fn always(&self, req: Room) -> Result<Note>;
    /// Never there.
    #[cfg(any())]
    async fn never(&self, req: Missing) -> Result<Missing>;
    /// Going away.
    #[deprecated = "use `always`"]
    async fn last(&self, req: Room) -> Result<Note>;
}
