//! The records that a registry holds in memory: plain data that is told the time.

use std::collections::{BTreeMap, BTreeSet};

use tokio::time::Instant;

use super::{Endpoint, Event, Node, Service, Value};
use crate::{Error, Result};

/// Name and version.
type Key = (String, String);

#[derive(Debug)]
pub(super) struct Table {
    services: BTreeMap<Key, Entry>,
    deadlines: BTreeSet<(Instant, Key, String)>,
    most_services: usize,
    most_nodes: usize,
    most_bytes: usize,
    bytes: usize,
}

#[derive(Debug, Default)]
struct Entry {
    metadata: BTreeMap<String, String>,
    endpoints: Vec<Endpoint>,
    nodes: BTreeMap<String, Held>,
}

#[derive(Debug)]
struct Held {
    node: Node,
    /// Never, where there is none.
    until: Option<Instant>,
}

impl Entry {
    fn record(&self, (name, version): &Key, nodes: Vec<Node>) -> Service {
        Service {
            name: name.clone(),
            version: version.clone(),
            metadata: self.metadata.clone(),
            endpoints: self.endpoints.clone(),
            nodes,
        }
    }

    fn whole(&self, key: &Key) -> Service {
        self.record(key, self.nodes.values().map(|h| h.node.clone()).collect())
    }
}

impl Table {
    /// A table that refuses more than so many records, and more than so many nodes in one.
    pub(super) fn new(most_services: usize, most_nodes: usize) -> Self {
        Self {
            services: BTreeMap::new(),
            deadlines: BTreeSet::new(),
            most_services,
            most_nodes,
            most_bytes: usize::MAX,
            bytes: 0,
        }
    }

    /// One that also refuses what would take more memory than about so much.
    #[cfg(feature = "mdns")]
    pub(super) fn within(self, most_bytes: usize) -> Self {
        Self { most_bytes, ..self }
    }

    /// Puts the nodes in; says what changed by it.
    pub(super) fn put(
        &mut self,
        service: Service,
        until: Option<Instant>,
    ) -> Result<Option<Event>> {
        let key = (service.name.clone(), service.version.clone());
        let grows = self.room(&key, &service)?;
        let entry = self.services.entry(key.clone()).or_default();
        self.bytes = self.bytes.saturating_add_signed(grows);
        let retold = entry.metadata != service.metadata || entry.endpoints != service.endpoints;
        entry.metadata = service.metadata;
        entry.endpoints = service.endpoints;
        let mut changed = Vec::new();
        for node in service.nodes {
            let id = node.id.clone();
            let held = Held { node, until };
            let is = &held.node;
            let same = entry.nodes.get(&id).is_some_and(|was| was.node == *is);
            if retold || !same {
                changed.push(is.clone());
            }
            if let Some(was) = entry
                .nodes
                .insert(id.clone(), held)
                .and_then(|was| was.until)
            {
                self.deadlines.remove(&(was, key.clone(), id.clone()));
            }
            if let Some(until) = until {
                self.deadlines.insert((until, key.clone(), id));
            }
        }
        Ok((!changed.is_empty()).then(|| Event::Update(entry.record(&key, changed))))
    }

    /// Whether there is room; says how many bytes more it takes.
    fn room(&self, key: &Key, service: &Service) -> Result<isize> {
        let known = self.services.get(key);
        if known.is_none() && self.services.len() >= self.most_services {
            return Err(Error::resource_exhausted(format!(
                "no room for {:?}: the registry holds {} services already",
                service.name, self.most_services
            )));
        }
        let about = weigh_about(&service.metadata, &service.endpoints);
        let was = known.map_or(0, |entry| weigh_about(&entry.metadata, &entry.endpoints));
        let (mut nodes, mut more, mut less) = (0, about, was);
        for node in &service.nodes {
            more += weigh_node(node);
            match known.and_then(|entry| entry.nodes.get(&node.id)) {
                Some(was) => less += weigh_node(&was.node),
                None => nodes += 1,
            }
        }
        if known.map_or(0, |entry| entry.nodes.len()) + nodes > self.most_nodes {
            return Err(Error::resource_exhausted(format!(
                "no room for {nodes} more nodes of {:?}: the registry holds {} of one service and \
                 version at the most",
                service.name, self.most_nodes
            )));
        }
        let grows = more.wrapping_sub(less).cast_signed();
        if grows > 0 && self.bytes.saturating_add_signed(grows) > self.most_bytes {
            return Err(Error::resource_exhausted(format!(
                "no room for {:?}: the registry holds {} MiB already",
                service.name,
                self.bytes >> 20
            )));
        }
        Ok(grows)
    }

    /// Takes the nodes out; says which were there.
    pub(super) fn remove(&mut self, service: &Service) -> Option<Event> {
        let key = (service.name.clone(), service.version.clone());
        let ids = service.nodes.iter().map(|node| node.id.clone());
        self.take(&key, ids)
    }

