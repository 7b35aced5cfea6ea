//! Units of a consume queue -> the records that a pull gets (`DefaultMessageStore.getMessage`).
//!
//! Two steps with the Python's reads between them: which units, and which parts of the log hold
//! their records; then the records, cut out of those parts. Each record that is not surely this
//! process's own is looked at as the Python's `count_right` does; one that is not of the usual kind,
//! or not right, and the Python does all of it.

use std::ops::Range;

use crate::frame::int_at;
use crate::record::{Seen, ends_like_crc, long_at, read};

/// Bytes of a unit: offset in the log 8, size 4, tags code 8.
const UNIT: usize = 20;

/// Most bytes and most messages of one pull.
pub type Most = (i64, i64);

/// What bounds a pull.
pub struct Limits {
    /// What the pull itself wants, at most.
    pub wanted: Most,
    /// Records from this offset on count as in memory,
    pub memory_from: i64,
    /// with these limits,
    pub in_memory: Most,
    /// and those below it with these.
    pub on_disk: Most,
    /// The log has nothing below this offset.
    pub log_start: i64,
}

impl Limits {
    /// Return whether a record is one too many (`isTheBatchFull`).
    fn is_full(&self, count: i64, total: i64, offset: i64, size: i64) -> bool {
        let passes = |(bytes, messages): Most| total + size > bytes || count >= messages;
        count > 0
            && (passes(self.wanted)
                || total >= self.wanted.0
                || passes(if offset >= self.memory_from { self.in_memory } else { self.on_disk }))
    }
}

/// Where a record lies in the log: offset and size, bytes.
pub type Place = (i64, usize);

/// The records that a pull gets.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Found {
    pub places: Vec<Place>,
    /// Which units they are, counted from the first that was looked at.
    pub indexes: Vec<usize>,
    /// Units looked at.
    pub looked: usize,
    /// Offset in the log of the last of them.
    pub newest: i64,
}

/// Choose units; `None` when one has a size that no record has.
pub fn scan(units: &[u8], limits: &Limits, codes: Option<&[i64]>) -> Option<Found> {
    let count = units.len() / UNIT;
    let (places, indexes) = (Vec::with_capacity(count), Vec::with_capacity(count));
    let mut found = Found { places, indexes, ..Found::default() };
    let mut total = 0;
    for unit in units.chunks_exact(UNIT) {
        let (offset, size) = (long_at(unit, 0)?, i64::from(int_at(unit, 8)?));
        if limits.is_full(found.places.len() as i64, total, offset, size) {
            break;
        }
        found.newest = offset;
        found.looked += 1;
        let code = long_at(unit, 12)?;
        if codes.is_some_and(|codes| !codes.contains(&code)) || offset < limits.log_start {
            continue;
        }
        found.places.push((offset, usize::try_from(size).ok()?));
        found.indexes.push(found.looked - 1);
        total += size;
    }
    Some(found)
}

/// Return the parts of the log that hold the records: neighbours with small gaps are one part.
pub fn parts(places: &[Place], gap: i64, segment: i64) -> Vec<Range<i64>> {
    let mut found: Vec<Range<i64>> = Vec::new();
    for &(offset, size) in places {
        let end = offset.saturating_add(size as i64);
        match found.last_mut() {
            Some(part)
                if (part.end..=part.end.saturating_add(gap)).contains(&offset)
                    && end <= (part.start - part.start % segment).saturating_add(segment) =>
            {
                part.end = end;
            }
            _ => found.push(offset..end),
        }
    }
    found
}

/// What the records must be: those of this queue.
pub struct Queue<'a> {
    pub topic: &'a [u8],
    pub queue_id: i32,
    /// Message offset of the first unit that was looked at.
    pub first: i64,
}

/// Join the records, cut out of the parts; `None` when one is not there, or not what it should be.
pub fn join(found: &Found, parts: &[Range<i64>], data: &[&[u8]], queue: Option<&Queue>) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(data.iter().map(|part| part.len()).sum());
    let mut number = 0;
    for (&(offset, size), index) in found.places.iter().zip(&found.indexes) {
        while parts.get(number)?.end <= offset {
            number += 1;
        }
        let at = usize::try_from(offset - parts[number].start).ok()?;
        let record = data.get(number)?.get(at..at + size)?;
        if queue.is_some_and(|queue| !is_right(record, (offset, size), queue, *index)) {
            return None;
        }
        out.extend_from_slice(record);
    }
    Some(out)
}

