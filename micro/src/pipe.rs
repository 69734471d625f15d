//! A stream of encoded messages from one end to the other within this process.

use std::sync::Arc;

use tokio::sync::oneshot;

use crate::{
    Error,
    stream::{Inbound, Outbound, Queue},
};

/// The sending end of a [`pipe`]; a sender that is dropped without an end leaves an error behind.
#[derive(Debug)]
pub struct PipeSender {
    pub(crate) queue: Arc<Queue>,
    /// Told when the stream is under way.
    opened: Option<oneshot::Sender<()>>,
}

impl PipeSender {
    pub(crate) fn open(&mut self) {
        if let Some(opened) = self.opened.take() {
            // Who does not wait for it does not need it.
            let _ = opened.send(());
        }
    }
}

impl Drop for PipeSender {
    fn drop(&mut self) {
        self.queue
            .finish(Err(Error::cancelled("the sender of the stream went away")));
    }
}

/// A stream within this process, holding at most `window` bytes unread.
#[must_use]
pub fn pipe(window: usize) -> (Outbound, Inbound) {
    let queue = Arc::new(Queue::new(window));
    let sender = PipeSender {
        queue: queue.clone(),
        opened: None,
    };
    (Outbound::Pipe(sender), Inbound::new(queue, window, None))
}

/// As [`pipe`]; what comes with it is told when the sender says that the stream is under way, and
/// fails where it ends without.
#[cfg(feature = "http")]
pub(crate) fn pipe_opening(window: usize) -> (Outbound, Inbound, oneshot::Receiver<()>) {
    let queue = Arc::new(Queue::new(window));
    let (opened, opening) = oneshot::channel();
    let sender = PipeSender {
        queue: queue.clone(),
        opened: Some(opened),
    };
    (
        Outbound::Pipe(sender),
        Inbound::new(queue, window, None),
        opening,
    )
}
