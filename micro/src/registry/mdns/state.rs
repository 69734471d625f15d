//! What one registry announces, asks for and follows: plain data that is told the time.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
    time::Duration,
};

use tokio::{task::JoinHandle, time::Instant};

use super::{
    socket::Sockets,
    wire::{self, About, Announcement, LISTING, Packet, Question},
};
use crate::registry::Service;

/// How long after a question its answers, with the announcements since, are taken for complete.
pub(super) const FRESH: Duration = Duration::from_secs(90);
/// How soon a new node is announced again, in case the first packet was lost; and the first pause
/// between the questions of a watch.
const AGAIN: Duration = Duration::from_secs(1);
/// How soon a goodbye is repeated.
const GOODBYE: Duration = Duration::from_millis(200);
/// The longest pause between the questions of a watch.
const MAX_PAUSE: Duration = Duration::from_secs(60);
/// How soon the first question of a watch is repeated.
const SOON: Duration = Duration::from_millis(20);
/// For how long the nodes of a name are not asked for again because it was listed again.
const RECENT: Duration = Duration::from_secs(10);
/// The most names of which something is kept.
pub(super) const MOST_NAMES: usize = 4096;

#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) running: Option<Running>,
    /// What this process announces, by instance.
    own: BTreeMap<String, Own>,
    /// When which name was asked for.
    asked: HashMap<String, Asked>,
    follows: BTreeMap<String, Follow>,
    /// What was announced and is taken back once more, by instance, as a packet may be lost.
    parting: BTreeMap<String, (Instant, Vec<u8>)>,
}

#[derive(Debug)]
pub(super) struct Running {
    pub(super) sockets: Arc<Sockets>,
    pub(super) task: JoinHandle<()>,
}

#[derive(Debug)]
struct Own {
    service: Service,
    announcement: Announcement,
    /// Never, where there is none.
    until: Option<Instant>,
    again: Option<Instant>,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Asked {
    /// Since when everything about the name is heard.
    pub(super) first: Instant,
    pub(super) last: Instant,
}

#[derive(Debug)]
struct Follow {
    watchers: usize,
    next: Instant,
    pause: Duration,
}

impl Own {
    /// How long it is still there.
    fn left(&self, now: Instant) -> Duration {
        self.until
            .map_or(Duration::MAX, |until| until.saturating_duration_since(now))
    }
}

impl State {
    /// Announces a node from now on; says what was announced of it under another version, which a
    /// node has but one of on the wire.
    pub(super) fn own(
        &mut self,
        service: Service,
        announcement: Announcement,
        ttl: Duration,
        now: Instant,
    ) -> Option<Service> {
        let was = self.own.get(&announcement.instance);
        let known = was.is_some_and(|was| was.service == service);
        let again = if known {
            was.and_then(|was| was.again)
        } else {
            Some(now + AGAIN)
        };
        let own = Own {
            until: now.checked_add(ttl),
            again,
            announcement,
            service,
        };
        self.parting.remove(&own.announcement.instance);
        let version = own.service.version.clone();
        let was = self.own.insert(own.announcement.instance.clone(), own)?;
        (was.service.version != version).then_some(was.service)
    }

    /// Announces the node no more.
    pub(super) fn disown(
        &mut self,
        instance: &str,
        version: &str,
        now: Instant,
    ) -> Option<(Service, Vec<u8>)> {
        if self.own.get(instance)?.service.version != version {
            return None;
        }
        let own = self.own.remove(instance)?;
        let goodbye = own.announcement.message(None, Duration::ZERO);
        let again = (now + GOODBYE, goodbye.clone());
        self.parting.insert(instance.to_owned(), again);
        Some((own.service, goodbye))
    }

    /// The messages that take back all that is announced.
    pub(super) fn goodbyes(&mut self) -> Vec<Vec<u8>> {
        std::mem::take(&mut self.own)
            .into_values()
            .map(|own| own.announcement.message(None, Duration::ZERO))
            .collect()
    }

