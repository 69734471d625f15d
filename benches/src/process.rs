//! What the system says of a process, and the server as a process of its own.

use std::{
    fs,
    io::{BufRead, BufReader, Write},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};

use crate::{contestants::Outcome, options};

/// User and system time of a process in seconds, to the nanosecond where `/proc` counts ticks.
pub fn cpu_seconds(pid: u32) -> f64 {
    let mut clock = 0;
    let mut time = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: both write to what they are given, and are told by their result where they failed.
    unsafe {
        if libc::clock_getcpuclockid(pid as libc::pid_t, &mut clock) != 0
            || libc::clock_gettime(clock, &mut time) != 0
        {
            return f64::NAN;
        }
    }
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}

/// The same of the thread that asks.
pub fn thread_seconds() -> f64 {
    let mut time = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: it writes to what it is given.
    unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &mut time) };
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}

/// Voluntary and involuntary switches of all threads.
pub fn context_switches(pid: u32) -> u64 {
    let Ok(tasks) = fs::read_dir(format!("/proc/{pid}/task")) else {
        return 0;
    };
    let status = tasks.filter_map(|task| fs::read_to_string(task.ok()?.path().join("status")).ok());
    status
        .flat_map(|status| {
            let lines = status.lines().filter(|line| line.contains("ctxt_switches"));
            let counts = lines.filter_map(|line| line.split_whitespace().nth(1)?.parse().ok());
            counts.collect::<Vec<u64>>()
        })
        .sum()
}

/// Resident memory in KiB.
pub fn resident(pid: u32) -> f64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmRSS:"));
    line.and_then(|line| line.split_whitespace().nth(1)?.parse().ok())
        .unwrap_or(f64::NAN)
}

/// Times the machine was busy and all of it, in ticks: shows what others took.
pub fn machine_busy() -> (f64, f64) {
    let stat = fs::read_to_string("/proc/stat").unwrap_or_default();
    let line = stat.lines().next().unwrap_or_default();
    let times: Vec<f64> = line
        .split_whitespace()
        .skip(1)
        .take(8)
        .filter_map(|t| t.parse().ok())
        .collect();
    let all: f64 = times.iter().sum();
    (
        all - times.get(3).unwrap_or(&0.0) - times.get(4).unwrap_or(&0.0),
        all,
    )
}

/// Keeps this process, and those it starts, on the first core.
pub fn pin() {
    // SAFETY: the set is plain memory, for which all zero is a value.
    unsafe {
        let mut set: libc::cpu_set_t = std::mem::zeroed();
        libc::CPU_SET(0, &mut set);
        libc::sched_setaffinity(0, size_of_val(&set), &set);
    }
}

/// Thousands of connections need as many descriptors.
pub fn raise_descriptor_limit() {
    // SAFETY: reads and writes the one struct.
    unsafe {
        let mut limit: libc::rlimit = std::mem::zeroed();
        if libc::getrlimit(libc::RLIMIT_NOFILE, &mut limit) == 0 {
            limit.rlim_cur = limit.rlim_max;
            libc::setrlimit(libc::RLIMIT_NOFILE, &limit);
        }
    }
}

/// This program again, with other arguments.
pub fn again(args: &[&str]) -> Outcome<Command> {
    let mut command = Command::new(std::env::current_exe()?);
    command.args(args);
    Ok(command)
}

/// A server in a process of its own, which ends with this value.
pub struct Server {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    pub address: String,
}

impl Server {
    pub fn start(name: &str) -> Outcome<Self> {
        let mut child = again(&["serve", name])?
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let (Some(input), Some(output)) = (child.stdin.take(), child.stdout.take()) else {
            return Err("no pipes".into());
        };
        let mut server = Self {
            child,
            input,
            output: BufReader::new(output),
            address: String::new(),
        };
        server.address = server.line()?;
        if server.address.is_empty() {
            return Err(format!("the server {name} did not start").into());
        }
        Ok(server)
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// How often it allocated so far.
    pub fn allocations(&mut self) -> Outcome<u64> {
        writeln!(self.input, "allocations")?;
        Ok(self.line()?.parse()?)
    }

    fn line(&mut self) -> Outcome<String> {
        let mut line = String::new();
        self.output.read_line(&mut line)?;
        Ok(line.trim().to_owned())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The server's side: serves until whoever started it is gone.
pub fn serve<C: crate::contestants::Contestant>() -> Outcome<()> {
    std::thread::spawn(|| {
        for line in std::io::stdin().lines().map_while(Result::ok) {
            if line == "allocations" {
                println!("{}", crate::allocations::so_far());
            }
        }
        std::process::exit(0);
    });
    options::runtime()?.block_on(async {
        // On a worker, as a service is that is spawned; the thread of `block_on` is none.
        tokio::spawn(C::serve(|address| println!("{address}"))).await?
    })
}
