//! What a client is answered to its sends: the answers of a whole buffer, read in one call.

use crate::frame::{content, end_of_frame, int_at};
use crate::header::{self, Field, Serialization};
use crate::json::canonical;

const RESPONSE: i32 = 1;

/// What the answer to a send says that was stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stored<'a> {
    pub opaque: i32,
    pub queue_id: i32,
    pub queue_offset: i64,
    pub message_id: &'a str,
    pub transaction_id: Option<&'a str>,
    pub region: Option<&'a str>,
    pub trace_on: bool,
}

/// One text of an answer, where it needed no escapes.
fn text<'a>(value: &Field<'a>) -> Option<&'a str> {
    match value.1 {
        std::borrow::Cow::Borrowed(bytes) => std::str::from_utf8(bytes).ok(),
        std::borrow::Cow::Owned(_) => None,
    }
}

/// The fields of a plain answer, as they are written.
struct Fields<'a> {
    queue_id: &'a str,
    queue_offset: &'a str,
    message_id: &'a str,
    transaction_id: Option<&'a str>,
    region: Option<&'a str>,
    trace: Option<&'a str>,
}

/// Read the opaque and the fields of an answer; `None` when it is not a plain one to a send that was stored.
fn fields<'a>(frame: &'a [u8], languages: &[Vec<u8>]) -> Option<(i32, Fields<'a>)> {
    let (header, body) = header::read(frame, languages)?;
    if header.code != 0 || header.flag != RESPONSE || !body.is_empty() {
        return None;
    }
    let (mut queue_id, mut queue_offset, mut message_id) = (None, None, None);
    let (mut transaction_id, mut region, mut trace) = (None, None, None);
    for field in &header.fields {
        let value = text(field)?;
        if value.is_empty() && header.serialization == Serialization::RocketMq {
            return None; // it is read as none at all
        }
        let before = match field.0.as_ref() {
            b"queueId" => queue_id.replace(value),
            b"queueOffset" => queue_offset.replace(value),
            b"msgId" => message_id.replace(value),
            b"transactionId" => transaction_id.replace(value),
            b"MSG_REGION" => region.replace(value),
            b"TRACE_ON" => trace.replace(value),
            _ => return None,
        };
        if before.is_some() {
            return None;
        }
    }
    let (queue_id, queue_offset, message_id) = (queue_id?, queue_offset?, message_id?);
    Some((header.opaque, Fields { queue_id, queue_offset, message_id, transaction_id, region, trace }))
}

impl<'a> Fields<'a> {
    fn stored(&self, opaque: i32) -> Option<Stored<'a>> {
        Some(Stored {
            opaque,
            queue_id: i32::try_from(canonical(self.queue_id.as_bytes())?).ok()?,
            queue_offset: canonical(self.queue_offset.as_bytes())?,
            message_id: self.message_id,
            transaction_id: self.transaction_id,
            region: self.region.filter(|region| !region.is_empty()),
            trace_on: self.trace != Some("false"),
        })
    }
}

/// A value that is another in each answer.
#[derive(Clone, Copy)]
enum Value {
    Opaque,
    QueueId,
    QueueOffset,
    MessageId,
    TransactionId,
}

/// The answers in JSON that differ from one in these values alone, as most of a broker's do: nothing but the
/// values is to be read of them.
struct Alike<'a> {
    parts: Vec<(&'a [u8], Value)>, // what stands before each value
    end: &'a [u8],
    like: Stored<'a>,
}

