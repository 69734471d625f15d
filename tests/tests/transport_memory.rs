//! The faults of the memory transport. Time is paused, so delays take none.

use std::{io::ErrorKind, time::Duration};

use futures_util::FutureExt;
use micro::{
    Code, Reach,
    transport::{Connection, Listener, MemoryTransport, Transport},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    time::Instant,
};

async fn pair(network: &MemoryTransport, listener: &mut dyn Listener) -> (Connection, Connection) {
    let address = listener.address();
    let (dialled, accepted) = tokio::join!(network.dial(&address), listener.accept());
    (dialled.expect("a dial"), accepted.expect("an accept"))
}

async fn assert_refused(network: &MemoryTransport, address: &str) {
    let error = network.dial(address).await.expect_err("a fault");
    assert_eq!(
        (error.code(), error.reach()),
        (Code::Unavailable, Reach::Unseen),
        "{error}"
    );
    assert!(error.detail().contains(address), "{error}");
}

#[tokio::test(start_paused = true)]
async fn bytes_and_their_end_arrive_late() {
    const DELAY: Duration = Duration::from_millis(250);
    let network = MemoryTransport::new();
    network.delay(DELAY);
    let mut listener = network.listen("a").await.expect("an address");
    let begun = Instant::now();
    let (mut client, mut server) = pair(&network, &mut *listener).await;
    assert_eq!(begun.elapsed(), 2 * DELAY);

    let begun = Instant::now();
    client.write_all(b"one").await.expect("a write");
    tokio::time::advance(DELAY / 2).await;
    client.write_all(b"two").await.expect("a write");
    drop(client);
    let mut buffer = [0; 16];
    assert_eq!(server.read(&mut buffer).await.expect("one"), 3);
    assert_eq!(begun.elapsed().as_millis(), DELAY.as_millis());
    assert_eq!(server.read(&mut buffer).await.expect("two"), 3);
    assert_eq!(begun.elapsed().as_millis(), (DELAY * 3 / 2).as_millis());
    assert_eq!(server.read(&mut buffer).await.expect("the end"), 0);
}

#[tokio::test(start_paused = true)]
async fn bytes_keep_their_order_when_the_delay_shrinks() {
    let network = MemoryTransport::new();
    let mut listener = network.listen("a").await.expect("an address");
    let (mut client, mut server) = pair(&network, &mut *listener).await;
    network.delay(Duration::from_secs(9));
    client.write_all(b"slow ").await.expect("a write");
    network.delay(Duration::ZERO);
    client.write_all(b"fast").await.expect("a write");
    drop(client);
    let mut read = String::new();
    server.read_to_string(&mut read).await.expect("the end");
    assert_eq!(read, "slow fast");
}

#[tokio::test]
async fn dials_fail_by_number() {
    let network = MemoryTransport::new();
    let _listener = network.listen("a").await.expect("an address");
    network.fail_dials(2);
    assert_refused(&network, "a").await;
    assert_refused(&network, "a").await;
    assert!(network.dial("a").await.is_ok());
}

#[tokio::test]
async fn dials_fail_by_chance_that_repeats() {
    let outcome = async |seed| {
        let network = MemoryTransport::new();
        let _listener = network.listen("a").await.expect("an address");
        network.seed(seed).fail_dials_at_random(0.3);
        let mut outcome = Vec::new();
        for _ in 0..200 {
            outcome.push(network.dial("a").await.is_err());
        }
        outcome
    };
    let first = outcome(7).await;
    let failed = first.iter().filter(|failed| **failed).count();
    assert!((30..90).contains(&failed), "{failed} of 200");
    assert_eq!(first, outcome(7).await);
    assert_ne!(first, outcome(8).await);
}

#[tokio::test]
async fn a_connection_breaks_after_so_many_bytes() {
    let network = MemoryTransport::new();
    let mut listener = network.listen("a").await.expect("an address");
    network.break_after(10);
    let (mut client, mut server) = pair(&network, &mut *listener).await;
    client.write_all(b"123456").await.expect("within bounds");
    server.write_all(b"78").await.expect("within bounds");
    assert_eq!(client.write(b"90ab").await.expect("a part"), 2);
    assert_eq!(
        client.write(b"ab").await.expect_err("broken").kind(),
        ErrorKind::BrokenPipe
    );

    let mut read = Vec::new();
    let error = server.read_to_end(&mut read).await.expect_err("broken");
    assert_eq!(
        (error.kind(), &read[..]),
        (ErrorKind::ConnectionReset, &b"12345690"[..])
    );
    assert_eq!(
        server.write(b"x").await.expect_err("broken").kind(),
        ErrorKind::BrokenPipe
    );

    network.heal();
    let (mut client, _server) = pair(&network, &mut *listener).await;
    client
        .write_all(&[0; 1000])
        .await
        .expect("a sound connection");
}

#[tokio::test]
async fn disconnecting_breaks_what_is_open_and_nothing_else() {
    let network = MemoryTransport::new();
    let mut listener = network.listen("a").await.expect("an address");
    let (mut client, mut server) = pair(&network, &mut *listener).await;
    client.write_all(b"lost").await.expect("a write");
    let reader = tokio::spawn(async move { client.read_u8().await.expect_err("broken").kind() });
    tokio::task::yield_now().await;
    network.disconnect_all();
    assert_eq!(reader.await.expect("a reader"), ErrorKind::ConnectionReset);
    assert_eq!(
        server.read_u8().await.expect_err("broken").kind(),
        ErrorKind::ConnectionReset
    );

    let (mut client, mut server) = pair(&network, &mut *listener).await;
    client.write_u8(7).await.expect("a write");
    assert_eq!(server.read_u8().await.expect("a read"), 7);
}

#[tokio::test]
async fn a_partition_refuses_dials_and_stalls_connections() {
    let network = MemoryTransport::new();
    let mut a = network.listen("a").await.expect("an address");
    let mut b = network.listen("b").await.expect("an address");
    let (mut client, mut server) = pair(&network, &mut *a).await;
    network.partition("a", true);
    assert_refused(&network, "a").await;
    let (mut other, mut others) = pair(&network, &mut *b).await;
    other.write_u8(1).await.expect("a write");
    assert_eq!(others.read_u8().await.expect("b is not cut off"), 1);

    client.write_u8(2).await.expect("a write");
    assert!(server.read_u8().now_or_never().is_none(), "a byte passed");
    // A buffer bounds what a writer can send into the void.
    let flood = vec![3; 1 << 20];
    let flood = client.write_all(&flood);
    assert!(
        flood.now_or_never().is_none(),
        "more than the buffer was taken"
    );

    let reader = tokio::spawn(async move { server.read_u8().await.expect("a read") });
    tokio::task::yield_now().await;
    network.partition("a", false);
    assert_eq!(reader.await.expect("a reader"), 2);
    assert!(network.dial("a").await.is_ok());
}

#[tokio::test]
async fn networks_are_apart() {
    let (one, two) = (MemoryTransport::new(), MemoryTransport::new());
    let _one = one.listen("a").await.expect("an address");
    let _two = two.listen("a").await.expect("the same address elsewhere");
    drop(_two);
    assert_refused(&two, "a").await;
    assert!(one.clone().dial("a").await.is_ok());
}
