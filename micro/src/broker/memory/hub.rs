//! Topics, the groups of subscriptions that share their messages, and who gets which.

use std::{
    collections::HashMap,
    pin::pin,
    sync::{
        Arc, PoisonError, RwLock,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
    },
};

use arc_swap::{ArcSwap, Guard};
use tokio::sync::Notify;

use super::{
    Lost,
    queue::{Item, Offer, Queue},
};
use crate::broker::{Message, Subscribe};

#[derive(Default)]
pub(super) struct Hub {
    /// Those that have subscriptions. Whoever changes groups or members holds it for writing.
    topics: RwLock<HashMap<Arc<str>, Arc<Topic>>>,
    overflowed: Arc<AtomicU64>,
    refused: AtomicU64,
}

#[derive(Default)]
pub(super) struct Topic {
    groups: ArcSwap<Vec<Arc<Group>>>,
}

/// The subscriptions of one queue, or a single one without.
pub(super) struct Group {
    topic: Arc<str>,
    queue: Option<String>,
    members: ArcSwap<Vec<Arc<Queue>>>,
    /// Whose turn it is.
    turn: AtomicUsize,
    room: Arc<Room>,
}

/// Where publishers wait until a member of a group has room.
#[derive(Default)]
pub(super) struct Room {
    waiting: AtomicUsize,
    freed: Notify,
}

impl Room {
    pub(super) fn free_one(&self) {
        if self.waiting.load(Ordering::SeqCst) > 0 {
            self.freed.notify_one();
        }
    }

    pub(super) fn changed(&self) {
        self.freed.notify_waiters();
    }
}

impl Topic {
    pub(super) fn groups(&self) -> Guard<Arc<Vec<Arc<Group>>>> {
        self.groups.load()
    }

    fn group(&self, queue: &str) -> Option<Arc<Group>> {
        let same = |group: &&Arc<Group>| group.queue.as_deref() == Some(queue);
        self.groups.load().iter().find(same).cloned()
    }
}

impl Hub {
    pub(super) fn topic(&self, name: &str) -> Option<Arc<Topic>> {
        let topics = self.topics.read().unwrap_or_else(PoisonError::into_inner);
        topics.get(name).cloned()
    }

    pub(super) fn lost(&self) -> Lost {
        Lost {
            overflowed: self.overflowed.load(Ordering::Relaxed),
            refused: self.refused.load(Ordering::Relaxed),
        }
    }

    pub(super) fn subscribe(
        &self,
        topic: &str,
        options: &Subscribe,
        attempts: u32,
        connection: Arc<AtomicBool>,
    ) -> (Arc<Group>, Arc<Queue>) {
        let mut topics = self.topics.write().unwrap_or_else(PoisonError::into_inner);
        let name: Arc<str> = match topics.get_key_value(topic) {
            Some((name, _)) => name.clone(),
            None => topic.into(),
        };
        let topic = topics.entry(name.clone()).or_default();
        let known = options.queue.as_ref().and_then(|queue| topic.group(queue));
        let group = known.clone().unwrap_or_else(|| {
            Arc::new(Group {
                topic: name.clone(),
                queue: options.queue.clone(),
                members: ArcSwap::default(),
                turn: AtomicUsize::new(0),
                room: Arc::default(),
            })
        });
        let queue = Arc::new(Queue::new(
            name,
            options,
            attempts,
            connection,
            group.room.clone(),
            self.overflowed.clone(),
        ));
        group.members.store(with(&group.members.load(), &queue));
        if known.is_none() {
            topic.groups.store(with(&topic.groups.load(), &group));
        }
        drop(topics);
        group.room.changed();
        (group, queue)
    }

    pub(super) fn unsubscribe(&self, group: &Arc<Group>, queue: &Arc<Queue>) {
        let waiting = queue.close();
        {
            let mut topics = self.topics.write().unwrap_or_else(PoisonError::into_inner);
            group.members.store(without(&group.members.load(), queue));
            if group.members.load().is_empty()
                && let Some(found) = topics.get(&group.topic)
            {
                found.groups.store(without(&found.groups.load(), group));
                if found.groups.load().is_empty() {
                    topics.remove(&group.topic);
                }
            }
        }
        for item in waiting {
            group.hand_on(item, None, Queue::push_back);
        }
        group.room.changed();
    }

    /// Ends the subscriptions of one connection. They leave when they are dropped.
    pub(super) fn end(&self, connection: &Arc<AtomicBool>) {
        let topics = self.topics.read().unwrap_or_else(PoisonError::into_inner);
        let groups: Vec<_> = topics
            .values()
            .flat_map(|topic| topic.groups.load().to_vec())
            .collect();
        drop(topics);
        for group in groups {
            for queue in group.members.load().iter() {
                if queue.belongs_to(connection) {
                    queue.end();
                }
            }
            group.room.changed();
        }
    }

