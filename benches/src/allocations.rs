//! Counts allocations, where `MICRO_BENCH_COUNT_ALLOCS` asks for it; passes that measure time don't
//! count, so that two threads never write to one counter in them.

use std::{
    alloc::{GlobalAlloc, Layout, System},
    sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
};

pub const VARIABLE: &str = "MICRO_BENCH_COUNT_ALLOCS";

static COUNTS: AtomicBool = AtomicBool::new(false);
static ALLOCATIONS: AtomicU64 = AtomicU64::new(0);

pub struct Counting;

fn seen() {
    if COUNTS.load(Relaxed) {
        ALLOCATIONS.fetch_add(1, Relaxed);
    }
}

// SAFETY: all is passed on to the system's allocator as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        seen();
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        seen();
        unsafe { System.alloc_zeroed(layout) }
    }

    // One that grows counts as a new one.
    unsafe fn realloc(&self, ptr: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        seen();
        unsafe { System.realloc(ptr, layout, new_size) }
    }

    unsafe fn dealloc(&self, ptr: *mut u8, layout: Layout) {
        unsafe { System.dealloc(ptr, layout) }
    }
}

/// Starts to count, where asked to.
pub fn init() {
    COUNTS.store(std::env::var_os(VARIABLE).is_some(), Relaxed);
}

/// How many there were since.
pub fn so_far() -> u64 {
    ALLOCATIONS.load(Relaxed)
}
