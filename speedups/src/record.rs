//! The commit log record, version 1, and the unit of a consume queue (`MessageExtEncoder`).

use crc32fast::hash;

use crate::frame::int_at;

pub const MAGIC_V1: u32 = 0xDAA3_20A7;
/// Bytes of an empty record with IPv4 hosts.
pub const FIXED: usize = 91;
const V6_EXTRA: usize = 12;
const BORN_HOST_V6: i32 = 0x10;
const STORE_HOST_V6: i32 = 0x20;
/// The length of the topic is a signed byte.
pub const MAX_TOPIC: usize = 127;
/// The length of the property string is a signed short.
pub const MAX_PROPERTIES: usize = 32767;
/// The empty end that every file of the log must keep.
pub const BLANK: usize = 8;
const STRANGE: i32 = BORN_HOST_V6 | STORE_HOST_V6 | 0x80; // the last: an inner batch
const BODY: usize = 88;
const CRC_PREFIX: &[u8] = b"__CRC32#\x01";
const CRC_LENGTH: usize = 20;

/// What stands in one record.
pub struct Record<'a> {
    pub queue_id: i32,
    pub flag: i32,
    pub queue_offset: i64,
    pub physical_offset: i64,
    pub sys_flag: i32,
    pub born_timestamp: i64,
    pub born_host: &'a [u8],
    pub store_timestamp: i64,
    pub store_host: &'a [u8],
    pub reconsume_times: i32,
    pub body: &'a [u8],
    pub topic: &'a [u8],
    pub properties: &'a [u8],
}

impl Record<'_> {
    /// Return its size in bytes; `None` when a part doesn't fit.
    pub fn size(&self) -> Option<usize> {
        let host = |bytes: &[u8]| match bytes.len() {
            8 => Some(0),
            20 => Some(V6_EXTRA),
            _ => None,
        };
        if self.topic.len() > MAX_TOPIC || self.properties.len() > MAX_PROPERTIES {
            return None;
        }
        let hosts = host(self.born_host)? + host(self.store_host)?;
        let size = FIXED + hosts + self.body.len() + self.topic.len() + self.properties.len();
        i32::try_from(size).ok().map(|_| size)
    }

    /// Append the record, whose `size` it is, to `out`.
    pub fn append(&self, size: usize, out: &mut Vec<u8>) {
        let v6 = |host: &[u8], bit: i32| if host.len() == 20 { bit } else { 0 };
        let hosts = v6(self.born_host, BORN_HOST_V6) | v6(self.store_host, STORE_HOST_V6);
        let sys_flag = self.sys_flag & !(BORN_HOST_V6 | STORE_HOST_V6) | hosts;
        out.reserve(size);
        out.extend_from_slice(&(size as u32).to_be_bytes());
        out.extend_from_slice(&MAGIC_V1.to_be_bytes());
        out.extend_from_slice(&(hash(self.body) & 0x7FFF_FFFF).to_be_bytes());
        out.extend_from_slice(&self.queue_id.to_be_bytes());
        out.extend_from_slice(&self.flag.to_be_bytes());
        out.extend_from_slice(&self.queue_offset.to_be_bytes());
        out.extend_from_slice(&self.physical_offset.to_be_bytes());
        out.extend_from_slice(&sys_flag.to_be_bytes());
        out.extend_from_slice(&self.born_timestamp.to_be_bytes());
        out.extend_from_slice(self.born_host);
        out.extend_from_slice(&self.store_timestamp.to_be_bytes());
        out.extend_from_slice(self.store_host);
        out.extend_from_slice(&self.reconsume_times.to_be_bytes());
        out.extend_from_slice(&0i64.to_be_bytes()); // prepared transaction offset
        out.extend_from_slice(&(self.body.len() as u32).to_be_bytes());
        out.extend_from_slice(self.body);
        out.push(self.topic.len() as u8);
        out.extend_from_slice(self.topic);
        out.extend_from_slice(&(self.properties.len() as u16).to_be_bytes());
        out.extend_from_slice(self.properties);
    }
}

/// Append the consume queue unit of a record.
pub fn append_unit(physical_offset: i64, size: usize, tags_code: i32, out: &mut Vec<u8>) {
    let mut unit = [0; 20]; // at once: a queue often has only one in a run
    unit[..8].copy_from_slice(&physical_offset.to_be_bytes());
    unit[8..12].copy_from_slice(&(size as u32).to_be_bytes());
    unit[12..].copy_from_slice(&i64::from(tags_code).to_be_bytes());
    out.extend_from_slice(&unit);
}

