//! A type's own methods as a service.

use crate::messages::*;

/// Counts.
#[derive(Debug)]
pub struct Counter {
    /// From here.
    pub from: u32,
}

/// Counts for others.
#[micro::service(package = "math")]
impl Counter {
    /// A counter that begins at zero.
    pub fn new() -> Self {
        Self { from: 0 }
    }

    /// The next number.
    pub async fn next(&self, step: Step) -> Result<Step> {
        Ok(Step {
            by: self.from + step.by,
        })
    }

    /// All numbers from here.
    #[micro(idempotent, name = "All")]
    pub async fn each(&self, ctx: &Context, step: Step) -> Result<impl Stream<Item = Result<Step>>> {
        Ok(steps(ctx, self.from, step))
    }

    #[subscribe(topic = "counter.reset")]
    async fn reset(&self, _: ()) -> Result<()> {
        self.log().await;
        Ok(())
    }

    #[micro(skip)]
    async fn log(&self) {}
}
