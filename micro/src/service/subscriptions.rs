//! The tasks that hand the messages of topics to their subscribers.

use std::{panic::AssertUnwindSafe, sync::Arc};

use futures_util::FutureExt;
use tokio::{
    sync::{Notify, watch},
    task::JoinSet,
};

use crate::{
    Context, Error, Result,
    broker::{Broker, Delivery, Subscription},
    server::Subscriber,
};

/// Follows topics until it is drained or dropped.
#[derive(Debug)]
pub(super) struct Subscriptions {
    tasks: JoinSet<()>,
    stop: watch::Sender<bool>,
}

impl Subscriptions {
    /// Subscribes; from the return on, messages arrive. `handled` is told of each that was handled.
    ///
    /// # Errors
    /// The broker's.
    pub(super) async fn start(
        broker: &Arc<dyn Broker>,
        subscribers: &[Subscriber],
        handled: &Arc<Notify>,
    ) -> Result<Self> {
        let (stop, stopped) = watch::channel(false);
        let mut tasks = JoinSet::new();
        for subscriber in subscribers {
            let subscription = broker
                .subscribe(&subscriber.topic, &subscriber.options)
                .await
                .map_err(|error| {
                    let detail = format!(
                        "subscribing to {:?} failed: {}",
                        subscriber.topic,
                        error.detail()
                    );
                    Error::new(error.code(), detail)
                })?;
            tasks.spawn(follow(
                subscription,
                subscriber.clone(),
                stopped.clone(),
                handled.clone(),
            ));
        }
        Ok(Self { tasks, stop })
    }

    /// Takes no more messages, and waits until those that were taken are handled and acknowledged.
    /// Dropped half-way, it cuts them off.
    pub(super) async fn drain(&mut self) {
        self.stop.send_replace(true);
        while self.tasks.join_next().await.is_some() {}
    }
}

async fn follow(
    mut subscription: Box<dyn Subscription>,
    subscriber: Subscriber,
    mut stopped: watch::Receiver<bool>,
    handled: Arc<Notify>,
) {
    loop {
        let delivery = tokio::select! {
            biased;
            _ = stopped.wait_for(|stopped| *stopped) => break,
            delivery = subscription.next() => delivery,
        };
        let Some(delivery) = delivery else { return };
        handle(&subscriber, delivery).await;
        handled.notify_one();
    }
    if let Err(error) = subscription.unsubscribe().await {
        tracing::warn!(messaging.destination.name = subscriber.topic, %error, "unsubscribing failed");
    }
}

async fn handle(subscriber: &Subscriber, mut delivery: Delivery) {
    let context = Context::for_call(delivery.message.metadata.clone(), None, None);
    let handling = subscriber.handle(context.clone(), std::mem::take(&mut delivery.message));
    let outcome = AssertUnwindSafe(handling).catch_unwind().await;
    context.cancel();
    let error = match outcome {
        Ok(Ok(())) => return delivery.ack(),
        Ok(Err(error)) => error,
        Err(_) => Error::internal("the handler panicked"),
    };
    tracing::warn!(
        messaging.destination.name = subscriber.topic,
        redelivered = delivery.redelivered,
        %error,
        "a message was not handled"
    );
    delivery.nack();
}
