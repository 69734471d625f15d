//! A client of the service.

use futures_util::stream;
use micro::{Result, Service};

use crate::greeter::{GreeterClient, Hello};

pub async fn run() -> Result<()> {
    let greeter = GreeterClient::new("quickstart", Service::new("client").client());

    let reply = greeter.hello(hello("Ada")).await?;
    println!("one call:  {}", reply.text);
    assert_eq!(reply.text, "Hello Ada!");

    let guests = stream::iter(["Grace", "Barbara"].map(hello));
    let mut replies = greeter.welcome(guests).await?;
    while let Some(reply) = replies.message().await? {
        println!("a stream:  {}", reply.text);
    }
    Ok(())
}

fn hello(name: &str) -> Hello {
    Hello { name: name.into() }
}