    /// Takes back what was not acknowledged.
    pub(super) fn refused(&self, group: &Group, queue: &Arc<Queue>, mut item: Item) {
        item.redelivered += 1;
        if item.redelivered < queue.attempts {
            // Where all had left and others came since, those are another group.
            let others = group
                .queue
                .as_ref()
                .filter(|_| group.members.load().is_empty());
            let others = others.and_then(|queue| self.topic(&group.topic)?.group(queue));
            let group = others.as_deref().unwrap_or(group);
            group.hand_on(item, Some(queue), Queue::push_front);
            return;
        }
        self.refused.fetch_add(1, Ordering::Relaxed);
        tracing::warn!(
            topic = &*group.topic,
            queue = group.queue,
            attempts = item.redelivered,
            "gave up a message that no attempt was acknowledged of"
        );
    }
}

impl Group {
    /// Gives a message to the member whose turn it is, or to the next one with room.
    pub(super) fn offer(&self, message: &Arc<Message>) -> Offer {
        loop {
            let members = self.members.load();
            let answer = self.offer_among(&members, message);
            // Where all have left meanwhile, others may have come.
            if !matches!(answer, Offer::Closed) || Arc::ptr_eq(&members, &self.members.load()) {
                return answer;
            }
        }
    }

    fn offer_among(&self, members: &[Arc<Queue>], message: &Arc<Message>) -> Offer {
        if let [only] = members {
            return match only.offer(message) {
                Offer::Full => only.overflow(message),
                answer => answer,
            };
        }
        let turn = self.turn.fetch_add(1, Ordering::Relaxed);
        let in_turn = || (0..members.len()).map(|at| &members[(turn + at) % members.len()]);
        if in_turn().any(|member| matches!(member.offer(message), Offer::Taken)) {
            return Offer::Taken;
        }
        let mut answer = Offer::Closed;
        for member in in_turn() {
            match member.overflow(message) {
                Offer::Taken => return Offer::Taken,
                Offer::Full => answer = Offer::Full,
                Offer::Closed => {}
            }
        }
        answer
    }

    /// Gives a message to a member as soon as one has room, or to nobody once there is none.
    pub(super) async fn wait(&self, message: &Arc<Message>) {
        struct Waiting<'a>(&'a Room);
        impl Drop for Waiting<'_> {
            fn drop(&mut self) {
                self.0.waiting.fetch_sub(1, Ordering::SeqCst);
            }
        }
        self.room.waiting.fetch_add(1, Ordering::SeqCst);
        let waiting = Waiting(&self.room);
        loop {
            let mut freed = pin!(waiting.0.freed.notified());
            // From here on no wake-up is missed, so looking once more is enough.
            freed.as_mut().enable();
            if !matches!(self.offer(message), Offer::Full) {
                return;
            }
            freed.await;
        }
    }

    /// Gives `item` to another member than `from`, to `from` where there is no other, or to nobody
    /// where that has left too.
    fn hand_on(
        &self,
        item: Item,
        from: Option<&Arc<Queue>>,
        push: fn(&Queue, Item) -> Result<(), Item>,
    ) {
        let mut item = item;
        loop {
            let members = self.members.load();
            let turn = self.turn.fetch_add(1, Ordering::Relaxed);
            let others = (0..members.len())
                .map(|at| &members[(turn + at) % members.len()])
                .filter(|member| !from.is_some_and(|from| Arc::ptr_eq(member, from)));
            for member in others.chain(from) {
                match push(member, item) {
                    Ok(()) => return,
                    Err(back) => item = back,
                }
            }
            // As in `offer`: others may have come meanwhile.
            if Arc::ptr_eq(&members, &self.members.load()) {
                break;
            }
        }
        tracing::debug!(
            topic = &*self.topic,
            queue = self.queue,
            "dropped a message of a queue without subscriptions"
        );
    }
}

fn with<T>(list: &[Arc<T>], new: &Arc<T>) -> Arc<Vec<Arc<T>>> {
    Arc::new(list.iter().chain([new]).cloned().collect())
}

fn without<T>(list: &[Arc<T>], gone: &Arc<T>) -> Arc<Vec<Arc<T>>> {
    let stays = |item: &&Arc<T>| !Arc::ptr_eq(item, gone);
    Arc::new(list.iter().filter(stays).cloned().collect())
}
