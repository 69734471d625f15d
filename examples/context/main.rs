//! What a call carries besides its message, and how calls made inside a handler inherit it: headers,
//! deadline, trace, and that the caller is gone.

use std::time::Duration;

use micro::{Context, Result, RpcClient, Trace, testing};
use tokio::sync::mpsc;

#[micro::service]
trait Stock {
    async fn reserve(&self, item: String) -> Result<String>;
    async fn count(&self, item: String) -> Result<u32>;
}

struct Warehouse {
    dropped: mpsc::UnboundedSender<()>,
}

#[micro::service]
impl Stock for Warehouse {
    // A handler that wants the context asks for it.
    async fn reserve(&self, ctx: &Context, item: String) -> Result<String> {
        let tenant = ctx.metadata().get("tenant").unwrap_or("nobody").to_owned();
        let trace = ctx.trace().map(|trace| trace.trace_id);
        let left = ctx.time_left().unwrap_or_default();
        assert!(
            left < Duration::from_secs(5),
            "{left:?}: the deadline of the first caller holds"
        );
        Ok(format!("{item} for {tenant} in trace {trace:x?}"))
    }

    async fn count(&self, _: String) -> Result<u32> {
        let _guard = Guard(self.dropped.clone());
        std::future::pending().await
    }
}

/// Tells when the handler's future is dropped.
struct Guard(mpsc::UnboundedSender<()>);

impl Drop for Guard {
    fn drop(&mut self) {
        let _ = self.0.send(());
    }
}

#[micro::service]
trait Shop {
    async fn buy(&self, item: String) -> Result<String>;
    async fn available(&self, item: String) -> Result<u32>;
}

struct Counter {
    stock: StockClient<RpcClient>,
}

#[micro::service]
impl Shop for Counter {
    // Nothing is handed on here, and everything arrives all the same.
    async fn buy(&self, item: String) -> Result<String> {
        self.stock.reserve(item).await
    }

    async fn available(&self, item: String) -> Result<u32> {
        self.stock.count(item).await
    }
}

#[tokio::main]
async fn main() -> Result<()> {
    let (dropped, mut was_dropped) = mpsc::unbounded_channel();
    let stock = testing::app().handle(Warehouse { dropped }).start().await?;
    let counter = Counter {
        stock: stock.client(),
    };
    let shop = testing::app().handle(counter).start().await?;
    let client: ShopClient<_> = shop.client();

    let trace = Trace::root();
    let call = client
        .buy("tea".into())
        .header("tenant", "acme")
        .timeout(Duration::from_secs(5));
    let seen = Context::background()
        .with_trace(trace)
        .scope(call.into_future())
        .await?;
    println!("two services away: {seen}");
    assert_eq!(
        seen,
        format!("tea for acme in trace {:x?}", Some(trace.trace_id))
    );

    // A deadline holds for the calls that are made while it runs, too.
    let error = client
        .available("tea".into())
        .timeout(Duration::from_millis(50))
        .await
        .unwrap_err();
    println!("too late:          {error}");
    assert!(error.is_timeout());
    was_dropped.recv().await;

    // A caller that gives up stops the handlers behind it: dropping the future is all it takes.
    let waiting = tokio::time::timeout(
        Duration::from_millis(50),
        client.available("tea".into()).into_future(),
    );
    assert!(waiting.await.is_err());
    was_dropped.recv().await;
    println!("given up:          both handlers were stopped");

    shop.stop().await?;
    stock.stop().await
}
