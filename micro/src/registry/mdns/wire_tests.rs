use std::collections::BTreeMap;

use super::*;

fn service(id: &str, address: &str) -> Service {
    Service {
        name: "greeter".to_owned(),
        version: "latest".to_owned(),
        metadata: BTreeMap::from([("team".to_owned(), "a".to_owned())]),
        endpoints: Vec::new(),
        nodes: vec![Node {
            id: id.to_owned(),
            address: address.to_owned(),
            metadata: BTreeMap::from([("protocol".to_owned(), "mucp".to_owned())]),
        }],
    }
}

fn announce(service: &Service) -> Announcement {
    Announcement::new(service, &service.nodes[0]).unwrap()
}

#[test]
fn a_node_is_four_records_under_the_names_that_go_micro_knows() {
    let bytes =
        announce(&service("greeter-1", "10.0.0.7:8080")).message(None, Duration::from_secs(90));
    let message = Message::from_vec(&bytes).unwrap();
    assert!(message.metadata.authoritative && message.queries.is_empty());
    let instance = Name::from_ascii("greeter-1.greeter.micro.").unwrap();
    let [ptr, srv, a, txt] = message.answers.as_slice() else {
        panic!("{message:?}");
    };
    assert_eq!(ptr.name, Name::from_ascii("greeter.micro.").unwrap());
    assert_eq!(ptr.data, RData::PTR(PTR(instance.clone())));
    assert_eq!(srv.name, instance);
    assert_eq!(
        srv.data,
        RData::SRV(SRV::new(10, 1, 8080, instance.clone()))
    );
    assert_eq!(a.data, RData::A(A([10, 0, 0, 7].into())));
    assert_eq!((&txt.name, txt.ttl), (&instance, 90));
    let RData::TXT(text) = &txt.data else {
        panic!("{txt:?}");
    };
    assert!(text.txt_data[0].starts_with(b"789c"));
}

#[test]
fn what_is_told_is_heard() {
    for address in ["10.0.0.7:8080", "[fd00::7]:8080"] {
        let told = service("greeter-1.a", address);
        let announcement = announce(&told);
        let ip = address.parse::<SocketAddr>().unwrap().ip();
        let packet = decode(&announcement.message(None, Duration::from_millis(1500))).unwrap();
        let heard = Heard::Node(told.clone(), ip, Duration::from_secs(2));
        assert_eq!(packet.heard, [heard]);
        let packet = decode(&announcement.message(None, Duration::ZERO)).unwrap();
        assert_eq!(packet.heard, [Heard::Gone(told)]);
    }
    let listing = Announcement::listing("a.b").unwrap();
    let packet = decode(&listing.message(None, Duration::from_secs(1))).unwrap();
    assert_eq!(packet.heard, [Heard::Listed("a.b".to_owned())]);
}

#[test]
fn answers_repeat_the_question() {
    let packet = decode(&query("greeter").unwrap()).unwrap();
    let question = &packet.asked[0];
    assert_eq!(question.about, About::Name("greeter".to_owned()));
    let announcement = announce(&service("greeter-1", "127.0.0.1:1"));
    let bytes = announcement.message(Some((&packet, question)), Duration::from_secs(1));
    let message = Message::from_vec(&bytes).unwrap();
    assert_eq!(message.queries[0].name.to_ascii(), "greeter.micro.");
    for (name, about) in [(LISTING, About::Listing), (DNS_SD, About::DnsSd)] {
        let packet = decode(&query(name).unwrap()).unwrap();
        assert_eq!(packet.asked[0].about, about);
        assert!(!dns_sd("greeter", (&packet, &packet.asked[0])).is_empty());
    }
}

#[test]
fn go_micro_points_at_the_host_and_may_send_two_addresses() {
    let host = Name::from_ascii("build-7.").unwrap();
    let instance = Name::from_ascii("greeter-9.greeter.micro.").unwrap();
    let mine = service("greeter-9", "10.0.0.7:9000");
    let text = Txt::new(&mine, &mine.nodes[0]).encode().unwrap();
    let mut message = Message::new(0, MessageType::Response, OpCode::Query);
    for (name, data) in [
        (&instance, RData::SRV(SRV::new(10, 1, 9000, host.clone()))),
        (&host, RData::AAAA(AAAA("fd00::7".parse().unwrap()))),
        (&host, RData::A(A([10, 0, 0, 7].into()))),
        (&instance, RData::TXT(TXT::new(text))),
    ] {
        message.add_answer(Record::from_rdata(name.clone(), 120, data));
    }
    let heard = decode(&message.to_vec().unwrap()).unwrap().heard;
    let ip = IpAddr::from([10, 0, 0, 7]);
    assert_eq!(heard, [Heard::Node(mine, ip, Duration::from_secs(120))]);
}

