//! What stands around the messages of gRPC: deadlines, metadata, statuses.

use std::{fmt::Write, time::Duration};

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, HeaderName, HeaderValue, header};

use super::proto;
use crate::{Code, Error, Metadata, Result, base64, codec::ContentType};

/// The longest text of an error that is sent, in bytes: a peer may refuse larger headers.
const MESSAGE: usize = 2 << 10;
/// The largest details of an error that are sent, in bytes.
const DETAILS: usize = 4 << 10;
/// The name under which an error's origin travels among its details, which Go Micro reads too.
const ERROR: &str = "type.googleapis.com/errors.Error";

pub(super) const STATUS: HeaderName = HeaderName::from_static("grpc-status");
const TEXT: HeaderName = HeaderName::from_static("grpc-message");
const DETAILS_BIN: HeaderName = HeaderName::from_static("grpc-status-details-bin");

/// Headers that belong to one hop or to the protocol, and are no metadata.
fn is_own(name: &str) -> bool {
    name.starts_with("grpc-")
        || matches!(
            name,
            "accept"
                | "accept-encoding"
                | "connection"
                | "content-encoding"
                | "content-length"
                | "content-type"
                | "date"
                | "expect"
                | "host"
                | "keep-alive"
                | "proxy-connection"
                | "te"
                | "trailer"
                | "transfer-encoding"
                | "upgrade"
        )
}

/// The metadata among the headers of a peer.
pub(super) fn take_metadata(headers: &HeaderMap) -> Metadata {
    let mut metadata = HeaderMap::new();
    for (name, value) in headers.iter().filter(|(name, _)| !is_own(name.as_str())) {
        // As many as it had headers, which was bounded when they were read.
        metadata.append(name.clone(), value.clone());
    }
    metadata.into()
}

/// Adds metadata to the headers for a peer.
pub(super) fn put_metadata(headers: &mut HeaderMap, metadata: &Metadata) {
    for (name, value) in metadata.headers() {
        if !is_own(name.as_str()) {
            headers.append(name.clone(), value.clone());
        }
    }
}

/// What `content-type` names; `None` where it is none of gRPC's.
pub(super) fn form(content_type: &str) -> Option<Result<ContentType>> {
    const GRPC: &str = "application/grpc";
    let media = content_type.split(';').next().unwrap_or_default().trim();
    let rest = media
        .get(..GRPC.len())
        .filter(|start| start.eq_ignore_ascii_case(GRPC))
        .map(|_| &media[GRPC.len()..])?;
    match rest.strip_prefix('+') {
        None if rest.is_empty() => Some(Ok(ContentType::Protobuf)),
        None => None,
        Some("bytes") => Some(Ok(ContentType::Bytes)),
        Some("text") => Some(Ok(ContentType::Text)),
        Some(format) => Some(ContentType::parse(&format!("application/{format}"))),
    }
}

/// The `content-type` of messages in this form.
pub(super) fn content_type(form: ContentType) -> HeaderValue {
    match form {
        ContentType::Protobuf => HeaderValue::from_static("application/grpc+proto"),
        ContentType::Json => HeaderValue::from_static("application/grpc+json"),
        ContentType::Bytes => HeaderValue::from_static("application/grpc+bytes"),
        ContentType::Text => HeaderValue::from_static("application/grpc+text"),
        ContentType::Other(name) => {
            let format = name.strip_prefix("application/").unwrap_or(name);
            HeaderValue::from_str(&format!("application/grpc+{format}"))
                .unwrap_or(HeaderValue::from_static("application/grpc"))
        }
    }
}

/// How long the caller waits.
///
/// # Errors
/// `InvalidArgument` where `grpc-timeout` is there and malformed.
pub(super) fn take_timeout(headers: &HeaderMap) -> Result<Option<Duration>> {
    let Some(value) = headers.get("grpc-timeout") else {
        return Ok(None);
    };
    parse_timeout(value.as_bytes()).map(Some).ok_or_else(|| {
        Error::invalid_argument(format!(
            "grpc-timeout is {value:?}; it is one to eight digits and one of H, M, S, m, u, n"
        ))
    })
}

