//! A service and a client in two processes that find each other without any configuration.
//!
//! `cargo run --bin quickstart` starts itself once more as the service, calls it as a client, and
//! stops it with SIGTERM, as an orchestrator would.

use std::{env, process::Stdio};

use micro::Result;
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::Command,
};

mod client;
mod greeter;
mod service;

#[tokio::main]
async fn main() -> Result<()> {
    if env::args().nth(1).as_deref() == Some("serve") {
        return service::run().await;
    }
    let mut service = Command::new(env::current_exe()?)
        .arg("serve")
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()?;
    if let Some(stdout) = service.stdout.take() {
        let up = BufReader::new(stdout).lines().next_line().await?;
        println!("{}", up.unwrap_or_default());
    }

    client::run().await?;

    if let Some(id) = service.id() {
        Command::new("sh")
            .args(["-c", "kill -TERM $0", &id.to_string()])
            .status()
            .await?;
    }
    let stopped = service.wait().await?;
    println!("the service stopped in order: {stopped}");
    assert!(stopped.success());
    Ok(())
}
