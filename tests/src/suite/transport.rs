//! What every [`Transport`] must do.

use std::{io::IoSlice, sync::Arc};

use futures_util::{FutureExt, future::join_all};
use micro::{
    Code, Reach, Result,
    transport::{Connection, Listener, Transport},
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::guard;

/// A transport, as the properties take it.
pub type Subject = Arc<dyn Transport>;

macro_rules! properties {
    ($new:ident, $free:ident: $($property:ident)*) => {$(
        guard::ends(stringify!($property), $property($new(), $free)).await;
    )*};
}

/// Every property. `free` is the address at which to listen for a free one: `127.0.0.1:0`.
pub async fn all(new: impl Fn() -> Subject, free: &str) {
    properties! { new, free:
        echo
        empty_address_is_a_free_one
        peer_is_known
        many_connections_at_once
        half_close
        big_transfer_both_ways
        vectored_write
        dropped_connection_is_an_end
        dial_to_nobody
        dropped_listener_refuses
        accepted_connections_outlive_the_listener
        accept_is_cancel_safe
        two_listeners
        taken_address
        address_is_free_after_drop
    }
}

async fn listen(transport: &Subject, at: &str) -> Box<dyn Listener> {
    match transport.listen(at).await {
        Ok(listener) => listener,
        Err(error) => panic!("{} does not listen at {at:?}: {error}", transport.name()),
    }
}

async fn pair(transport: &Subject, listener: &mut Box<dyn Listener>) -> (Connection, Connection) {
    let address = listener.address();
    let (dialled, accepted) = tokio::join!(transport.dial(&address), listener.accept());
    (dialled.expect("a dial"), accepted.expect("an accept"))
}

/// Whether bytes pass both ways.
async fn talks(one: &mut Connection, other: &mut Connection) {
    for (text, from, to) in [("ping", true, false), ("pong", false, true)] {
        let (from, to) = match (from, to) {
            (true, false) => (&mut *one, &mut *other),
            _ => (&mut *other, &mut *one),
        };
        from.write_all(text.as_bytes()).await.expect("a write");
        from.flush().await.expect("a flush");
        let mut read = [0; 4];
        to.read_exact(&mut read).await.expect("a read");
        assert_eq!(&read, text.as_bytes());
    }
}

fn assert_refused(dialled: Result<Connection>) {
    let error = dialled.expect_err("nobody listens there any more");
    assert_eq!(error.code(), Code::Unavailable, "{error}");
    assert_eq!(error.reach(), Reach::Unseen, "{error:?}");
}

/// What one end writes the other reads, both ways.
pub async fn echo(transport: Subject, free: &str) {
    let mut listener = listen(&transport, free).await;
    let (mut dialled, mut accepted) = pair(&transport, &mut listener).await;
    talks(&mut dialled, &mut accepted).await;
}

/// Listening at an empty address takes a free one, which can be dialled.
pub async fn empty_address_is_a_free_one(transport: Subject, _: &str) {
    let mut listener = listen(&transport, "").await;
    assert!(!listener.address().is_empty());
    let (mut dialled, mut accepted) = pair(&transport, &mut listener).await;
    talks(&mut dialled, &mut accepted).await;
}

/// Who dialled knows whom; the address of a listener is not the one that asked for a free one.
pub async fn peer_is_known(transport: Subject, free: &str) {
    let mut listener = listen(&transport, free).await;
    assert_ne!(listener.address(), free);
    let (dialled, _accepted) = pair(&transport, &mut listener).await;
    assert_eq!(dialled.peer(), listener.address());
}

/// Connections do not mix.
pub async fn many_connections_at_once(transport: Subject, free: &str) {
    const MANY: u32 = 64;
    let mut listener = listen(&transport, free).await;
    let address = listener.address();
    let serve = async {
        for _ in 0..MANY {
            let mut connection = listener.accept().await.expect("an accept");
            tokio::spawn(async move {
                while let Ok(number) = connection.read_u32().await {
                    connection.write_u32(number + 1).await.expect("a reply");
                }
            });
        }
    };
    let calls = join_all((0..MANY).map(|number| {
        let (transport, address) = (transport.clone(), &address);
        async move {
            let mut connection = transport.dial(address).await.expect("a dial");
            for round in 0..10 {
                let number = number * 1000 + round;
                connection.write_u32(number).await.expect("a request");
                assert_eq!(connection.read_u32().await.expect("a reply"), number + 1);
            }
        }
    }));
    tokio::join!(serve, calls);
}

/// An end that has shut its direction down still reads.
pub async fn half_close(transport: Subject, free: &str) {
    let mut listener = listen(&transport, free).await;
    let (mut dialled, mut accepted) = pair(&transport, &mut listener).await;
    dialled.write_all(b"all of it").await.expect("a write");
    dialled.shutdown().await.expect("a shutdown");
    let mut read = Vec::new();
    accepted.read_to_end(&mut read).await.expect("the end");
    assert_eq!(read, b"all of it");

    accepted.write_all(b"thanks").await.expect("a late write");
    accepted.shutdown().await.expect("a shutdown");
    read.clear();
    dialled.read_to_end(&mut read).await.expect("the end");
    assert_eq!(read, b"thanks");
}

/// 8 MiB each way at the same time arrive whole: far more than any buffer between them.
pub async fn big_transfer_both_ways(transport: Subject, free: &str) {
    const SIZE: usize = 8 << 20;
    let mut listener = listen(&transport, free).await;
    let (dialled, accepted) = pair(&transport, &mut listener).await;
    let data = |seed: usize| -> Vec<u8> {
        let byte = |at: usize| (at.wrapping_mul(seed) >> 7) as u8;
        (0..SIZE).map(byte).collect()
    };
    let (there, back) = (data(31), data(77));
    let side = async |connection: Connection, sent: &[u8], expected: &[u8]| {
        let (mut reader, mut writer) = tokio::io::split(connection);
        let mut read = Vec::with_capacity(SIZE);
        let write = async {
            writer.write_all(sent).await.expect("a write");
            writer.shutdown().await.expect("a shutdown");
        };
        let ((), done) = tokio::join!(write, reader.read_to_end(&mut read));
        done.expect("the end");
        assert!(read == expected, "what arrived is not what was sent");
    };
    tokio::join!(side(dialled, &there, &back), side(accepted, &back, &there));
}

/// A gathered write arrives in the order of its slices, however much of it is taken at a time.
pub async fn vectored_write(transport: Subject, free: &str) {
    let mut listener = listen(&transport, free).await;
    let (mut dialled, mut accepted) = pair(&transport, &mut listener).await;
    let parts: Vec<Vec<u8>> = (0..64_u8).map(|n| vec![n; 1 + n as usize * 257]).collect();
    let all = parts.concat();
    let write = async {
        let mut slices: Vec<_> = parts.iter().map(|part| IoSlice::new(part)).collect();
        let mut slices = &mut slices[..];
        IoSlice::advance_slices(&mut slices, 0);
        while !slices.is_empty() {
            let written = dialled.write_vectored(slices).await.expect("a write");
            assert!(written > 0, "a write took nothing");
            IoSlice::advance_slices(&mut slices, written);
        }
        dialled.shutdown().await.expect("a shutdown");
    };
    let mut read = Vec::new();
    let ((), done) = tokio::join!(write, accepted.read_to_end(&mut read));
    done.expect("the end");
    assert!(read == all, "what arrived is not what was sent");
}

/// The other end of a connection that was dropped reads its end, and can't write for ever.
pub async fn dropped_connection_is_an_end(transport: Subject, free: &str) {
    let mut listener = listen(&transport, free).await;
    let (mut dialled, accepted) = pair(&transport, &mut listener).await;
    drop(accepted);
    let mut rest = Vec::new();
    if dialled.read_to_end(&mut rest).await.is_ok() {
        assert!(rest.is_empty());
    }
    let block = vec![0; 64 << 10];
    while dialled.write_all(&block).await.is_ok() {}
}

/// A dial to where nobody listens says so, and that nobody saw anything.
pub async fn dial_to_nobody(transport: Subject, free: &str) {
    let address = listen(&transport, free).await.address();
    let error = transport.dial(&address).await.expect_err("nobody listens");
    assert!(error.detail().contains(&address), "{error}");
    assert_refused(Err(error));
}

/// Once the listener is dropped its address refuses, also where it accepted before.
pub async fn dropped_listener_refuses(transport: Subject, free: &str) {
    let mut listener = listen(&transport, free).await;
    let address = listener.address();
    let _open = pair(&transport, &mut listener).await;
    drop(listener);
    assert_refused(transport.dial(&address).await);
}

/// Dropping the listener ends accepting, not what was accepted.
pub async fn accepted_connections_outlive_the_listener(transport: Subject, free: &str) {
    let mut listener = listen(&transport, free).await;
    let (mut dialled, mut accepted) = pair(&transport, &mut listener).await;
    drop(listener);
    talks(&mut dialled, &mut accepted).await;
}

/// An `accept` that is dropped loses no connection.
pub async fn accept_is_cancel_safe(transport: Subject, free: &str) {
    const MANY: u32 = 32;
    let mut listener = listen(&transport, free).await;
    let address = listener.address();
    let dials = join_all((0..MANY).map(|number| {
        let (transport, address) = (transport.clone(), &address);
        async move {
            let mut connection = transport.dial(address).await.expect("a dial");
            connection.write_u32(number).await.expect("a write");
            // Until the other end has read it.
            assert_eq!(connection.read_u32().await.expect("a reply"), number);
        }
    }));
    let accepts = async {
        let mut seen = Vec::new();
        while seen.len() < MANY as usize {
            // Asked once and dropped, time and again.
            if let Some(accepted) = listener.accept().now_or_never() {
                let mut connection = accepted.expect("an accept");
                let number = connection.read_u32().await.expect("a number");
                connection.write_u32(number).await.expect("a reply");
                seen.push(number);
            }
            tokio::task::yield_now().await;
        }
        seen.sort_unstable();
        assert!(seen.into_iter().eq(0..MANY));
    };
    tokio::join!(dials, accepts);
}

/// Two listeners of one transport have addresses of their own.
pub async fn two_listeners(transport: Subject, free: &str) {
    let mut one = listen(&transport, free).await;
    let mut two = listen(&transport, free).await;
    assert_ne!(one.address(), two.address());
    let (mut to_one, mut from_one) = pair(&transport, &mut one).await;
    let (mut to_two, mut from_two) = pair(&transport, &mut two).await;
    talks(&mut to_one, &mut from_one).await;
    talks(&mut to_two, &mut from_two).await;
}

/// Where somebody listens nobody else can, and the first one does not notice.
pub async fn taken_address(transport: Subject, free: &str) {
    let mut listener = listen(&transport, free).await;
    let address = listener.address();
    let Err(error) = transport.listen(&address).await else {
        panic!("{address} was given away twice");
    };
    assert_eq!(error.code(), Code::AlreadyExists, "{error}");
    assert!(error.detail().contains(&address), "{error}");
    // A transport may have asked, by dialling, whether the first one is alive.
    let dialled = transport.dial(&address).await.expect("a dial");
    let mut dialled = Some(dialled);
    while let Some(mut client) = dialled.take() {
        client.write_all(b"here").await.expect("a write");
        let mut server = listener.accept().await.expect("an accept");
        let mut read = [0; 4];
        if server.read_exact(&mut read).await.is_err() {
            dialled = Some(client);
        }
    }
}

/// A dropped listener's address can be listened at again, whatever its connections were doing.
pub async fn address_is_free_after_drop(transport: Subject, free: &str) {
    let mut listener = listen(&transport, free).await;
    let address = listener.address();
    // Closing at the listening side first leaves TCP's address in TIME_WAIT.
    let (mut dialled, accepted) = pair(&transport, &mut listener).await;
    drop(accepted);
    let _ = dialled.read_to_end(&mut Vec::new()).await;
    drop((listener, dialled));
    let mut again = listen(&transport, &address).await;
    assert_eq!(again.address(), address);
    let (mut dialled, mut accepted) = pair(&transport, &mut again).await;
    talks(&mut dialled, &mut accepted).await;
}
