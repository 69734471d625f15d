//! What the command line says, and what children are told of it by the environment.

use std::{env, time::Duration};

use crate::contestants::Outcome;

#[derive(Debug)]
pub struct Options {
    pub quick: bool,
    pub gate: bool,
    pub list: bool,
    pub show: bool,
    pub pinned: bool,
    pub workers: usize,
    pub only: Vec<String>,
    pub rounds: usize,
    pub seconds: f64,
}

pub const USAGE: &str = "\
cargo run --release -- [options]
  --quick          two rounds of half a second, fewer sizes
  --only NAME      contestants or scenarios whose name contains NAME; may be repeated
  --list           names contestants and scenarios
  --show           prints what results/latest.json holds, and draws it anew
  --gate           counts allocations, compares them with gate.json and does nothing else
  --workers N      worker threads of each process (2)
  --pinned         all processes on the first core, with one worker each
  --rounds N       rounds (5)
  --seconds S      measured seconds in each round (3)";

impl Options {
    pub fn parse(args: &[String]) -> Outcome<Self> {
        let mut options = Self {
            quick: false,
            gate: false,
            list: false,
            show: false,
            pinned: false,
            workers: 2,
            only: Vec::new(),
            rounds: 0,
            seconds: 0.0,
        };
        let mut args = args.iter();
        while let Some(arg) = args.next() {
            let mut value = || args.next().ok_or(format!("{arg} takes a value"));
            match arg.as_str() {
                "--quick" => options.quick = true,
                "--gate" => options.gate = true,
                "--show" => options.show = true,
                "--list" => options.list = true,
                "--pinned" => (options.pinned, options.workers) = (true, 1),
                "--workers" => options.workers = value()?.parse()?,
                "--only" => options.only.push(value()?.clone()),
                "--rounds" => options.rounds = value()?.parse()?,
                "--seconds" => options.seconds = value()?.parse()?,
                _ => return Err(format!("{arg} is no option\n{USAGE}").into()),
            }
        }
        let (rounds, seconds) = if options.quick { (2, 0.5) } else { (5, 3.0) };
        if options.rounds == 0 {
            options.rounds = rounds;
        }
        if options.seconds <= 0.0 {
            options.seconds = seconds;
        }
        Ok(options)
    }

    /// Tells the processes that are started from here on.
    pub fn tell(&self) {
        // SAFETY: no other thread is there yet.
        unsafe {
            env::set_var("MICRO_BENCH_WORKERS", self.workers.to_string());
            env::set_var("MICRO_BENCH_SECONDS", self.seconds.to_string());
        }
        if self.pinned {
            crate::process::pin();
        }
    }
}

fn told<T: std::str::FromStr>(name: &str, default: T) -> T {
    let value = env::var(name).ok();
    value
        .and_then(|value| value.parse().ok())
        .unwrap_or(default)
}

/// How long to measure.
pub fn window() -> Duration {
    Duration::from_secs_f64(told("MICRO_BENCH_SECONDS", 0.5))
}

/// The runtime of a client or a server.
pub fn runtime() -> std::io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(told("MICRO_BENCH_WORKERS", 2))
        .enable_all()
        .build()
}
