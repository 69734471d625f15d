//! Connections over Unix domain sockets, for processes of one machine.

use std::{
    env, fs, io,
    os::unix::fs::{FileTypeExt, MetadataExt},
    path::{Path, PathBuf},
    sync::Arc,
};

use async_trait::async_trait;
use tokio::net::{UnixListener, UnixStream};

use super::{
    Connection, Listener, Transport,
    tcp::{cannot_accept, cannot_listen, passing},
};
use crate::{Error, Result, plugin};

inventory::submit! {
    plugin::Transport { name: "unix", open: |_url| Ok(Arc::new(UnixTransport::new())) }
}

/// Unix domain sockets. Addresses are paths; listening at an empty one takes a fresh path in the
/// directory for temporary files.
///
/// The socket's file is removed when the listener is dropped, and one that a crashed process left
/// behind is replaced.
///
/// Who may connect is decided by the file system: a caller needs write permission on the socket,
/// which it has by the process's umask, and search permission on the directories above it. Put it
/// into a directory with mode 0700 to keep it to one user.
///
/// ```
/// use micro::transport::{Transport, UnixTransport};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> micro::Result<()> {
/// let transport = UnixTransport::new();
/// let mut listener = transport.listen("").await?;
/// let address = listener.address();
/// let (dialled, accepted) = tokio::join!(transport.dial(&address), listener.accept());
/// assert_eq!(dialled?.peer(), address);
/// assert_eq!(accepted?.peer(), ""); // a caller's socket has no name
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct UnixTransport;

impl UnixTransport {
    /// Unix domain sockets, with nothing to set.
    #[must_use]
    pub const fn new() -> Self {
        Self
    }
}

#[async_trait]
impl Transport for UnixTransport {
    fn name(&self) -> &'static str {
        "unix"
    }

    async fn dial(&self, address: &str) -> Result<Connection> {
        if address.is_empty() {
            return Err(Error::invalid_argument("the path of a Unix socket is empty").unseen());
        }
        match UnixStream::connect(address).await {
            Ok(stream) => Ok(Connection::new(stream, address)),
            Err(error) => {
                let text = format!("can't connect to {address}: {error}");
                Err(match error.kind() {
                    io::ErrorKind::InvalidInput => Error::invalid_argument(text),
                    io::ErrorKind::PermissionDenied => Error::permission_denied(text),
                    // No such file included: nobody listens there.
                    _ => Error::unavailable(text),
                }
                .unseen())
            }
        }
    }

    async fn listen(&self, address: &str) -> Result<Box<dyn Listener>> {
        if !address.is_empty() {
            return match bind(Path::new(address)).await {
                Ok(listener) => Ok(Box::new(listener)),
                Err(error) => Err(cannot_listen(address, error)),
            };
        }
        loop {
            let name = format!("micro-{:016x}.sock", fastrand::u64(..));
            let path = env::temp_dir().join(name);
            match Unix::bind(&path) {
                Ok(listener) => return Ok(Box::new(listener)),
                Err(error) if error.kind() == io::ErrorKind::AddrInUse => {}
                Err(error) => return Err(cannot_listen(&path.to_string_lossy(), error)),
            }
        }
    }
}

struct Unix {
    listener: UnixListener,
    path: PathBuf,
    /// Device and inode of the socket's file, by which it is known to be ours still.
    file: Option<(u64, u64)>,
}

impl Unix {
    fn bind(path: &Path) -> io::Result<Self> {
        let listener = UnixListener::bind(path)?;
        Ok(Self {
            listener,
            path: path.to_owned(),
            file: identity(path),
        })
    }
}

#[async_trait]
impl Listener for Unix {
    fn address(&self) -> String {
        self.path.to_string_lossy().into_owned()
    }

    async fn accept(&mut self) -> Result<Connection> {
        loop {
            match self.listener.accept().await {
                Ok((stream, peer)) => {
                    let peer = peer.as_pathname().map(Path::to_string_lossy);
                    return Ok(Connection::new(stream, peer.unwrap_or_default()));
                }
                Err(error) if passing(&error) => {}
                Err(error) => return Err(cannot_accept(&self.address(), error)),
            }
        }
    }
}

impl Drop for Unix {
    fn drop(&mut self) {
        // Another process may have put its own there since.
        if self.file.is_some() && identity(&self.path) == self.file {
            let _ = fs::remove_file(&self.path);
        }
    }
}

fn identity(path: &Path) -> Option<(u64, u64)> {
    let file = fs::symlink_metadata(path).ok()?;
    Some((file.dev(), file.ino()))
}

/// Binds, in place of a socket at which nobody listens any more.
async fn bind(path: &Path) -> io::Result<Unix> {
    let taken = match Unix::bind(path) {
        Err(error) if error.kind() == io::ErrorKind::AddrInUse => error,
        done => return done,
    };
    // Of two processes that find the same stale socket one goes first, and the other then finds
    // the first one's. Where a directory can't be locked, both may believe they were first.
    let directory = path.parent().filter(|parent| *parent != Path::new(""));
    let directory = directory.unwrap_or(Path::new(".")).to_owned();
    let lock = tokio::task::spawn_blocking(move || {
        let directory = fs::File::open(directory)?;
        directory.lock().map(|()| directory)
    });
    let _lock = lock.await;
    match fs::symlink_metadata(path) {
        Ok(file) if !file.file_type().is_socket() => return Err(taken),
        Ok(_) => match UnixStream::connect(path).await {
            Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
                fs::remove_file(path)?;
            }
            // It answers, is too busy to, or is not ours to ask.
            _ => return Err(taken),
        },
        Err(_) => {}
    }
    Unix::bind(path)
}
