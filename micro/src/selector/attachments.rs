//! What a client hangs on a node, by type.

use std::{
    any::Any,
    fmt,
    sync::{Arc, OnceLock},
};

/// One value for each type, made when it is first asked for. A list that only grows, so that
/// reading takes no lock; it has as many entries as there are kinds of client in the process.
#[derive(Default)]
pub(super) struct Attachments {
    value: OnceLock<Arc<dyn Any + Send + Sync>>,
    next: OnceLock<Box<Self>>,
}

impl Attachments {
    pub(super) fn get<T: Default + Any + Send + Sync>(&self) -> Arc<T> {
        let mut entry = self;
        loop {
            let value = entry.value.get_or_init(|| Arc::new(T::default()));
            if value.is::<T>()
                && let Ok(value) = Arc::clone(value).downcast()
            {
                return value;
            }
            entry = entry.next.get_or_init(Box::default);
        }
    }
}

impl fmt::Debug for Attachments {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Attachments")
    }
}