/// What a stored record of the usual kind says.
pub struct Seen<'a> {
    pub size: usize,
    pub queue_id: i32,
    pub queue_offset: i64,
    pub sys_flag: i32,
    pub stored: i64,
    pub topic: &'a [u8],
    pub properties: &'a [u8],
}

/// Read a big-endian `i64`, `None` where fewer than eight bytes are left.
pub fn long_at(data: &[u8], at: usize) -> Option<i64> {
    Some(i64::from_be_bytes(data.get(at..at.checked_add(8)?)?.try_into().ok()?))
}

/// Read a record of the usual kind that is whole and where it says.
pub fn read(data: &[u8], place: i64, check_crc: bool) -> Option<Seen<'_>> {
    let size = usize::try_from(int_at(data, 0)?).ok()?;
    let record = data.get(..size).filter(|record| record.len() >= FIXED)?;
    let sys_flag = int_at(record, 36)?;
    if int_at(record, 4)? != MAGIC_V1 as i32 || long_at(record, 28)? != place || sys_flag & STRANGE != 0 {
        return None;
    }
    let body_end = BODY.checked_add(usize::try_from(int_at(record, 84)?).ok()?)?;
    let topic_length = usize::from(*record.get(body_end)?);
    let properties_at = body_end + topic_length + 3;
    let length = record.get(properties_at - 2..properties_at)?;
    let properties = record.get(properties_at..)?;
    let damaged = topic_length > MAX_TOPIC
        || properties.len() > MAX_PROPERTIES
        || properties.len() != usize::from(u16::from_be_bytes(length.try_into().ok()?))
        || record.get(size - CRC_LENGTH..)?.starts_with(CRC_PREFIX)
        || properties.last() == Some(&0); // torn, it may be
    if damaged {
        return None;
    }
    let body = record.get(BODY..body_end)?;
    if check_crc && !body.is_empty() && (hash(body) & 0x7FFF_FFFF) as i32 != int_at(record, 8)? {
        return None;
    }
    Some(Seen {
        size,
        queue_id: int_at(record, 12)?,
        queue_offset: long_at(record, 20)?,
        sys_flag,
        stored: long_at(record, 56)?,
        topic: record.get(body_end + 1..properties_at - 2)?,
        properties,
    })
}

/// Return whether a record may end in a CRC property whose name is damaged.
pub fn ends_like_crc(record: &[u8]) -> bool {
    let digits = CRC_LENGTH - CRC_PREFIX.len();
    record.len() > digits && record[record.len() - digits..record.len() - 1].iter().all(u8::is_ascii_digit)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record<'a>(body: &'a [u8], host: &'a [u8]) -> Record<'a> {
        Record {
            queue_id: 1, flag: 2, queue_offset: 3, physical_offset: 4, sys_flag: 0x31, born_timestamp: 5,
            born_host: host, store_timestamp: 6, store_host: &[127, 0, 0, 1, 0, 0, 0x2A, 0x9F],
            reconsume_times: 0, body, topic: b"T", properties: b"A\x01b\x02",
        }
    }

    #[test]
    fn a_record_has_the_size_it_says() {
        for (host, hosts) in [(&[0u8; 8][..], 0x01), (&[0u8; 20][..], 0x11)] {
            let record = record(b"body", host);
            let size = record.size().unwrap();
            let mut out = vec![9];
            record.append(size, &mut out);
            assert_eq!(out.len(), size + 1);
            assert_eq!(out[1..5], (size as u32).to_be_bytes());
            assert_eq!(out[40], hosts);
        }
    }

    #[test]
    fn what_does_not_fit_has_no_size() {
        assert!(record(b"", &[0; 9]).size().is_none());
        let long = [b'x'; MAX_PROPERTIES + 1];
        assert!(Record { topic: &long[..128], ..record(b"", &[0; 8]) }.size().is_none());
        assert!(Record { properties: &long, ..record(b"", &[0; 8]) }.size().is_none());
    }

    #[test]
    fn a_unit_has_twenty_bytes() {
        let mut out = Vec::new();
        append_unit(7, 8, -1, &mut out);
        assert_eq!(out, [0, 0, 0, 0, 0, 0, 0, 7, 0, 0, 0, 8, 255, 255, 255, 255, 255, 255, 255, 255]);
    }
}
