//! A registry whose answers come from memory.

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use futures_core::stream::BoxStream;
use futures_util::{StreamExt as _, stream};
use tokio::{
    sync::watch,
    task::JoinHandle,
    time::{Instant, sleep},
};

use super::{
    Event, Registry, Service,
    check::{MAX_NODES, check_name},
    feed::Feed,
    table::Table,
};
use crate::{Error, Result};

/// The most names that are followed at a time.
const MOST_NAMES: usize = 1024;
const MIN_PAUSE: Duration = Duration::from_millis(100);
const MAX_PAUSE: Duration = Duration::from_secs(30);

/// A registry in front of another, which answers [`get`](Registry::get) and
/// [`list`](Registry::list) from memory.
///
/// What was asked for once is followed from then on, by one watch of the registry behind however
/// many ask or [`watch`](Registry::watch) here. While that registry is out of reach, what it last
/// said stays in force; [`age`](Cache::age) tells for how long. Of a name that was never known the
/// registry's error comes back. Of 1,024 names at the most; the one that nobody asked for
/// for the longest time is forgotten for a new one.
///
/// Registering goes straight through. Its clones are the same cache.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> micro::Result<()> {
/// use micro::registry::{Cache, MemoryRegistry, Registry};
///
/// let cache = Cache::new(MemoryRegistry::new());
/// assert!(cache.get("greeter").await?.is_empty());
/// assert!(cache.age(Some("greeter")).is_some_and(|age| age.is_zero()));
/// # Ok(()) }
/// ```
pub struct Cache<R: ?Sized> {
    /// Names, and nothing for all.
    followed: Arc<Mutex<HashMap<Option<String>, Arc<Followed>>>>,
    inner: Arc<R>,
}

impl<R> Cache<R> {
    /// In front of the registry.
    #[must_use]
    pub fn new(inner: R) -> Self {
        Self::over(Arc::new(inner))
    }
}

impl<R: ?Sized> Cache<R> {
    /// In front of a registry that others use too, as one that was
    /// [chosen by name](crate::plugin::registry).
    #[must_use]
    pub fn over(inner: Arc<R>) -> Self {
        Self {
            followed: Arc::default(),
            inner,
        }
    }

    /// For how long what is known of a name, or of all, was not kept fresh: zero while the registry
    /// is in reach. Nothing where nothing is known.
    #[must_use]
    pub fn age(&self, name: Option<&str>) -> Option<Duration> {
        let followed = Arc::clone(self.lock().get(&name.map(str::to_owned))?);
        let state = followed.state.borrow();
        let silent = state.silent.map_or(Duration::ZERO, |since| since.elapsed());
        state.known.then_some(silent)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Option<String>, Arc<Followed>>> {
        self.followed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<R: ?Sized> Clone for Cache<R> {
    fn clone(&self) -> Self {
        Self {
            followed: Arc::clone(&self.followed),
            inner: Arc::clone(&self.inner),
        }
    }
}

impl<R: ?Sized> fmt::Debug for Cache<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.lock().len();
        f.debug_struct("Cache")
            .field("names", &names)
            .finish_non_exhaustive()
    }
}

/// A name that is followed, until the last who holds this lets go.
struct Followed {
    feed: Arc<Feed>,
    state: watch::Receiver<State>,
    used: Mutex<Instant>,
    task: JoinHandle<()>,
}

impl Drop for Followed {
    fn drop(&mut self) {
        self.task.abort();
    }
}

#[derive(Debug, Default)]
struct State {
    /// Whether there was a first word.
    known: bool,
    /// Since when the registry is out of reach, and why.
    silent: Option<Instant>,
    fault: Option<Error>,
}

impl<R: Registry + ?Sized> Cache<R> {
    fn follow(&self, name: Option<&str>) -> Arc<Followed> {
        let mut all = self.lock();
        let key = name.map(str::to_owned);
        // A task ends with its runtime only.
        if let Some(known) = all.get(&key)
            && !known.task.is_finished()
        {
            *known.used.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
            return Arc::clone(known);
        }
        if all.len() >= MOST_NAMES {
            let used = |one: &Followed| *one.used.lock().unwrap_or_else(PoisonError::into_inner);
            let oldest = all.iter().min_by_key(|(_, one)| used(one));
            if let Some(oldest) = oldest.map(|(key, _)| key.clone()) {
                all.remove(&oldest);
            }
        }
        let feed = Arc::new(Feed::new(Table::new(usize::MAX, MAX_NODES)));
        let (told, state) = watch::channel(State::default());
        let inner = Arc::clone(&self.inner);
        let task = tokio::spawn(keep(inner, key.clone(), Arc::clone(&feed), told));
        let followed = Arc::new(Followed {
            feed,
            state,
            used: Mutex::new(Instant::now()),
            task,
        });
        all.insert(key, Arc::clone(&followed));
        followed
    }

