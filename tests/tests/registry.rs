//! The registries that are built in.

use micro_tests::suite;

#[path = "registry/cache.rs"]
mod cache;
#[path = "registry/file.rs"]
mod file;
#[path = "registry/interop.rs"]
mod interop;
#[path = "registry/mdns.rs"]
mod mdns;
#[path = "registry/memory.rs"]
mod memory;
#[path = "registry/processes.rs"]
mod processes;
