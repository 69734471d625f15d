//! One connection: two pipes, and the two ends that hold them.

use std::{
    io::{self, IoSlice},
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll, ready},
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    task::coop,
    time::Sleep,
};

use super::{network::Network, pipe::Pipe};

pub(super) struct Link {
    pub(super) address: String,
    network: Arc<Network>,
    pipes: [Pipe; 2],
    /// How many bytes may still be written before it breaks; `u64::MAX` for a sound one.
    budget: AtomicU64,
}

impl Link {
    pub(super) fn new(network: Arc<Network>, address: &str, budget: Option<u64>) -> Self {
        Self {
            address: address.to_owned(),
            network,
            pipes: Default::default(),
            budget: AtomicU64::new(budget.unwrap_or(u64::MAX)),
        }
    }

    pub(super) fn stall(&self, stalled: bool) {
        self.pipes.iter().for_each(|pipe| pipe.stall(stalled));
    }

    /// Breaks it; `lossy` also loses what is on its way.
    pub(super) fn snap(&self, lossy: bool) {
        self.pipes.iter().for_each(|pipe| pipe.snap(lossy));
    }

    /// Takes up to `wanted` bytes of what may still be written.
    fn spend(&self, wanted: usize) -> usize {
        let mut granted = wanted;
        let _ = self
            .budget
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| {
                granted = wanted.min(usize::try_from(left).unwrap_or(usize::MAX));
                (left != u64::MAX).then(|| left - granted as u64)
            });
        granted
    }

    /// Gives back what was not written after all.
    fn refund(&self, bytes: usize) {
        let _ = self
            .budget
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| {
                (left != u64::MAX).then(|| left + bytes as u64)
            });
    }
}

/// What one side holds. Dropping it closes its direction and refuses what the other side writes.
pub(super) struct End {
    link: Arc<Link>,
    /// The pipe it reads; it writes the other.
    reads: usize,
    /// Set while bytes are on their way and not yet due.
    arrival: Option<Pin<Box<Sleep>>>,
}

impl End {
    pub(super) fn both(link: Arc<Link>) -> [Self; 2] {
        [0, 1].map(|reads| Self {
            link: link.clone(),
            reads,
            arrival: None,
        })
    }

    fn writes(&self) -> &Pipe {
        &self.link.pipes[1 - self.reads]
    }

    fn write(&self, cx: &mut Context<'_>, slices: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        let turn = ready!(coop::poll_proceed(cx));
        let wanted = slices.iter().map(|slice| slice.len()).sum();
        let granted = self.link.spend(wanted);
        if granted == 0 && wanted > 0 {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        let delay = self.link.network.delay();
        let written = self.writes().poll_write(cx, slices, granted, delay);
        let taken = match &written {
            Poll::Ready(Ok(bytes)) => *bytes,
            _ => 0,
        };
        self.link.refund(granted - taken);
        if taken > 0 && self.link.budget.load(Ordering::Relaxed) == 0 {
            self.link.snap(false);
        }
        if written.is_ready() {
            turn.made_progress();
        }
        written
    }
}

impl AsyncRead for End {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        let turn = ready!(coop::poll_proceed(cx));
        loop {
            match this.link.pipes[this.reads].poll_read(cx, buf) {
                Poll::Ready(Ok(None)) => {
                    turn.made_progress();
                    return Poll::Ready(Ok(()));
                }
                // Bytes are under way: to be looked for when they are due.
                Poll::Ready(Ok(Some(due))) => {
                    let arrival = this
                        .arrival
                        .get_or_insert_with(|| Box::pin(tokio::time::sleep_until(due)));
                    arrival.as_mut().reset(due);
                    ready!(arrival.as_mut().poll(cx));
                }
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Pending => return Poll::Pending,
            }
        }
    }
}

impl AsyncWrite for End {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.write(cx, &[IoSlice::new(bytes)])
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.write(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.writes().finish(self.link.network.delay());
        Poll::Ready(Ok(()))
    }
}

impl Drop for End {
    fn drop(&mut self) {
        self.writes().finish(self.link.network.delay());
        self.link.pipes[self.reads].desert();
    }
}
