//! Connections over TCP: the default.

use std::{io, net::SocketAddr, sync::Arc};

use async_trait::async_trait;
use tokio::net::{TcpListener, TcpStream, lookup_host};

use super::{Connection, Listener, Transport};
use crate::{Code, Error, Result, plugin};

inventory::submit! {
    plugin::Transport { name: "tcp", open: |_url| Ok(Arc::new(TcpTransport::new())) }
}

/// TCP. Addresses are `host:port`, where the host is a name, an IPv4 address or an IPv6 address in
/// brackets.
///
/// As in Go, listening at `:8080` takes every interface, and dialling `:8080` this machine. Small
/// writes are sent at once (`TCP_NODELAY`), since a protocol on top gathers its own; there are no
/// keepalive probes, since it also knows best whether the other end is alive.
///
/// ```
/// use micro::transport::{TcpTransport, Transport};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> micro::Result<()> {
/// let transport = TcpTransport::new();
/// let mut listener = transport.listen("127.0.0.1:0").await?;
/// let address = listener.address();
/// let (dialled, accepted) = tokio::join!(transport.dial(&address), listener.accept());
/// assert_eq!(dialled?.peer(), address);
/// assert!(accepted?.peer().starts_with("127.0.0.1:"));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct TcpTransport;

impl TcpTransport {
    /// TCP, with nothing to set.
    #[must_use]
    pub const fn new() -> Self {
        Self
    }
}

#[async_trait]
impl Transport for TcpTransport {
    fn name(&self) -> &'static str {
        "tcp"
    }

    async fn dial(&self, address: &str) -> Result<Connection> {
        let mut last = None;
        for socket in resolve(address, "localhost").await.map_err(Error::unseen)? {
            match TcpStream::connect(socket).await {
                Ok(stream) => return Ok(connection(stream, socket)),
                Err(error) => last = Some((socket, error)),
            }
        }
        let why = match last {
            Some((socket, error)) if socket.to_string() == address => error.to_string(),
            Some((socket, error)) => format!("{socket}: {error}"),
            None => "the name has no address".to_owned(),
        };
        Err(Error::unavailable(format!("can't connect to {address}: {why}")).unseen())
    }

    async fn listen(&self, address: &str) -> Result<Box<dyn Listener>> {
        // An empty host is every interface: both families where there is IPv6, else IPv4 alone.
        let places = match address.strip_prefix(':') {
            None if address.is_empty() => vec!["[::]:0".to_owned(), "0.0.0.0:0".to_owned()],
            None => vec![address.to_owned()],
            Some(port) => vec![format!("[::]:{port}"), format!("0.0.0.0:{port}")],
        };
        let mut last = None;
        for place in places {
            for socket in resolve(&place, "").await? {
                // Takes an address whose old connections linger, with a backlog of 1024.
                match TcpListener::bind(socket).await {
                    Ok(listener) => {
                        let local = listener.local_addr()?;
                        return Ok(Box::new(Tcp { listener, local }));
                    }
                    // What is taken is taken in every family.
                    Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
                        return Err(cannot_listen(address, error));
                    }
                    Err(error) => last = Some(error),
                }
            }
        }
        Err(match last {
            Some(error) => cannot_listen(address, error),
            None => Error::unavailable(format!(
                "can't listen at {address}: the name has no address"
            )),
        })
    }
}

struct Tcp {
    listener: TcpListener,
    local: SocketAddr,
}

#[async_trait]
impl Listener for Tcp {
    fn address(&self) -> String {
        self.local.to_string()
    }

    async fn accept(&mut self) -> Result<Connection> {
        loop {
            match self.listener.accept().await {
                Ok((stream, peer)) => return Ok(connection(stream, peer)),
                Err(error) if passing(&error) => {}
                Err(error) => return Err(cannot_accept(&self.address(), error)),
            }
        }
    }
}

fn connection(stream: TcpStream, peer: SocketAddr) -> Connection {
    // It fails where the other end is gone already, which the first read says better.
    let _ = stream.set_nodelay(true);
    // A caller by IPv4 that arrives on a socket for both families is still known by its IPv4.
    let peer = SocketAddr::new(peer.ip().to_canonical(), peer.port());
    Connection::new(stream, peer.to_string())
}

/// The addresses that `host:port` stands for; `nowhere` is the host where it gives none.
async fn resolve(address: &str, nowhere: &str) -> Result<Vec<SocketAddr>> {
    if let Ok(socket) = address.parse() {
        return Ok(vec![socket]);
    }
    let malformed = || {
        Error::invalid_argument(format!(
            "{address:?} is no TCP address; expected `host:port`, like `127.0.0.1:8080`, \
             `[::1]:8080` or `:8080`"
        ))
    };
    let (host, port) = address.rsplit_once(':').ok_or_else(malformed)?;
    let port: u16 = port.parse().map_err(|_| malformed())?;
    let host = if host.is_empty() { nowhere } else { host };
    if host.is_empty() || host.contains([':', '[', ']', '/']) {
        return Err(malformed());
    }
    match lookup_host((host, port)).await {
        Ok(sockets) => Ok(sockets.collect()),
        Err(error) => Err(Error::unavailable(format!(
            "can't find the address of {host:?}: {error}"
        ))),
    }
}

/// Whether it concerns only a connection that died while it waited to be accepted.
pub(super) fn passing(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, Interrupted};
    matches!(
        error.kind(),
        ConnectionAborted | ConnectionReset | ConnectionRefused | Interrupted
    )
}

#[cold]
pub(super) fn cannot_listen(address: &str, error: io::Error) -> Error {
    let text = format!("can't listen at {address}: {error}");
    let code = match error.kind() {
        // No interface has this address.
        io::ErrorKind::AddrNotAvailable => Code::InvalidArgument,
        _ => Error::from(error).code(),
    };
    Error::new(code, text)
}

#[cold]
pub(super) fn cannot_accept(address: &str, error: io::Error) -> Error {
    // The numbers of EMFILE and ENFILE, the same on every Unix.
    if matches!(error.raw_os_error(), Some(23 | 24)) && cfg!(unix) {
        return Error::resource_exhausted(format!(
            "can't accept at {address}: {error}; raise the limit of open files (`ulimit -n`) or \
             lower the number of connections"
        ));
    }
    let text = format!("can't accept at {address}: {error}");
    Error::new(Error::from(error).code(), text)
}
