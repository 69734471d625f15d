//! Work around every call: an `async fn(call, next)` that sees the decoded message, and any layer of
//! the tower ecosystem.

use micro::{
    Error, Result,
    server::{Call, Response, layer::Next},
    testing,
};
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Order {
    item: String,
    count: u32,
}

#[micro::service]
trait Orders {
    async fn place(&self, order: Order) -> Result<String>;
}

struct Book;

#[micro::service]
impl Orders for Book {
    async fn place(&self, order: Order) -> Result<String> {
        Ok(format!("{} x {}", order.count, order.item))
    }
}

/// Lets in only those who say who they are.
async fn authenticate(call: Call, next: Next<'_>) -> Result<Response> {
    match call.context.metadata().get("tenant") {
        Some(_) => next.run(call).await,
        None => Err(Error::unauthenticated(
            "say who you are in the header `tenant`",
        )),
    }
}

/// Looks at the message, and changes it. It is decoded once: the handler gets this very value.
async fn at_most_ten(mut call: Call, next: Next<'_>) -> Result<Response> {
    let order = call.message::<Order>()?;
    order.count = order.count.min(10);
    next.run(call).await
}

#[tokio::main]
async fn main() -> Result<()> {
    let app = testing::app()
        .handle(Book)
        // From the inside out: the one added last sees the call first.
        .with(|service| {
            service
                .wrap(at_most_ten)
                .wrap(authenticate)
                .layer(tower::limit::GlobalConcurrencyLimitLayer::new(100))
        })
        .start()
        .await?;
    let orders: OrdersClient<_> = app.client();
    let order = Order {
        item: "tea".into(),
        count: 12,
    };

    let error = orders.place(order.clone()).await.unwrap_err();
    println!("without a name: {error}");
    assert_eq!(error.code(), micro::Code::Unauthenticated);

    let placed = orders.place(order).header("tenant", "acme").await?;
    println!("with one:       {placed}");
    assert_eq!(placed, "10 x tea");
    app.stop().await
}
