//! Go Micro's records as DNS messages, and back.
//!
//! A node of `greeter` is the instance `<node id>.greeter.micro.`: a PTR record from
//! `greeter.micro.` to it, an SRV record with the port, an A or AAAA record of the SRV's target and
//! a TXT record with all the rest. Besides, `_services.micro.` lists the names of all services.
//!
//! Two habits of Go Micro decide how messages are cut: it takes one instance from a message, the
//! last; and it drops an answer that does not repeat the question. So each node has a message of
//! its own, and the target is the instance's own name, which never means another node's address.

use std::{
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use hickory_proto::{
    op::{Message, MessageType, OpCode, Query, ResponseCode},
    rr::{
        Name, RData, Record, RecordType,
        rdata::{A, AAAA, PTR, SRV, TXT},
    },
};

use super::{
    read::{self, Parts},
    txt::Txt,
};
use crate::{
    Error, Result,
    registry::{Node, Service},
};

/// The name under which all services are listed, without the domain.
pub(super) const LISTING: &str = "_services";
const DNS_SD: &str = "_services._dns-sd._udp";
const DOMAIN: &str = "micro";
/// The longest message that is sent: what UDP carries, less some room.
const MAX_MESSAGE: usize = 60_000;
/// The most nodes of one message that are read: each may cost a megabyte of text to look at.
const MAX_NODES: usize = 8;
/// The longest time to live that is told or believed, in seconds.
const MAX_TTL: u32 = 4500;

/// What somebody sent.
#[derive(Debug)]
pub(super) struct Packet {
    id: u16,
    pub(super) asked: Vec<Question>,
    pub(super) heard: Vec<Heard>,
}

#[derive(Debug)]
pub(super) struct Question {
    query: Query,
    pub(super) about: About,
    /// Whether the answer shall go to the asker alone.
    pub(super) unicast: bool,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum About {
    /// The names of all services.
    Listing,
    /// The same, as DNS service discovery asks for it.
    DnsSd,
    /// A service or an instance: the name without the domain.
    Name(String),
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Heard {
    /// A node that is there for that long.
    Node(Service, IpAddr, Duration),
    /// A node that is gone.
    Gone(Service),
    /// A service by that name is there.
    Listed(String),
}

/// What to send of one node or one name.
#[derive(Clone, Debug)]
pub(super) struct Announcement {
    /// The instance, without the domain: how a node is known on the wire.
    pub(super) instance: String,
    service: Name,
    name: Name,
    port: u16,
    ip: IpAddr,
    txt: Vec<String>,
}

impl Announcement {
    /// # Errors
    /// `InvalidArgument` where DNS can't carry the node.
    pub(super) fn new(service: &Service, node: &Node) -> Result<Self> {
        let wrong = |what: String| {
            Error::invalid_argument(format!("mDNS can't carry node {:?}: {what}", node.id))
        };
        let address: SocketAddr = node.address.parse().map_err(|_| {
            wrong(format!(
                "its address {:?} is not ip:port. Listen on TCP, or choose another registry",
                node.address
            ))
        })?;
        if !reachable(address.ip()) || address.port() == 0 {
            return Err(wrong(format!(
                "nobody can connect to {address}. Advertise an address of this host"
            )));
        }
        if service.name.starts_with(LISTING) {
            return Err(wrong(format!(
                "names that start with {LISTING} are mDNS's own"
            )));
        }
        let instance = format!("{}.{}", node.id, service.name);
        let txt = Txt::new(service, node)
            .encode()
            .map_err(|error| wrong(error.to_string()))?;
        let announcement = Self {
            service: full_name(&service.name).map_err(&wrong)?,
            name: full_name(&instance).map_err(&wrong)?,
            instance,
            port: address.port(),
            ip: address.ip(),
            txt,
        };
        let size = announcement.message(None, Duration::ZERO).len();
        if size == 0 || size > MAX_MESSAGE {
            return Err(wrong(format!(
                "its record is {size} bytes long, {MAX_MESSAGE} at the most. Shorten its metadata \
                 or the descriptions of its endpoints"
            )));
        }
        Ok(announcement)
    }

    /// The entry of a service in the list of all, which Go Micro believes only with a port, an
    /// address and a text.
    pub(super) fn listing(service: &str) -> Option<Self> {
        let instance = format!("{service}.{LISTING}");
        Some(Self {
            service: full_name(LISTING).ok()?,
            name: full_name(&instance).ok()?,
            instance,
            port: 9999,
            ip: IpAddr::from([0, 0, 0, 0]),
            txt: vec![String::new()],
        })
    }

    /// The message that says it; a time to live of zero takes it back.
    pub(super) fn message(&self, to: Option<(&Packet, &Question)>, ttl: Duration) -> Vec<u8> {
        let ttl = seconds(ttl);
        let record = |name: &Name, data| Record::from_rdata(name.clone(), ttl, data);
        let owner = match to {
            Some((_, question)) if question.about == About::Listing => question.query.name.clone(),
            _ => self.service.clone(),
        };
        let address = match self.ip {
            IpAddr::V4(ip) => RData::A(A(ip)),
            IpAddr::V6(ip) => RData::AAAA(AAAA(ip)),
        };
        let srv = SRV::new(10, 1, self.port, self.name.clone());
        let mut message = answer(to);
        message.add_answers([
            record(&owner, RData::PTR(PTR(self.name.clone()))),
            record(&self.name, RData::SRV(srv)),
            record(&self.name, address),
            record(&self.name, RData::TXT(TXT::new(self.txt.clone()))),
        ]);
        message.to_vec().unwrap_or_default()
    }
}

/// The answer to [`About::DnsSd`]: that there is such a kind of service.
pub(super) fn dns_sd(service: &str, to: (&Packet, &Question)) -> Vec<u8> {
    let Ok(service) = full_name(service) else {
        return Vec::new();
    };
    let data = RData::PTR(PTR(service));
    let mut message = answer(Some(to));
    message.add_answer(Record::from_rdata(to.1.query.name.clone(), 120, data));
    message.to_vec().unwrap_or_default()
}

fn answer(to: Option<(&Packet, &Question)>) -> Message {
    let id = to.map_or(0, |(packet, _)| packet.id);
    let mut message = Message::new(id, MessageType::Response, OpCode::Query);
    message.metadata.authoritative = true;
    if let Some((_, question)) = to {
        message.add_query(question.query.clone());
    }
    message
}

/// Asks for the nodes of a service, or for the [`LISTING`].
pub(super) fn query(name: &str) -> Result<Vec<u8>> {
    let wrong = |what| Error::invalid_argument(format!("mDNS can't ask for {name:?}: {what}"));
    let mut message = Message::new(0, MessageType::Query, OpCode::Query);
    message.add_query(Query::query(
        full_name(name).map_err(wrong)?,
        RecordType::PTR,
    ));
    message.to_vec().map_err(|error| wrong(error.to_string()))
}

/// Reads a message; nothing where it is none, or none of ours. What in it makes no sense is left
/// out.
pub(super) fn decode(bytes: &[u8]) -> Option<Packet> {
    let Parts {
        metadata,
        questions,
        records,
    } = read::parts(bytes)?;
    if metadata.op_code != OpCode::Query || metadata.response_code != ResponseCode::NoError {
        return None;
    }
    let mut packet = Packet {
        id: metadata.id,
        asked: Vec::new(),
        heard: Vec::new(),
    };
    if metadata.message_type == MessageType::Query {
        packet.asked = questions.into_iter().filter_map(question).collect();
    } else {
        packet.heard = hear(&records);
    }
    Some(packet)
}

fn question(query: Query) -> Option<Question> {
    let about = match short_name(&query.name)? {
        name if name == LISTING => About::Listing,
        name if name == DNS_SD => About::DnsSd,
        name => About::Name(name),
    };
    let unicast = query.mdns_unicast_response;
    Some(Question {
        query,
        about,
        unicast,
    })
}

fn hear(records: &[Record]) -> Vec<Heard> {
    let mut heard = Vec::new();
    let mut nodes = 0;
    for record in records {
        match &record.data {
            RData::PTR(PTR(to)) if record.ttl > 0 => heard.extend(listed(&record.name, to)),
            // Every node comes whole in one message, so nothing need be kept between messages.
            RData::SRV(srv) if nodes < MAX_NODES => {
                nodes += 1;
                heard.extend(node(record, srv, records));
            }
            _ => {}
        }
    }
    heard
}

fn listed(listing: &Name, to: &Name) -> Option<Heard> {
    if short_name(listing)? != LISTING {
        return None;
    }
    let to = short_name(to)?;
    let name = to.strip_suffix(LISTING)?.strip_suffix('.')?;
    super::super::check_name(name).ok()?;
    Some(Heard::Listed(name.to_owned()))
}

fn node(record: &Record, srv: &SRV, records: &[Record]) -> Option<Heard> {
    let instance = short_name(&record.name)?;
    if instance.ends_with(LISTING) {
        return None;
    }
    let (txt, ttl) = records.iter().find_map(|other| match &other.data {
        RData::TXT(txt) if other.name == record.name => Some((txt, other.ttl)),
        _ => None,
    })?;
    let txt = Txt::decode(&txt.txt_data)?;
    let mut ips = records.iter().filter_map(|other| match &other.data {
        RData::A(A(ip)) if other.name == srv.target => Some(IpAddr::V4(*ip)),
        RData::AAAA(AAAA(ip)) if other.name == srv.target => Some(IpAddr::V6(*ip)),
        _ => None,
    });
    let first = ips.next()?;
    let ip = if first.is_ipv4() {
        first
    } else {
        ips.find(IpAddr::is_ipv4).unwrap_or(first)
    };
    if !reachable(ip) || srv.port == 0 {
        return None;
    }
    let id = instance
        .strip_suffix(txt.service.as_str())?
        .strip_suffix('.')?
        .to_owned();
    let service = txt.into_service(id, SocketAddr::new(ip, srv.port).to_string());
    if let Err(error) = service.check() {
        tracing::debug!(%error, "a record from mDNS is left out");
        return None;
    }
    Some(match ttl.min(record.ttl).min(MAX_TTL) {
        0 => Heard::Gone(service),
        ttl => Heard::Node(service, ip, Duration::from_secs(ttl.into())),
    })
}

fn reachable(ip: IpAddr) -> bool {
    let broadcast = matches!(ip, IpAddr::V4(ip) if ip.is_broadcast());
    !ip.is_unspecified() && !ip.is_multicast() && !broadcast
}

/// Rounded up, so that nobody forgets a node too early.
fn seconds(ttl: Duration) -> u32 {
    let whole = ttl
        .as_secs()
        .saturating_add(u64::from(ttl.subsec_nanos() > 0));
    u32::try_from(whole).unwrap_or(MAX_TTL).min(MAX_TTL)
}

fn full_name(name: &str) -> Result<Name, String> {
    let labels = name.split('.').chain([DOMAIN]).map(str::as_bytes);
    let name = Name::from_labels(labels).map_err(|error| {
        format!("{name:?} is no name for DNS, which wants 1 to 63 bytes between dots: {error}")
    })?;
    Ok(name)
}

/// The name without the domain, where it is of the domain.
fn short_name(name: &Name) -> Option<String> {
    let mut labels = name
        .iter()
        .map(|label| {
            std::str::from_utf8(label)
                .ok()
                .filter(|label| !label.contains('.'))
        })
        .collect::<Option<Vec<_>>>()?;
    let domain = labels.pop()?;
    (domain.eq_ignore_ascii_case(DOMAIN) && !labels.is_empty()).then(|| labels.join("."))
}

#[cfg(test)]
#[path = "wire_tests.rs"]
mod tests;