impl<'a> Alike<'a> {
    fn of(frame: &'a [u8], fields: &Fields<'a>, like: Stored<'a>) -> Option<Self> {
        const OPAQUE: &[u8] = b"\"opaque\":"; // no text of a plain answer has quotation marks
        if frame.first() != Some(&0) {
            return None; // no JSON
        }
        let opaque = frame.windows(OPAQUE.len()).rposition(|here| here == OPAQUE)? + OPAQUE.len();
        let digits = frame[opaque..].iter().position(|byte| !byte.is_ascii_digit())?;
        let mut values = vec![(opaque, digits, Value::Opaque)];
        for (text, value) in [
            (Some(fields.queue_id), Value::QueueId),
            (Some(fields.queue_offset), Value::QueueOffset),
            (Some(fields.message_id), Value::MessageId),
            (fields.transaction_id, Value::TransactionId),
        ] {
            if let Some(text) = text {
                values.push((text.as_ptr() as usize - frame.as_ptr() as usize, text.len(), value));
            }
        }
        values.sort_unstable_by_key(|value| value.0);
        let (mut parts, mut at) = (Vec::with_capacity(values.len()), 4);
        for (begin, size, value) in values {
            parts.push((frame.get(at..begin)?, value));
            at = begin + size;
        }
        Some(Alike { parts, end: frame.get(at..)?, like })
    }

    /// Read an answer; `None` when it is another one, or has a value that is spelled in an unusual way.
    fn read(&self, frame: &'a [u8]) -> Option<Stored<'a>> {
        if usize::try_from(int_at(frame, 0)?).ok()? + 4 != frame.len() {
            return None; // no JSON, or it has a body
        }
        let (mut rest, mut stored) = (frame.get(4..)?, self.like);
        for (before, value) in &self.parts {
            rest = rest.strip_prefix(*before)?;
            match value {
                Value::Opaque => stored.opaque = i32::try_from(take_number(&mut rest)?).ok()?,
                Value::QueueId => stored.queue_id = i32::try_from(take_number(&mut rest)?).ok()?,
                Value::QueueOffset => stored.queue_offset = take_number(&mut rest)?,
                Value::MessageId => stored.message_id = take_word(&mut rest)?,
                Value::TransactionId => stored.transaction_id = Some(take_word(&mut rest)?),
            }
        }
        (rest == self.end).then_some(stored)
    }
}

/// Take a number that is not below 0, and of at most 18 digits.
fn take_number(rest: &mut &[u8]) -> Option<i64> {
    let (mut number, mut size) = (0, 0);
    while let Some(byte) = rest.get(size).filter(|byte| byte.is_ascii_digit()) {
        number = number * 10 + i64::from(byte - b'0');
        size += 1;
        if size > 18 {
            return None;
        }
    }
    if size == 0 || (rest[0] == b'0' && size > 1) {
        return None;
    }
    *rest = &rest[size..];
    Some(number)
}

/// Take letters, digits and the commas between ids.
fn take_word<'a>(rest: &mut &'a [u8]) -> Option<&'a str> {
    let size = rest.iter().position(|byte| !(byte.is_ascii_alphanumeric() || *byte == b','))?;
    let (word, behind) = rest.split_at(size);
    *rest = behind;
    std::str::from_utf8(word).ok().filter(|word| !word.is_empty())
}

