//! Messages by topic: every subscription gets each message, those that share a queue get it once
//! between them.

use micro::{Error, Result, Service};
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;

#[derive(Clone, Serialize, Deserialize)]
struct UserCreated {
    name: String,
}

/// Sends mails: however many of them run, each user gets one.
struct Mailer {
    number: u32,
    log: mpsc::UnboundedSender<String>,
}

#[micro::service]
impl Mailer {
    #[subscribe(topic = "user.created", queue = "mailer")]
    async fn welcome(&self, user: UserCreated) -> Result<()> {
        self.log
            .send(format!("mailer {}: {}", self.number, user.name))
            .map_err(closed)
    }
}

/// Writes everything down, and fails at first: what a handler gives an error for comes again.
struct Audit {
    failed: std::sync::atomic::AtomicBool,
    log: mpsc::UnboundedSender<String>,
}

#[micro::service]
impl Audit {
    #[subscribe(topic = "user.created")]
    async fn record(&self, user: UserCreated) -> Result<()> {
        if !self.failed.swap(true, std::sync::atomic::Ordering::Relaxed) {
            return Err(Error::unavailable("the disk is away"));
        }
        self.log
            .send(format!("audit: {}", user.name))
            .map_err(closed)
    }
}

fn closed<T>(_: T) -> Error {
    Error::unavailable("nobody listens any more")
}

#[tokio::main]
async fn main() -> Result<()> {
    let (log, mut heard) = mpsc::unbounded_channel();
    let mut services = Vec::new();
    for number in [1, 2] {
        let mailer = Mailer {
            number,
            log: log.clone(),
        };
        services.push(Service::new("pubsub.mailer").handle(mailer).start().await?);
    }
    let audit = Audit {
        failed: false.into(),
        log,
    };
    services.push(Service::new("pubsub.audit").handle(audit).start().await?);

    let users = Service::new("pubsub.users");
    let created = users.topic::<UserCreated>("user.created");
    for name in ["Ada", "Grace", "Barbara", "Edith"] {
        created.publish(UserCreated { name: name.into() }).await?;
    }

    let mut lines = Vec::new();
    while lines.len() < 8 {
        lines.extend(heard.recv().await);
    }
    lines.sort();
    lines.iter().for_each(|line| println!("{line}"));
    let of = |who: &str| lines.iter().filter(|line| line.starts_with(who)).count();
    assert_eq!((of("audit"), of("mailer 1"), of("mailer 2")), (4, 2, 2));
    for service in services {
        service.stop().await?;
    }
    Ok(())
}