    pub(super) fn owns(&self, instance: &str) -> bool {
        self.own.contains_key(instance)
    }

    /// Forgets when what was asked: nobody listened since.
    pub(super) fn forget(&mut self) {
        self.asked.clear();
    }

    pub(super) fn asked(&self, name: &str) -> Option<Asked> {
        self.asked.get(name).copied()
    }

    /// Takes down that the name is asked for now.
    pub(super) fn note(&mut self, name: &str, now: Instant) {
        if self.asked.len() >= MOST_NAMES {
            self.asked.retain(|_, asked| asked.last + FRESH > now);
        }
        if self.asked.len() >= MOST_NAMES && !self.asked.contains_key(name) {
            return;
        }
        let anew = Asked {
            first: now,
            last: now,
        };
        let asked = self.asked.entry(name.to_owned()).or_insert(anew);
        if asked.last + FRESH <= now {
            asked.first = now;
        }
        asked.last = now;
    }

    /// Has the name asked for again and again, until [`unfollow`](Self::unfollow).
    pub(super) fn follow(&mut self, name: &str, now: Instant) {
        let follow = self.follows.entry(name.to_owned()).or_insert(Follow {
            watchers: 0,
            next: now + SOON,
            pause: AGAIN,
        });
        follow.watchers += 1;
    }

    pub(super) fn unfollow(&mut self, name: &str) {
        if let Some(follow) = self.follows.get_mut(name) {
            follow.watchers -= 1;
            if follow.watchers == 0 {
                self.follows.remove(name);
            }
        }
    }

    /// Whether somebody here asked for the name.
    pub(super) fn wants(&self, name: &str, now: Instant) -> bool {
        self.follows.contains_key(name)
            || self
                .asked
                .get(name)
                .is_some_and(|asked| asked.last + FRESH > now)
    }

    /// Whether the nodes of a name from the listing are to be asked for, which then is noted.
    pub(super) fn wants_nodes(&mut self, name: &str, now: Instant) -> bool {
        let recent = |asked: &Asked| asked.last + RECENT > now;
        if !self.wants(LISTING, now) || self.asked.get(name).is_some_and(recent) {
            return false;
        }
        self.note(name, now);
        self.asked.contains_key(name)
    }

    /// What is to be said to a question.
    pub(super) fn answers(
        &mut self,
        packet: &Packet,
        question: &Question,
        now: Instant,
    ) -> Vec<Vec<u8>> {
        self.expire(now);
        let to = (packet, question);
        let mut names: BTreeMap<&str, Duration> = BTreeMap::new();
        for own in self.own.values() {
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
            About::Name(name) => self
                .own
                .values()
                .filter(|own| own.service.name == *name || own.announcement.instance == *name)
                .map(|own| own.announcement.message(Some(to), own.left(now)))
                .collect(),
        }
    }

    fn expire(&mut self, now: Instant) {
        self.own.retain(|_, own| !own.left(now).is_zero());
    }

    /// When there is something to say or to ask.
    pub(super) fn due(&self) -> Option<Instant> {
        let again = self.own.values().filter_map(|own| own.again);
        let next = self.follows.values().map(|follow| follow.next);
        let parting = self.parting.values().map(|(at, _)| *at);
        again.chain(next).chain(parting).min()
    }

    /// The messages to announce and the names to ask for.
    pub(super) fn take_due(&mut self, now: Instant) -> (Vec<Vec<u8>>, Vec<String>) {
        self.expire(now);
        let mut announcements = Vec::new();
        for own in self.own.values_mut() {
            if own.again.is_some_and(|at| at <= now) {
                own.again = None;
                announcements.push(own.announcement.message(None, own.left(now)));
            }
        }
        self.parting.retain(|_, (at, message)| {
            let due = *at <= now;
            if due {
                announcements.push(std::mem::take(message));
            }
            !due
        });
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