/// Give each whole frame of a buffer to `found`: where it begins and ends behind its length word, and what it says.
///
/// Returns where the rest begins, which is no whole frame.
pub fn read<'a, E>(
    data: &'a [u8],
    max_length: usize,
    languages: &[Vec<u8>],
    mut found: impl FnMut(usize, usize, Option<Stored<'a>>) -> Result<(), E>,
) -> Result<usize, E> {
    let (mut position, mut alike) = (0, None::<Alike<'a>>);
    while let Some(end) = end_of_frame(data, position, max_length) {
        let frame = content(data, position, end);
        let mut stored = alike.as_ref().and_then(|alike| alike.read(frame));
        if stored.is_none()
            && let Some((opaque, fields)) = fields(frame, languages)
        {
            stored = fields.stored(opaque);
            if end < data.len() {
                alike = stored.and_then(|stored| Alike::of(frame, &fields, stored));
            }
        }
        found(position + 4, end, stored)?;
        position = end;
    }
    Ok(position)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: &str = r#"{"code":0,"extFields":{"queueId":"3","TRACE_ON":"true","MSG_REGION":"R","msgId":"7F00","queueOffset":"9"},"flag":1,"language":"JAVA","opaque":7,"serializeTypeCurrentRPC":"JSON","version":505}"#;

    fn frame(text: &str) -> Vec<u8> {
        let mut frame = (text.len() as u32 + 4).to_be_bytes().to_vec();
        frame.extend_from_slice(&(text.len() as u32).to_be_bytes());
        frame.extend_from_slice(text.as_bytes());
        frame
    }

    fn all(data: &[u8]) -> (Vec<bool>, usize) {
        let mut plain = Vec::new();
        let end = read(data, 1 << 20, &[b"JAVA".to_vec()], |_, _, answer| {
            plain.push(answer.is_some());
            Ok::<(), ()>(())
        });
        (plain, end.unwrap())
    }

    #[test]
    fn a_plain_answer_is_read() {
        let data = frame(PLAIN);
        let (opaque, fields) = fields(&data[4..], &[b"JAVA".to_vec()]).unwrap();
        let answer = fields.stored(opaque).unwrap();
        assert_eq!((answer.opaque, answer.queue_id, answer.queue_offset), (7, 3, 9));
        assert_eq!((answer.message_id, answer.region, answer.trace_on), ("7F00", Some("R"), true));
    }

    #[test]
    fn frames_are_split_and_the_rest_is_left() {
        let (one, odd) = (frame(PLAIN), frame(&PLAIN.replace("\"code\":0", "\"code\":1")));
        let mut data = [one.clone(), odd, one.clone()].concat();
        let size = data.len();
        data.extend_from_slice(&one[..9]);
        assert_eq!(all(&data), (vec![true, false, true], size));
        assert_eq!(all(&[0, 0, 0, 1, 9]), (vec![], 0));
    }

    #[test]
    fn answers_that_are_alike_are_read_as_each_alone() {
        let more = PLAIN.replace("\"msgId\"", "\"transactionId\":\"T1\",\"msgId\"");
        let languages = [b"JAVA".to_vec()];
        for first in [PLAIN, &more] {
            let all = [
                first.to_owned(),
                first.replace("\"9\"", "\"1234567890123456789\""),
                first.replace("\"9\"", "\"-1\"").replace("\"3\"", "\"12\""),
                first.replace("7F00", "7F00,7F01").replace("\"opaque\":7", "\"opaque\":2147483647"),
                first.replace("T1", "T23").replace("\"9\"", "\"0\""),
                first.replace("\"9\"", "\"09\""),
                first.replace("7F00", ""),
                first.replace("7F00", "7F_é"),
                first.replace("\"opaque\":7", "\"opaque\":2147483648"),
                first.replace("505", "506"),
                first.replace("\"R\"", "\"\""),
                first.replace("true", "false"),
                PLAIN.to_owned(),
                first.replace("\"code\":0", "\"code\":1"),
                format!("{first} "),
            ];
            let data: Vec<u8> = all.iter().flat_map(|text| frame(text)).collect();
            let mut together = Vec::new();
            let end = read(&data, 1 << 20, &languages, |begin, end, answer| {
                let alone = fields(&data[begin..end], &languages).and_then(|(opaque, fields)| fields.stored(opaque));
                assert_eq!(answer, alone);
                together.push(answer.is_some());
                Ok::<(), ()>(())
            });
            assert_eq!(end, Ok(data.len()));
            assert_eq!(together.len(), all.len());
            assert!(together[1] && together[2] && together[3] && together[4] && !together[5]);
        }
    }

    #[test]
    fn odd_answers_are_not_plain() {
        for (from, to) in [
            ("\"flag\":1", "\"flag\":0"),
            ("\"queueId\":\"3\",", ""),
            ("\"queueId\":\"3\"", "\"queueId\":\"03\""),
            ("\"queueId\":\"3\"", "\"queueId\":\"3\",\"queueId\":\"3\""),
            ("TRACE_ON", "recallHandle"),
            ("7F00", "\\u0041"),
        ] {
            let text = PLAIN.replace(from, to);
            assert_ne!(text, PLAIN);
            assert_eq!(all(&frame(&text)).0, vec![false], "{text}");
        }
    }
}
