//! Turns a test that hangs into one that fails.

use std::time::Duration;

/// Far longer than anything takes, so it never decides about a test that would pass.
const PATIENCE: Duration = Duration::from_secs(120);

/// Waits for `work`.
///
/// # Panics
/// Where it does not end.
pub(crate) async fn ends<T>(what: &str, work: impl Future<Output = T>) -> T {
    match tokio::time::timeout(PATIENCE, work).await {
        Ok(done) => done,
        Err(_) => panic!("`{what}` did not end"),
    }
}
