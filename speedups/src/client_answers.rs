//! What a client is answered to its sends: the answers of a whole buffer, read in one call.

use crate::frame::{content, end_of_frame};
use crate::header::{self, Field, Serialization};
use crate::json::canonical;

const RESPONSE: i32 = 1;

/// What the answer to a send says that was stored.
#[derive(Debug, PartialEq, Eq)]
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

/// Read an answer; `None` when it is not a plain one to a send that was stored.
fn stored<'a>(frame: &'a [u8], languages: &[Vec<u8>]) -> Option<Stored<'a>> {
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
    Some(Stored {
        opaque: header.opaque,
        queue_id: i32::try_from(canonical(queue_id?.as_bytes())?).ok()?,
        queue_offset: canonical(queue_offset?.as_bytes())?,
        message_id: message_id?,
        transaction_id,
        region: region.filter(|region| !region.is_empty()),
        trace_on: trace != Some("false"),
    })
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
    let mut position = 0;
    while let Some(end) = end_of_frame(data, position, max_length) {
        found(position + 4, end, stored(content(data, position, end), languages))?;
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
        let answer = stored(&data[4..], &[b"JAVA".to_vec()]).unwrap();
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
