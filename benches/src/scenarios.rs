//! What is asked of the contestants.

use crate::contestants::{Entry, Outcome};

#[derive(Clone, Debug, PartialEq)]
pub struct Scenario {
    pub name: String,
    pub kind: Kind,
    /// Part of the quick run.
    pub quick: bool,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Kind {
    /// Echo in a closed loop.
    Echo { size: usize, in_flight: usize },
    /// Echo at so many calls a second, whatever becomes of them.
    Open { rate: u64 },
    /// Streams from the server.
    Down { streams: usize },
    /// One stream to the server.
    Up,
    /// One item to and fro on each stream.
    Rally { streams: usize },
    /// Handlers that wait.
    Wait { in_flight: usize },
    /// One in flight, alone and beside a connection with 512.
    Fair,
    /// Connections without a call.
    Idle { connections: usize },
    /// Services of one and of 200 methods.
    Dispatch,
    /// Allocations and system calls of a call; never timed.
    Count { in_flight: usize },
}

impl Kind {
    pub fn open_to(self, entry: &Entry) -> bool {
        let raw = entry.name.starts_with("raw");
        match self {
            Self::Dispatch => entry.dispatch,
            _ if entry.dispatch => false,
            Self::Echo { .. } => true,
            Self::Down { .. } | Self::Up | Self::Rally { .. } => entry.streams,
            Self::Wait { .. } => entry.waits,
            Self::Idle { .. } | Self::Open { .. } => entry.name != "raw-pipelined",
            Self::Fair | Self::Count { .. } => !raw,
        }
    }
}

pub fn all() -> Vec<Scenario> {
    let mut all = Vec::new();
    let mut add = |name: &str, kind, quick| {
        all.push(Scenario {
            name: name.to_owned(),
            kind,
            quick,
        });
    };
    for (size, text) in [(64, "64B"), (1 << 10, "1KiB"), (64 << 10, "64KiB")] {
        for in_flight in [1, 64, 512] {
            let quick = size == 64 || in_flight == 64;
            let kind = Kind::Echo { size, in_flight };
            add(&format!("echo-{text}-{in_flight}"), kind, quick);
        }
    }
    add("open-20k", Kind::Open { rate: 20_000 }, true);
    add("down-1", Kind::Down { streams: 1 }, true);
    add("down-8", Kind::Down { streams: 8 }, true);
    add("up-1", Kind::Up, true);
    add("rally-1", Kind::Rally { streams: 1 }, false);
    add("rally-64", Kind::Rally { streams: 64 }, true);
    add("wait-10k", Kind::Wait { in_flight: 10_000 }, true);
    add("fair", Kind::Fair, true);
    add("idle-1000", Kind::Idle { connections: 1000 }, true);
    add("dispatch", Kind::Dispatch, true);
    for in_flight in [1, 64, 512] {
        add(
            &format!("count-{in_flight}"),
            Kind::Count { in_flight },
            true,
        );
    }
    all
}

pub fn find(name: &str) -> Outcome<Scenario> {
    let found = all().into_iter().find(|scenario| scenario.name == name);
    found.ok_or_else(|| format!("no scenario is called {name}").into())
}
