//! Broker: messages by topic, to whoever subscribed.
//!
//! Every subscription without a queue gets each message; the subscriptions that share a queue name
//! get it once between them.

use std::{fmt, sync::Arc};

use async_trait::async_trait;
use bytes::Bytes;

use crate::{Metadata, Result};

/// Carries messages from publishers to subscribers.
///
/// Implementations are shared by everything in a process and find their server again by themselves
/// when it was away, subscriptions included.
#[async_trait]
pub trait Broker: Send + Sync + 'static {
    /// Gets ready to publish and subscribe; a service does it when it starts. Once connected,
    /// connecting again does nothing.
    ///
    /// # Errors
    /// `Unavailable` where the server can't be reached, `Unauthenticated` where it refuses.
    async fn connect(&self) -> Result<()>;

    /// Hands over what is buffered and ends every subscription; a service does it last of all.
    ///
    /// # Errors
    /// `Unavailable` where what was buffered could not be handed over.
    async fn disconnect(&self) -> Result<()>;

    /// Sends `message` to the subscribers of `topic`; returns when the broker has taken it over.
    ///
    /// # Errors
    /// `InvalidArgument` for a topic that the broker can't carry, `ResourceExhausted` for a message
    /// over its limit or a full queue, `Unavailable` where the server can't be reached.
    async fn publish(&self, topic: &str, message: Message) -> Result<()>;

    /// Begins to receive the messages of `topic`; what is published from then on arrives.
    ///
    /// # Errors
    /// As [`Broker::publish`].
    async fn subscribe(&self, topic: &str, options: &Subscribe) -> Result<Box<dyn Subscription>>;

    /// What this broker promises.
    fn promises(&self) -> Promises;
}

/// A place where messages arrive. Dropping it unsubscribes.
#[async_trait]
pub trait Subscription: Send {
    /// Waits for the next message; `None` when the broker has disconnected. Cancel-safe: a message
    /// is either returned or stays.
    async fn next(&mut self) -> Option<Delivery>;

    /// Stops receiving; what was received and not acknowledged goes back where the broker can.
    ///
    /// # Errors
    /// `Unavailable` where the server could not be told.
    async fn unsubscribe(self: Box<Self>) -> Result<()>;
}

/// A message as a broker carries it: Go Micro's `broker.Message`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Message {
    /// `content-type`, `micro-topic`, `micro-id`, trace and whatever the publisher added.
    pub metadata: Metadata,
    /// The encoded message.
    pub body: Bytes,
}

/// How to subscribe.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Subscribe {
    /// Subscriptions of one queue share the topic's messages; `None` gets them all.
    pub queue: Option<String>,
    /// How many messages may wait here for [`Subscription::next`], 256 unless set.
    pub capacity: usize,
    /// What happens to a message that finds them all taken.
    pub overflow: Overflow,
}

impl Default for Subscribe {
    fn default() -> Self {
        Self {
            queue: None,
            capacity: 256,
            overflow: Overflow::Block,
        }
    }
}

impl Subscribe {
    /// Shares the topic with the other subscriptions of this queue.
    #[must_use]
    pub fn queue(mut self, queue: impl Into<String>) -> Self {
        self.queue = Some(queue.into());
        self
    }

    /// Lets this many messages wait, one at the least.
    #[must_use]
    pub fn capacity(mut self, messages: usize) -> Self {
        self.capacity = messages.max(1);
        self
    }

    /// What to do with a message that finds the subscription full.
    #[must_use]
    pub fn overflow(mut self, overflow: Overflow) -> Self {
        self.overflow = overflow;
        self
    }
}

/// What happens when a subscriber is slower than its publishers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Overflow {
    /// The publisher waits, so nothing is lost and the slowest sets the pace.
    #[default]
    Block,
    /// The message that waited longest is dropped, counted and warned of.
    DropOldest,
    /// The subscription ends, with a warning.
    Disconnect,
}

/// A message that arrived, to be acknowledged once it is handled.
///
/// Dropping it without [`Delivery::ack`] is a [`Delivery::nack`]: a handler that dies does not
/// swallow its message.
pub struct Delivery {
    /// The topic that it was published to.
    pub topic: Arc<str>,
    /// What was published.
    pub message: Message,
    /// How many times it was delivered before.
    pub redelivered: u32,
    settle: Option<Box<dyn FnOnce(bool) + Send>>,
}

impl Delivery {
    /// A delivery for which nobody waits to hear.
    #[must_use]
    pub fn new(topic: impl Into<Arc<str>>, message: Message) -> Self {
        Self {
            topic: topic.into(),
            message,
            redelivered: 0,
            settle: None,
        }
    }

    /// The same, telling `settle` once: `true` for an acknowledgement, `false` for a refusal.
    #[must_use]
    pub fn on_settle(mut self, settle: impl FnOnce(bool) + Send + 'static) -> Self {
        self.settle = Some(Box::new(settle));
        self
    }

    /// Says that the message is handled and need not come again.
    pub fn ack(mut self) {
        self.settle(true);
    }

    /// Says that the message is not handled: where the broker promises at least once it comes again.
    pub fn nack(mut self) {
        self.settle(false);
    }

    fn settle(&mut self, handled: bool) {
        if let Some(settle) = self.settle.take() {
            settle(handled);
        }
    }
}

impl Drop for Delivery {
    fn drop(&mut self) {
        self.settle(false);
    }
}

impl fmt::Debug for Delivery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Delivery")
            .field("topic", &self.topic)
            .field("message", &self.message)
            .field("redelivered", &self.redelivered)
            .finish_non_exhaustive()
    }
}

/// What a broker promises; its conformance suite holds it to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Promises {
    /// A message that is not acknowledged comes again.
    pub at_least_once: bool,
    /// Messages outlive the process of the broker.
    pub durable: bool,
    /// A subscription gets the messages of one publisher in the order of publishing.
    pub ordered: bool,
    /// The largest message body in bytes.
    pub max_message: usize,
}

impl Promises {
    /// At most once, not durable, in order, messages up to 4 MiB.
    pub const AT_MOST_ONCE: Self = Self {
        at_least_once: false,
        durable: false,
        ordered: true,
        max_message: 4 << 20,
    };

    /// At least once, not durable, in order, messages up to 4 MiB.
    pub const AT_LEAST_ONCE: Self = Self {
        at_least_once: true,
        ..Self::AT_MOST_ONCE
    };
}

pub mod memory;

pub use memory::MemoryBroker;
