//! The fields of a send, checked: each is there once and says something usual (`SendMessageRequestHeader`).

use std::borrow::Cow;

use crate::header::Header;
use crate::json::canonical;

/// Places of the fields in [`Names::fields`], in the order of the Python's `SendFields`.
const PRODUCER_GROUP: usize = 0;
const TOPIC: usize = 1;
const DEFAULT_TOPIC: usize = 2;
const DEFAULT_TOPIC_QUEUE_NUMS: usize = 3;
const QUEUE_ID: usize = 4;
const SYS_FLAG: usize = 5;
const BORN_TIMESTAMP: usize = 6;
const FLAG: usize = 7;
const PROPERTIES: usize = 8;
const RECONSUME_TIMES: usize = 9;
const UNIT_MODE: usize = 10;
const MAX_RECONSUME_TIMES: usize = 11;
const BATCH: usize = 12;
/// How many of a header's fields mean something to a send.
pub const KNOWN: usize = 13;

/// What one request code calls its fields.
pub struct Names {
    pub code: i32,
    /// The names of the fields above, in that order, then those that say nothing to a broker.
    pub fields: Vec<Vec<u8>>,
}

/// A plain send.
pub struct Send<'a> {
    pub topic: &'a [u8],
    pub queue_id: i32,
    pub sys_flag: i32,
    pub flag: i32,
    pub born_timestamp: i64,
    pub reconsume_times: i32,
    pub properties: &'a [u8],
    /// The body holds many messages.
    pub batch: bool,
}

/// Read a send; `None` when a field is missing, twice there, unknown or unusual.
///
/// `harmless` has the bits that sysFlag may have.
pub fn read<'a>(header: &'a Header, names: &Names, harmless: i32) -> Option<Send<'a>> {
    let mut found: [Option<&Cow<[u8]>>; KNOWN] = [None; KNOWN];
    let mut hint = 0;
    for (name, value) in &header.fields {
        let place = place_of(name, &names.fields, hint)?;
        hint = place + 1;
        if let Some(slot) = found.get_mut(place)
            && slot.replace(value).is_some()
        {
            return None;
        }
    }
    let text = |place: usize| found[place].map(|value| value.as_ref());
    let number = |place: usize| canonical(text(place)?);
    let int = |place: usize| i32::try_from(number(place)?).ok();
    let absent_or = |place: usize, usual: &[u8]| text(place).is_none_or(|value| value == usual);

    text(PRODUCER_GROUP)?;
    text(DEFAULT_TOPIC)?;
    int(DEFAULT_TOPIC_QUEUE_NUMS)?;
    let batch = text(BATCH) == Some(b"true");
    if !(absent_or(UNIT_MODE, b"false") && (batch || absent_or(BATCH, b"false"))) {
        return None;
    }
    if text(MAX_RECONSUME_TIMES).is_some() {
        int(MAX_RECONSUME_TIMES)?;
    }
    let send = Send {
        topic: text(TOPIC)?,
        queue_id: int(QUEUE_ID)?,
        sys_flag: int(SYS_FLAG)?,
        flag: int(FLAG)?,
        born_timestamp: number(BORN_TIMESTAMP)?,
        reconsume_times: if text(RECONSUME_TIMES).is_some() { int(RECONSUME_TIMES)? } else { 0 },
        properties: text(PROPERTIES).unwrap_or_default(),
        batch,
    };
    let usual = send.queue_id >= 0
        && send.sys_flag & !harmless == 0
        && send.reconsume_times >= 0
        && send.born_timestamp >= 0;
    usual.then_some(send)
}

/// Find a name; `hint` is where it stands when the sender keeps the usual order.
fn place_of(name: &[u8], names: &[Vec<u8>], hint: usize) -> Option<usize> {
    if names.get(hint).is_some_and(|known| known == name) {
        return Some(hint);
    }
    names.iter().position(|known| known == name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::header::Serialization;

    fn names() -> Names {
        let fields = b"abcdefghijklmn".iter().map(|letter| vec![*letter]).collect();
        Names { code: 310, fields }
    }

    fn header(change: &[(&'static str, Option<&'static str>)]) -> Header<'static> {
        let plain = [
            ("a", "g"), ("b", "T"), ("c", "TBW102"), ("d", "4"), ("e", "1"), ("f", "0"), ("g", "99"),
            ("h", "5"), ("i", "K\u{1}v"), ("j", "0"), ("k", "false"), ("m", "false"), ("n", "broker-a"),
        ];
        let mut fields: Vec<_> = plain
            .iter()
            .filter(|(name, _)| !change.iter().any(|(changed, _)| changed == name))
            .map(|(name, value)| (Cow::Borrowed(name.as_bytes()), Cow::Borrowed(value.as_bytes())))
            .collect();
        for (name, value) in change {
            if let Some(value) = value {
                fields.push((Cow::Borrowed(name.as_bytes()), Cow::Borrowed(value.as_bytes())));
            }
        }
        Header { serialization: Serialization::RocketMq, code: 310, flag: 0, opaque: 1, fields }
    }

    #[test]
    fn a_plain_send_is_read() {
        let header = header(&[]);
        let send = read(&header, &names(), 1).unwrap();
        assert_eq!((send.topic, send.queue_id, send.flag), (&b"T"[..], 1, 5));
        assert_eq!((send.born_timestamp, send.properties), (99, &b"K\x01v"[..]));
    }

    #[test]
    fn optional_fields_may_be_absent() {
        let header = header(&[("i", None), ("j", None), ("k", None), ("m", None), ("n", None), ("l", Some("16"))]);
        assert!(read(&header, &names(), 1).is_some());
    }

    #[test]
    fn anything_unusual_is_not_plain() {
        for (name, value) in [
            ("a", None), ("b", None), ("c", None), ("d", None), ("e", None), ("f", None), ("g", None),
            ("h", None), ("d", Some("x")), ("e", Some("-1")), ("e", Some("01")), ("f", Some("4")),
            ("f", Some("2147483648")), ("g", Some("-1")), ("j", Some("-1")), ("j", Some("")),
            ("k", Some("true")), ("m", Some("yes")), ("l", Some("x")), ("AccessKey", Some("k")),
            ("lo", Some("true")), ("", Some("")),
        ] {
            let header = header(&[(name, value)]);
            assert!(read(&header, &names(), 1).is_none(), "{name} {value:?}");
        }
    }

    #[test]
    fn a_field_that_comes_twice_is_not_plain() {
        let mut twice = header(&[]);
        twice.fields.push((Cow::Borrowed(b"b"), Cow::Borrowed(b"U")));
        assert!(read(&twice, &names(), 1).is_none());
    }
}
