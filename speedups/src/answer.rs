//! The answer to a send that was stored (`SendMessageResponseHeader`), in templates of the Python's.

use crate::header::Serialization;

const RESPONSE_FLAG: u32 = 1;
const ROOM: usize = 384; // bytes that most answers have room in
const MAX: usize = 255; // bytes of a value that the templates can hold

/// What one answer says besides success.
pub struct Answer<'a> {
    pub serialization: Serialization,
    pub opaque: i32,
    pub queue_id: i32,
    pub queue_offset: i64,
    pub message_id: &'a str,
    /// The message's UNIQ_KEY where the release answers it.
    pub transaction_id: Option<&'a [u8]>,
}

/// The answers of one broker.
pub struct Answers {
    /// What stands between code, queueId, msgId, queueOffset and opaque; and round all of them.
    pub json: Vec<Vec<u8>>,
    /// The same with transactionId behind queueId.
    pub json_with_key: Vec<Vec<u8>>,
    /// The broker's own entries, which end a ROCKETMQ header.
    pub tail: Vec<u8>,
    pub language: u8,
    pub version: u16,
    /// Whether this release answers a message's UNIQ_KEY.
    pub has_key: bool,
}

/// Whether a UNIQ_KEY needs no escape, and fits.
pub fn is_plain_key(key: &[u8]) -> bool {
    key.len() <= MAX && key.iter().all(u8::is_ascii_alphanumeric)
}

/// Split a template at its `%d` and `%s`.
pub fn pieces(template: &[u8]) -> Vec<Vec<u8>> {
    let mut found = vec![Vec::new()];
    let mut rest = template;
    while let Some((&byte, behind)) = rest.split_first() {
        if byte == b'%' && !behind.is_empty() {
            found.push(Vec::new());
            rest = &behind[1..];
        } else {
            if let Some(last) = found.last_mut() {
                last.push(byte);
            }
            rest = behind;
        }
    }
    found
}

impl Answers {
    /// Append the frame of an answer to `out`.
    pub fn append(&self, answer: &Answer, out: &mut Vec<u8>) {
        out.reserve(ROOM);
        match answer.serialization {
            Serialization::Json => self.append_json(answer, out),
            Serialization::RocketMq => self.append_binary(answer, out),
        }
    }

    fn append_json(&self, answer: &Answer, out: &mut Vec<u8>) {
        let begin = out.len();
        out.extend_from_slice(&[0; 8]);
        let (queue, offset) = (answer.queue_id.to_string(), answer.queue_offset.to_string());
        let opaque = answer.opaque.to_string();
        let mut values: Vec<&[u8]> = vec![b"0", queue.as_bytes()];
        let pieces = match answer.transaction_id {
            Some(key) => {
                values.push(key);
                &self.json_with_key
            }
            None => &self.json,
        };
        values.extend([answer.message_id.as_bytes(), offset.as_bytes(), opaque.as_bytes(), b""]);
        for (piece, value) in pieces.iter().zip(values) {
            out.extend_from_slice(piece);
            out.extend_from_slice(value);
        }
        let size = (out.len() - begin - 8) as u32;
        out[begin..begin + 4].copy_from_slice(&(size + 4).to_be_bytes());
        out[begin + 4..begin + 8].copy_from_slice(&size.to_be_bytes());
    }

    fn append_binary(&self, answer: &Answer, out: &mut Vec<u8>) {
        let (queue, offset) = (answer.queue_id.to_string(), answer.queue_offset.to_string());
        let begin = out.len();
        out.extend_from_slice(&[0; 8]);
        out.extend_from_slice(&0u16.to_be_bytes()); // code: success
        out.push(self.language);
        out.extend_from_slice(&self.version.to_be_bytes());
        out.extend_from_slice(&answer.opaque.to_be_bytes());
        out.extend_from_slice(&RESPONSE_FLAG.to_be_bytes());
        out.extend_from_slice(&0u32.to_be_bytes()); // no remark
        out.extend_from_slice(&[0; 4]);
        let fields = out.len();
        entry(b"msgId", answer.message_id.as_bytes(), out);
        entry(b"queueId", queue.as_bytes(), out);
        entry(b"queueOffset", offset.as_bytes(), out);
        if let Some(key) = answer.transaction_id {
            entry(b"transactionId", key, out);
        }
        out.extend_from_slice(&self.tail);
        let (size, of_fields) = ((out.len() - begin - 8) as u32, (out.len() - fields) as u32);
        out[begin..begin + 4].copy_from_slice(&(4 + size).to_be_bytes());
        out[begin + 4..begin + 8].copy_from_slice(&(1 << 24 | size).to_be_bytes());
        out[fields - 4..fields].copy_from_slice(&of_fields.to_be_bytes());
    }
}

fn entry(name: &[u8], value: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(&(name.len() as u16).to_be_bytes());
    out.extend_from_slice(name);
    out.extend_from_slice(&(value.len() as u32).to_be_bytes());
    out.extend_from_slice(value);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_template_is_split_at_its_slots() {
        assert_eq!(pieces(b"a%db%s"), vec![b"a".to_vec(), b"b".to_vec(), b"".to_vec()]);
        assert_eq!(pieces(b"a%"), vec![b"a%".to_vec()]);
    }

    #[test]
    fn keys_with_other_letters_are_not_plain() {
        assert!(is_plain_key(b"7F00") && is_plain_key(b""));
        assert!(!is_plain_key(b"a b") && !is_plain_key("é".as_bytes()) && !is_plain_key(&[b'a'; 256]));
    }

    #[test]
    fn both_answers_have_the_sizes_they_say() {
        let answers = Answers {
            json: pieces(b"[%d %d %s %d %d]"),
            json_with_key: pieces(b"[%d %d %s %s %d %d]"),
            tail: b"tail".to_vec(),
            language: 3,
            version: 500,
            has_key: true,
        };
        let mut answer = Answer {
            serialization: Serialization::Json, opaque: 9, queue_id: 1, queue_offset: 2,
            message_id: "ID", transaction_id: Some(b"KEY"),
        };
        let mut out = Vec::new();
        answers.append(&answer, &mut out);
        assert_eq!(&out[..], b"\0\0\0\x14\0\0\0\x10[0 1 KEY ID 2 9]");
        out.clear();
        answer.serialization = Serialization::RocketMq;
        answers.append(&answer, &mut out);
        assert_eq!(out.len(), 4 + u32::from_be_bytes(out[..4].try_into().unwrap()) as usize);
        assert!(out.ends_with(b"tail"));
    }
}
