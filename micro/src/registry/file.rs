//! A registry that is a file.

use std::{
    collections::BTreeMap,
    fs::File,
    io::Read as _,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, SystemTime},
};

use async_trait::async_trait;
use futures_core::stream::BoxStream;
use futures_util::{StreamExt as _, stream};
use serde::Deserialize;
use tokio::time::{Instant, sleep};

use super::{Event, Node, Registry, Service, check::check_name};
use crate::{Error, Result, plugin};

/// How often the file is looked at.
const PERIOD: Duration = Duration::from_secs(1);
const MAX_SIZE: u64 = 16 << 20;

/// A registry that reads a JSON file, for fleets that do not change or that something else writes
/// down. By name it is `file:///etc/micro/services.json`.
///
/// The file names services with the addresses of their nodes, or with whole nodes where metadata
/// matters; or it is a list of [`Service`] records:
///
/// ```json
/// { "greeter": ["127.0.0.1:8080", { "id": "greeter-2", "address": "127.0.0.1:8081" }] }
/// ```
/// ```json
/// [{ "name": "greeter", "version": "1", "nodes": [{ "id": "greeter-1", "address": "127.0.0.1:8080" }] }]
/// ```
///
/// In the first form the version is `latest`, and the id of a node that has none is made of the
/// service's name and the address.
///
/// Changes are noticed within a second or so, and reach watchers as a snapshot. An edit that cannot
/// be read, and the file's absence, leave the last good content in force: watchers get an error
/// item and the log a warning.
///
/// Only the file says what there is: a service that starts with this registry may
/// [`register`](Registry::register), which checks the record and changes nothing.
#[derive(Clone, Debug)]
pub struct FileRegistry {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    path: PathBuf,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    content: Arc<Vec<Service>>,
    stamp: Option<Stamp>,
    /// Why the file as it is now is not in force.
    fault: Option<Error>,
    looked: Instant,
}

/// What tells one state of the file from the next.
type Stamp = (SystemTime, u64);

impl FileRegistry {
    /// Reads the file.
    ///
    /// # Errors
    /// `NotFound` where it is not there, `InvalidArgument` with the place where it can't be
    /// understood.
    pub fn open(path: impl Into<PathBuf>) -> Result<Self> {
        let path = path.into();
        let file = open(&path)?;
        let stamp = stamp(&file);
        let content = Arc::new(read(file, &path)?);
        let state = Mutex::new(State {
            content,
            stamp,
            fault: None,
            looked: Instant::now(),
        });
        Ok(Self {
            shared: Arc::new(Shared { path, state }),
        })
    }

    /// What the file says, and why its newest state is not in force, if it is not.
    async fn look(&self) -> Result<(Arc<Vec<Service>>, Option<Error>)> {
        let recent = {
            let mut state = self.shared.lock();
            // One watcher looks for all; and a burst of calls costs one look.
            let recent = state.looked.elapsed() < PERIOD / 2;
            if !recent {
                state.looked = Instant::now();
            }
            recent
        };
        if !recent {
            // A file may be on a disk that is slow, or on another machine.
            let shared = Arc::clone(&self.shared);
            tokio::task::spawn_blocking(move || shared.refresh())
                .await
                .map_err(|error| Error::internal(error.to_string()))?;
        }
        let state = self.shared.lock();
        Ok((Arc::clone(&state.content), state.fault.clone()))
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn refresh(&self) {
        let (stamp, content) = match open(&self.path) {
            Ok(file) => {
                // Before the content, so that a write in between shows as a change next time.
                let stamp = stamp(&file);
                if stamp.is_some() && self.lock().stamp == stamp {
                    return;
                }
                (stamp, read(file, &self.path))
            }
            Err(error) => (None, Err(error)),
        };
        let mut state = self.lock();
        state.stamp = stamp;
        match content {
            Ok(content) => {
                state.content = Arc::new(content);
                state.fault = None;
            }
            Err(error) if state.fault.as_ref() == Some(&error) => {}
            Err(error) => {
                tracing::warn!(%error, "the registry file's last good content stays in force");
                state.fault = Some(error);
            }
        }
    }
}

#[async_trait]
impl Registry for FileRegistry {
    async fn register(&self, service: &Service, ttl: Duration) -> Result<()> {
        service.check_registration(ttl)?;
        let path = self.shared.path.display();
        tracing::debug!(service = service.name, %path, "not written down: the file is read only");
        Ok(())
    }

    async fn deregister(&self, _service: &Service) -> Result<()> {
        Ok(())
    }

    async fn get(&self, name: &str) -> Result<Vec<Service>> {
        check_name(name)?;
        let (content, _) = self.look().await?;
        Ok(select(&content, Some(name)))
    }

    async fn list(&self) -> Result<Vec<Service>> {
        Ok(self.look().await?.0.to_vec())
    }

    async fn watch(&self, name: Option<&str>) -> Result<BoxStream<'static, Result<Event>>> {
        name.map_or(Ok(()), check_name)?;
        let follower = Follower {
            registry: self.clone(),
            name: name.map(str::to_owned),
            last: None,
            fault: None,
        };
        let events = stream::unfold(follower, |mut follower| async move {
            let item = follower.next().await;
            Some((item, follower))
        });
        Ok(events.boxed())
    }
}

struct Follower {
    registry: FileRegistry,
    name: Option<String>,
    last: Option<Vec<Service>>,
    fault: Option<Error>,
}

