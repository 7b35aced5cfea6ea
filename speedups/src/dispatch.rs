//! From records to units of consume queues (`ReputMessageService`), as a slave or a recovery needs it.
//!
//! Every check of the Python's `BulkDispatch` is made, and the walk ends at the first record that is
//! anything else than usual; who called looks at that one more closely.

use std::collections::HashMap;

use crate::properties::continue_hash;
use crate::record::{append_unit, read};

const IN_NO_QUEUE: i32 = 0x04; // half messages and rollbacks

/// What is asked of the Python.
pub trait Queues {
    type Queue;
    type Error;

    /// Return the queue of a record at an offset of the log and its next offset; `None` when its
    /// units need a closer look.
    ///
    /// # Errors
    /// What the Python raised.
    fn find(&self, topic: &[u8], queue_id: i32, place: i64) -> Result<Option<(Self::Queue, i64)>, Self::Error>;

    /// Return whether a message of a queue is the record at `place`.
    ///
    /// # Errors
    /// What the Python raised.
    fn has(&self, queue: &Self::Queue, offset: i64, place: i64, size: usize) -> Result<bool, Self::Error>;
}

/// What one walk found for a queue.
pub struct Found<Q> {
    pub queue: Q,
    pub next_offset: i64,
    pub units: Vec<u8>,
    pub codes: Vec<i32>,
}

/// What a walk over a part of the log found.
pub struct Walk<Q> {
    /// Behind the last record.
    pub position: usize,
    pub count: usize,
    pub last_size: usize,
    pub last_stored: i64,
    pub queues: Vec<Found<Q>>,
}

/// Where and how to walk.
pub struct Range {
    pub position: usize,
    /// No record may cross this.
    pub stop: usize,
    /// The log's offset of the first byte.
    pub base: i64,
    /// Records below this position get no units without a closer look.
    pub appends_from: i64,
    pub check_crc: bool,
}

/// Return the hash of TAGS, 0 without; what is no UTF-8 counts as U+FFFD, as in Java.
fn tags_code(properties: &[u8]) -> i32 {
    let tags = properties
        .split(|&byte| byte == 2)
        .filter_map(|entry| entry.strip_prefix(b"TAGS\x01"))
        .rfind(|value| !value.is_empty());
    tags.map_or(0, |tags| continue_hash(0, tags))
}

/// Collect the units of the records of a range, as long as they are of the usual kind.
///
/// # Errors
/// What the Python raised; nothing was collected then.
pub fn walk<Q: Queues>(data: &[u8], range: &Range, queues: &Q) -> Result<Walk<Q::Queue>, Q::Error> {
    let mut found = Walk { position: range.position, count: 0, last_size: 0, last_stored: 0, queues: Vec::new() };
    let mut numbers: HashMap<(&[u8], i32), usize> = HashMap::new();
    let data = data.get(..range.stop).unwrap_or(data);
    while let Some(rest) = data.get(found.position..) {
        let place = range.base + found.position as i64;
        let Some(record) = read(rest, place, range.check_crc) else { break };
        if record.sys_flag & IN_NO_QUEUE == 0 {
            let key = (record.topic, record.queue_id);
            let number = match numbers.get(&key) {
                Some(&number) => number,
                None => {
                    let Some((queue, next_offset)) = queues.find(record.topic, record.queue_id, place)? else {
                        break;
                    };
                    found.queues.push(Found { queue, next_offset, units: Vec::new(), codes: Vec::new() });
                    numbers.insert(key, found.queues.len() - 1);
                    found.queues.len() - 1
                }
            };
            let queue = &mut found.queues[number];
            if queue.next_offset == record.queue_offset && found.position as i64 >= range.appends_from {
                let code = tags_code(record.properties);
                queue.next_offset += 1;
                if !queue.codes.contains(&code) {
                    queue.codes.push(code);
                }
                append_unit(place, record.size, code, &mut queue.units);
            } else if !queues.has(&queue.queue, record.queue_offset, place, record.size)? {
                break;
            }
        }
        found.position += record.size;
        found.count += 1;
        (found.last_size, found.last_stored) = (record.size, record.stored);
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Record;

    struct Table;

    impl Queues for Table {
        type Queue = i32;
        type Error = ();

        fn find(&self, topic: &[u8], queue_id: i32, _: i64) -> Result<Option<(i32, i64)>, ()> {
            match topic {
                b"T" => Ok(Some((queue_id, 3))),
                b"broken" => Err(()),
                _ => Ok(None),
            }
        }

        fn has(&self, _: &i32, offset: i64, _: i64, _: usize) -> Result<bool, ()> {
            Ok(offset == 1)
        }
    }

    fn record(topic: &[u8], place: usize, queue_offset: i64, sys_flag: i32, properties: &[u8]) -> Vec<u8> {
        let record = Record {
            queue_id: 1, flag: 2, queue_offset, physical_offset: 1000 + place as i64, sys_flag, born_timestamp: 5,
            born_host: &[0; 8], store_timestamp: 6, store_host: &[0; 8], reconsume_times: 0,
            body: b"body", topic, properties,
        };
        let mut out = Vec::new();
        record.append(record.size().unwrap(), &mut out);
        out
    }

    fn run(data: &[u8]) -> Walk<i32> {
        walk(data, &Range { position: 0, stop: data.len(), base: 1000, appends_from: 0, check_crc: true }, &Table).unwrap()
    }

    fn two() -> Vec<u8> {
        let mut data = record(b"T", 0, 3, 0, b"A\x01b\x02TAGS\x01a\x02");
        data.extend(record(b"T", data.len(), 4, 0, b"TAGS\x01a\x02"));
        data
    }

    #[test]
    fn units_follow_the_records() {
        let data = two();
        let found = run(&data);
        assert_eq!((found.position, found.count, found.last_stored), (data.len(), 2, 6));
        assert_eq!((found.queues[0].units.len(), found.queues[0].next_offset), (40, 5));
        assert_eq!(found.queues[0].codes, [97]);
    }

    #[test]
    fn a_walk_ends_before_what_is_unusual() {
        let first = two();
        let at = first.len();
        for (odd, taken) in [
            (record(b"U", at, 0, 0, b""), 2),
            (record(b"T", at + 1, 5, 0, b""), 2),
            (record(b"T", at, 6, 0, b""), 2),
            (record(b"T", at, 5, 0x80, b""), 2),
            (record(b"T", at, 5, 0, b"TAGS\x01\xFF\x02"), 3),
            (record(b"T", at, 5, 0, b"A\x01\0"), 2),
            (record(b"T", at, 5, 0, b"__CRC32#\x010000000000\x02"), 2),
            (record(b"T", at, 1, 0, b""), 3),
            (record(b"U", at, 9, 4, b""), 3),
        ] {
            assert_eq!(run(&[&first[..], &odd].concat()).count, taken);
        }
        assert!(walk(&record(b"broken", 0, 0, 0, b""), &Range { position: 0, stop: 999, base: 1000, appends_from: 0, check_crc: true }, &Table).is_err());
    }

    #[test]
    fn every_cut_and_every_change_of_one_byte_is_survived() {
        let data = two();
        for size in 0..data.len() {
            assert!(run(&data[..size]).count < 2);
        }
        for at in 0..data.len() {
            for byte in 0..=255 {
                let mut changed = data.clone();
                changed[at] = byte;
                assert!(run(&changed).position <= data.len());
            }
        }
    }
}
