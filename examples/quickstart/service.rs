//! The service.

use futures_util::{Stream, StreamExt};
use micro::{Result, Service, Streaming};

use crate::greeter::*;

struct Polite;

#[micro::service]
impl Greeter for Polite {
    async fn hello(&self, who: Hello) -> Result<Greeting> {
        Ok(greet(&who))
    }

    async fn welcome(
        &self,
        guests: Streaming<Hello>,
    ) -> Result<impl Stream<Item = Result<Greeting>>> {
        Ok(guests.map(|guest| Ok(greet(&guest?))))
    }
}

fn greet(who: &Hello) -> Greeting {
    let text = format!("Hello {}!", who.name);
    Greeting { text }
}

pub async fn run() -> Result<()> {
    let up = async || {
        println!("the service is up");
        Ok(())
    };
    Service::new("quickstart")
        .handle(Polite)
        .after_start(up)
        .run()
        .await
}