impl Follower {
    async fn next(&mut self) -> Result<Event> {
        loop {
            if self.last.is_some() {
                sleep(PERIOD).await;
            }
            let (content, fault) = self.registry.look().await?;
            let now = select(&content, self.name.as_deref());
            if self.last.as_ref() != Some(&now) {
                self.last = Some(now.clone());
                return Ok(Event::Snapshot(now));
            }
            if fault != self.fault {
                self.fault.clone_from(&fault);
                if let Some(error) = fault {
                    return Err(error);
                }
            }
        }
    }
}

fn select(content: &[Service], name: Option<&str>) -> Vec<Service> {
    let matches = |service: &&Service| name.is_none_or(|name| service.name == name);
    content.iter().filter(matches).cloned().collect()
}

fn open(path: &Path) -> Result<File> {
    File::open(path).map_err(|error| {
        let error = Error::from(error);
        Error::new(
            error.code(),
            format!("registry file {}: {}", path.display(), error.detail()),
        )
    })
}

fn stamp(file: &File) -> Option<Stamp> {
    let metadata = file.metadata().ok()?;
    Some((metadata.modified().ok()?, metadata.len()))
}

fn read(file: File, path: &Path) -> Result<Vec<Service>> {
    let wrong =
        |what: String| Error::invalid_argument(format!("registry file {}: {what}", path.display()));
    let mut text = String::new();
    file.take(MAX_SIZE + 1)
        .read_to_string(&mut text)
        .map_err(|error| wrong(error.to_string()))?;
    if text.len() as u64 > MAX_SIZE {
        return Err(wrong(format!("it is larger than {} MiB", MAX_SIZE >> 20)));
    }
    parse(&text).map_err(|error| wrong(error.detail().to_owned()))
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Entry {
    Address(String),
    Node(Node),
}

/// The records in the order of name and version, one for each.
fn parse(text: &str) -> Result<Vec<Service>> {
    let unreadable = |error: serde_json::Error| Error::invalid_argument(error.to_string());
    let services: Vec<Service> = if text.trim_start().starts_with('{') {
        let terse: BTreeMap<String, Vec<Entry>> = serde_json::from_str(text).map_err(unreadable)?;
        terse.into_iter().map(spell_out).collect()
    } else {
        serde_json::from_str(text).map_err(unreadable)?
    };
    let mut merged: BTreeMap<(String, String), Service> = BTreeMap::new();
    for service in services {
        service.check()?;
        let key = (service.name.clone(), service.version.clone());
        let Some(first) = merged.get_mut(&key) else {
            merged.insert(key, service);
            continue;
        };
        first.nodes.extend(service.nodes);
        first.check()?;
    }
    for service in merged.values_mut() {
        service.nodes.sort_by(|a, b| a.id.cmp(&b.id));
        if let Some(pair) = service
            .nodes
            .windows(2)
            .find(|pair| pair[0].id == pair[1].id)
        {
            return Err(Error::invalid_argument(format!(
                "two nodes of {:?} have the id {:?}",
                service.name, pair[0].id
            )));
        }
    }
    Ok(merged.into_values().collect())
}

fn spell_out((name, entries): (String, Vec<Entry>)) -> Service {
    let fits = |c: char| c.is_ascii_alphanumeric() || "._-/@:+".contains(c);
    let node = |entry| match entry {
        Entry::Node(node) => node,
        Entry::Address(address) => Node {
            id: format!("{name}-{}", address.replace(|c| !fits(c), "_")),
            address,
            metadata: BTreeMap::new(),
        },
    };
    Service {
        nodes: entries.into_iter().map(node).collect(),
        version: "latest".to_owned(),
        name,
        ..Service::default()
    }
}

inventory::submit! {
    plugin::Registry {
        name: "file",
        open: |url| {
            // `file:///etc/services.json`, and `file://services.json` from the working directory.
            let path = format!("{}{}", url.hosts.join(","), url.path);
            if path.is_empty() {
                return Err(Error::invalid_argument(
                    "the file registry needs a file: file:///path/to/services.json",
                ));
            }
            Ok(Arc::new(FileRegistry::open(path)?))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_say_the_same() {
        let terse =
            r#"{"a": ["127.0.0.1:1", {"id": "a-x", "address": "[::1]:2"}], "b": ["/run/b.sock"]}"#;
        let long = r#"[
            {"name": "b", "version": "latest", "nodes": [{"id": "b-/run/b.sock", "address": "/run/b.sock"}]},
            {"name": "a", "version": "latest", "nodes": [{"id": "a-x", "address": "[::1]:2"}]},
            {"name": "a", "version": "latest", "nodes": [{"id": "a-127.0.0.1:1", "address": "127.0.0.1:1", "metadata": null}]}
        ]"#;
        let parsed = parse(terse).unwrap();
        assert_eq!(parsed.len(), 2);
        assert_eq!(parsed, parse(long).unwrap());
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (text, says) in [
            ("", "EOF"),
            ("[1]", "line 1"),
            (r#"{"a b": ["x:1"]}"#, "\"a b\""),
            (r#"{"a": ["x 1"]}"#, "white space"),
            (r#"{"a": ["x:1", "x:1"]}"#, "two nodes"),
        ] {
            let error = parse(text).unwrap_err();
            assert!(error.detail().contains(says), "{text}: {error}");
        }
    }

    #[test]
    fn a_url_needs_a_path_that_is_there() {
        let error = plugin::registry("file://").err().unwrap();
        assert!(error.detail().contains("file:///path"), "{error}");
        let error = plugin::registry("file:///no/such/file").err().unwrap();
        assert!(error.is_not_found(), "{error}");
        assert!(error.detail().contains("/no/such/file"), "{error}");
    }
}
