//! The parts of a service chosen from outside: the same program over TCP and mDNS, or over Unix
//! sockets and a registry in a file, by what `MICRO_*` variables say.
//!
//! They are read when a service starts, so this program starts itself with different ones.

use std::{env, fs, process::Stdio};

use micro::{Result, Service};
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::Command,
};

#[micro::service]
trait Adder {
    async fn add(&self, terms: (i64, i64)) -> Result<i64>;
}

struct Plus;

#[micro::service]
impl Adder for Plus {
    async fn add(&self, terms: (i64, i64)) -> Result<i64> {
        Ok(terms.0 + terms.1)
    }
}

/// Knows nothing of transports and registries.
async fn serve() -> Result<()> {
    let running = Service::new("parts").handle(Plus).start().await?;
    println!("a service at {}", running.address());
    running.wait().await
}

/// Neither does this.
async fn call() -> Result<()> {
    let adder = AdderClient::new("parts", Service::new("client").client());
    println!("2 + 3 = {}", adder.add((2, 3)).await?);
    Ok(())
}

#[tokio::main]
async fn main() -> Result<()> {
    match env::args().nth(1).as_deref() {
        Some("serve") => return serve().await,
        Some("call") => return call().await,
        _ => {}
    }
    println!("with no variable set:");
    serve_and_call(&[]).await?;

    let folder = env::temp_dir().join(format!("micro-parts-{}", std::process::id()));
    fs::create_dir(&folder)?;
    let socket = folder.join("adder.sock").display().to_string();
    let services = folder.join("services.json").display().to_string();
    fs::write(&services, format!(r#"{{ "parts": ["{socket}"] }}"#))?;
    let variables = [
        ("MICRO_TRANSPORT", "unix"),
        ("MICRO_SERVER_ADDRESS", &socket),
        ("MICRO_REGISTRY", &format!("file://{services}")),
    ];
    variables
        .iter()
        .for_each(|(name, value)| println!("with {name}={value}"));
    serve_and_call(&variables).await?;
    fs::remove_dir_all(&folder)?;

    println!("with MICRO_REGISTRY=etdc:");
    let wrong = me("call", &[("MICRO_REGISTRY", "etdc")])
        .stderr(Stdio::piped())
        .output()
        .await?;
    let error = String::from_utf8_lossy(&wrong.stderr);
    print!("  {error}");
    assert!(!wrong.status.success());
    assert!(
        error.contains("no registry is called") && error.contains("mdns"),
        "{error}"
    );
    Ok(())
}

async fn serve_and_call(variables: &[(&str, &str)]) -> Result<()> {
    let mut service = me("serve", variables).spawn()?;
    if let Some(stdout) = service.stdout.take() {
        let up = BufReader::new(stdout).lines().next_line().await?;
        println!("  {}", up.unwrap_or_default());
    }
    let called = me("call", variables).output().await?;
    print!("  {}", String::from_utf8_lossy(&called.stdout));
    assert!(called.status.success());
    service.kill().await?;
    Ok(())
}

/// This program again, in a role and an environment.
fn me(role: &str, variables: &[(&str, &str)]) -> Command {
    let program = env::current_exe().unwrap_or_default();
    let mut command = Command::new(program);
    for (name, _) in env::vars_os() {
        if name.to_string_lossy().starts_with("MICRO_") {
            command.env_remove(name);
        }
    }
    command
        .arg(role)
        .envs(variables.iter().copied())
        .stdout(Stdio::piped())
        .kill_on_drop(true);
    command
}
