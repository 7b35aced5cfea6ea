//! The answer to a pull that found something (`PullMessageResponseHeader`), in templates of the Python's.

use std::io::Write;

use crate::header::Serialization;

const RESPONSE_FLAG: u32 = 1;
const REMARK: &[u8] = b"FOUND";

/// Broker to pull from next, next offset, the queue's first and last, flags of topic and group.
pub type Numbers = [i64; 6];

/// The answers of one broker.
pub struct PullAnswers {
    /// What stands round the numbers, of which the opaque is the last.
    pub json: Vec<Vec<u8>>,
    /// Which of the numbers the others are.
    pub json_order: Vec<usize>,
    /// Names and numbers of a ROCKETMQ header, in order.
    pub fields: Vec<(Vec<u8>, usize)>,
    pub language: u8,
    pub version: u16,
}

impl PullAnswers {
    /// Append an answer's frame up to its body, which has `body` bytes.
    pub fn append(
        &self,
        (serialization, opaque): (Serialization, i32),
        numbers: &Numbers,
        body: usize,
        out: &mut Vec<u8>,
    ) {
        let begin = out.len();
        out.extend_from_slice(&[0; 8]);
        let mark = match serialization {
            Serialization::Json => {
                self.append_json(opaque, numbers, out);
                0
            }
            Serialization::RocketMq => {
                self.append_binary(opaque, numbers, out);
                1 << 24
            }
        };
        let size = out.len() - begin - 8;
        out[begin..begin + 4].copy_from_slice(&((4 + size + body) as u32).to_be_bytes());
        out[begin + 4..begin + 8].copy_from_slice(&(mark | size as u32).to_be_bytes());
    }

    fn append_json(&self, opaque: i32, numbers: &Numbers, out: &mut Vec<u8>) {
        let ordered = self.json_order.iter().filter_map(|&index| numbers.get(index).copied());
        let mut values = ordered.chain([i64::from(opaque)]);
        for piece in &self.json {
            out.extend_from_slice(piece);
            if let Some(value) = values.next() {
                let _ = write!(out, "{value}"); // to a Vec this can't fail
            }
        }
    }

    fn append_binary(&self, opaque: i32, numbers: &Numbers, out: &mut Vec<u8>) {
        out.extend_from_slice(&0u16.to_be_bytes()); // code: success
        out.push(self.language);
        out.extend_from_slice(&self.version.to_be_bytes());
        out.extend_from_slice(&opaque.to_be_bytes());
        out.extend_from_slice(&RESPONSE_FLAG.to_be_bytes());
        out.extend_from_slice(&(REMARK.len() as u32).to_be_bytes());
        out.extend_from_slice(REMARK);
        let entries = out.len();
        out.extend_from_slice(&[0; 4]);
        for (name, index) in &self.fields {
            out.extend_from_slice(&(name.len() as u16).to_be_bytes());
            out.extend_from_slice(name);
            let length = out.len();
            out.extend_from_slice(&[0; 4]);
            let _ = write!(out, "{}", numbers.get(*index).copied().unwrap_or_default());
            fill_length(out, length);
        }
        fill_length(out, entries);
    }
}

/// Write into the four bytes at `at` how many follow them.
fn fill_length(out: &mut [u8], at: usize) {
    let size = (out.len() - at - 4) as u32;
    out[at..at + 4].copy_from_slice(&size.to_be_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::answer::pieces;

    fn answers() -> PullAnswers {
        PullAnswers {
            json: pieces(b"[%d %d %d]"),
            json_order: vec![3, 1],
            fields: vec![(b"next".to_vec(), 1), (b"x".to_vec(), 0)],
            language: 7,
            version: 501,
        }
    }

    #[test]
    fn a_json_answer_has_its_numbers_in_order() {
        let mut out = Vec::new();
        answers().append((Serialization::Json, -9), &[1, 2, 3, 4, 5, 6], 100, &mut out);
        assert_eq!(out, b"\0\0\0\x70\0\0\0\x08[4 2 -9]");
    }

    #[test]
    fn a_binary_answer_has_the_sizes_it_says() {
        let mut out = b"before".to_vec();
        answers().append((Serialization::RocketMq, 9), &[77, 123, 0, 0, 0, 0], 1000, &mut out);
        let frame = &out[6..];
        let header = frame.len() - 8;
        assert_eq!(u32::from_be_bytes(frame[..4].try_into().unwrap()) as usize, 4 + header + 1000);
        assert_eq!(u32::from_be_bytes(frame[4..8].try_into().unwrap()) as usize, 1 << 24 | header);
        let fields = b"\0\x04next\0\0\0\x03123\0\x01x\0\0\0\x0277";
        assert_eq!(header, 21 + 5 + fields.len());
        assert!(frame.ends_with(fields));
    }
}