    /// What is followed, once something is known of it.
    async fn known(&self, name: Option<&str>) -> Result<Arc<Followed>> {
        let followed = self.follow(name);
        let mut state = followed.state.clone();
        let heard = state
            .wait_for(|state| state.known || state.fault.is_some())
            .await;
        match heard.as_deref() {
            Ok(State {
                known: false,
                fault: Some(error),
                ..
            }) => return Err(error.clone()),
            Ok(_) => {}
            Err(_) => return Err(Error::unavailable("the cache's runtime has ended")),
        }
        drop(heard);
        Ok(followed)
    }
}

/// Folds what the registry tells of a name, for ever.
async fn keep<R: Registry + ?Sized>(
    inner: Arc<R>,
    name: Option<String>,
    feed: Arc<Feed>,
    told: watch::Sender<State>,
) {
    let fail = |error: Error| {
        tracing::warn!(%error, name, "the registry is out of reach; what is known stays in force");
        told.send_modify(|state| {
            state.silent.get_or_insert_with(Instant::now);
            state.fault = Some(error);
        });
    };
    let mut pause = MIN_PAUSE;
    loop {
        match inner.watch(name.as_deref()).await {
            Ok(mut events) => {
                while let Some(event) = events.next().await {
                    match event.and_then(|event| feed.fold(event)) {
                        Ok(()) => {
                            pause = MIN_PAUSE;
                            told.send_if_modified(|state| {
                                let changed = !state.known || state.fault.is_some();
                                *state = State {
                                    known: true,
                                    ..State::default()
                                };
                                changed
                            });
                        }
                        Err(error) => fail(error),
                    }
                }
                fail(Error::unavailable("the registry ended its watch"));
            }
            Err(error) => fail(error),
        }
        sleep(pause.mul_f64(0.8 + 0.4 * fastrand::f64())).await;
        pause = (pause * 2).min(MAX_PAUSE);
    }
}

#[async_trait]
impl<R: Registry + ?Sized> Registry for Cache<R> {
    async fn register(&self, service: &Service, ttl: Duration) -> Result<()> {
        self.inner.register(service, ttl).await
    }

    async fn deregister(&self, service: &Service) -> Result<()> {
        self.inner.deregister(service).await
    }

    async fn get(&self, name: &str) -> Result<Vec<Service>> {
        check_name(name)?;
        Ok(self.known(Some(name)).await?.feed.select(Some(name)))
    }

    async fn list(&self) -> Result<Vec<Service>> {
        Ok(self.known(None).await?.feed.select(None))
    }

    async fn watch(&self, name: Option<&str>) -> Result<BoxStream<'static, Result<Event>>> {
        name.map_or(Ok(()), check_name)?;
        let followed = self.known(name).await?;
        let events = followed.feed.watch(name).map(Ok);
        let faults = stream::unfold(followed.state.clone(), |mut state| async move {
            state.changed().await.ok()?;
            let fault = state.borrow_and_update().fault.clone();
            Some((fault, state))
        });
        let faults = faults.filter_map(async |fault| fault.map(Err));
        let items = stream::select(events, faults).map(move |item| {
            let _alive = &followed;
            item.and_then(std::convert::identity)
        });
        Ok(items.boxed())
    }
}