fn parse_timeout(text: &[u8]) -> Option<Duration> {
    let (unit, digits) = text.split_last()?;
    if !(1..=8).contains(&digits.len()) || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let amount = digits
        .iter()
        .fold(0, |sum, digit| sum * 10 + u64::from(digit - b'0'));
    Some(match unit {
        b'H' => Duration::from_secs(amount * 3600),
        b'M' => Duration::from_secs(amount * 60),
        b'S' => Duration::from_secs(amount),
        b'm' => Duration::from_millis(amount),
        b'u' => Duration::from_micros(amount),
        b'n' => Duration::from_nanos(amount),
        _ => return None,
    })
}

/// `grpc-timeout`, rounded up, as exact as eight digits allow, and never 0.
pub(super) fn timeout(left: Duration) -> HeaderValue {
    const MOST: u128 = 99_999_999;
    let units = [
        (1_u128, 'n'),
        (1_000, 'u'),
        (1_000_000, 'm'),
        (1_000_000_000, 'S'),
    ];
    let nanos = left.as_nanos().max(1);
    let (amount, unit) = units
        .into_iter()
        .map(|(size, unit)| (nanos.div_ceil(size), unit))
        .find(|(amount, _)| *amount <= MOST)
        .unwrap_or((MOST, 'S'));
    HeaderValue::from_str(&format!("{amount}{unit}")).unwrap_or(HeaderValue::from_static("1n"))
}

/// Adds how a call ended.
pub(super) fn put_status(headers: &mut HeaderMap, end: Result<(), &Error>) {
    let Err(error) = end else {
        headers.insert(STATUS, HeaderValue::from_static("0"));
        return;
    };
    headers.insert(STATUS, HeaderValue::from(u16::from(error.code().grpc())));
    if let Ok(text) = HeaderValue::from_str(&escape(error.detail())) {
        headers.insert(TEXT, text);
    }
    let details = match error.details() {
        Some(details) => details.clone(),
        None if error.id().is_empty() => return,
        None => origin(error),
    };
    if details.len() <= DETAILS
        && let Ok(details) = HeaderValue::from_str(&base64::encode(&details))
    {
        headers.insert(DETAILS_BIN, details);
    }
}

/// How a call ended, where the headers say it.
pub(super) fn take_status(headers: &HeaderMap) -> Option<Result<()>> {
    let status = headers.get(STATUS)?;
    let number = status.to_str().ok().and_then(|text| text.parse().ok());
    if number == Some(0) {
        return Some(Ok(()));
    }
    let text = headers.get(TEXT).map(|text| unescape(text.as_bytes()));
    let code = Code::from_grpc(number.unwrap_or(u32::MAX));
    let error = Error::new(code, text.unwrap_or_default());
    let details = headers
        .get(DETAILS_BIN)
        .and_then(|details| base64::decode(details.as_bytes()));
    Some(Err(match details {
        Some(details) => with_origin(error, details.into()),
        None => error,
    }))
}

/// A `google.rpc.Status` that tells where the error comes from.
fn origin(error: &Error) -> Bytes {
    let mut inner = BytesMut::new();
    proto::put_bytes(&mut inner, 1, error.id().as_bytes());
    proto::put_int(&mut inner, 2, error.code().http().into());
    proto::put_bytes(&mut inner, 3, cut(error.detail(), MESSAGE).as_bytes());
    let mut any = BytesMut::new();
    proto::put_bytes(&mut any, 1, ERROR.as_bytes());
    proto::put_bytes(&mut any, 2, &inner);
    let mut status = BytesMut::new();
    proto::put_int(&mut status, 1, error.code().grpc().into());
    proto::put_bytes(&mut status, 2, cut(error.detail(), MESSAGE).as_bytes());
    proto::put_bytes(&mut status, 3, &any);
    status.freeze()
}

/// The error with the details that came with it, and where it comes from if they tell.
fn with_origin(error: Error, status: Bytes) -> Error {
    let id = details(&status)
        .find(|(kind, _)| kind.ends_with("/errors.Error"))
        .map(|(_, value)| String::from_utf8_lossy(proto::bytes_of(value, 1)).into_owned());
    match id {
        Some(id) => error.with_id(id).with_details(status),
        None => error.with_details(status),
    }
}

/// The details in a `google.rpc.Status`: what they are, and the message.
pub(super) fn details(status: &[u8]) -> impl Iterator<Item = (&str, &[u8])> {
    proto::fields(status).filter_map(|(number, value)| match (number, value) {
        (3, proto::Value::Bytes(any)) => {
            let kind = std::str::from_utf8(proto::bytes_of(any, 1)).ok()?;
            Some((kind, proto::bytes_of(any, 2)))
        }
        _ => None,
    })
}

