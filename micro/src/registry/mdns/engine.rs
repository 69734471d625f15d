//! What one registry knows, and the task that keeps it so.

use std::{
    collections::{BTreeMap, HashMap},
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{
    sync::Notify,
    task::JoinHandle,
    time::{Instant, sleep, sleep_until, timeout_at},
};

use super::{
    socket::{PORT, Sockets},
    wire::{self, About, Announcement, Heard, LISTING, Packet, Question},
};
use crate::{
    Result,
    registry::{
        Service,
        table::{Feed, Table},
    },
};
use futures_util::StreamExt as _;

/// How long answers are waited for; Go Micro's timeout.
const WINDOW: Duration = Duration::from_millis(100);
/// How soon a question is repeated, and how long nodes are gathered once one has answered.
const SOON: Duration = Duration::from_millis(20);
/// How long after a question its answers, with the announcements since, are taken for complete.
const FRESH: Duration = Duration::from_secs(90);
/// The longest pause between the questions of a watch.
const MAX_PAUSE: Duration = Duration::from_secs(60);
/// How soon a new node is announced again, in case the first packet was lost.
const AGAIN: Duration = Duration::from_secs(1);
/// The most names of which something is kept, and the most nodes of one name and version.
const MOST_NAMES: usize = 4096;
const MOST_NODES: usize = 1000;
/// The largest packet that UDP can bring.
const PACKET: usize = 65_535;

#[derive(Debug)]
pub(super) struct Engine {
    interface: String,
    pub(super) feed: Arc<Feed>,
    state: Mutex<State>,
    /// Tells the task that something is due earlier than it knows.
    wake: Notify,
}

#[derive(Debug, Default)]
struct State {
    running: Option<Running>,
    /// What this process announces, by instance.
    own: BTreeMap<String, Own>,
    /// When which name was asked for.
    asked: HashMap<String, Asked>,
    follows: BTreeMap<String, Follow>,
}

#[derive(Debug)]
struct Running {
    sockets: Arc<Sockets>,
    task: JoinHandle<()>,
}

#[derive(Debug)]
struct Own {
    service: Service,
    announcement: Announcement,
    /// Never, where there is none.
    until: Option<Instant>,
    again: Option<Instant>,
}

impl Own {
    /// How long it is still there.
    fn left(&self, now: Instant) -> Duration {
        self.until
            .map_or(Duration::MAX, |until| until.saturating_duration_since(now))
    }
}

#[derive(Debug, Clone, Copy)]
struct Asked {
    /// Since when everything about the name is heard.
    first: Instant,
    last: Instant,
}

#[derive(Debug)]
struct Follow {
    watchers: usize,
    next: Instant,
    pause: Duration,
}

impl Engine {
    pub(super) fn new(interface: &str) -> Self {
        Self {
            interface: interface.to_owned(),
            feed: Arc::new(Feed::new(Table::new(MOST_NAMES, MOST_NODES))),
            state: Mutex::default(),
            wake: Notify::new(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The sockets, with the task that reads them running. A task ends with the runtime on which it
    /// began, so it may have to begin again on another.
    pub(super) fn start(self: &Arc<Self>) -> Result<Arc<Sockets>> {
        let mut state = self.lock();
        if let Some(running) = &state.running
            && !running.task.is_finished()
        {
            return Ok(Arc::clone(&running.sockets));
        }
        let sockets = Arc::new(Sockets::open(&self.interface)?);
        state.asked.clear();
        let task = tokio::spawn(Arc::clone(self).run(Arc::clone(&sockets)));
        let running = Running {
            sockets: Arc::clone(&sockets),
            task,
        };
        state.running = Some(running);
        Ok(sockets)
    }

    /// Ends the task and says goodbye for all that was announced.
    pub(super) fn stop(&self) {
        let mut state = self.lock();
        let Some(Running { sockets, task }) = state.running.take() else {
            return;
        };
        task.abort();
        for own in std::mem::take(&mut state.own).into_values() {
            sockets.announce_now(&own.announcement.message(None, Duration::ZERO));
        }
    }

    pub(super) async fn register(self: &Arc<Self>, service: &Service, ttl: Duration) -> Result<()> {
        let mut announcements = Vec::new();
        for node in &service.nodes {
            announcements.push((node, Announcement::new(service, node)?));
        }
        let sockets = self.start()?;
        self.feed.put(service.clone(), ttl)?;
        let now = Instant::now();
        let mut messages = Vec::new();
        {
            let mut state = self.lock();
            for (node, announcement) in announcements {
                messages.push(announcement.message(None, ttl));
                let instance = announcement.instance.clone();
                let own = Own {
                    service: Service {
                        nodes: vec![node.clone()],
                        ..service.clone()
                    },
                    announcement,
                    until: now.checked_add(ttl),
                    again: Some(now + AGAIN),
                };
                let is = own.service.clone();
                let was = state.own.insert(instance.clone(), own);
                let Some(was) = was else { continue };
                if was.service == is
                    && let Some(own) = state.own.get_mut(&instance)
                {
                    own.again = was.again;
                }
                // A node has one version on the wire.
                if was.service.version != is.version {
                    self.feed.remove(&was.service);
                }
            }
        }
        messages.extend(Announcement::listing(&service.name).map(|name| name.message(None, ttl)));
        for message in messages {
            sockets.announce(&message).await?;
        }
        self.wake.notify_one();
        Ok(())
    }

    pub(super) async fn deregister(&self, service: &Service) -> Result<()> {
        let mut messages = Vec::new();
        let sockets = {
            let mut state = self.lock();
            for node in &service.nodes {
                let instance = format!("{}.{}", node.id, service.name);
                if state
                    .own
                    .get(&instance)
                    .is_some_and(|own| own.service.version == service.version)
                    && let Some(own) = state.own.remove(&instance)
                {
                    self.feed.remove(&own.service);
                    messages.push(own.announcement.message(None, Duration::ZERO));
                }
            }
            state
                .running
                .as_ref()
                .map(|running| Arc::clone(&running.sockets))
        };
        for message in messages {
            if let Some(sockets) = &sockets {
                sockets.announce(&message).await?;
            }
        }
        Ok(())
    }

    /// Asks for a name, unless what is known of it is fresh; says since when it is heard of.
    pub(super) async fn inquire(self: &Arc<Self>, name: &str, anew: bool) -> Result<Instant> {
        let question = wire::query(name)?;
        let sockets = self.start()?;
        let now = Instant::now();
        {
            let mut state = self.lock();
            if let Some(asked) = state.asked.get(name) {
                // The answers to the last question may be on their way still.
                let awaited = asked.last + WINDOW > now;
                if awaited || (asked.last + FRESH > now && !anew) {
                    return Ok(if anew { asked.last } else { asked.first });
                }
            }
            state.note(name, now);
        }
        sockets.ask(&question).await?;
        Ok(if anew {
            now
        } else {
            self.lock().asked.get(name).map_or(now, |asked| asked.first)
        })
    }

    /// The records of one service.
    pub(super) async fn get(self: &Arc<Self>, name: &str) -> Result<Vec<Service>> {
        let since = self.inquire(name, false).await?;
        sleep_until(since + WINDOW).await;
        let known = self.feed.select(Some(name));
        if !known.is_empty() || since.elapsed() < 2 * WINDOW {
            return Ok(known);
        }
        // An old silence is worth another question.
        let since = self.inquire(name, true).await?;
        sleep_until(since + WINDOW).await;
        Ok(self.feed.select(Some(name)))
    }

    /// The records of all services: their names are answered first, then their nodes.
    pub(super) async fn list(self: &Arc<Self>) -> Result<Vec<Service>> {
        let since = self.inquire(LISTING, false).await?;
        sleep_until(since + 2 * WINDOW).await;
        Ok(self.feed.select(None))
    }

    /// Waits until a watch of the name, or of all, has something to begin with.
    pub(super) async fn settle(&self, name: Option<&str>, since: Instant) {
        let first = async {
            let mut news = self.feed.watch(name);
            while self.feed.select(name).is_empty() {
                news.next().await;
            }
            sleep_until(since + if name.is_some() { SOON } else { 2 * SOON }).await;
        };
        let window = if name.is_some() { WINDOW } else { 2 * WINDOW };
        // Nobody answered: then nothing is there.
        let _ = timeout_at(since + window, first).await;
    }

    /// Has the name asked for again and again, until [`unfollow`](Self::unfollow).
    pub(super) fn follow(&self, name: &str) {
        let mut state = self.lock();
        let fresh = || Follow {
            watchers: 0,
            next: Instant::now() + SOON,
            pause: AGAIN,
        };
        state
            .follows
            .entry(name.to_owned())
            .or_insert_with(fresh)
            .watchers += 1;
        drop(state);
        self.wake.notify_one();
    }

    pub(super) fn unfollow(&self, name: &str) {
        let mut state = self.lock();
        if let Some(follow) = state.follows.get_mut(name) {
            follow.watchers -= 1;
            if follow.watchers == 0 {
                state.follows.remove(name);
            }
        }
    }

    async fn run(self: Arc<Self>, sockets: Arc<Sockets>) {
        let (mut group, mut ask) = (vec![0; PACKET], vec![0; PACKET]);
        loop {
            let due = self.lock().due();
            let heard = tokio::select! {
                heard = sockets.group.recv_from(&mut group) => heard.map(|(n, from)| (&group[..n], from)),
                heard = sockets.ask.recv_from(&mut ask) => heard.map(|(n, from)| (&ask[..n], from)),
                () = async { match due {
                    Some(at) => sleep_until(at).await,
                    None => std::future::pending().await,
                } } => {
                    self.tick(&sockets).await;
                    continue;
                }
                () = self.wake.notified() => continue,
            };
            match heard {
                Ok((bytes, from)) if sockets.trusts(from) => match wire::decode(bytes) {
                    Some(packet) => self.take(&sockets, packet, from).await,
                    None => tracing::trace!(%from, len = bytes.len(), "no mDNS message"),
                },
                Ok((_, from)) => tracing::trace!(%from, "a packet from another interface"),
                Err(error) => {
                    tracing::debug!(%error, "mDNS can't hear");
                    sleep(WINDOW).await;
                }
            }
        }
    }

    /// Does what is due.
    async fn tick(&self, sockets: &Sockets) {
        let now = Instant::now();
        let (announcements, questions) = self.lock().take_due(now);
        for message in announcements {
            self.told(sockets.announce(&message).await);
        }
        for name in questions {
            if let Ok(question) = wire::query(&name) {
                self.told(sockets.ask(&question).await);
            }
        }
    }

    fn told(&self, sent: Result<()>) {
        if let Err(error) = sent {
            tracing::debug!(%error, "a message was not sent and will be again");
        }
    }

    async fn take(&self, sockets: &Sockets, packet: Packet, from: SocketAddr) {
        for question in &packet.asked {
            for message in self.answers(&packet, question) {
                // A port of its own is the mark of somebody who hears nothing sent to the group.
                self.told(if question.unicast || from.port() != PORT {
                    sockets
                        .group
                        .send_to(&message, from)
                        .await
                        .map(drop)
                        .map_err(Into::into)
                } else {
                    sockets.announce(&message).await
                });
            }
        }
        let mut unknown = Vec::new();
        for heard in packet.heard {
            match heard {
                Heard::Node(service, ip, ttl) => {
                    if self.wants(&service)
                        && sockets.believes(ip, from)
                        && let Err(error) = self.feed.put(service, ttl)
                    {
                        tracing::debug!(%error, %from, "a node from mDNS is left out");
                    }
                }
                Heard::Gone(service) => {
                    if self.wants(&service) {
                        self.feed.remove(&service);
                    }
                }
                Heard::Listed(name) => unknown.push(name),
            }
        }
        let now = Instant::now();
        unknown.retain(|name| self.lock().wants_nodes(name, now));
        for name in unknown {
            if let Ok(question) = wire::query(&name) {
                self.told(sockets.ask(&question).await);
            }
        }
    }

    fn answers(&self, packet: &Packet, question: &Question) -> Vec<Vec<u8>> {
        let mut state = self.lock();
        let now = Instant::now();
        state.own.retain(|_, own| !own.left(now).is_zero());
        let to = (packet, question);
        let own = state.own.values();
        let mut names: BTreeMap<&str, Duration> = BTreeMap::new();
        for own in own.clone() {
            let most = names.entry(&own.service.name).or_default();
            *most = own.left(now).max(*most);
        }
        let names = names.into_iter();
        match &question.about {
            About::Listing => names
                .filter_map(|(name, left)| {
                    Some(Announcement::listing(name)?.message(Some(to), left))
                })
                .collect(),
            About::DnsSd => names.map(|(name, _)| wire::dns_sd(name, to)).collect(),
            About::Name(name) => own
                .filter(|own| own.service.name == *name || own.announcement.instance == *name)
                .map(|own| own.announcement.message(Some(to), own.left(now)))
                .collect(),
        }
    }

    /// Whether what is heard of a node is kept: nobody here asked for most of what is on a network,
    /// and what is announced here is known better here.
    fn wants(&self, service: &Service) -> bool {
        let state = self.lock();
        let name = service.name.as_str();
        let all_or_it = [LISTING, name];
        let asked = all_or_it.iter().any(|name| {
            state.follows.contains_key(*name)
                || state
                    .asked
                    .get(*name)
                    .is_some_and(|asked| asked.last.elapsed() < FRESH)
        });
        asked
            && service
                .nodes
                .iter()
                .all(|node| !state.own.contains_key(&format!("{}.{name}", node.id)))
    }
}

impl State {
    /// Takes down that the name is asked for now.
    fn note(&mut self, name: &str, now: Instant) {
        if self.asked.len() >= MOST_NAMES {
            self.asked.retain(|_, asked| asked.last + FRESH > now);
        }
        if self.asked.len() >= MOST_NAMES && !self.asked.contains_key(name) {
            return;
        }
        let asked = self.asked.entry(name.to_owned()).or_insert(Asked {
            first: now,
            last: now,
        });
        if asked.last + FRESH <= now {
            asked.first = now;
        }
        asked.last = now;
    }

    /// Whether the nodes of a name from the listing are to be asked for.
    fn wants_nodes(&mut self, name: &str, now: Instant) -> bool {
        let all = self.follows.contains_key(LISTING)
            || self
                .asked
                .get(LISTING)
                .is_some_and(|asked| asked.last + FRESH > now);
        let recent = Duration::from_secs(10);
        if !all
            || self
                .asked
                .get(name)
                .is_some_and(|asked| asked.last + recent > now)
        {
            return false;
        }
        self.note(name, now);
        self.asked.contains_key(name)
    }

    fn due(&self) -> Option<Instant> {
        let again = self.own.values().filter_map(|own| own.again);
        let next = self.follows.values().map(|follow| follow.next);
        again.chain(next).min()
    }

    /// The messages to announce and the names to ask for.
    fn take_due(&mut self, now: Instant) -> (Vec<Vec<u8>>, Vec<String>) {
        self.own.retain(|_, own| !own.left(now).is_zero());
        let mut announcements = Vec::new();
        for own in self.own.values_mut() {
            if own.again.is_some_and(|at| at <= now) {
                own.again = None;
                announcements.push(own.announcement.message(None, own.left(now)));
            }
        }
        let mut questions = Vec::new();
        for (name, follow) in &mut self.follows {
            if follow.next <= now {
                questions.push(name.clone());
                // Spread, so that processes that started together do not ask together for ever.
                follow.next = now + follow.pause.mul_f64(0.8 + 0.4 * fastrand::f64());
                follow.pause = (follow.pause * 2).min(MAX_PAUSE);
            }
        }
        for name in &questions {
            self.note(name, now);
        }
        (announcements, questions)
    }
}
