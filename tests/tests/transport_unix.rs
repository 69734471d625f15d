//! The transport of Unix sockets: the suite, and what becomes of their files.
#![cfg(unix)]

use std::{fs, sync::Arc};

use micro::{
    Code,
    transport::{Transport, UnixTransport},
};
use micro_tests::suite;

#[tokio::test]
async fn unix_conforms() {
    suite::transport::all(|| Arc::new(UnixTransport::new()), "").await;
}

#[tokio::test]
async fn it_is_there_by_name() {
    let transport = micro::plugin::transport("unix").expect("a built-in transport");
    assert_eq!(transport.name(), "unix");
}

/// A directory that goes with its owner.
struct Directory(std::path::PathBuf);

impl Directory {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("micro-{name}-{}", std::process::id()));
        fs::create_dir_all(&path).expect("a directory");
        Self(path)
    }

    fn path(&self, name: &str) -> String {
        self.0.join(name).to_string_lossy().into_owned()
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[tokio::test]
async fn unix_sockets_come_and_go_with_their_listener() {
    let directory = Directory::new("unix-files");
    let (unix, path) = (UnixTransport::new(), directory.path("socket"));
    let listener = unix.listen(&path).await.expect("a path");
    assert!(fs::exists(&path).expect("a directory"));
    drop(listener);
    assert!(!fs::exists(&path).expect("a directory"));

    // One that was left behind: nobody listens, the file stays.
    drop(std::os::unix::net::UnixListener::bind(&path).expect("a socket"));
    assert!(fs::exists(&path).expect("a directory"));
    assert!(unix.dial(&path).await.expect_err("stale").is_unavailable());
    let first = unix.listen(&path).await.expect("the stale socket replaced");
    assert!(unix.dial(&path).await.is_ok());

    // Another one's socket at its path is not the first one's to remove.
    fs::remove_file(&path).expect("a file");
    let _second = unix.listen(&path).await.expect("a free path");
    drop(first);
    assert!(unix.dial(&path).await.is_ok());
}

#[tokio::test]
async fn unix_replaces_nothing_but_sockets() {
    let directory = Directory::new("unix-precious");
    let (unix, path) = (UnixTransport::new(), directory.path("precious"));
    fs::write(&path, "precious").expect("a file");
    let error = unix.listen(&path).await.err().expect("taken");
    assert_eq!(error.code(), Code::AlreadyExists, "{error}");
    assert_eq!(fs::read_to_string(&path).expect("a file"), "precious");

    let long = directory.path(&"x".repeat(200));
    let error = unix.listen(&long).await.err().expect("too long");
    assert_eq!(error.code(), Code::InvalidArgument, "{error}");
    assert_eq!(
        unix.dial(&long).await.expect_err("too long").code(),
        Code::InvalidArgument
    );
}

#[tokio::test]
async fn one_of_many_that_find_a_stale_socket_gets_it() {
    let directory = Directory::new("unix-race");
    let path = directory.path("socket");
    drop(std::os::unix::net::UnixListener::bind(&path).expect("a socket"));
    let tries = (0..16).map(|_| {
        let path = path.clone();
        async move { UnixTransport::new().listen(&path).await }
    });
    let tries = futures_util::future::join_all(tries).await;
    let (won, lost): (Vec<_>, Vec<_>) = tries.into_iter().partition(Result::is_ok);
    assert_eq!(won.len(), 1);
    for error in lost.into_iter().filter_map(Result::err) {
        assert_eq!(error.code(), Code::AlreadyExists, "{error}");
    }
}
