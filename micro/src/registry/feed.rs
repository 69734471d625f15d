//! A table of records that handles share and watchers follow.
//!
//! No task belongs to it: what is past its time is dropped when somebody looks, and watchers are the
//! ones who look on time.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use futures_core::stream::BoxStream;
use futures_util::{StreamExt as _, stream};
use tokio::{
    sync::broadcast::{self, error::RecvError},
    time::{Instant, sleep_until},
};

use super::{Event, Service, table::Table};
use crate::Result;

/// How far a watcher may fall behind before it gets a snapshot in place of what it missed.
const BACKLOG: usize = 1024;

/// What is sent to watchers; an empty one has them look at the deadlines again.
type Notice = Option<Arc<Event>>;

/// A table with those who follow it.
#[derive(Debug)]
pub(super) struct Feed {
    table: Mutex<Table>,
    notices: broadcast::Sender<Notice>,
}

impl Feed {
    pub(super) fn new(table: Table) -> Self {
        Self {
            table: Mutex::new(table),
            notices: broadcast::Sender::new(BACKLOG),
        }
    }

    /// The table as it is now. Notices are sent with the lock held, so that all watchers see the
    /// changes in the order in which they were made.
    fn lock(&self) -> MutexGuard<'_, Table> {
        let mut table = self.table.lock().unwrap_or_else(PoisonError::into_inner);
        for event in table.expire(Instant::now()) {
            self.tell(Some(event));
        }
        table
    }

    fn tell(&self, event: Option<Event>) {
        // Nobody follows: no error.
        let _ = self.notices.send(event.map(Arc::new));
    }

    pub(super) fn put(&self, service: Service, ttl: Duration) -> Result<()> {
        let mut table = self.lock();
        let next = table.next_deadline();
        // A time to live past the end of the clock is for ever.
        let event = table.put(service, Instant::now().checked_add(ttl))?;
        if event.is_some() || table.next_deadline() < next {
            self.tell(event);
        }
        Ok(())
    }

    pub(super) fn remove(&self, service: &Service) {
        let mut table = self.lock();
        if let Some(event) = table.remove(service) {
            self.tell(Some(event));
        }
    }

    /// Makes the change that another registry told of.
    pub(super) fn fold(&self, event: Event) -> Result<()> {
        match event {
            Event::Update(service) => self.put(service, Duration::MAX),
            Event::Delete(service) => {
                self.remove(&service);
                Ok(())
            }
            Event::Snapshot(services) => {
                let mut table = self.lock();
                let replaced = table.replace(services);
                self.tell(Some(Event::Snapshot(table.select(None))));
                replaced
            }
        }
    }

    pub(super) fn select(&self, name: Option<&str>) -> Vec<Service> {
        self.lock().select(name)
    }

    /// Follows the table: [`super::Registry::watch`].
    pub(super) fn watch(self: &Arc<Self>, name: Option<&str>) -> BoxStream<'static, Result<Event>> {
        let feed = Arc::clone(self);
        let name = name.map(str::to_owned);
        stream::unfold(None, move |place| {
            let (feed, name) = (Arc::clone(&feed), name.clone());
            async move {
                let (event, place) = feed.next(name.as_deref(), place).await;
                Some((Ok(event), Some(place)))
            }
        })
        .boxed()
    }

    async fn next(
        &self,
        name: Option<&str>,
        place: Option<broadcast::Receiver<Notice>>,
    ) -> (Event, broadcast::Receiver<Notice>) {
        let Some(mut place) = place else {
            return self.start(name);
        };
        loop {
            let deadline = self.lock().next_deadline();
            let late = async {
                match deadline {
                    Some(at) => sleep_until(at).await,
                    None => std::future::pending().await,
                }
            };
            let notice = tokio::select! {
                biased;
                notice = place.recv() => notice,
                () = late => continue,
            };
            match notice {
                Ok(Some(event)) if concerns(&event, name) => return ((*event).clone(), place),
                Ok(_) => {}
                Err(RecvError::Lagged(_) | RecvError::Closed) => return self.start(name),
            }
        }
    }

    /// A snapshot, and the place right behind it.
    fn start(&self, name: Option<&str>) -> (Event, broadcast::Receiver<Notice>) {
        let table = self.lock();
        let place = self.notices.subscribe();
        (Event::Snapshot(table.select(name)), place)
    }
}

fn concerns(event: &Event, name: Option<&str>) -> bool {
    match event {
        Event::Update(service) | Event::Delete(service) => {
            name.is_none_or(|name| name == service.name)
        }
        Event::Snapshot(_) => true,
    }
}
