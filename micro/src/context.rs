//! What a call carries besides its message, inherited by the calls made while it is handled.

use std::{
    cell::RefCell,
    fmt,
    pin::Pin,
    sync::{
        Arc, LazyLock, OnceLock,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
    task::{self, Poll},
    time::Duration,
};

use pin_project_lite::pin_project;
use tokio::{sync::Notify, time::Instant};

use crate::{Metadata, Trace};

/// The surroundings of a call: metadata, deadline, cancellation, peer and trace.
///
/// A handler is given the context of its call, and every call or publish that it makes inherits it
/// without being handed it: the current context follows the handler's future wherever that is
/// polled. Work that a handler moves to a task of its own takes it along with [`Context::scope`].
///
/// Cloning is one reference count; the context of no call at all ([`Context::background`]) is free.
///
/// ```
/// # async fn handler(ctx: &micro::Context) {
/// if let Some(left) = ctx.time_left() {
///     println!("{:?} left for {:?}", left, ctx.metadata().get("tenant"));
/// }
/// tokio::spawn(ctx.scope(async { /* calls from here inherit deadline, trace and metadata */ }));
/// # }
/// ```
#[derive(Clone, Default)]
pub struct Context(Option<Arc<Inner>>);

#[derive(Default)]
struct Inner {
    metadata: Metadata,
    deadline: Option<Instant>,
    peer: Option<Arc<Peer>>,
    trace: Option<Trace>,
    /// The call that this context was derived from; only its end cancels.
    call: Option<Arc<Self>>,
    cancelled: AtomicBool,
    notify: OnceLock<Notify>,
}

/// Who is at the other end of the connection that a call came by.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Peer {
    /// Its address as the transport spells it: `127.0.0.1:4242`; empty where there is none.
    pub address: String,
    /// The protocol that it spoke: `native`, `grpc`, `http`, `memory`.
    pub protocol: &'static str,
    /// Who it proved to be, by a client certificate or a token; `None` where it proved nothing.
    pub identity: Option<String>,
}

impl Peer {
    /// The peer at `address`, speaking `protocol`, not identified.
    #[must_use]
    pub fn new(address: impl Into<String>, protocol: &'static str) -> Self {
        Self {
            address: address.into(),
            protocol,
            identity: None,
        }
    }
}

thread_local! {
    static CURRENT: RefCell<Context> = const { RefCell::new(Context(None)) };
}

static NO_METADATA: LazyLock<Metadata> = LazyLock::new(Metadata::new);

impl Context {
    /// The context of no call: no metadata, no deadline, never cancelled.
    #[must_use]
    pub const fn background() -> Self {
        Self(None)
    }

    /// The context of the call being handled here, or [`Context::background`] outside of any.
    #[must_use]
    pub fn current() -> Self {
        CURRENT.with_borrow(Self::clone)
    }

    /// The context in which a server handles a call that came off a wire.
    #[must_use]
    pub fn for_call(
        metadata: Metadata,
        deadline: Option<Instant>,
        peer: Option<Arc<Peer>>,
    ) -> Self {
        let trace = if metadata.is_empty() {
            None
        } else {
            metadata
                .get(crate::trace::TRACEPARENT)
                .and_then(|text| text.parse().ok())
        };
        Self(Some(Arc::new(Inner {
            metadata,
            deadline,
            peer,
            trace,
            ..Inner::default()
        })))
    }

    /// The metadata that came with the call.
    #[must_use]
    pub fn metadata(&self) -> &Metadata {
        self.0
            .as_ref()
            .map_or(&NO_METADATA, |inner| &inner.metadata)
    }

