//! The keys of records, as the hashes that the index has (`IndexService.buildIndex`).
//!
//! `TOPIC#KEY` for UNIQ_KEY and for each word of KEYS, `TOPIC#T#TAG` where tags are keys too.

use crate::frame::int_at;
use crate::properties::continue_hash;
use crate::record::{FIXED, MAGIC_V1, MAX_TOPIC};

const STRANGE: i32 = 0x10 | 0x20 | 0x04; // IPv6 hosts; a half message or a rollback
const BODY: usize = 88;

/// A key: its hash, where in the log its record begins, when that was stored (ms).
pub type Key = (i32, i64, i64);

/// What a walk over a part of the log found.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Walk {
    pub keys: Vec<Key>,
    /// Behind the last record.
    pub position: usize,
    pub count: usize,
}

/// Hash the keys of records as long as they are of the usual kind and there.
///
/// `base` is the log's offset of the first byte of `data`, `most` how many records are wanted.
pub fn walk(data: &[u8], position: usize, base: i64, most: usize, tags: bool) -> Walk {
    let mut found = Walk { position, ..Walk::default() };
    let mut topic = Topic { name: b"", begin: continue_hash(0, b"#") };
    while found.count < most {
        let Some(record) = data.get(found.position..).and_then(read) else { break };
        let offset = base + found.position as i64;
        let before = found.keys.len();
        if topic.name != record.topic {
            let Some(other) = Topic::new(record.topic) else { break };
            topic = other;
        }
        let hashed = hashes(&record, topic.begin, tags, |hash| found.keys.push((hash, offset, record.stored)));
        if hashed.is_none() {
            found.keys.truncate(before);
            break;
        }
        found.position += record.size;
        found.count += 1;
    }
    found
}

/// A topic, and the hash of what stands before its keys: most records have that of the one before.
struct Topic<'a> {
    name: &'a [u8],
    begin: i32,
}

impl<'a> Topic<'a> {
    /// `None` when the name is not UTF-8.
    fn new(name: &'a [u8]) -> Option<Topic<'a>> {
        std::str::from_utf8(name).ok()?;
        Some(Topic { name, begin: continue_hash(continue_hash(0, name), b"#") })
    }
}

struct Seen<'a> {
    size: usize,
    stored: i64,
    topic: &'a [u8],
    properties: &'a [u8],
}

/// Read what leads to a record's keys, if it is of the usual kind and whole.
fn read(data: &[u8]) -> Option<Seen<'_>> {
    let size = usize::try_from(int_at(data, 0)?).ok()?;
    let record = data.get(..size).filter(|record| record.len() >= FIXED)?;
    if int_at(record, 4)? != MAGIC_V1 as i32 || int_at(record, 36)? & STRANGE != 0 {
        return None;
    }
    let stored = i64::from_be_bytes(record.get(56..64)?.try_into().ok()?);
    let topic_at = BODY.checked_add(usize::try_from(int_at(record, 84)?).ok()?)? + 1;
    let topic_length = usize::from(*record.get(topic_at - 1)?);
    let properties_at = topic_at + topic_length + 2;
    let length = record.get(properties_at - 2..properties_at)?;
    let properties = record.get(properties_at..)?;
    let whole = properties.len() == usize::from(u16::from_be_bytes(length.try_into().ok()?));
    (whole && topic_length <= MAX_TOPIC).then_some(Seen {
        size,
        stored,
        topic: record.get(topic_at..topic_at + topic_length)?,
        properties,
    })
}

/// Give the hashes of a record's keys in Java's order; `None` when its properties are not UTF-8.
fn hashes(record: &Seen, topic: i32, tags: bool, mut give: impl FnMut(i32)) -> Option<()> {
    std::str::from_utf8(record.properties).ok()?;
    let (mut unique, mut words, mut tag) = (None, None, None);
    for entry in record.properties.split(|&byte| byte == 2) {
        let Some(at) = entry.iter().position(|&byte| byte == 1) else { continue };
        let value = &entry[at + 1..];
        if value.is_empty() {
            continue; // Java drops it
        }
        match &entry[..at] {
            b"UNIQ_KEY" => unique = Some(value),
            b"KEYS" => words = Some(value),
            b"TAGS" => tag = Some(value),
            _ => {}
        }
    }
    if let Some(key) = unique {
        give(index_hash(continue_hash(topic, key)));
    }
    for key in words.unwrap_or_default().split(|&byte| byte == b' ').filter(|key| !key.is_empty()) {
        give(index_hash(continue_hash(topic, key)));
    }
    if let Some(tag) = tag.filter(|_| tags) {
        give(index_hash(continue_hash(continue_hash(topic, b"T#"), tag)));
    }
    Some(())
}

/// Java's absolute value, which of the smallest int is negative still: that becomes 0.
fn index_hash(value: i32) -> i32 {
    value.checked_abs().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Record;

    fn record(properties: &[u8], sys_flag: i32) -> Vec<u8> {
        let record = Record {
            queue_id: 1, flag: 2, queue_offset: 3, physical_offset: 4, sys_flag, born_timestamp: 5,
            born_host: &[0; 8], store_timestamp: 6, store_host: &[0; 8], reconsume_times: 0,
            body: b"body", topic: b"T", properties,
        };
        let mut out = Vec::new();
        record.append(record.size().unwrap(), &mut out);
        out
    }

    fn hash(text: &str) -> i32 {
        index_hash(continue_hash(0, text.as_bytes()))
    }

    #[test]
    fn keys_come_in_the_order_of_java() {
        let one = record(b"TAGS\x01a\x02KEYS\x01k1  k2\x02UNIQ_KEY\x01\x02UNIQ_KEY\x01U\x02", 0);
        let data = [&one[..], &one].concat();
        let found = walk(&data, 0, 1000, 9, true);
        assert_eq!((found.count, found.position), (2, data.len()));
        let first: Vec<Key> = ["T#U", "T#k1", "T#k2", "T#T#a"].map(|key| (hash(key), 1000, 6)).to_vec();
        assert_eq!(found.keys[..4], first);
        assert_eq!(found.keys[4].1, 1000 + one.len() as i64);
        assert_eq!(walk(&data, 0, 1000, 1, false).keys, first[..3]);
    }

    #[test]
    fn a_walk_ends_before_what_is_unusual_or_cut() {
        let plain = record(b"KEYS\x01k\x02", 0);
        for odd in [record(b"KEYS\x01k\x02", 4), record(b"KEYS\x01\xFF\x02", 0), vec![0; 100]] {
            let found = walk(&[&plain[..], &odd].concat(), 0, 0, 9, true);
            assert_eq!((found.count, found.keys.len()), (1, 1));
        }
        for size in 0..plain.len() {
            assert_eq!(walk(&plain[..size], 0, 0, 9, true), Walk::default());
        }
    }

    #[test]
    fn every_change_of_one_byte_is_survived() {
        let plain = record(b"KEYS\x01k\x02TAGS\x01t", 0);
        for at in 0..plain.len() {
            for byte in 0..=255 {
                let mut data = plain.clone();
                data[at] = byte;
                assert!(walk(&data, 0, 0, 9, true).position <= data.len());
            }
        }
    }

    #[test]
    fn the_smallest_int_has_no_absolute_value() {
        assert_eq!(index_hash(i32::MIN), 0);
        assert_eq!(index_hash(-5), 5);
    }
}
