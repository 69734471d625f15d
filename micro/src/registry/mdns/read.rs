//! Reading messages more leniently than strictly: one record that makes no sense costs itself, not
//! its message. Go Micro itself sends TXT records that hold nothing, not even an empty string.

use hickory_proto::{
    op::{Header, Metadata, Query},
    rr::{Name, Record},
    serialize::binary::{BinDecodable as _, BinDecoder},
};

/// The most records of one message that are read; Go Micro sends four.
const MAX_RECORDS: usize = 64;
/// The most questions of one message that are answered.
const MAX_QUESTIONS: u16 = 16;

#[derive(Debug)]
pub(super) struct Parts {
    pub(super) metadata: Metadata,
    pub(super) questions: Vec<Query>,
    pub(super) records: Vec<Record>,
}

pub(super) fn parts(bytes: &[u8]) -> Option<Parts> {
    let mut decoder = BinDecoder::new(bytes);
    let Header { metadata, counts } = Header::read(&mut decoder).ok()?;
    if counts.queries > MAX_QUESTIONS {
        return None;
    }
    let mut questions = Vec::new();
    for _ in 0..counts.queries {
        questions.push(Query::read(&mut decoder).ok()?);
    }
    let mut records = Vec::new();
    let sections = [counts.answers, counts.authorities, counts.additionals];
    let count = sections.into_iter().map(usize::from).sum::<usize>();
    for _ in 0..count.min(MAX_RECORDS) {
        let Some(record) = record(&mut decoder) else {
            break;
        };
        records.extend(record);
    }
    Some(Parts {
        metadata,
        questions,
        records,
    })
}

/// The next record, if it makes sense; nothing where even its end can't be found.
fn record(decoder: &mut BinDecoder<'_>) -> Option<Option<Record>> {
    let start = u16::try_from(decoder.index()).ok()?;
    let mut whole = decoder.clone(start);
    // Name, type, class, time to live, and how long the rest is.
    Name::read(decoder).ok()?;
    decoder.read_slice(8).ok()?;
    let length = decoder.read_u16().ok()?.unverified();
    decoder.read_slice(usize::from(length)).ok()?;
    Some(Record::read(&mut whole).ok())
}
