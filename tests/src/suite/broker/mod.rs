//! What every [`Broker`] must do, by what it [promises](Broker::promises).

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use micro::broker::{Broker, Delivery, Message, Subscribe, Subscription};

use super::guard;

mod messages;
mod subscriptions;
mod trouble;

pub use messages::*;
pub use subscriptions::*;
pub use trouble::*;

/// A broker, as the properties take it.
pub type Subject = Arc<dyn Broker>;

macro_rules! properties {
    ($new:ident: $($property:ident)*) => {$({
        let broker = $new();
        broker.connect().await.expect("a connection");
        guard::ends(stringify!($property), $property(broker.clone())).await;
        broker.disconnect().await.expect("a disconnection");
    })*};
}

/// Every property. Each call of `new` opens a connection of its own to the same broker.
pub async fn all(new: impl Fn() -> Subject) {
    properties! { new:
        everything_arrives_as_it_was
        nobody_need_listen
        fan_out
        queues_share_without_loss_or_double
        queue_and_others_side_by_side
        topics_do_not_mix
        unsubscribed_gets_no_more
        dropped_subscription_is_unsubscribed
        next_is_cancel_safe
        large_messages
        too_large_a_message_is_refused
        wrong_topics_are_refused
        order_of_each_publisher
        nack_comes_again
        drop_comes_again
        slow_subscriber_blocks
        slow_subscriber_drops_the_oldest
        slow_subscriber_is_disconnected
        connecting_twice_does_nothing
        disconnect_ends
    }
    let (one, other) = (new(), new());
    for broker in [&one, &other] {
        broker.connect().await.expect("a connection");
    }
    let work = two_connections(one.clone(), other.clone());
    guard::ends("two_connections", work).await;
    for broker in [one, other] {
        broker.disconnect().await.expect("a disconnection");
    }
}

/// A topic that no other test uses, even where the broker outlives the process.
fn fresh(name: &str) -> String {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    let next = NEXT.fetch_add(1, Ordering::Relaxed);
    format!("conformance.{}.{next}.{name}", std::process::id())
}

fn text(body: impl ToString) -> Message {
    Message {
        body: body.to_string().into(),
        ..Message::default()
    }
}

fn read(delivery: &Delivery) -> String {
    String::from_utf8(delivery.message.body.to_vec()).expect("text")
}

async fn subscribe(broker: &Subject, topic: &str) -> Box<dyn Subscription> {
    subscribe_as(broker, topic, &Subscribe::default()).await
}

async fn subscribe_as(broker: &Subject, topic: &str, how: &Subscribe) -> Box<dyn Subscription> {
    let subscription = broker.subscribe(topic, how).await;
    subscription.expect("a subscription")
}

async fn publish(broker: &Subject, topic: &str, message: Message) {
    let published = broker.publish(topic, message).await;
    published.expect("a publication");
}

/// The next message, acknowledged.
async fn take(subscription: &mut Box<dyn Subscription>) -> String {
    let delivery = subscription.next().await.expect("a message");
    let body = read(&delivery);
    delivery.ack();
    body
}
