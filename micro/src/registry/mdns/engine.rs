//! One registry at work: the task that listens, and what it is told to do.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use futures_util::StreamExt as _;
use tokio::{
    sync::Notify,
    time::{Instant, sleep, sleep_until, timeout_at},
};

use super::{
    socket::{PORT, Sockets},
    state::{FRESH, MOST_NAMES, Running, State},
    wire::{self, Announcement, Heard, LISTING, Packet},
};
use crate::{
    Result,
    registry::{Service, feed::Feed, table::Table},
};

/// How long answers are waited for; Go Micro's timeout.
const WINDOW: Duration = Duration::from_millis(100);
/// How long nodes are gathered for the snapshot of a watch.
const GATHER: Duration = Duration::from_millis(5);
/// The most nodes of one name and version.
const MOST_NODES: usize = 1000;
/// The most memory for what others announce.
const MOST_BYTES: usize = 64 << 20;
/// So many messages may go out at once before the receivers get a moment: what does not fit into
/// their buffers is lost.
const BURST: usize = 16;
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

impl Engine {
    pub(super) fn new(interface: &str) -> Self {
        let table = Table::new(MOST_NAMES, MOST_NODES).within(MOST_BYTES);
        Self {
            interface: interface.to_owned(),
            feed: Arc::new(Feed::new(table)),
            state: Mutex::default(),
            wake: Notify::new(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The sockets, with the task that reads them running. A task ends with the runtime on which it
    /// began, so it may have to begin again on another.
    fn start(self: &Arc<Self>) -> Result<Arc<Sockets>> {
        let mut state = self.lock();
        if let Some(running) = &state.running
            && !running.task.is_finished()
        {
            return Ok(Arc::clone(&running.sockets));
        }
        let sockets = Arc::new(Sockets::open(&self.interface)?);
        state.forget();
        let task = tokio::spawn(Arc::clone(self).run(Arc::clone(&sockets)));
        state.running = Some(Running {
            sockets: Arc::clone(&sockets),
            task,
        });
        Ok(sockets)
    }

    /// Ends the task and says goodbye for all that was announced.
    pub(super) fn stop(&self) {
        let mut state = self.lock();
        let Some(Running { sockets, task }) = state.running.take() else {
            return;
        };
        task.abort();
        for goodbye in state.goodbyes() {
            sockets.announce_now(&goodbye);
        }
    }

    pub(super) async fn register(self: &Arc<Self>, service: &Service, ttl: Duration) -> Result<()> {
        let mut announcements = Vec::new();
        for node in &service.nodes {
            let nodes = vec![node.clone()];
            let announcement = Announcement::new(service, node)?;
            announcements.push((
                Service {
                    nodes,
                    ..service.clone()
                },
                announcement,
            ));
        }
        let sockets = self.start()?;
        self.feed.put(service.clone(), ttl)?;
        let now = Instant::now();
        let mut messages = Vec::new();
        {
            let mut state = self.lock();
            for (one, announcement) in announcements {
                messages.push(announcement.message(None, ttl));
                if let Some(other) = state.own(one, announcement, ttl, now) {
                    self.feed.remove(&other);
                }
            }
        }
        messages.extend(Announcement::listing(&service.name).map(|name| name.message(None, ttl)));
        self.wake.notify_one();
        announce(&sockets, messages).await
    }

    pub(super) async fn deregister(&self, service: &Service) -> Result<()> {
        let mut messages = Vec::new();
        let now = Instant::now();
        let sockets = {
            let mut state = self.lock();
            for node in &service.nodes {
                let instance = format!("{}.{}", node.id, service.name);
                if let Some((own, goodbye)) = state.disown(&instance, &service.version, now) {
                    self.feed.remove(&own);
                    messages.push(goodbye);
                }
            }
            state
                .running
                .as_ref()
                .map(|running| Arc::clone(&running.sockets))
        };
        self.wake.notify_one();
        match sockets {
            Some(sockets) => announce(&sockets, messages).await,
            None => Ok(()),
        }
    }

    /// Asks for a name, unless what is known of it is fresh and will do; says since when it is
    /// heard of, or when it was asked for `anew`.
    pub(super) async fn inquire(self: &Arc<Self>, name: &str, anew: bool) -> Result<Instant> {
        let question = wire::query(name)?;
        let sockets = self.start()?;
        let now = Instant::now();
        let asked = {
            let mut state = self.lock();
            let before = state.asked(name);
            // The answers to the last question may be on their way still.
            let enough = if anew { WINDOW } else { FRESH };
            if let Some(asked) = before.filter(|asked| asked.last + enough > now) {
                return Ok(if anew { asked.last } else { asked.first });
            }
            state.note(name, now);
            now
        };
        sockets.ask(&question).await?;
        Ok(asked)
    }

    /// The records of one service.
    pub(super) async fn get(self: &Arc<Self>, name: &str) -> Result<Vec<Service>> {
        let since = self.inquire(name, false).await?;
        let old = since.elapsed() >= WINDOW;
        sleep_until(since + WINDOW).await;
        let known = self.feed.select(Some(name));
        if !known.is_empty() || !old {
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
            if since.elapsed() < WINDOW {
                sleep(GATHER).await;
            }
        };
        let window = if name.is_some() { WINDOW } else { 2 * WINDOW };
        // Nobody answered: then nothing is there.
        let _ = timeout_at(since + window, first).await;
    }

    pub(super) fn follow(&self, name: &str) {
        self.lock().follow(name, Instant::now());
        self.wake.notify_one();
    }

    pub(super) fn unfollow(&self, name: &str) {
        self.lock().unfollow(name);
    }

    async fn run(self: Arc<Self>, sockets: Arc<Sockets>) {
        let (mut group, mut ask) = (vec![0; PACKET], vec![0; PACKET]);
        loop {
            let due = self.lock().due();
            let due = async {
                match due {
                    Some(at) => sleep_until(at).await,
                    None => std::future::pending().await,
                }
            };
            let (heard, bytes) = tokio::select! {
                heard = sockets.group.recv_from(&mut group) => (heard, &group),
                heard = sockets.ask.recv_from(&mut ask) => (heard, &ask),
                () = due => {
                    self.tick(&sockets).await;
                    continue;
                }
                () = self.wake.notified() => continue,
            };
            match heard {
                Ok((len, from)) if sockets.trusts(from) => match wire::decode(&bytes[..len]) {
                    Some(packet) => self.take(&sockets, packet, from).await,
                    None => tracing::trace!(%from, len, "not a message of mDNS"),
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
        let (announcements, names) = self.lock().take_due(Instant::now());
        unsent(announce(sockets, announcements).await);
        ask(sockets, &names).await;
    }

    async fn take(&self, sockets: &Sockets, packet: Packet, from: SocketAddr) {
        for question in &packet.asked {
            let answers = self.lock().answers(&packet, question, Instant::now());
            // A port of its own is the mark of somebody who hears nothing sent to the group.
            unsent(if question.unicast || from.port() != PORT {
                reply(sockets, answers, from).await
            } else {
                announce(sockets, answers).await
            });
        }
        let mut listed = Vec::new();
        for heard in packet.heard {
            match heard {
                Heard::Node(service, ip, ttl) => {
                    if self.keeps(&service)
                        && sockets.believes(ip, from)
                        && let Err(error) = self.feed.put(service, ttl)
                    {
                        tracing::debug!(%error, %from, "a node is left out");
                    }
                }
                Heard::Gone(service) => {
                    if self.keeps(&service) {
                        self.feed.remove(&service);
                    }
                }
                Heard::Listed(name) => listed.push(name),
            }
        }
        let now = Instant::now();
        listed.retain(|name| self.lock().wants_nodes(name, now));
        ask(sockets, &listed).await;
    }

    /// Whether what is heard of a node is kept: nobody here asked for most of what is on a network,
    /// and what is announced here is known better here.
    fn keeps(&self, service: &Service) -> bool {
        let state = self.lock();
        let now = Instant::now();
        (state.wants(&service.name, now) || state.wants(LISTING, now))
            && service
                .nodes
                .iter()
                .all(|node| !state.owns(&format!("{}.{}", node.id, service.name)))
    }
}

async fn announce(sockets: &Sockets, messages: Vec<Vec<u8>>) -> Result<()> {
    for (at, message) in messages.iter().enumerate() {
        pace(at).await;
        sockets.announce(message).await?;
    }
    Ok(())
}

async fn reply(sockets: &Sockets, messages: Vec<Vec<u8>>, to: SocketAddr) -> Result<()> {
    for (at, message) in messages.iter().enumerate() {
        pace(at).await;
        sockets.group.send_to(message, to).await?;
    }
    Ok(())
}

async fn ask(sockets: &Sockets, names: &[String]) {
    for (at, name) in names.iter().enumerate() {
        pace(at).await;
        if let Ok(question) = wire::query(name) {
            unsent(sockets.ask(&question).await);
        }
    }
}

async fn pace(at: usize) {
    if at > 0 && at.is_multiple_of(BURST) {
        sleep(Duration::from_millis(1)).await;
    }
}

/// Nobody waits for what the task sends, and it will be sent again.
fn unsent(sent: Result<()>) {
    if let Err(error) = sent {
        tracing::debug!(%error, "a message of mDNS was not sent");
    }
}
