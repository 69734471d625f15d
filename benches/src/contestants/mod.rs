//! Who takes part. Each is used as its own documentation recommends for speed, with one client (and
//! where the protocol allows it, one connection) shared by all callers.

use std::{error::Error, future::Future, sync::atomic::AtomicU64, time::Duration};

use bytes::Bytes;

mod axum;
mod micro;
mod raw;
mod tarpc;
mod tonic;
mod ttrpc;
mod wide;

pub use self::{
    axum::Axum,
    micro::Micro,
    raw::{PingPong, Pipelined},
    tarpc::Tarpc,
    tonic::Tonic,
    ttrpc::Ttrpc,
    wide::{Narrow, Wide},
};

pub type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

/// How long the handlers that wait do so.
pub const WAIT: Duration = Duration::from_millis(1);

/// A client of one contestant, and the way to its server.
pub trait Contestant: Clone + Send + Sync + 'static {
    const NAME: &'static str;

    /// Serves on a free port of the loopback interface, which it tells `ready`.
    fn serve(ready: fn(&str)) -> impl Future<Output = Outcome<()>> + Send;

    fn connect(address: String) -> impl Future<Output = Outcome<Self>> + Send;

    /// What one of many callers uses: a clone, unless the protocol knows no way to share.
    fn caller(&self) -> impl Future<Output = Outcome<Self>> + Send {
        std::future::ready(Ok(self.clone()))
    }

    fn echo(&self, body: Bytes) -> impl Future<Output = Outcome<Bytes>> + Send;

    /// An echo whose handler waits [`WAIT`] first.
    fn wait(&self, body: Bytes) -> impl Future<Output = Outcome<Bytes>> + Send {
        let _ = body;
        missing()
    }

    /// Reads an endless stream of `body`, adding to `seen`.
    fn down(
        &self,
        body: Bytes,
        seen: &'static AtomicU64,
    ) -> impl Future<Output = Outcome<()>> + Send {
        let _ = (body, seen);
        missing()
    }

    /// Sends `items`; what comes back is how many the server saw.
    fn up(
        &self,
        items: impl Iterator<Item = Bytes> + Send + 'static,
    ) -> impl Future<Output = Outcome<u64>> + Send {
        let _ = items;
        missing()
    }

    /// Sends `body` on one stream again whenever it came back, as long as `go_on` says so.
    fn rally(
        &self,
        body: Bytes,
        go_on: impl FnMut() -> bool + Send,
    ) -> impl Future<Output = Outcome<()>> + Send {
        let _ = (body, go_on);
        missing()
    }

    /// Keeps `in_flight` calls going without an end; a contestant that is no RPC does it its way.
    fn flood(&self, in_flight: usize, body: Bytes) -> impl Future<Output = Outcome<()>> + Send {
        crate::load::closed_loop(self.clone(), in_flight, body, false)
    }
}

fn missing<T: Send>() -> impl Future<Output = Outcome<T>> + Send {
    std::future::ready(Err("the contestant has no such calls".into()))
}

/// What each contestant can be asked to do.
#[derive(Clone, Copy, PartialEq)]
pub struct Entry {
    pub name: &'static str,
    pub streams: bool,
    pub waits: bool,
    /// Takes part in the comparison of services of different size only.
    pub dispatch: bool,
}

const fn entry(name: &'static str, streams: bool, waits: bool) -> Entry {
    Entry {
        name,
        streams,
        waits,
        dispatch: false,
    }
}

pub const ALL: &[Entry] = &[
    entry(Micro::NAME, true, true),
    entry(Tonic::NAME, true, true),
    entry(Tarpc::NAME, false, true),
    entry(Ttrpc::NAME, true, true),
    entry(Axum::NAME, false, false),
    entry(PingPong::NAME, false, false),
    entry(Pipelined::NAME, false, false),
    Entry {
        dispatch: true,
        ..entry(Narrow::NAME, false, false)
    },
    Entry {
        dispatch: true,
        ..entry(Wide::NAME, false, false)
    },
];

/// Runs `$go::<C>($args)` for the contestant of that name.
#[macro_export]
macro_rules! with_contestant {
    ($name:expr, $go:ident ( $($arg:expr),* )) => {{
        use $crate::contestants::*;
        match $name {
            Micro::NAME => $go::<Micro>($($arg),*),
            Tonic::NAME => $go::<Tonic>($($arg),*),
            Tarpc::NAME => $go::<Tarpc>($($arg),*),
            Ttrpc::NAME => $go::<Ttrpc>($($arg),*),
            Axum::NAME => $go::<Axum>($($arg),*),
            PingPong::NAME => $go::<PingPong>($($arg),*),
            Pipelined::NAME => $go::<Pipelined>($($arg),*),
            Narrow::NAME => $go::<Narrow>($($arg),*),
            Wide::NAME => $go::<Wide>($($arg),*),
            other => Err(format!("no contestant is called {other}").into()),
        }
    }};
}
