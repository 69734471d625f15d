//! What a service's owner wants done around its start and stop.

use std::fmt;

use futures_util::future::BoxFuture;

use crate::Result;

type Hook = Box<dyn FnOnce() -> BoxFuture<'static, Result<()>> + Send>;

/// The four places for hooks, each run in the order of its hooks.
#[derive(Default)]
pub(super) struct Hooks {
    pub(super) before_start: Vec<Hook>,
    pub(super) after_start: Vec<Hook>,
    pub(super) before_stop: Vec<Hook>,
    pub(super) after_stop: Vec<Hook>,
}

impl fmt::Debug for Hooks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hooks")
    }
}

/// Makes a hook of an async closure.
pub(super) fn hook<F, Fut>(run: F) -> Hook
where
    F: FnOnce() -> Fut + Send + 'static,
    Fut: Future<Output = Result<()>> + Send + 'static,
{
    Box::new(move || Box::pin(run()))
}

/// Runs hooks until one fails.
pub(super) async fn run(hooks: Vec<Hook>) -> Result<()> {
    for hook in hooks {
        hook().await?;
    }
    Ok(())
}

/// Runs all hooks, those behind one that fails too; gives the first failure.
pub(super) async fn run_all(hooks: Vec<Hook>) -> Result<()> {
    let mut first = Ok(());
    for hook in hooks {
        if let Err(error) = hook().await {
            tracing::warn!(%error, "a hook failed");
            first = first.and(Err(error));
        }
    }
    first
}
