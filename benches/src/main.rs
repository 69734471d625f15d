use std::time::{Duration, Instant};
use micro::{Result, Service, registry::{MemoryRegistry, Registry}};

#[derive(Clone, PartialEq, prost::Message)]
struct Msg { #[prost(bytes = "bytes", tag = "1")] body: bytes::Bytes }

#[micro::service]
trait Echo { async fn echo(&self, msg: Msg) -> Result<Msg>; }
struct E;
#[micro::service]
impl Echo for E { async fn echo(&self, msg: Msg) -> Result<Msg> { Ok(msg) } }

fn cpu() -> f64 {
    // user + system of this process
    let s = std::fs::read_to_string("/proc/self/stat").unwrap();
    let f: Vec<&str> = s.rsplit(')').next().unwrap().split_whitespace().collect();
    (f[11].parse::<f64>().unwrap() + f[12].parse::<f64>().unwrap()) / 100.0
}
fn cpu_of(pid: u32) -> f64 {
    let s = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let f: Vec<&str> = s.rsplit(')').next().unwrap().split_whitespace().collect();
    (f[11].parse::<f64>().unwrap() + f[12].parse::<f64>().unwrap()) / 100.0
}

#[tokio::main(worker_threads = 2)]
async fn main() {
    let args: Vec<String> = std::env::args().collect();
    if args.get(1).map(String::as_str) == Some("server") {
        let r = Service::new("echo").registry(MemoryRegistry::new()).handle(E).start().await.unwrap();
        println!("{}", r.address());
        r.wait().await.unwrap();
        return;
    }
    let mut child = std::process::Command::new(std::env::current_exe().unwrap()).arg("server").stdout(std::process::Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    std::io::BufRead::read_line(&mut std::io::BufReader::new(child.stdout.take().unwrap()), &mut line).unwrap();
    let address = line.trim().to_owned();
    let reg = MemoryRegistry::new();
    let node = micro::registry::Node { id: "echo-1".into(), address, ..Default::default() };
    reg.register(&micro::registry::Service { name: "echo".into(), nodes: vec![node], ..Default::default() }, Duration::from_secs(600)).await.unwrap();
    let service = Service::new("bench").registry(reg);
    let echo = EchoClient::new("echo", service.client());
    let size: usize = 64;
    let msg = Msg { body: vec![7u8; size].into() };
    for c in [64usize, 512] {
        let stop = Instant::now() + Duration::from_secs(3);
        let (c0, s0, t0) = (cpu(), cpu_of(child.id()), Instant::now());
        let mut tasks = Vec::new();
        for _ in 0..c {
            let (echo, msg) = (echo.clone(), msg.clone());
            tasks.push(tokio::spawn(async move {
                let mut n = 0u64;
                while Instant::now() < stop { for _ in 0..16 { echo.echo(msg.clone()).await.unwrap(); n += 1; } }
                n
            }));
        }
        let mut n = 0; for t in tasks { n += t.await.unwrap(); }
        let s = t0.elapsed().as_secs_f64();
        println!("c={c} {:.0} calls/s  client {:.2} server {:.2} CPU s/1M", n as f64 / s, (cpu() - c0) / n as f64 * 1e6, (cpu_of(child.id()) - s0) / n as f64 * 1e6);
    }
    child.kill().unwrap();
}