#[test]
fn what_dns_cant_carry_is_refused_with_the_reason() {
    let long = format!("x{}", "y".repeat(63));
    for (id, address, says) in [
        ("a", "/run/a.sock", "ip:port"),
        ("a", "localhost:80", "ip:port"),
        ("a", "0.0.0.0:80", "nobody can connect"),
        ("a", "[::]:80", "nobody can connect"),
        ("a", "127.0.0.1:0", "nobody can connect"),
        (long.as_str(), "127.0.0.1:1", "63 bytes"),
        ("a..b", "127.0.0.1:1", "63 bytes"),
    ] {
        let service = service(id, address);
        let error = Announcement::new(&service, &service.nodes[0]).unwrap_err();
        assert!(error.detail().contains(says), "{id} {address}: {error}");
    }
    let mut large = service("a", "127.0.0.1:1");
    for at in 0..40_u64 {
        let noise = (0..500_u64)
            .map(|x| format!("{:x}", (at * 500 + x).wrapping_mul(0x9E37_79B9_7F4A_7C15)));
        large.metadata.insert(
            at.to_string(),
            noise.collect::<String>().chars().take(4000).collect(),
        );
    }
    let error = Announcement::new(&large, &large.nodes[0]).unwrap_err();
    assert!(error.detail().contains("bytes long"), "{error}");
}

#[test]
fn whatever_is_sent_nothing_breaks() {
    let mut random = fastrand::Rng::with_seed(7);
    let base =
        announce(&service("greeter-1", "10.0.0.7:8080")).message(None, Duration::from_secs(9));
    for round in 0..20_000 {
        let mut bytes = if round % 4 == 0 {
            {
                let len = random.usize(..600);
                std::iter::repeat_with(|| random.u8(..)).take(len).collect()
            }
        } else {
            base.clone()
        };
        for _ in 0..random.usize(1..8) {
            if bytes.is_empty() {
                break;
            }
            let at = random.usize(..bytes.len());
            match random.u8(..3) {
                0 => bytes[at] = random.u8(..),
                1 => bytes.truncate(at),
                _ => bytes[at] ^= 1 << random.u8(..8),
            }
        }
        for heard in decode(&bytes).map_or_else(Vec::new, |packet| packet.heard) {
            if let Heard::Node(service, ..) | Heard::Gone(service) = heard {
                service.check().unwrap();
            }
        }
    }
}

#[test]
fn a_record_that_holds_nothing_costs_only_itself() {
    let mut listing = Announcement::listing("greeter").unwrap();
    listing.txt = vec![String::new()];
    let mut bytes = listing.message(None, Duration::from_secs(9));
    // The TXT record is the last: its length of one, and the empty string, become a length of none.
    bytes.truncate(bytes.len() - 1);
    let length = bytes.len() - 1;
    assert_eq!(bytes[length], 1);
    bytes[length] = 0;
    assert!(Message::from_vec(&bytes).is_err());
    let heard = decode(&bytes).unwrap().heard;
    assert_eq!(heard, [Heard::Listed("greeter".to_owned())]);
}

#[test]
fn a_message_that_costs_much_to_read_is_read_in_part() {
    let bomb = vec![b'a'; 60 << 20];
    let mut deflated = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
    std::io::Write::write_all(&mut deflated, &bomb).unwrap();
    let hex: String = deflated.finish().unwrap()[..16_000]
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let name = Name::from_ascii("a.greeter.micro.").unwrap();
    let mut message = Message::new(0, MessageType::Response, OpCode::Query);
    let text = hex
        .as_bytes()
        .chunks(254)
        .map(|text| String::from_utf8_lossy(text).into());
    let data = RData::TXT(TXT::new(text.collect()));
    message.add_answer(Record::from_rdata(name.clone(), 9, data));
    for port in 1..1000 {
        let data = RData::SRV(SRV::new(0, 0, port, name.clone()));
        message.add_answer(Record::from_rdata(name.clone(), 9, data));
    }
    let bytes = message.to_vec().unwrap();
    let start = std::time::Instant::now();
    assert_eq!(decode(&bytes).unwrap().heard, []);
    assert!(
        start.elapsed() < Duration::from_secs(5),
        "{:?}",
        start.elapsed()
    );
}
