//! The built-in transports of every platform: the suite, and what each does besides.

use std::sync::Arc;

use micro::{
    Code, Reach,
    transport::{MemoryTransport, TcpTransport, Transport},
};
use micro_tests::suite;

#[tokio::test]
async fn tcp_conforms() {
    suite::transport::all(|| Arc::new(TcpTransport::new()), "127.0.0.1:0").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tcp_conforms_on_many_threads() {
    suite::transport::all(|| Arc::new(TcpTransport::new()), "127.0.0.1:0").await;
}

#[tokio::test]
async fn memory_conforms() {
    let network = MemoryTransport::new();
    suite::transport::all(|| Arc::new(network.clone()), "").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn memory_conforms_on_many_threads() {
    let network = MemoryTransport::new();
    suite::transport::all(|| Arc::new(network.clone()), "node:0").await;
}

#[tokio::test]
async fn each_is_there_by_name() {
    for name in ["tcp", "memory"] {
        let transport = micro::plugin::transport(name).expect("a built-in transport");
        assert_eq!(transport.name(), name);
    }
    let listener = micro::plugin::transport("memory")
        .expect("memory")
        .listen("shared:1")
        .await;
    let listener = listener.expect("an address");
    let same = micro::plugin::transport("memory://").expect("memory");
    assert!(same.dial(&listener.address()).await.is_ok());
}

#[tokio::test]
async fn tcp_addresses_are_hosts_and_ports() {
    let tcp = TcpTransport::new();
    for wrong in [
        "",
        "localhost",
        "localhost:",
        "localhost:http",
        "1.2.3.4:65536",
        "::1:80",
        "/tmp/x:1",
    ] {
        let error = tcp.dial(wrong).await.expect_err(wrong);
        assert_eq!(error.code(), Code::InvalidArgument, "{error}");
        assert_eq!(error.reach(), Reach::Unseen);
        if !wrong.is_empty() {
            let error = tcp.listen(wrong).await.err().expect(wrong);
            assert_eq!(error.code(), Code::InvalidArgument, "{error}");
        }
    }
    // An address of the range for documentation, which no machine has.
    let error = tcp.listen("192.0.2.1:0").await.err().expect("not ours");
    assert_eq!(error.code(), Code::InvalidArgument, "{error}");
}

#[tokio::test]
async fn tcp_without_a_host_is_every_interface() {
    let tcp = TcpTransport::new();
    let mut listener = tcp.listen(":0").await.expect("a port");
    let address = listener.address();
    let port = address.rsplit_once(':').expect("a port").1;
    for host in ["", "127.0.0.1", "localhost"] {
        let dial = format!("{host}:{port}");
        let (dialled, accepted) = tokio::join!(tcp.dial(&dial), listener.accept());
        dialled.expect("a dial");
        let accepted = accepted.expect("an accept");
        if host == "127.0.0.1" {
            assert!(
                accepted.peer().starts_with("127.0.0.1:"),
                "{}",
                accepted.peer()
            );
        }
    }
}
