//! Who gets a message, and until when.

use std::collections::HashSet;

use micro::broker::{Subscribe, Subscription};
use tokio::sync::mpsc;

use super::{Subject, fresh, publish, read, subscribe, subscribe_as, take, text};

/// Subscriptions without a queue get everything, each.
pub async fn fan_out(broker: Subject) {
    let topic = fresh("fan-out");
    let mut subscriptions = Vec::new();
    for _ in 0..5 {
        subscriptions.push(subscribe(&broker, &topic).await);
    }
    for number in 0..100 {
        publish(&broker, &topic, text(number)).await;
    }
    for subscription in &mut subscriptions {
        let mut got = HashSet::new();
        for _ in 0..100 {
            assert!(got.insert(take(subscription).await), "a message came twice");
        }
    }
}

/// Hands on what arrives until the subscription ends or is told to.
fn collect(
    mut subscription: Box<dyn Subscription>,
    into: mpsc::UnboundedSender<(usize, String)>,
    member: usize,
) -> tokio::task::JoinHandle<()> {
    tokio::spawn(async move {
        while let Some(delivery) = subscription.next().await {
            let body = read(&delivery);
            delivery.ack();
            if into.send((member, body)).is_err() {
                return;
            }
        }
    })
}

/// Each queue gets each message once, whichever of its subscriptions that is; all get their share.
pub async fn queues_share_without_loss_or_double(broker: Subject) {
    const MANY: usize = 600;
    let topic = fresh("queues");
    let mut queues = Vec::new();
    for queue in ["mailer", "audit"] {
        let (sender, received) = mpsc::unbounded_channel();
        let mut members = Vec::new();
        for member in 0..3 {
            let how = Subscribe::default().queue(queue);
            let subscription = subscribe_as(&broker, &topic, &how).await;
            members.push(collect(subscription, sender.clone(), member));
        }
        queues.push((received, members));
    }
    for number in 0..MANY {
        publish(&broker, &topic, text(number)).await;
    }
    for (mut received, members) in queues {
        let (mut seen, mut by) = (HashSet::new(), HashSet::new());
        while seen.len() < MANY {
            let (member, body) = received.recv().await.expect("a message");
            assert!(seen.insert(body), "a message came twice");
            by.insert(member);
        }
        assert_eq!(
            by.len(),
            3,
            "not all subscriptions of a queue got their share"
        );
        for member in members {
            member.abort();
            let _ = member.await;
        }
        let late = received.recv().await;
        assert_eq!(late, None, "a message came twice");
    }
}

/// A queue takes nothing away from subscriptions without one.
pub async fn queue_and_others_side_by_side(broker: Subject) {
    let topic = fresh("side-by-side");
    let mut shared = subscribe_as(&broker, &topic, &Subscribe::default().queue("q")).await;
    let mut alone = subscribe(&broker, &topic).await;
    for number in 0..20 {
        publish(&broker, &topic, text(number)).await;
        assert_eq!(take(&mut shared).await, number.to_string());
        assert_eq!(take(&mut alone).await, number.to_string());
    }
}

/// A topic's messages stay in it, also where queues have the same name.
pub async fn topics_do_not_mix(broker: Subject) {
    let (a, b) = (fresh("a"), fresh("b"));
    let how = Subscribe::default().queue("same");
    let mut from_a = subscribe_as(&broker, &a, &how).await;
    let mut from_b = subscribe_as(&broker, &b, &how).await;
    for _ in 0..5 {
        publish(&broker, &a, text("a")).await;
        publish(&broker, &b, text("b")).await;
    }
    for _ in 0..5 {
        assert_eq!(take(&mut from_a).await, "a");
        assert_eq!(take(&mut from_b).await, "b");
    }
}

/// After `unsubscribe` the others get everything, and nobody waits for the one that left.
pub async fn unsubscribed_gets_no_more(broker: Subject) {
    let topic = fresh("unsubscribe");
    let mut stays = subscribe(&broker, &topic).await;
    let leaves = subscribe_as(&broker, &topic, &Subscribe::default().capacity(1)).await;
    publish(&broker, &topic, text("before")).await;
    leaves.unsubscribe().await.expect("to leave");
    for number in 0..50 {
        publish(&broker, &topic, text(number)).await;
    }
    assert_eq!(take(&mut stays).await, "before");
    for _ in 0..50 {
        take(&mut stays).await;
    }
}

/// Dropping a subscription is unsubscribing: the rest of its queue gets everything.
pub async fn dropped_subscription_is_unsubscribed(broker: Subject) {
    let topic = fresh("drop");
    let how = Subscribe::default().queue("q").capacity(100);
    let mut stays = subscribe_as(&broker, &topic, &how).await;
    let mut leaves = subscribe_as(&broker, &topic, &how).await;
    // Both are known to be there once a message reached the one that leaves.
    for number in 0.. {
        publish(&broker, &topic, text(number)).await;
        let mut next = [&mut stays, &mut leaves].map(|member| member.next());
        let (arrived, who, _) = futures_util::future::select_all(&mut next).await;
        arrived.expect("a message").ack();
        if who == 1 {
            break;
        }
    }
    drop(leaves);
    tokio::task::yield_now().await;
    let mut expected: HashSet<_> = (0..50).map(|number| format!("after {number}")).collect();
    for body in &expected {
        publish(&broker, &topic, text(body)).await;
    }
    while !expected.is_empty() {
        expected.remove(&take(&mut stays).await);
    }
}

/// A second `connect` leaves subscriptions as they are.
pub async fn connecting_twice_does_nothing(broker: Subject) {
    let topic = fresh("connect");
    let mut subscription = subscribe(&broker, &topic).await;
    broker.connect().await.expect("nothing");
    publish(&broker, &topic, text("still here")).await;
    assert_eq!(take(&mut subscription).await, "still here");
}

/// `disconnect` ends subscriptions, waiting ones too, and the broker can be connected again.
pub async fn disconnect_ends(broker: Subject) {
    let topic = fresh("disconnect");
    let mut subscription = subscribe(&broker, &topic).await;
    let waiting = tokio::spawn(async move { subscription.next().await.is_none() });
    tokio::task::yield_now().await;
    broker.disconnect().await.expect("a disconnection");
    assert!(waiting.await.expect("a subscriber"), "it did not end");

    broker.connect().await.expect("a connection");
    let mut subscription = subscribe(&broker, &topic).await;
    publish(&broker, &topic, text("again")).await;
    assert_eq!(take(&mut subscription).await, "again");
}

/// What one connection publishes another receives, and keeps its subscriptions when the first ends.
pub async fn two_connections(one: Subject, other: Subject) {
    let topic = fresh("two");
    let mut subscription = subscribe(&other, &topic).await;
    publish(&one, &topic, text("across")).await;
    assert_eq!(take(&mut subscription).await, "across");
    one.disconnect().await.expect("a disconnection");
    publish(&other, &topic, text("still")).await;
    assert_eq!(take(&mut subscription).await, "still");
}
