//! Prints how many messages of 64 bytes a second the memory broker delivers to 1, 2, 4 and 8
//! subscribers, each being acknowledged.
#![allow(clippy::print_stdout)]

use std::time::Instant;

use bytes::Bytes;
use micro::broker::{Broker, MemoryBroker, Message, Subscribe};

const MESSAGES: usize = 1_000_000;

#[tokio::main]
async fn main() -> micro::Result<()> {
    for subscribers in [1, 2, 4, 8] {
        let broker = MemoryBroker::new();
        let mut readers = Vec::new();
        for _ in 0..subscribers {
            let mut subscription = broker.subscribe("rate", &Subscribe::default()).await?;
            readers.push(tokio::spawn(async move {
                for _ in 0..MESSAGES {
                    match subscription.next().await {
                        Some(delivery) => delivery.ack(),
                        None => return false,
                    }
                }
                true
            }));
        }
        let begun = Instant::now();
        let publisher = tokio::spawn(async move {
            let body = Bytes::from_static(&[7; 64]);
            for _ in 0..MESSAGES {
                let message = Message {
                    body: body.clone(),
                    ..Message::default()
                };
                broker.publish("rate", message).await?;
            }
            micro::Result::<()>::Ok(())
        });
        let mut whole = true;
        for reader in readers {
            whole &= reader.await.unwrap_or(false);
        }
        let seconds = begun.elapsed().as_secs_f64();
        publisher
            .await
            .map_err(|_| micro::Error::internal("the publisher failed"))??;
        let rate = (subscribers * MESSAGES) as f64 / seconds / 1e6;
        println!("{subscribers} subscribers: {rate:.2} million deliveries/s (complete: {whole})");
    }
    Ok(())
}
