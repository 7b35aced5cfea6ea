//! A command's header in both serialisations (`RemotingCommand`, `RocketMQSerializable`).

use std::borrow::Cow;

use crate::frame::int_at;
use crate::json::Cursor;

/// How the header is written, and how the answer must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Serialization {
    Json,
    RocketMq,
}

/// A name of an ext field and its value, both UTF-8.
pub type Field<'a> = (Cow<'a, [u8]>, Cow<'a, [u8]>);

/// What a plain send's header says. There is no remark.
pub struct Header<'a> {
    pub serialization: Serialization,
    pub code: i32,
    pub flag: i32,
    pub opaque: i32,
    pub fields: Vec<Field<'a>>,
}

/// Split a frame (without its length word) into header bytes and body.
fn parts(frame: &[u8]) -> Option<(Serialization, &[u8], &[u8])> {
    let word = int_at(frame, 0)?;
    let serialization = match word >> 24 {
        0 => Serialization::Json,
        1 => Serialization::RocketMq,
        _ => return None,
    };
    let body = 4 + (word & 0x00FF_FFFF) as usize;
    Some((serialization, frame.get(4..body)?, frame.get(body..)?))
}

/// Read the code alone, as far as that can be told without reading the header.
pub fn peek_code(frame: &[u8]) -> Option<i32> {
    let (serialization, header, _) = parts(frame)?;
    match serialization {
        Serialization::RocketMq => Some(i32::from(i16::from_be_bytes(header.get(..2)?.try_into().ok()?))),
        Serialization::Json => {
            let mut cursor = Cursor::new(header.strip_prefix(b"{\"code\":")?);
            i32::try_from(cursor.number()?).ok()
        }
    }
}

/// Tell at a glance whether a header names a transaction: half messages come many in a row.
pub fn names_transaction(frame: &[u8]) -> bool {
    const HALF: &[u8] = b"TRAN_MSG";
    parts(frame).is_some_and(|(_, header, _)| header.windows(HALF.len()).any(|here| here == HALF))
}

/// Read a frame's header and give its body; `None` when either is not plain.
pub fn read<'a>(frame: &'a [u8], languages: &[Vec<u8>]) -> Option<(Header<'a>, &'a [u8])> {
    let (serialization, header, body) = parts(frame)?;
    std::str::from_utf8(header_text(serialization, header)).ok()?;
    let header = match serialization {
        Serialization::Json => read_json(header, languages)?,
        Serialization::RocketMq => read_binary(header)?,
    };
    Some((header, body))
}

/// Return the part of a header that is checked as one text; a binary one is checked by field.
fn header_text(serialization: Serialization, header: &[u8]) -> &[u8] {
    match serialization {
        Serialization::Json => header,
        Serialization::RocketMq => b"",
    }
}

fn read_binary(data: &[u8]) -> Option<Header<'_>> {
    let code = i16::from_be_bytes(data.get(..2)?.try_into().ok()?);
    let (opaque, flag) = (int_at(data, 5)?, int_at(data, 9)?);
    if int_at(data, 13)? != 0 {
        return None; // a remark
    }
    let size = usize::try_from(int_at(data, 17)?).ok()?;
    let mut rest = data.get(21..)?;
    if rest.len() != size {
        return None;
    }
    let mut fields = Vec::with_capacity(16);
    while !rest.is_empty() {
        let name_end = 2 + usize::from(u16::from_be_bytes(rest.get(..2)?.try_into().ok()?));
        let value_end = (name_end + 4).checked_add(usize::try_from(int_at(rest, name_end)?).ok()?)?;
        let (name, value) = (rest.get(2..name_end)?, rest.get(name_end + 4..value_end)?);
        std::str::from_utf8(value).ok()?; // names are compared with known ones
        fields.push((Cow::Borrowed(name), Cow::Borrowed(value)));
        rest = &rest[value_end..];
    }
    Some(Header { serialization: Serialization::RocketMq, code: code.into(), flag, opaque, fields })
}

const CODE: u8 = 1;
const FIELDS: u8 = 2;
const FLAG: u8 = 4;
const LANGUAGE: u8 = 8;
const OPAQUE: u8 = 16;
const TYPE: u8 = 32;
const VERSION: u8 = 64;
const ALL: u8 = 127;

