//! A broker inside one process: for tests, and for services that share a process.

use std::{
    fmt,
    sync::{
        Arc, LazyLock,
        atomic::{AtomicBool, Ordering},
    },
};

use async_trait::async_trait;

use self::{
    hub::{Group, Hub},
    queue::{Offer, Queue},
};
use super::{Broker, Delivery, Message, Promises, Subscribe, Subscription};
use crate::{Error, Result, plugin};

mod hub;
mod queue;

inventory::submit! {
    plugin::Broker { name: "memory", open: |_url| Ok(Arc::new(MemoryBroker::shared())) }
}

const MAX_NAME: usize = 255;

/// Topics in memory.
///
/// Clones are one connection. [`connect_again`](Self::connect_again) gives another one to the same
/// topics, with subscriptions that end on their own [`disconnect`](Broker::disconnect).
///
/// | | |
/// |---|---|
/// | delivery | at least once as long as the process lives; a message that nobody subscribed to is gone |
/// | order | that of the publisher; a message that comes again comes next |
/// | not acknowledged | comes again at once, to another subscription of the queue where there is one; given up after 5 attempts, with a warning |
/// | unsubscribing | what waits goes to the others of the queue |
/// | slow subscribers | as [`Subscribe`] says; what comes again finds room even where there is none |
///
/// In a queue the subscriptions take turns, those that are full being passed over. A `publish` that
/// is dropped while it waits for room has reached some subscribers and not others.
///
/// ```
/// use micro::broker::{Broker, MemoryBroker, Message, Subscribe};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> micro::Result<()> {
/// let broker = MemoryBroker::new();
/// let mut mailer = broker.subscribe("user.created", &Subscribe::default().queue("mailer")).await?;
///
/// let message = Message { body: "Ada".into(), ..Message::default() };
/// broker.publish("user.created", message).await?;
///
/// let delivery = mailer.next().await.unwrap();
/// assert_eq!(delivery.message.body, "Ada");
/// delivery.nack();
/// let again = mailer.next().await.unwrap();
/// assert_eq!(again.redelivered, 1);
/// again.ack();
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct MemoryBroker {
    hub: Arc<Hub>,
    /// Whether this connection was ended. Its subscriptions are known by it.
    ended: Arc<AtomicBool>,
    attempts: u32,
    max_message: usize,
}

/// How many messages a [`MemoryBroker`] could not deliver, over all its connections.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Lost {
    /// Dropped because a subscription was full, by its [`Overflow`](super::Overflow).
    pub overflowed: u64,
    /// Given up because no attempt was acknowledged.
    pub refused: u64,
}

impl Default for MemoryBroker {
    fn default() -> Self {
        Self {
            hub: Arc::default(),
            ended: Arc::default(),
            attempts: 5,
            max_message: Promises::AT_LEAST_ONCE.max_message,
        }
    }
}

impl MemoryBroker {
    /// A broker of its own, without topics.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A connection to the broker that `memory://` stands for: one for the whole process.
    #[must_use]
    pub fn shared() -> Self {
        static SHARED: LazyLock<MemoryBroker> = LazyLock::new(MemoryBroker::new);
        SHARED.connect_again()
    }

    /// Another connection to the same topics.
    #[must_use]
    pub fn connect_again(&self) -> Self {
        Self {
            ended: Arc::default(),
            ..self.clone()
        }
    }

    /// How often a message is tried before it is given up, 5 unless set and one at the least; holds
    /// for subscriptions made from here on.
    #[must_use]
    pub fn attempts(mut self, attempts: u32) -> Self {
        self.attempts = attempts.max(1);
        self
    }

    /// The largest message body that this connection publishes, 4 MiB unless set.
    #[must_use]
    pub fn max_message(mut self, bytes: usize) -> Self {
        self.max_message = bytes;
        self
    }

    /// What could not be delivered so far.
    #[must_use]
    pub fn lost(&self) -> Lost {
        self.hub.lost()
    }

