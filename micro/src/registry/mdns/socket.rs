//! The sockets: one in the multicast group, one for questions of our own.

use std::{
    io,
    net::{IpAddr, Ipv4Addr, SocketAddr, SocketAddrV4},
};

use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::UdpSocket;

use crate::{Error, Result};

pub(super) const PORT: u16 = 5353;
const GROUP: Ipv4Addr = Ipv4Addr::new(224, 0, 0, 251);
/// What is asked of the system for a burst of answers; it may give less.
const BUFFER: usize = 4 << 20;

#[derive(Debug)]
pub(super) struct Sockets {
    /// The address of the interface.
    pub(super) interface: Ipv4Addr,
    /// Hears what is sent to the group, and announces.
    pub(super) group: UdpSocket,
    /// Asks, from a port of its own: answers that come straight back to port 5353 would reach any
    /// one of the processes that share it.
    pub(super) ask: UdpSocket,
}

impl Sockets {
    /// Joins the group on one interface: its name or its address.
    pub(super) fn open(interface: &str) -> Result<Self> {
        let interface = find(interface)?;
        let group = group(interface)
            .and_then(|socket| UdpSocket::from_std(socket.into()))
            .map_err(|error| {
                unavailable(
                    interface,
                    &error,
                    "If another program holds the port without sharing it, stop that",
                )
            })?;
        let ask = asker(interface)
            .and_then(|socket| UdpSocket::from_std(socket.into()))
            .map_err(|error| unavailable(interface, &error, "See that the interface is up"))?;
        Ok(Self {
            interface,
            group,
            ask,
        })
    }

    /// To everybody on the interface.
    pub(super) async fn announce(&self, message: &[u8]) -> Result<()> {
        self.send(&self.group, message).await
    }

    /// To everybody on the interface, to be answered to the asking socket.
    pub(super) async fn ask(&self, message: &[u8]) -> Result<()> {
        self.send(&self.ask, message).await
    }

    async fn send(&self, socket: &UdpSocket, message: &[u8]) -> Result<()> {
        let sent = socket.send_to(message, (GROUP, PORT)).await;
        sent.map(drop)
            .map_err(|error| unavailable(self.interface, &error, "See that the interface is up"))
    }

    /// The same as [`announce`](Self::announce) where one can't wait: it may be lost.
    pub(super) fn announce_now(&self, message: &[u8]) {
        let _ = self
            .group
            .try_send_to(message, SocketAddr::from((GROUP, PORT)));
    }

    /// Whether a packet came the way that was chosen. The system may hand over what other programs
    /// wanted from other interfaces.
    pub(super) fn trusts(&self, from: SocketAddr) -> bool {
        !self.interface.is_loopback() || from.ip().is_loopback()
    }

    /// Whether a node at that address can be what the sender means: its own loopback is not ours.
    pub(super) fn believes(&self, node: IpAddr, from: SocketAddr) -> bool {
        !node.is_loopback() || from.ip().is_loopback() || from.ip() == IpAddr::V4(self.interface)
    }
}

fn unavailable(interface: Ipv4Addr, error: &io::Error, what_to_do: &str) -> Error {
    Error::unavailable(format!(
        "mDNS on {interface}, port {PORT}: {error}. {what_to_do}, choose another interface by \
         mdns://?interface=NAME, or another registry, as by MICRO_REGISTRY=memory"
    ))
}

fn find(interface: &str) -> Result<Ipv4Addr> {
    if let Ok(address) = interface.parse() {
        return Ok(address);
    }
    let known: Vec<_> = if_addrs::get_if_addrs()?
        .into_iter()
        .filter_map(|known| match known.ip() {
            IpAddr::V4(ip) => Some((known.name, ip)),
            IpAddr::V6(_) => None,
        })
        .collect();
    if let Some((_, ip)) = known.iter().find(|(name, _)| name == interface) {
        return Ok(*ip);
    }
    let names: Vec<_> = known.into_iter().map(|(name, _)| name).collect();
    Err(Error::invalid_argument(format!(
        "no interface {interface:?} with an IPv4 address for mDNS; there are: {}",
        names.join(", ")
    )))
}

fn group(interface: Ipv4Addr) -> io::Result<Socket> {
    let socket = socket(interface)?;
    socket.set_reuse_address(true)?;
    #[cfg(all(unix, not(any(target_os = "solaris", target_os = "illumos"))))]
    socket.set_reuse_port(true)?;
    // Without this a socket hears every group that any program joined, on any interface.
    #[cfg(target_os = "linux")]
    socket.set_multicast_all_v4(false)?;
    // What is sent to the port but not to the group is not for us; Windows can't bind to a group.
    let bound = if cfg!(unix) {
        GROUP
    } else {
        Ipv4Addr::UNSPECIFIED
    };
    socket.bind(&SocketAddrV4::new(bound, PORT).into())?;
    socket.join_multicast_v4(&GROUP, &interface)?;
    Ok(socket)
}

fn asker(interface: Ipv4Addr) -> io::Result<Socket> {
    let socket = socket(interface)?;
    socket.bind(&SocketAddrV4::new(interface, 0).into())?;
    Ok(socket)
}

fn socket(interface: Ipv4Addr) -> io::Result<Socket> {
    let socket = Socket::new(Domain::IPV4, Type::DGRAM, Some(Protocol::UDP))?;
    socket.set_nonblocking(true)?;
    socket.set_multicast_if_v4(&interface)?;
    socket.set_multicast_loop_v4(true)?;
    // What RFC 6762 asks for; the packets stay on the link because of the group's address.
    socket.set_multicast_ttl_v4(255)?;
    let _ = socket.set_recv_buffer_size(BUFFER);
    Ok(socket)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_interface_is_named_with_those_there_are() {
        let error = find("no-such0").unwrap_err();
        assert!(error.detail().contains("there are: "), "{error}");
        assert!(find("127.0.0.1").unwrap().is_loopback());
    }
}
