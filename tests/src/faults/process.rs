//! Processes of this program: started, signalled, watched.

use std::{
    collections::HashMap,
    io,
    path::{Path, PathBuf},
    process::{ExitStatus, Stdio},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::SeqCst},
    },
    time::{Duration, Instant},
};

use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, ChildStdin, Command},
};

use super::node::{Told, WorkClient, client};

/// The variable that makes this program one of its processes.
pub(super) const ROLE: &str = "MICRO_FAULTS_ROLE";

/// The name that nodes register.
pub(super) const NAME: &str = "faults";

/// A process that runs until it is told otherwise; killed when it is dropped.
pub(super) struct Process {
    child: Child,
    /// Closed, it would end; waiting for a child closes it, unless it is kept here.
    _stdin: Option<ChildStdin>,
    pub(super) told: Told,
}

pub(super) fn other(error: impl std::fmt::Display) -> io::Error {
    io::Error::other(error.to_string())
}

impl Process {
    /// Starts it, and waits until it says that it is ready.
    pub(super) async fn start(told: &Told) -> io::Result<Self> {
        let mut child = Command::new(std::env::current_exe()?)
            .env(ROLE, serde_json::to_string(told)?)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let out = child.stdout.take().ok_or_else(|| other("no output"))?;
        let mut line = String::new();
        let mut out = BufReader::new(out);
        let read = tokio::time::timeout(Duration::from_secs(20), out.read_line(&mut line));
        read.await.map_err(|_| other("a process did not start"))??;
        if line.trim() != "READY" {
            return Err(other(format!("a process said {line:?}")));
        }
        let told = told.clone();
        let _stdin = child.stdin.take();
        Ok(Self {
            child,
            _stdin,
            told,
        })
    }

    pub(super) fn pid(&self) -> u32 {
        self.child.id().unwrap_or(0)
    }

    /// Sends a signal: `KILL`, `TERM`, `STOP`, `CONT`.
    pub(super) async fn signal(&self, signal: &str) -> io::Result<()> {
        let pid = self.pid().to_string();
        let mut kill = Command::new("kill");
        kill.args(["-s", signal, &pid]).stderr(Stdio::null());
        kill.status().await.map(drop)
    }

    /// Waits for its end, not for ever.
    pub(super) async fn wait(&mut self) -> io::Result<ExitStatus> {
        tokio::time::timeout(Duration::from_secs(30), self.child.wait())
            .await
            .map_err(|_| other("a process did not end"))?
    }

    pub(super) async fn kill(&mut self) -> io::Result<()> {
        self.signal("KILL").await?;
        self.wait().await.map(drop)
    }

    /// Tells it to stop, and gives how long that took and its exit code.
    pub(super) async fn terminate(&mut self) -> io::Result<(Duration, Option<i32>)> {
        let begun = Instant::now();
        self.signal("TERM").await?;
        let status = self.wait().await?;
        Ok((begun.elapsed(), status.code()))
    }
}

/// The memory of a process in MiB.
pub(super) fn rss_mib(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmRSS:"));
    let kib = line.and_then(|line| line.split_whitespace().nth(1)?.parse::<u64>().ok());
    kib.unwrap_or(0) / 1024
}

/// Watches the memory of processes until it is dropped.
pub(super) struct Watched {
    most: Arc<AtomicU64>,
    task: tokio::task::JoinHandle<()>,
}

