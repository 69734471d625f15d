//! Whole services and their clients: what happens when a caller gives up, a handler panics, a peer
//! is hostile, a node or a registry goes away.
#![allow(unreachable_pub, reason = "what the modules of this test share")]

#[path = "e2e/common.rs"]
mod common;
#[path = "e2e/raw.rs"]
mod raw;

#[path = "e2e/cancel.rs"]
mod cancel;
#[path = "e2e/deadline.rs"]
mod deadline;
#[path = "e2e/hostile.rs"]
mod hostile;
#[path = "e2e/hostile_server.rs"]
mod hostile_server;
#[path = "e2e/layers.rs"]
mod layers;
#[path = "e2e/lifecycle.rs"]
mod lifecycle;
#[path = "e2e/nodes.rs"]
mod nodes;
#[path = "e2e/panic.rs"]
mod panic;
#[path = "e2e/settings.rs"]
mod settings;
#[path = "e2e/slow.rs"]
mod slow;
#[path = "e2e/topics.rs"]
mod topics;
#[path = "e2e/truncated.rs"]
mod truncated;
