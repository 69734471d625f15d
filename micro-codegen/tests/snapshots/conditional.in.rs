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

/// Not there at all.
#[micro::service]
#[cfg(any())]
pub trait Never {
    /// Nor is this.
    async fn never(&self, req: Missing) -> Result<Missing>;
}

/// As little as what it is about.
#[micro::service]
#[cfg(any())]
impl Never for Missing {
    async fn never(&self, req: Missing) -> Result<Missing> {
        Ok(req)
    }

    #[subscribe(topic = "never")]
    async fn hear(&self, _: Missing) -> Result<()> {
        Ok(())
    }
}

/// Nor are methods without a trait.
#[micro::service]
#[cfg(any())]
impl Missing {
    /// Nor is this.
    pub async fn own(&self, req: Missing) -> Result<Missing> {
        Ok(req)
    }
}