impl Watched {
    pub(super) fn new(pids: Vec<u32>) -> Self {
        let most = Arc::new(AtomicU64::new(0));
        let noted = most.clone();
        let task = tokio::spawn(async move {
            loop {
                for pid in &pids {
                    noted.fetch_max(rss_mib(*pid), SeqCst);
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        });
        Self { most, task }
    }

    pub(super) fn most(&self) -> u64 {
        self.most.load(SeqCst)
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Nodes of one service, a directory for what they write, and how they are found.
pub(super) struct Fleet {
    pub(super) nodes: Vec<Process>,
    pub(super) registry: String,
    directory: PathBuf,
}

impl Drop for Fleet {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.directory);
    }
}

/// A port that was free a moment ago.
fn free_address() -> io::Result<String> {
    let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
    Ok(listener.local_addr()?.to_string())
}

fn directory() -> io::Result<PathBuf> {
    let name = format!(
        "micro-faults-{}-{:x}",
        std::process::id(),
        fastrand::u64(..)
    );
    let path = std::env::temp_dir().join(name);
    std::fs::create_dir_all(&path)?;
    Ok(path)
}

fn told(directory: &Path, name: &str, address: String, registry: &str) -> Told {
    Told {
        name: name.to_owned(),
        journal: directory.join(format!("{}.journal", address.replace(':', "-"))),
        address,
        registry: registry.to_owned(),
        drain_millis: 2000,
        ..Told::default()
    }
}

impl Fleet {
    /// Nodes that a file names: it goes on naming those that died.
    pub(super) async fn in_file(count: usize) -> io::Result<Self> {
        let names = vec![NAME.to_owned(); count];
        Self::chain(&names).await
    }

    /// One node for each name, of which each calls the service of the next other name.
    pub(super) async fn chain(names: &[String]) -> io::Result<Self> {
        let directory = directory()?;
        let file = directory.join("services.json");
        let mut addresses = Vec::new();
        let mut services: HashMap<&str, Vec<String>> = HashMap::new();
        for name in names {
            let address = free_address()?;
            services.entry(name).or_default().push(address.clone());
            addresses.push(address);
        }
        std::fs::write(&file, serde_json::to_vec(&services)?)?;
        let registry = format!("file://{}", file.display());
        let mut fleet = Self {
            nodes: Vec::new(),
            registry,
            directory,
        };
        for (at, address) in addresses.into_iter().enumerate() {
            let mut told = told(&fleet.directory, &names[at], address, &fleet.registry);
            told.next = names
                .get(at + 1)
                .filter(|next| **next != names[at])
                .cloned();
            fleet.nodes.push(Process::start(&told).await?);
        }
        Ok(fleet)
    }

    /// Nodes that register by multicast DNS on this machine, and take themselves back.
    pub(super) async fn registered(count: usize) -> io::Result<Self> {
        let mut fleet = Self {
            nodes: Vec::new(),
            registry: "mdns".to_owned(),
            directory: directory()?,
        };
        for _ in 0..count {
            let told = told(&fleet.directory, &fleet.name(), free_address()?, "mdns");
            fleet.nodes.push(Process::start(&told).await?);
        }
        Ok(fleet)
    }

    /// Its own, so that runs side by side do not meet.
    pub(super) fn name(&self) -> String {
        if self.registry == "mdns" {
            format!("{NAME}-{}", std::process::id())
        } else {
            NAME.to_owned()
        }
    }

    pub(super) fn client(&self) -> io::Result<WorkClient<micro::RpcClient>> {
        client(&self.registry, &self.name()).map_err(other)
    }

    pub(super) fn pids(&self) -> Vec<u32> {
        self.nodes.iter().map(Process::pid).collect()
    }

    /// Starts a node again, as it was.
    pub(super) async fn restart(&mut self, at: usize) -> io::Result<()> {
        let told = self.nodes[at].told.clone();
        self.nodes[at] = Process::start(&told).await?;
        Ok(())
    }

    /// The numbers in the lines that begin with `word`, in all journals: `word id number`.
    pub(super) fn journal(&self, word: &str) -> io::Result<Vec<(u64, u64)>> {
        let mut all = Vec::new();
        for entry in std::fs::read_dir(&self.directory)? {
            let path = entry?.path();
            if path
                .extension()
                .is_some_and(|extension| extension == "journal")
            {
                let text = std::fs::read_to_string(path)?;
                all.extend(text.lines().filter_map(|line| {
                    let mut words = line.strip_prefix(word)?.split_whitespace();
                    let id = words.next()?.parse().ok()?;
                    Some((id, words.next().and_then(|n| n.parse().ok()).unwrap_or(0)))
                }));
            }
        }
        Ok(all)
    }
}
