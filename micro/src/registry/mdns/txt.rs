//! What a TXT record says of a node: JSON, deflated, in hex, in strings of at most 255 letters.

use std::{
    collections::BTreeMap,
    io::{Read as _, Write as _},
};

use flate2::{Compression, read::ZlibDecoder, write::ZlibEncoder};
use serde::{Deserialize, Serialize};

use crate::registry::{Endpoint, Node, Service, null_as_default};

/// The longest string that DNS can carry.
const STRING: usize = 255;
/// The most that a record may inflate to.
const INFLATED: u64 = 1 << 20;

/// Go Micro's keys, which are upper case here unlike in its other JSON.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Txt {
    #[serde(rename = "Metadata", default, deserialize_with = "null_as_default")]
    metadata: BTreeMap<String, String>,
    #[serde(rename = "Service")]
    pub(super) service: String,
    #[serde(rename = "Version", default)]
    version: String,
    #[serde(rename = "Endpoints", default, deserialize_with = "null_as_default")]
    endpoints: Vec<Endpoint>,
    /// Not Go Micro's, which has no room for it and ignores what it does not know.
    #[serde(
        rename = "ServiceMetadata",
        default,
        deserialize_with = "null_as_default",
        skip_serializing_if = "BTreeMap::is_empty"
    )]
    about: BTreeMap<String, String>,
}

impl Txt {
    pub(super) fn new(service: &Service, node: &Node) -> Self {
        Self {
            metadata: node.metadata.clone(),
            service: service.name.clone(),
            version: service.version.clone(),
            endpoints: service.endpoints.clone(),
            about: service.metadata.clone(),
        }
    }

    /// The record of the one node that this is about.
    pub(super) fn into_service(self, id: String, address: String) -> Service {
        Service {
            name: self.service,
            version: self.version,
            metadata: self.about,
            endpoints: self.endpoints,
            nodes: vec![Node {
                id,
                address,
                metadata: self.metadata,
            }],
        }
    }

    pub(super) fn encode(&self) -> std::io::Result<Vec<String>> {
        let mut deflated = ZlibEncoder::new(Vec::new(), Compression::default());
        deflated.write_all(&serde_json::to_vec(self)?)?;
        let mut strings = Vec::new();
        let mut string = String::new();
        for byte in deflated.finish()? {
            for half in [byte >> 4, byte & 15] {
                if string.len() == STRING {
                    strings.push(std::mem::take(&mut string));
                }
                string.push(char::from(b"0123456789abcdef"[usize::from(half)]));
            }
        }
        strings.push(string);
        Ok(strings)
    }

    /// Reads what somebody sent; nothing where it makes no sense or is too large.
    pub(super) fn decode(strings: &[Box<[u8]>]) -> Option<Self> {
        let digits: Option<Vec<u8>> = strings
            .iter()
            .flat_map(|string| string.iter())
            .map(|&digit| Some(char::from(digit).to_digit(16)? as u8))
            .collect();
        let (pairs, []) = digits.as_ref()?.as_chunks::<2>() else {
            return None;
        };
        let deflated: Vec<u8> = pairs.iter().map(|[high, low]| high << 4 | low).collect();
        let mut json = Vec::new();
        ZlibDecoder::new(deflated.as_slice())
            .take(INFLATED + 1)
            .read_to_end(&mut json)
            .ok()?;
        if json.len() as u64 > INFLATED {
            return None;
        }
        serde_json::from_slice(&json).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn boxed(strings: &[String]) -> Vec<Box<[u8]>> {
        strings.iter().map(|s| s.as_bytes().into()).collect()
    }

    fn deflate(json: &[u8]) -> Vec<Box<[u8]>> {
        let mut zlib = ZlibEncoder::new(Vec::new(), Compression::best());
        zlib.write_all(json).unwrap();
        let hex: String = zlib
            .finish()
            .unwrap()
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        hex.as_bytes().chunks(255).map(Into::into).collect()
    }

    #[test]
    fn strings_are_as_go_micro_has_them() {
        let endpoint = |at: u32| Endpoint {
            name: format!("Greeter.Method{}", at.wrapping_mul(2_654_435_761)),
            ..Endpoint::default()
        };
        let service = Service {
            name: "greeter".to_owned(),
            version: "latest".to_owned(),
            endpoints: (0..50).map(endpoint).collect(),
            ..Service::default()
        };
        let node = Node {
            metadata: BTreeMap::from([("protocol".to_owned(), "mucp".to_owned())]),
            ..Node::default()
        };
        let strings = Txt::new(&service, &node).encode().unwrap();
        assert!(strings[0].starts_with("789c"), "{}", strings[0]);
        let (last, full) = strings.split_last().unwrap();
        assert!(full.len() > 1 && full.iter().all(|string| string.len() == 255));
        assert!((1..=255).contains(&last.len()));
        let hex = |c: char| c.is_ascii_digit() || ('a'..='f').contains(&c);
        assert!(strings.iter().all(|string| string.chars().all(hex)));
        let back = Txt::decode(&boxed(&strings)).unwrap();
        let back = back.into_service(String::new(), String::new());
        assert_eq!(
            (&back.endpoints, &back.nodes[0].metadata),
            (&service.endpoints, &node.metadata)
        );
    }

    #[test]
    fn the_keys_are_go_micros_and_null_is_empty() {
        let json = serde_json::to_string(&Txt::new(&Service::default(), &Node::default())).unwrap();
        assert_eq!(
            json,
            r#"{"Metadata":{},"Service":"","Version":"","Endpoints":[]}"#
        );
        let go = br#"{"Metadata":null,"Service":"a","Version":"1","Endpoints":[{"name":"A.B","request":null,"response":{"name":"R","type":"R","values":null},"metadata":null}]}"#;
        let txt = Txt::decode(&deflate(go)).unwrap();
        assert_eq!((txt.service.as_str(), txt.endpoints.len()), ("a", 1));
    }

    #[test]
    fn bombs_and_nonsense_are_dropped() {
        let mut bomb = br#"{"Service":""#.to_vec();
        bomb.resize(64 << 20, b'a');
        bomb.extend(br#""}"#);
        let bomb = deflate(&bomb);
        assert!(bomb.iter().map(|s| s.len()).sum::<usize>() < 200_000);
        assert!(Txt::decode(&bomb).is_none());
        let mut deep = br#"{"Service":"a","Endpoints":[{"name":"x","request":"#.to_vec();
        for _ in 0..10_000 {
            deep.extend(br#"{"name":"","type":"","values":["#);
        }
        assert!(Txt::decode(&deflate(&deep)).is_none());
        for wrong in ["", "789", "789c", "zz", "789c0000", "é"] {
            assert!(
                Txt::decode(&boxed(&[wrong.to_owned()])).is_none(),
                "{wrong}"
            );
        }
    }
}
