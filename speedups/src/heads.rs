//! Records of a pull's answer, as far as a consumer looks at them (`MessageDecoder.decodes`).

use crate::frame::int_at;
use crate::record::{MAX_TOPIC, long_at};

const MAGIC_V1: i32 = 0xDAA3_20A7u32 as i32;
const MAGIC_V2: i32 = 0xDAA3_20ABu32 as i32;
const MIN_SIZE: usize = 91;
const BORN_HOST_V6: i32 = 0x10;
const STORE_HOST_V6: i32 = 0x20;
const V6_EXTRA: usize = 12;
/// The length of a topic of version 2, and of the properties, is a signed short.
const MAX_SHORT: usize = 32767;

/// What stands at the front of one record, and where the rest is, in bytes from its begin.
pub struct Head<'a> {
    pub record: &'a [u8],
    pub topic: &'a [u8],
    pub body: &'a [u8],
    pub queue_id: i32,
    pub queue_offset: i64,
    pub sys_flag: i32,
    pub reconsume_times: i32,
    pub properties_at: usize,
}

/// Read the record at the front; `None` when it is cut off or inconsistent.
pub fn read(data: &[u8]) -> Option<Head<'_>> {
    let size = usize::try_from(int_at(data, 0)?).ok().filter(|size| *size >= MIN_SIZE)?;
    let record = data.get(..size)?;
    let magic = int_at(record, 4)?;
    if magic != MAGIC_V1 && magic != MAGIC_V2 {
        return None;
    }
    let sys_flag = int_at(record, 36)?;
    let extra = |bit: i32| if sys_flag & bit == 0 { 0 } else { V6_EXTRA };
    let hosts = extra(BORN_HOST_V6) + extra(STORE_HOST_V6);
    let body_at = 88 + hosts;
    if size < body_at + 3 {
        return None;
    }
    let body_end = body_at.checked_add(usize::try_from(int_at(record, body_at - 4)?).ok()?)?;
    let (topic_length, topic_at, most) = if magic == MAGIC_V1 {
        (usize::from(*record.get(body_end)?), body_end + 1, MAX_TOPIC)
    } else {
        (short_at(record, body_end)?, body_end.checked_add(2)?, MAX_SHORT)
    };
    let topic_end = topic_at + topic_length;
    let properties_at = topic_end + 2;
    let length = short_at(record, topic_end)?;
    if topic_length > most || length > MAX_SHORT || properties_at + length != size {
        return None;
    }
    Some(Head {
        record,
        topic: record.get(topic_at..topic_end)?,
        body: record.get(body_at..body_end)?,
        queue_id: int_at(record, 12)?,
        queue_offset: long_at(record, 20)?,
        sys_flag,
        reconsume_times: int_at(record, 72 + hosts)?,
        properties_at,
    })
}

fn short_at(data: &[u8], at: usize) -> Option<usize> {
    let bytes = data.get(at..at.checked_add(2)?)?;
    Some(usize::from(u16::from_be_bytes(bytes.try_into().ok()?)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Record;

    fn record(host: &[u8]) -> Vec<u8> {
        let record = Record {
            queue_id: 1, flag: 2, queue_offset: 3, physical_offset: 4, sys_flag: 0, born_timestamp: 5,
            born_host: host, store_timestamp: 6, store_host: host,
            reconsume_times: 7, body: b"body", topic: b"T", properties: b"A\x01b\x02",
        };
        let mut out = Vec::new();
        record.append(record.size().unwrap(), &mut out);
        out
    }

    #[test]
    fn a_head_says_what_the_record_says() {
        for host in [&[0u8; 8][..], &[0u8; 20][..]] {
            let data = record(host);
            let head = read(&data).unwrap();
            assert_eq!((head.topic, head.body, head.record), (&b"T"[..], &b"body"[..], &data[..]));
            assert_eq!((head.queue_id, head.queue_offset, head.reconsume_times), (1, 3, 7));
            assert_eq!(data[head.properties_at..], *b"A\x01b\x02");
        }
    }

    #[test]
    fn a_record_that_is_cut_off_has_no_head() {
        let data = record(&[0; 8]);
        assert!((0..data.len()).all(|end| read(&data[..end]).is_none()));
    }
}
