//! What arrives is what was sent.

use futures_util::{FutureExt, future::join_all};
use micro::{
    Code, Metadata,
    broker::{Message, Subscribe},
};

use super::{Subject, fresh, publish, read, subscribe, subscribe_as, take, text};

/// Headers, with several values, and bodies of any bytes arrive unchanged, under their topic.
pub async fn everything_arrives_as_it_was(broker: Subject) {
    let topic = fresh("whole");
    let mut subscription = subscribe(&broker, &topic).await;
    let mut metadata = Metadata::new();
    for (name, value) in [
        ("content-type", "application/octet-stream"),
        ("tenant", "a; b=\"c\""),
        ("empty", ""),
    ] {
        metadata.insert(name, value).expect("a header");
    }
    metadata.append("via", "one").expect("a header");
    metadata.append("via", "two").expect("a header");
    for body in [(0..=255).collect::<Vec<u8>>(), Vec::new(), vec![0; 7]] {
        let sent = Message {
            metadata: metadata.clone(),
            body: body.into(),
        };
        publish(&broker, &topic, sent.clone()).await;
        let delivery = subscription.next().await.expect("a message");
        assert_eq!(&*delivery.topic, topic);
        assert_eq!(delivery.redelivered, 0);
        assert_eq!(delivery.message.body, sent.body);
        // A broker may add headers of its own.
        for name in ["content-type", "tenant", "empty", "via"] {
            let values = |message: &Message| -> Vec<String> {
                message.metadata.get_all(name).map(str::to_owned).collect()
            };
            assert_eq!(values(&delivery.message), values(&sent), "{name}");
        }
        delivery.ack();
    }
}

/// Publishing to a topic without subscribers succeeds.
pub async fn nobody_need_listen(broker: Subject) {
    publish(&broker, &fresh("nobody"), text("unheard")).await;
}

/// Messages of 1 MiB, or what the broker promises where that is less.
pub async fn large_messages(broker: Subject) {
    let topic = fresh("large");
    let size = broker.promises().max_message.min(1 << 20);
    let mut subscription = subscribe(&broker, &topic).await;
    for seed in 0..4_usize {
        let body: Vec<u8> = (0..size)
            .map(|at| ((at * (2 * seed + 1)) >> 5) as u8)
            .collect();
        let message = Message {
            body: body.clone().into(),
            ..Message::default()
        };
        publish(&broker, &topic, message).await;
        let delivery = subscription.next().await.expect("a message");
        assert!(
            delivery.message.body == body,
            "what arrived is not what was sent"
        );
        delivery.ack();
    }
}

/// A message over the promised limit is refused with the limit in the text, and harms nothing.
pub async fn too_large_a_message_is_refused(broker: Subject) {
    const TRIED: usize = 64 << 20;
    let limit = broker.promises().max_message;
    if limit > TRIED {
        return;
    }
    let topic = fresh("too-large");
    let mut subscription = subscribe(&broker, &topic).await;
    let message = Message {
        body: vec![0; limit + 1].into(),
        ..Message::default()
    };
    let error = broker
        .publish(&topic, message)
        .await
        .expect_err("over the limit");
    assert_eq!(error.code(), Code::ResourceExhausted, "{error}");
    assert!(error.detail().contains(&limit.to_string()), "{error}");
    publish(&broker, &topic, text("after")).await;
    assert_eq!(take(&mut subscription).await, "after");
}

/// An empty topic, or one with control characters, is refused for publishing and subscribing.
pub async fn wrong_topics_are_refused(broker: Subject) {
    for wrong in ["", "line\r\nbreak", "nul\0"] {
        let error = broker.publish(wrong, text("x")).await.expect_err(wrong);
        assert_eq!(error.code(), Code::InvalidArgument, "{error}");
        let error = broker.subscribe(wrong, &Subscribe::default()).await.err();
        let error = error.expect(wrong);
        assert_eq!(error.code(), Code::InvalidArgument, "{error}");
    }
}

/// Where order is promised, each subscription gets the messages of each publisher in theirs.
pub async fn order_of_each_publisher(broker: Subject) {
    const PUBLISHERS: usize = 4;
    const MANY: usize = 200;
    if !broker.promises().ordered {
        return;
    }
    let topic = fresh("order");
    let how = Subscribe::default().capacity(16);
    let mut subscriptions = Vec::new();
    for _ in 0..2 {
        subscriptions.push(subscribe_as(&broker, &topic, &how).await);
    }
    let publishers = (0..PUBLISHERS).map(|publisher| {
        let (broker, topic) = (broker.clone(), topic.clone());
        tokio::spawn(async move {
            for number in 0..MANY {
                publish(&broker, &topic, text(format!("{publisher} {number}"))).await;
            }
        })
    });
    let publishers = join_all(publishers);
    let readers = join_all(subscriptions.iter_mut().map(async |subscription| {
        let mut next = [0; PUBLISHERS];
        for _ in 0..PUBLISHERS * MANY {
            let body = take(subscription).await;
            let (publisher, number) = body.split_once(' ').expect("two numbers");
            let expected = &mut next[publisher.parse::<usize>().expect("a number")];
            assert_eq!(number, expected.to_string());
            *expected += 1;
        }
    }));
    let (published, _) = tokio::join!(publishers, readers);
    published
        .into_iter()
        .for_each(|done| done.expect("a publisher"));
}

/// A `next` that is dropped loses no message.
pub async fn next_is_cancel_safe(broker: Subject) {
    let topic = fresh("cancel");
    let mut subscription = subscribe(&broker, &topic).await;
    for number in 0..100 {
        if number % 3 == 0 {
            assert!(subscription.next().now_or_never().is_none());
        }
        publish(&broker, &topic, text(number)).await;
        let delivery = loop {
            match subscription.next().now_or_never() {
                Some(delivery) => break delivery.expect("a message"),
                None => tokio::task::yield_now().await,
            }
        };
        assert_eq!(read(&delivery), number.to_string());
        delivery.ack();
    }
}