/// Return whether these are the bytes of the record that unit number `index` is for.
pub fn is_right(record: &[u8], (offset, size): Place, queue: &Queue, index: usize) -> bool {
    read(record, offset, true)
        .is_some_and(|seen| seen.size == size && !ends_like_crc(record) && is_of(&seen, queue, index))
}

fn is_of(record: &Seen, queue: &Queue, index: usize) -> bool {
    record.stored > 0
        && record.queue_id == queue.queue_id
        && record.queue_offset == queue.first + index as i64
        && record.topic == queue.topic
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{Record, append_unit};

    const LIMITS: Limits = Limits {
        wanted: (1000, 32),
        memory_from: 500,
        in_memory: (700, 8),
        on_disk: (300, 2),
        log_start: 100,
    };

    fn units(places: &[(i64, usize)]) -> Vec<u8> {
        let mut out = Vec::new();
        for (code, &(offset, size)) in places.iter().enumerate() {
            append_unit(offset, size, code as i32, &mut out);
        }
        out
    }

    #[test]
    fn a_scan_ends_at_its_limits() {
        let memory = scan(&units(&[(500, 300), (800, 300), (1100, 200)]), &LIMITS, None).unwrap();
        assert_eq!((memory.places.len(), memory.looked, memory.newest), (2, 2, 800));
        let disk = scan(&units(&[(100, 10), (110, 10), (120, 10)]), &LIMITS, None).unwrap();
        assert_eq!(disk.indexes, [0, 1]);
        let large = scan(&units(&[(500, 5000), (5500, 1)]), &LIMITS, None).unwrap();
        assert_eq!(large.places, [(500, 5000)]);
    }

    #[test]
    fn a_scan_leaves_out_what_is_not_wanted_or_gone() {
        let places = [(50, 10), (110, 10), (120, 10)];
        let found = scan(&units(&places), &LIMITS, Some(&[0, 2])).unwrap();
        assert_eq!((found.indexes, found.looked), (vec![2], 3));
        assert!(scan(&units(&[(110, 0xFFFF_FFFF)]), &LIMITS, None).is_none());
    }

    #[test]
    fn neighbours_are_one_part_unless_a_file_ends_between_them() {
        let places = [(0, 10), (10, 10), (25, 10), (50, 10), (90, 10), (100, 10), (95, 1)];
        assert_eq!(parts(&places, 10, 100), [0..35, 50..60, 90..100, 100..110, 95..96]);
    }

    fn record(offset: i64, queue_offset: i64) -> Vec<u8> {
        let record = Record {
            queue_id: 1, flag: 0, queue_offset, physical_offset: offset, sys_flag: 0, born_timestamp: 1,
            born_host: &[0; 8], store_timestamp: 2, store_host: &[0; 8], reconsume_times: 0,
            body: b"body", topic: b"T", properties: b"a\x01b\x02",
        };
        let mut out = Vec::new();
        record.append(record.size().unwrap(), &mut out);
        out
    }

    #[test]
    fn records_are_joined_when_they_are_right() {
        let (one, two) = (record(200, 7), record(500, 9));
        let places = [(200, one.len()), (500, two.len())];
        let found = Found { places: places.to_vec(), indexes: vec![0, 2], looked: 3, newest: 500 };
        let parts = parts(&found.places, 0, 1000);
        let queue = Queue { topic: b"T", queue_id: 1, first: 7 };
        let joined = [&one[..], &two].concat();
        assert_eq!(join(&found, &parts, &[&one, &two], Some(&queue)), Some(joined));
        for wrong in [
            Queue { topic: b"U", ..queue },
            Queue { queue_id: 2, ..queue },
            Queue { first: 8, ..queue },
        ] {
            assert!(join(&found, &parts, &[&one, &two], Some(&wrong)).is_none());
        }
        assert!(join(&found, &parts, &[&one, &two[1..]], None).is_none());
        assert!(join(&found, &parts, &[&one], None).is_none());
        let mut damaged = one.clone();
        damaged[90] ^= 1;
        assert!(join(&found, &parts, &[&damaged, &two], Some(&queue)).is_none());
        assert!(join(&found, &parts, &[&damaged, &two], None).is_some());
    }
}