/// Read a JSON header that has each of Java's keys once, in any order, no other and no remark.
fn read_json<'a>(data: &'a [u8], languages: &[Vec<u8>]) -> Option<Header<'a>> {
    let mut cursor = Cursor::new(data);
    let mut header = Header { serialization: Serialization::Json, code: 0, flag: 0, opaque: 0, fields: Vec::new() };
    let mut seen = 0;
    cursor.take(b'{')?;
    loop {
        let key = cursor.text()?;
        cursor.take(b':')?;
        let bit = match &*key {
            b"code" => {
                header.code = int(&mut cursor)?;
                CODE
            }
            b"flag" => {
                header.flag = int(&mut cursor)?;
                FLAG
            }
            b"opaque" => {
                header.opaque = int(&mut cursor)?;
                OPAQUE
            }
            b"version" => {
                int(&mut cursor)?;
                VERSION
            }
            b"language" => {
                let name = cursor.text()?;
                languages.iter().find(|known| ***known == *name)?;
                LANGUAGE
            }
            b"serializeTypeCurrentRPC" => {
                if &*cursor.text()? != b"JSON" {
                    return None;
                }
                TYPE
            }
            b"extFields" => {
                header.fields = ext_fields(&mut cursor)?;
                FIELDS
            }
            _ => return None,
        };
        if seen & bit != 0 {
            return None;
        }
        seen |= bit;
        if !cursor.take_if(b',') {
            break;
        }
    }
    cursor.take(b'}')?;
    (cursor.is_at_end() && seen == ALL).then_some(header)
}

fn int(cursor: &mut Cursor) -> Option<i32> {
    i32::try_from(cursor.number()?).ok()
}

fn ext_fields<'a>(cursor: &mut Cursor<'a>) -> Option<Vec<Field<'a>>> {
    let mut fields = Vec::with_capacity(16);
    cursor.take(b'{')?;
    if cursor.take_if(b'}') {
        return Some(fields);
    }
    loop {
        let name = cursor.text()?;
        cursor.take(b':')?;
        fields.push((name, cursor.text()?));
        if !cursor.take_if(b',') {
            cursor.take(b'}')?;
            return Some(fields);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn languages() -> Vec<Vec<u8>> {
        vec![b"JAVA".to_vec()]
    }

    fn json_frame(text: &str) -> Vec<u8> {
        let mut frame = (text.len() as u32).to_be_bytes().to_vec();
        frame.extend_from_slice(text.as_bytes());
        frame.extend_from_slice(b"body");
        frame
    }

    const PLAIN: &str = r#"{"code":310,"extFields":{"a":"g","i":"K\u0001v"},"flag":0,"language":"JAVA","opaque":7,"serializeTypeCurrentRPC":"JSON","version":493}"#;

    #[test]
    fn a_json_header_gives_its_fields() {
        let frame = json_frame(PLAIN);
        let (header, body) = read(&frame, &languages()).unwrap();
        assert_eq!((header.code, header.flag, header.opaque), (310, 0, 7));
        assert_eq!(header.fields[1].1.as_ref(), b"K\x01v");
        assert_eq!(body, b"body");
        assert_eq!(peek_code(&frame), Some(310));
    }

    #[test]
    fn odd_json_headers_are_not_plain() {
        for (from, to) in [
            ("\"JAVA\"", "\"KLINGON\""),
            ("\"flag\":0,", ""),
            ("\"flag\":0,", "\"flag\":0,\"flag\":0,"),
            ("\"flag\":0,", "\"flag\":0,\"remark\":\"x\","),
            ("\"flag\":0,", "\"flag\": 0,"),
            ("\"JSON\"", "\"ROCKETMQ\""),
            ("\"version\":493}", "\"version\":493} "),
            ("310", "4294967606"),
            ("\"g\"", "null"),
            ("\"g\"", "1"),
        ] {
            let text = PLAIN.replace(from, to);
            assert_ne!(text, PLAIN);
            assert!(read(&json_frame(&text), &languages()).is_none(), "{text}");
        }
    }

    #[test]
    fn every_cut_of_a_binary_header_is_not_plain() {
        let mut header = vec![1, 54, 0, 1, 237, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 8];
        header.extend_from_slice(&[0, 1, b'a', 0, 0, 0, 1, b'g']);
        let header_read = read_binary(&header).unwrap();
        assert_eq!((header_read.code, header_read.opaque), (310, 9));
        assert_eq!(header_read.fields.len(), 1);
        for size in 0..header.len() {
            assert!(read_binary(&header[..size]).is_none(), "{size}");
        }
        header[20] = 9;
        assert!(read_binary(&header).is_none());
    }

    #[test]
    fn a_header_that_leads_out_of_its_frame_is_not_plain() {
        assert!(read(&[0, 0, 0, 9, b'{'], &languages()).is_none());
        assert!(read(&[2, 0, 0, 0], &languages()).is_none());
        assert!(read(&[], &languages()).is_none());
        assert!(peek_code(&[1, 0, 0, 1, 0]).is_none());
    }
}