    fn check_open(&self) -> Result<()> {
        if self.ended.load(Ordering::SeqCst) {
            return Err(Error::unavailable(
                "the memory broker was disconnected; connect it again first",
            ));
        }
        Ok(())
    }

    fn check(&self, what: &str, name: &str) -> Result<()> {
        self.check_open()?;
        let wrong = if name.is_empty() {
            "is empty".to_owned()
        } else if name.len() > MAX_NAME {
            format!("has {} bytes, and {MAX_NAME} is the limit", name.len())
        } else if name.contains(char::is_control) {
            "holds a control character".to_owned()
        } else {
            return Ok(());
        };
        let name: String = name.chars().take(40).collect();
        Err(Error::invalid_argument(format!(
            "the {what} {name:?} {wrong}"
        )))
    }
}

#[async_trait]
impl Broker for MemoryBroker {
    async fn connect(&self) -> Result<()> {
        self.ended.store(false, Ordering::SeqCst);
        Ok(())
    }

    async fn disconnect(&self) -> Result<()> {
        self.ended.store(true, Ordering::SeqCst);
        self.hub.end(&self.ended);
        Ok(())
    }

    async fn publish(&self, topic: &str, message: Message) -> Result<()> {
        self.check("topic", topic)?;
        if message.body.len() > self.max_message {
            return Err(Error::resource_exhausted(format!(
                "a message of {} bytes for {topic:?} is over the broker's limit of {}",
                message.body.len(),
                self.max_message
            )));
        }
        let Some(topic) = self.hub.topic(topic) else {
            return Ok(());
        };
        let message = Arc::new(message);
        // Nobody waits for another's room: whoever has some gets it first.
        let full: Vec<_> = topic
            .groups()
            .iter()
            .filter(|group| matches!(group.offer(&message), Offer::Full))
            .cloned()
            .collect();
        for group in full {
            group.wait(&message).await;
        }
        Ok(())
    }

    async fn subscribe(&self, topic: &str, options: &Subscribe) -> Result<Box<dyn Subscription>> {
        self.check("topic", topic)?;
        if let Some(queue) = &options.queue {
            self.check("queue", queue)?;
        }
        let (group, queue) = self
            .hub
            .subscribe(topic, options, self.attempts, self.ended.clone());
        let subscription = Memory(Arc::new(Seat {
            hub: self.hub.clone(),
            topic: topic.into(),
            group,
            queue,
        }));
        // A disconnect that came in between may have missed it.
        self.check_open()?;
        Ok(Box::new(subscription))
    }

    fn promises(&self) -> Promises {
        Promises {
            max_message: self.max_message,
            ..Promises::AT_LEAST_ONCE
        }
    }
}

impl fmt::Debug for MemoryBroker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryBroker")
            .field("attempts", &self.attempts)
            .field("max_message", &self.max_message)
            .field("lost", &self.lost())
            .finish_non_exhaustive()
    }
}

struct Memory(Arc<Seat>);

/// Whose a subscription is. Each has its own, with its own copy of the topic's name, so that
/// counting references does not make the subscribers wait for each other's caches.
struct Seat {
    hub: Arc<Hub>,
    topic: Arc<str>,
    group: Arc<Group>,
    queue: Arc<Queue>,
}

#[async_trait]
impl Subscription for Memory {
    async fn next(&mut self) -> Option<Delivery> {
        let item = self.0.queue.next().await?;
        let seat = self.0.clone();
        let mut delivery = Delivery::new(seat.topic.clone(), Message::clone(&item.message));
        delivery.redelivered = item.redelivered;
        Some(delivery.on_settle(move |handled| {
            if !handled {
                seat.hub.refused(&seat.group, &seat.queue, item);
            }
        }))
    }

    async fn unsubscribe(self: Box<Self>) -> Result<()> {
        Ok(())
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        self.0.hub.unsubscribe(&self.0.group, &self.0.queue);
    }
}
