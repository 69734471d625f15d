//! The broker in memory: the suite, and what it does besides.

use std::sync::{Arc, Mutex};

use futures_util::FutureExt;
use micro::{
    Code,
    broker::{Broker, Delivery, MemoryBroker, Message, Overflow, Subscribe, Subscription},
};
use micro_tests::suite;

#[tokio::test]
async fn it_conforms() {
    let broker = MemoryBroker::new();
    suite::broker::all(move || Arc::new(broker.connect_again())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn it_conforms_on_many_threads() {
    let broker = MemoryBroker::new();
    suite::broker::all(move || Arc::new(broker.connect_again())).await;
}

#[tokio::test]
async fn its_name_stands_for_one_broker_with_connections_of_their_own() {
    let open = || micro::plugin::broker("memory://").expect("a built-in broker");
    suite::broker::all(open).await;
}

fn text(body: impl ToString) -> Message {
    Message {
        body: body.to_string().into(),
        ..Message::default()
    }
}

async fn subscribe(broker: &MemoryBroker, how: &Subscribe) -> Box<dyn Subscription> {
    broker.subscribe("t", how).await.expect("a subscription")
}

async fn publish(broker: &MemoryBroker, bodies: std::ops::Range<usize>) {
    for body in bodies {
        broker
            .publish("t", text(body))
            .await
            .expect("a publication");
    }
}

/// All that waits, acknowledged.
fn drain(subscription: &mut Box<dyn Subscription>) -> Vec<String> {
    let mut got = Vec::new();
    while let Some(Some(delivery)) = subscription.next().now_or_never() {
        got.push(String::from_utf8_lossy(&delivery.message.body).into_owned());
        delivery.ack();
    }
    got
}

#[tokio::test]
async fn a_full_subscription_holds_the_publisher_and_no_more_than_its_capacity() {
    let broker = MemoryBroker::new();
    let mut slow = subscribe(&broker, &Subscribe::default().capacity(4)).await;
    let mut fast = subscribe(&broker, &Subscribe::default()).await;
    publish(&broker, 0..4).await;
    let mut fifth = Box::pin(broker.publish("t", text(4)));
    assert!((&mut fifth).now_or_never().is_none());
    assert_eq!(drain(&mut fast).len(), 5, "it waited for another's room");
    slow.next().await.expect("a message").ack();
    fifth.await.expect("a publication");
    assert_eq!(drain(&mut slow), ["1", "2", "3", "4"]);
    assert_eq!(broker.lost(), Default::default());
}

#[tokio::test]
async fn a_publisher_that_waits_is_let_go_when_the_subscription_leaves() {
    let broker = MemoryBroker::new();
    for queue in [None, Some("q".to_owned())] {
        let mut how = Subscribe::default().capacity(1);
        how.queue = queue;
        let slow = subscribe(&broker, &how).await;
        publish(&broker, 0..1).await;
        let mut second = Box::pin(broker.publish("t", text(1)));
        assert!((&mut second).now_or_never().is_none());
        drop(slow);
        second.await.expect("a publication");
    }
}

#[tokio::test]
async fn a_publisher_that_gives_up_leaves_its_turn_to_the_next() {
    let broker = MemoryBroker::new();
    let mut slow = subscribe(&broker, &Subscribe::default().capacity(1)).await;
    publish(&broker, 0..1).await;
    let mut second = Box::pin(broker.publish("t", text("second")));
    let mut third = Box::pin(broker.publish("t", text("third")));
    assert!((&mut second).now_or_never().is_none());
    assert!((&mut third).now_or_never().is_none());
    slow.next().await.expect("a message").ack();
    // It was the second's turn.
    drop(second);
    third.await.expect("a publication");
    assert_eq!(drain(&mut slow), ["third"]);
}

#[tokio::test]
async fn the_oldest_are_dropped_and_counted() {
    let broker = MemoryBroker::new();
    let how = Subscribe::default()
        .capacity(4)
        .overflow(Overflow::DropOldest);
    let mut slow = subscribe(&broker, &how).await;
    publish(&broker, 0..100).await;
    assert_eq!(drain(&mut slow), ["96", "97", "98", "99"]);
    assert_eq!(broker.lost().overflowed, 96);
}

#[tokio::test]
async fn too_slow_a_subscription_ends_after_what_it_holds() {
    let broker = MemoryBroker::new();
    let how = Subscribe::default()
        .capacity(4)
        .overflow(Overflow::Disconnect);
    let mut slow = subscribe(&broker, &how).await;
    publish(&broker, 0..100).await;
    assert_eq!(drain(&mut slow), ["0", "1", "2", "3"]);
    assert!(slow.next().await.is_none());
}

#[tokio::test]
async fn a_queue_takes_turns_and_passes_over_the_full() {
    let broker = MemoryBroker::new();
    let how = Subscribe::default().queue("q");
    let mut a = subscribe(&broker, &how.clone().capacity(2)).await;
    let mut b = subscribe(&broker, &how).await;
    publish(&broker, 0..4).await;
    assert_eq!(drain(&mut a), ["0", "2"]);
    assert_eq!(drain(&mut b), ["1", "3"]);
    publish(&broker, 0..10).await;
    assert_eq!((drain(&mut a).len(), drain(&mut b).len()), (2, 8));
}

#[tokio::test]
async fn what_waits_for_one_that_leaves_goes_to_the_rest_of_its_queue() {
    let broker = MemoryBroker::new();
    let how = Subscribe::default().queue("q");
    let mut stays = subscribe(&broker, &how).await;
    let mut leaves = subscribe(&broker, &how).await;
    publish(&broker, 0..10).await;
    let unsettled = leaves.next().await.expect("a message");
    leaves.unsubscribe().await.expect("to leave");
    drop(unsettled);
    let mut got = drain(&mut stays);
    got.sort();
    assert!(got.into_iter().eq((0..10).map(|number| number.to_string())));
}

/// While others of the queue come, take some, refuse some and go, each message is handled once.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn coming_and_going_loses_and_doubles_nothing() {
    const MANY: usize = 5_000;
    let broker = MemoryBroker::new().attempts(u32::MAX);
    let how = Subscribe::default().queue("q").capacity(8);
    let handled = Arc::new(Mutex::new(Vec::new()));
    let handle = |delivery: Delivery, handled: &Mutex<Vec<String>>| {
        let body = String::from_utf8_lossy(&delivery.message.body).into_owned();
        handled.lock().expect("no panic").push(body);
        delivery.ack();
    };
    // It keeps the queue alive, so nothing may be lost.
    let mut stays = subscribe(&broker, &how).await;
    let mut tasks = Vec::new();
    for _ in 0..4 {
        let (broker, how, handled) = (broker.clone(), how.clone(), handled.clone());
        tasks.push(tokio::spawn(async move {
            loop {
                let mut comes = subscribe(&broker, &how).await;
                for turn in 0..20 {
                    match comes.next().await {
                        Some(delivery) if turn % 5 == 0 => delivery.nack(),
                        Some(delivery) => handle(delivery, &handled),
                        None => return,
                    }
                }
            }
        }));
    }
    let publisher = tokio::spawn({
        let broker = broker.clone();
        async move { publish(&broker, 0..MANY).await }
    });
    while handled.lock().expect("no panic").len() < MANY {
        match stays.next().now_or_never() {
            Some(delivery) => handle(delivery.expect("a message"), &handled),
            None => tokio::task::yield_now().await,
        }
    }
    publisher.await.expect("a publisher");
    broker.disconnect().await.expect("a disconnection");
    for task in tasks {
        task.abort();
        let _ = task.await;
    }
    let mut handled = handled.lock().expect("no panic").clone();
    assert_eq!(handled.len(), MANY);
    handled.sort();
    handled.dedup();
    assert_eq!(handled.len(), MANY);
    assert_eq!(broker.lost(), Default::default());
}

#[tokio::test]
async fn a_refused_message_goes_to_another_of_its_queue() {
    let broker = MemoryBroker::new();
    let how = Subscribe::default().queue("q");
    let mut members = [
        subscribe(&broker, &how).await,
        subscribe(&broker, &how).await,
    ];
    publish(&broker, 0..1).await;
    for attempt in 0..5 {
        let delivery = members[attempt % 2].next().await.expect("a message");
        assert_eq!(delivery.redelivered as usize, attempt);
        delivery.nack();
    }
    for member in &mut members {
        assert!(member.next().now_or_never().is_none());
    }
    assert_eq!(broker.lost().refused, 1);
}

#[tokio::test]
async fn a_message_is_given_up_after_its_attempts() {
    let broker = MemoryBroker::new().attempts(2);
    let mut subscription = subscribe(&broker, &Subscribe::default()).await;
    publish(&broker, 0..2).await;
    subscription.next().await.expect("a message").nack();
    let again = subscription.next().await.expect("the same, before others");
    assert_eq!((&again.message.body[..], again.redelivered), (&b"0"[..], 1));
    again.nack();
    assert_eq!(drain(&mut subscription), ["1"]);
    assert_eq!(broker.lost().refused, 1);
}

#[tokio::test]
async fn what_waits_is_still_received_after_a_disconnect() {
    let broker = MemoryBroker::new();
    let mut subscription = subscribe(&broker, &Subscribe::default()).await;
    publish(&broker, 0..2).await;
    broker.disconnect().await.expect("a disconnection");
    assert_eq!(drain(&mut subscription), ["0", "1"]);
    assert!(subscription.next().await.is_none());
    let error = broker
        .publish("t", text("late"))
        .await
        .expect_err("disconnected");
    assert_eq!(error.code(), Code::Unavailable, "{error}");
}

#[tokio::test]
async fn names_are_bounded() {
    let broker = MemoryBroker::new();
    let name = "n".repeat(255);
    let how = Subscribe::default().queue(name.clone());
    assert!(broker.subscribe(&name, &how).await.is_ok());
    let error = broker
        .publish(&format!("{name}n"), text("x"))
        .await
        .expect_err("too long");
    assert_eq!(error.code(), Code::InvalidArgument, "{error}");
    assert!(error.detail().contains("255"), "{error}");
    let error = broker
        .subscribe("t", &Subscribe::default().queue(""))
        .await
        .err();
    assert_eq!(error.map(|error| error.code()), Some(Code::InvalidArgument));
}
