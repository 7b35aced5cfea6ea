//! The body of a batch send, entries back to back (`MessageDecoder.decodeMessages`).

use crate::frame::int_at;

/// One message of a batch; `properties` is its property string as it came.
#[derive(Debug, PartialEq, Eq)]
pub struct Entry<'a> {
    pub flag: i32,
    pub body: &'a [u8],
    pub properties: &'a [u8],
}

/// Size, magic code and CRC, which say nothing to a broker; then flag and the body's length.
const FLAG_AT: usize = 12;
const PREFIX: usize = 20;

/// Take the first entry off the front of `data`; `None` when it is not whole.
pub fn first<'a>(data: &mut &'a [u8]) -> Option<Entry<'a>> {
    let size = usize::try_from(int_at(data, FLAG_AT + 4)?).ok()?;
    let body_end = PREFIX.checked_add(size)?;
    let length = i16::from_be_bytes(data.get(body_end..body_end + 2)?.try_into().ok()?);
    let end = body_end + 2 + usize::try_from(length).ok()?;
    let entry = Entry {
        flag: int_at(data, FLAG_AT)?,
        body: data.get(PREFIX..body_end)?,
        properties: data.get(body_end + 2..end)?,
    };
    *data = &data[end..];
    Some(entry)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_come_one_after_the_other() {
        let one = b"\0\0\0\x19\0\0\0\0\0\0\0\0\0\0\0\x07\0\0\0\x01b\0\x02pq";
        let both = [&one[..], one].concat();
        let mut rest = &both[..];
        for _ in 0..2 {
            assert_eq!(first(&mut rest), Some(Entry { flag: 7, body: b"b", properties: b"pq" }));
        }
        assert!(rest.is_empty() && first(&mut rest).is_none());
        for size in 0..one.len() {
            assert!(first(&mut &one[..size]).is_none());
        }
    }

    #[test]
    fn negative_lengths_are_not_plain() {
        assert!(first(&mut &b"\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\xFF\0\0\0\0\0"[..]).is_none());
        assert!(first(&mut &b"\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x80\0"[..]).is_none());
    }
}