fn cut(text: &str, most: usize) -> &str {
    let mut end = most.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

/// Percent-encodes what a header can't hold, and the percent sign.
fn escape(text: &str) -> String {
    let text = cut(text, MESSAGE);
    let mut escaped = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b' '..=b'~' if byte != b'%' => escaped.push(byte.into()),
            _ => {
                // Writing to a string does not fail.
                let _ = write!(escaped, "%{byte:02X}");
            }
        }
    }
    escaped
}

fn unescape(text: &[u8]) -> String {
    let mut plain = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((byte, after)) = rest.split_first() {
        let coded = after
            .get(..2)
            .filter(|_| *byte == b'%')
            .and_then(|hex| std::str::from_utf8(hex).ok())
            .and_then(|hex| u8::from_str_radix(hex, 16).ok());
        match coded {
            Some(coded) => {
                plain.push(coded);
                rest = &after[2..];
            }
            // What is no code stands for itself.
            None => {
                plain.push(*byte);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&plain).into_owned()
}

/// Adds a header whose value is known to be one.
pub(super) fn put_static(headers: &mut HeaderMap, name: &'static str, value: &'static str) {
    headers.insert(
        HeaderName::from_static(name),
        HeaderValue::from_static(value),
    );
}

/// The text of `content-type`; empty where there is none.
pub(super) fn media(headers: &HeaderMap) -> &str {
    headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timeouts_keep_what_eight_digits_can() {
        let ways = [
            ("1H", Duration::from_secs(3600)),
            ("2M", Duration::from_secs(120)),
            ("99999999S", Duration::from_secs(99_999_999)),
            ("250m", Duration::from_millis(250)),
            ("7u", Duration::from_micros(7)),
            ("9n", Duration::from_nanos(9)),
        ];
        for (text, duration) in ways {
            assert_eq!(parse_timeout(text.as_bytes()), Some(duration));
            let sent = timeout(duration);
            assert_eq!(parse_timeout(sent.as_bytes()), Some(duration), "{sent:?}");
        }
        for bad in ["", "S", "1", "123456789S", "-1S", "1.5S", "1s", "+1S"] {
            assert_eq!(parse_timeout(bad.as_bytes()), None, "{bad}");
        }
        assert_eq!(timeout(Duration::ZERO), "1n");
        assert_eq!(timeout(Duration::MAX), "99999999S");
        // Rounded up: the server does not give up before the caller.
        let left = Duration::from_nanos(12_345_678_901);
        assert_eq!(timeout(left), "12345679u");
    }

    #[test]
    fn statuses_survive_with_text_origin_and_details() {
        let texts = ["", "plain", "100 %", "\t\nspaces\r\n ☺ and 😈 \t\n", "%41"];
        for text in texts {
            for id in ["", "users"] {
                let error = Error::not_found(text).with_id(id);
                let mut headers = HeaderMap::new();
                put_status(&mut headers, Err(&error));
                assert_eq!(take_status(&headers), Some(Err(error)));
            }
        }
        let error = Error::aborted("x").with_details(Bytes::from_static(&[1, 2, 0xff]));
        let mut headers = HeaderMap::new();
        put_status(&mut headers, Err(&error));
        let back = take_status(&headers).unwrap().unwrap_err();
        assert_eq!(back.details(), error.details());
        assert_eq!(take_status(&HeaderMap::new()), None);
        headers.insert(STATUS, HeaderValue::from_static("99"));
        let code = take_status(&headers).unwrap().unwrap_err().code();
        assert_eq!(code, Code::Unknown);
    }

    #[test]
    fn forms_by_content_type() {
        let is = |text| form(text).map(|form| form.map_err(|error| error.code()));
        assert_eq!(is("application/grpc"), Some(Ok(ContentType::Protobuf)));
        assert_eq!(
            is("Application/GRPC+proto; a=b"),
            Some(Ok(ContentType::Protobuf))
        );
        assert_eq!(is("application/grpc+json"), Some(Ok(ContentType::Json)));
        assert_eq!(
            is("application/grpc+thrift"),
            Some(Err(Code::Unimplemented))
        );
        assert_eq!(is("application/grpc-web"), None);
        assert_eq!(is("application/json"), None);
        assert_eq!(is("é"), None);
    }
}