    fn take(&mut self, key: &Key, ids: impl IntoIterator<Item = String>) -> Option<Event> {
        let entry = self.services.get_mut(key)?;
        let mut gone = Vec::new();
        for id in ids {
            let Some(held) = entry.nodes.remove(&id) else {
                continue;
            };
            if let Some(until) = held.until {
                self.deadlines.remove(&(until, key.clone(), id));
            }
            gone.push(held.node);
        }
        let mut freed = gone.iter().map(weigh_node).sum::<usize>();
        let event = (!gone.is_empty()).then(|| Event::Delete(entry.record(key, gone)));
        if entry.nodes.is_empty() {
            freed += weigh_about(&entry.metadata, &entry.endpoints);
            self.services.remove(key);
        }
        self.bytes = self.bytes.saturating_sub(freed);
        event
    }

    /// Takes out what is past its time.
    pub(super) fn expire(&mut self, now: Instant) -> Vec<Event> {
        let mut late: BTreeMap<Key, Vec<String>> = BTreeMap::new();
        while self.next_deadline().is_some_and(|at| at <= now) {
            if let Some((_, key, id)) = self.deadlines.pop_first() {
                late.entry(key).or_default().push(id);
            }
        }
        late.into_iter()
            .filter_map(|(key, ids)| self.take(&key, ids))
            .collect()
    }

    /// Puts all of the records in place of what was there.
    pub(super) fn replace(&mut self, services: Vec<Service>) -> Result<()> {
        self.services.clear();
        self.bytes = 0;
        self.deadlines.clear();
        services
            .into_iter()
            .try_for_each(|service| self.put(service, None).map(drop))
    }

    /// When the next node is past its time.
    pub(super) fn next_deadline(&self) -> Option<Instant> {
        self.deadlines.first().map(|(at, ..)| *at)
    }

    /// The records of one service, or of all.
    pub(super) fn select(&self, name: Option<&str>) -> Vec<Service> {
        match name {
            Some(name) => self
                .services
                .range((name.to_owned(), String::new())..)
                .take_while(|((is, _), _)| is == name)
                .map(|(key, entry)| entry.whole(key))
                .collect(),
            None => self
                .services
                .iter()
                .map(|(key, entry)| entry.whole(key))
                .collect(),
        }
    }
}

/// What a node takes, about: its strings, and as much again as a map and a record cost.
fn weigh_node(node: &Node) -> usize {
    const RECORD: usize = 256;
    RECORD + node.id.len() + node.address.len() + weigh(&node.metadata)
}

fn weigh_about(metadata: &BTreeMap<String, String>, endpoints: &[Endpoint]) -> usize {
    let endpoint = |endpoint: &Endpoint| {
        let shapes = [&endpoint.request, &endpoint.response];
        let shapes = shapes.into_iter().flatten().map(weigh_value);
        ENTRY + endpoint.name.len() + weigh(&endpoint.metadata) + shapes.sum::<usize>()
    };
    weigh(metadata) + endpoints.iter().map(endpoint).sum::<usize>()
}

const ENTRY: usize = 96;

fn weigh(map: &BTreeMap<String, String>) -> usize {
    map.iter()
        .map(|(key, value)| ENTRY + key.len() + value.len())
        .sum()
}

fn weigh_value(value: &Value) -> usize {
    let fields = value.values.iter().map(weigh_value).sum::<usize>();
    ENTRY + value.name.len() + value.kind.len() + fields
}

#[cfg(test)]
mod tests {
    use super::*;

    fn service(id: usize, letters: usize) -> Service {
        Service {
            name: "a".to_owned(),
            nodes: vec![Node {
                id: id.to_string(),
                metadata: BTreeMap::from([("k".to_owned(), "v".repeat(letters))]),
                ..Node::default()
            }],
            ..Service::default()
        }
    }

    #[test]
    fn memory_is_bounded_and_given_back() {
        let mut table = Table::new(10, 1000).within(1 << 20);
        let fill = |table: &mut Table| {
            (0..1000)
                .take_while(|&id| table.put(service(id, 4000), None).is_ok())
                .count()
        };
        let first = fill(&mut table);
        assert!((200..262).contains(&first), "{first}");
        // What is there may be told again, and shrink.
        table.put(service(0, 4000), None).unwrap();
        table.put(service(0, 10), None).unwrap();
        for id in 0..first {
            assert!(table.remove(&service(id, 0)).is_some());
        }
        assert_eq!(table.bytes, 0);
        assert_eq!(fill(&mut table), first);
        table.replace(Vec::new()).unwrap();
        assert_eq!(fill(&mut table), first);
    }

    #[test]
    fn the_numbers_of_services_and_nodes_are_bounded() {
        let mut table = Table::new(2, 3);
        for id in 0..3 {
            table.put(service(id, 1), None).unwrap();
        }
        assert!(table.put(service(3, 1), None).is_err());
        table.put(service(2, 9), None).unwrap();
        for (name, fits) in [("b", true), ("c", false)] {
            let other = Service {
                name: name.to_owned(),
                ..service(0, 1)
            };
            assert_eq!(table.put(other, None).is_ok(), fits);
        }
    }
}
