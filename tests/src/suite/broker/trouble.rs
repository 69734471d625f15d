//! What becomes of messages that are refused, or that nobody takes in time.

use micro::broker::{Delivery, Overflow, Subscribe};

use super::{Subject, fresh, publish, read, subscribe_as, take, text};

async fn comes_again(broker: Subject, refuse: fn(Delivery)) {
    if !broker.promises().at_least_once {
        return;
    }
    for how in [Subscribe::default(), Subscribe::default().queue("q")] {
        let topic = fresh("again");
        let mut subscription = subscribe_as(&broker, &topic, &how).await;
        publish(&broker, &topic, text("once more")).await;
        let first = subscription.next().await.expect("a message");
        assert_eq!(first.redelivered, 0);
        refuse(first);
        let second = subscription.next().await.expect("the message again");
        assert_eq!(read(&second), "once more");
        assert!(
            second.redelivered > 0,
            "it does not say that it came before"
        );
        second.ack();
        publish(&broker, &topic, text("the next one")).await;
        assert_eq!(take(&mut subscription).await, "the next one");
    }
}

/// Where at least once is promised, what is refused comes again, and what is acknowledged does not.
pub async fn nack_comes_again(broker: Subject) {
    comes_again(broker, Delivery::nack).await;
}

/// Where at least once is promised, a delivery that a dying handler drops comes again.
pub async fn drop_comes_again(broker: Subject) {
    comes_again(broker, drop).await;
}

async fn slow(broker: &Subject, overflow: Overflow) -> (Vec<usize>, bool) {
    const MANY: usize = 500;
    let topic = fresh("slow");
    let how = Subscribe::default().capacity(4).overflow(overflow);
    let mut subscription = subscribe_as(broker, &topic, &how).await;
    let publisher = tokio::spawn({
        let broker = broker.clone();
        async move {
            for number in 0..=MANY {
                publish(&broker, &topic, text(number)).await;
            }
        }
    });
    if overflow != Overflow::Block {
        // Reads nothing until everything is published.
        publisher.await.expect("a publisher");
    }
    let mut got = Vec::new();
    while let Some(delivery) = subscription.next().await {
        let number = read(&delivery).parse().expect("a number");
        delivery.ack();
        got.push(number);
        if number == MANY {
            return (got, true);
        }
        tokio::task::yield_now().await;
    }
    (got, false)
}

/// Where a full subscription blocks, nothing is lost.
pub async fn slow_subscriber_blocks(broker: Subject) {
    let (got, whole) = slow(&broker, Overflow::Block).await;
    assert!(whole && got.into_iter().eq(0..=500), "messages were lost");
}

/// Where it drops the oldest, publishers do not wait, the newest arrives and order is kept.
pub async fn slow_subscriber_drops_the_oldest(broker: Subject) {
    let (got, whole) = slow(&broker, Overflow::DropOldest).await;
    assert!(whole, "the newest message did not arrive");
    assert!(!broker.promises().ordered || got.is_sorted(), "{got:?}");
}

/// Where it is disconnected, publishers do not wait, and no message is missing before the end.
pub async fn slow_subscriber_is_disconnected(broker: Subject) {
    let (got, _) = slow(&broker, Overflow::Disconnect).await;
    assert!(got.iter().copied().eq(0..got.len()), "{got:?}");
}
