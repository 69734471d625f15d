//! The four kinds of call: one message or a stream of them, in either direction.
//!
//! A stream holds at most 256 KiB that nobody has read: whoever sends then waits for whoever reads.

use futures_util::{Stream, StreamExt, TryStreamExt, stream};
use micro::{Error, Result, Streaming, testing};
use tokio_stream::wrappers::ReceiverStream;

#[micro::service]
trait Numbers {
    async fn double(&self, n: i64) -> Result<i64>;
    async fn count(&self, to: u32) -> Result<impl Stream<Item = Result<u32>>>;
    async fn sum(&self, numbers: Streaming<i64>) -> Result<i64>;
    async fn running_sum(&self, numbers: Streaming<i64>)
    -> Result<impl Stream<Item = Result<i64>>>;
}

struct Calculator;

#[micro::service]
impl Numbers for Calculator {
    async fn double(&self, n: i64) -> Result<i64> {
        n.checked_mul(2)
            .ok_or_else(|| Error::invalid_argument("too large to double"))
    }

    async fn count(&self, to: u32) -> Result<impl Stream<Item = Result<u32>>> {
        Ok(stream::iter((1..=to).map(Ok)))
    }

    async fn sum(&self, mut numbers: Streaming<i64>) -> Result<i64> {
        let mut sum = 0;
        while let Some(number) = numbers.message().await? {
            sum += number;
        }
        Ok(sum)
    }

    async fn running_sum(
        &self,
        numbers: Streaming<i64>,
    ) -> Result<impl Stream<Item = Result<i64>>> {
        let mut sum = 0;
        Ok(numbers.map(move |number| {
            sum += number?;
            Ok(sum)
        }))
    }
}

#[tokio::main]
async fn main() -> Result<()> {
    let app = testing::app().handle(Calculator).start().await?;
    let numbers: NumbersClient<_> = app.client();

    let doubled = numbers.double(21).await?;
    println!("one message, one reply:      21 -> {doubled}");
    assert_eq!(doubled, 42);

    // A reply stream is read as it comes; dropping it tells the service to stop.
    let counted: Vec<u32> = numbers.count(5).await?.try_collect().await?;
    println!("one message, many replies:   5 -> {counted:?}");
    assert_eq!(counted, [1, 2, 3, 4, 5]);

    let mut endless = numbers.count(u32::MAX).await?;
    assert_eq!(endless.message().await?, Some(1));
    drop(endless);

    let sum = numbers.sum(stream::iter(1..=100)).await?;
    println!("many messages, one reply:    1..=100 -> {sum}");
    assert_eq!(sum, 5050);

    // Both directions at once: what to send next may depend on what came back.
    let (sender, receiver) = tokio::sync::mpsc::channel(1);
    let mut sums = numbers.running_sum(ReceiverStream::new(receiver)).await?;
    let mut next = 1;
    while next < 1000 {
        sender
            .send(next)
            .await
            .map_err(|_| Error::cancelled("nobody reads"))?;
        next = sums.message().await?.unwrap_or(i64::MAX);
        println!("many messages, many replies: {next}");
    }
    assert_eq!(next, 1024);
    drop(sender);
    assert_eq!(
        sums.message().await?,
        None,
        "the reply ends after the request"
    );

    // An error ends a call and keeps its kind.
    let error = numbers.double(i64::MAX).await.unwrap_err();
    println!("an error:                    {error}");
    assert_eq!(error.code(), micro::Code::InvalidArgument);
    app.stop().await
}