    /// When the caller stops waiting; `None` where it waits for ever.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        self.0.as_ref()?.deadline
    }

    /// How long the caller still waits: zero once the deadline has passed, `None` for ever.
    #[must_use]
    pub fn time_left(&self) -> Option<Duration> {
        Some(self.deadline()?.saturating_duration_since(Instant::now()))
    }

    /// Who called, where the call came by a connection.
    #[must_use]
    pub fn peer(&self) -> Option<&Peer> {
        self.0.as_ref()?.peer.as_deref()
    }

    /// The trace that the call belongs to, where its caller or this side began one.
    #[must_use]
    pub fn trace(&self) -> Option<Trace> {
        self.0.as_ref()?.trace
    }

    /// Whether the caller has gone away, given up, or run out of time.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.call()
            .is_some_and(|inner| inner.cancelled.load(SeqCst))
            || self
                .deadline()
                .is_some_and(|deadline| deadline <= Instant::now())
    }

    /// Waits until the call is over: the caller went away, gave up or ran out of time, or the
    /// handler's reply is out. The handler's own future is dropped then, so this is for work that it
    /// moved elsewhere. Never returns outside of a call. Cancel-safe.
    pub async fn cancelled(&self) {
        let Some(inner) = self.call() else {
            return std::future::pending().await;
        };
        let notified = inner.notify.get_or_init(Notify::new).notified();
        tokio::pin!(notified);
        notified.as_mut().enable();
        // Registered first, looked second: a cancellation in between is not missed.
        if inner.cancelled.load(SeqCst) {
            return;
        }
        match self.deadline() {
            Some(deadline) => {
                let _ = tokio::time::timeout_at(deadline, notified).await;
            }
            None => notified.await,
        }
    }

    /// Ends the call of this context: [`Context::cancelled`] returns wherever it is awaited.
    pub fn cancel(&self) {
        if let Some(inner) = self.call() {
            inner.cancelled.store(true, SeqCst);
            if let Some(notify) = inner.notify.get() {
                notify.notify_waiters();
            }
        }
    }

    /// A context derived from this one whose deadline is at most `timeout` from now.
    #[must_use]
    pub fn with_timeout(&self, timeout: Duration) -> Self {
        let deadline = Instant::now() + timeout;
        self.derive(|inner| {
            inner.deadline = Some(inner.deadline.map_or(deadline, |old| old.min(deadline)));
        })
    }

    /// A context derived from this one with other metadata.
    #[must_use]
    pub fn with_metadata(&self, metadata: Metadata) -> Self {
        self.derive(|inner| inner.metadata = metadata)
    }

    /// A context derived from this one that is part of `trace`.
    #[must_use]
    pub fn with_trace(&self, trace: Trace) -> Self {
        self.derive(|inner| inner.trace = Some(trace))
    }

    /// Runs a future in this context: what it calls inherits metadata, deadline and trace.
    pub fn scope<F: Future>(&self, future: F) -> Scope<F> {
        Scope {
            future,
            context: self.clone(),
        }
    }

    /// Makes this the current context until the guard is dropped.
    pub(crate) fn enter(&self) -> Entered {
        Entered(CURRENT.with_borrow_mut(|current| std::mem::replace(current, self.clone())))
    }

    fn call(&self) -> Option<&Arc<Inner>> {
        let inner = self.0.as_ref()?;
        Some(inner.call.as_ref().unwrap_or(inner))
    }

    fn derive(&self, change: impl FnOnce(&mut Inner)) -> Self {
        let mut inner = Inner {
            metadata: self.metadata().clone(),
            deadline: self.deadline(),
            peer: self.0.as_ref().and_then(|inner| inner.peer.clone()),
            trace: self.trace(),
            call: self.call().cloned(),
            ..Inner::default()
        };
        change(&mut inner);
        Self(Some(Arc::new(inner)))
    }
}

impl fmt::Debug for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Context")
            .field("metadata", self.metadata())
            .field("time_left", &self.time_left())
            .field("peer", &self.peer())
            .field("trace", &self.trace())
            .field("cancelled", &self.is_cancelled())
            .finish()
    }
}

/// Puts the context that was current before back when it is dropped.
#[derive(Debug)]
pub(crate) struct Entered(Context);

impl Drop for Entered {
    fn drop(&mut self) {
        CURRENT.with_borrow_mut(|current| std::mem::swap(current, &mut self.0));
    }
}

pin_project! {
    /// A future that runs in a [`Context`]; made by [`Context::scope`].
    #[derive(Debug)]
    #[must_use = "futures do nothing unless awaited"]
    pub struct Scope<F> {
        #[pin]
        future: F,
        context: Context,
    }
}

impl<F: Future> Future for Scope<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut task::Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        let _entered = this.context.enter();
        this.future.poll(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_derived_context_ends_with_its_call_and_never_outlives_its_deadline() {
        let call = Context::for_call(
            Metadata::new(),
            Some(Instant::now() + Duration::from_secs(9)),
            None,
        );
        let child = call.with_timeout(Duration::from_secs(60));
        assert_eq!(
            child.deadline(),
            call.deadline(),
            "a longer timeout does not lengthen"
        );
        let waiting = tokio::spawn({
            let child = child.clone();
            async move { child.cancelled().await }
        });
        tokio::task::yield_now().await;
        call.cancel();
        waiting.await.unwrap();
        assert!(child.is_cancelled());
    }

    #[tokio::test(start_paused = true)]
    async fn cancelled_returns_at_the_deadline() {
        let ctx = Context::for_call(
            Metadata::new(),
            Some(Instant::now() + Duration::from_secs(1)),
            None,
        );
        ctx.cancelled().await;
        assert_eq!(ctx.time_left(), Some(Duration::ZERO));
    }

    #[tokio::test]
    async fn the_current_context_follows_the_future_and_not_the_thread() {
        let mut metadata = Metadata::new();
        metadata.insert("tenant", "a").unwrap();
        let ctx = Context::background().with_metadata(metadata);
        let inside = ctx.scope(async {
            tokio::task::yield_now().await;
            Context::current()
                .metadata()
                .get("tenant")
                .map(str::to_owned)
        });
        let (inside, outside) =
            tokio::join!(inside, async { Context::current().metadata().is_empty() });
        assert_eq!(inside.as_deref(), Some("a"));
        assert!(outside);
    }
}
