//! Texts and numbers of JSON, in the one spelling that Java's writers use.
//!
//! Anything else (spaces, other escapes, exponents) is not wrong, it is only not plain: `None`.

use std::borrow::Cow;

/// A position in the bytes of a JSON header.
pub struct Cursor<'a> {
    data: &'a [u8],
    at: usize,
}

impl<'a> Cursor<'a> {
    /// Begin at the first byte.
    pub fn new(data: &'a [u8]) -> Self {
        Cursor { data, at: 0 }
    }

    /// Whether all bytes were read.
    pub fn is_at_end(&self) -> bool {
        self.at == self.data.len()
    }

    /// Take one byte that must be `wanted`.
    pub fn take(&mut self, wanted: u8) -> Option<()> {
        self.take_if(wanted).then_some(())
    }

    /// Take one byte if it is `wanted`; tell whether it was.
    pub fn take_if(&mut self, wanted: u8) -> bool {
        let found = self.data.get(self.at) == Some(&wanted);
        self.at += usize::from(found);
        found
    }

    /// Read a number as [`canonical`] does.
    pub fn number(&mut self) -> Option<i64> {
        let rest = self.data.get(self.at..)?;
        let size = rest
            .iter()
            .position(|byte| !(byte.is_ascii_digit() || *byte == b'-'))
            .unwrap_or(rest.len());
        self.at += size;
        canonical(&rest[..size])
    }

    /// Read a text in its quotes; the bytes are not checked for UTF-8 here.
    pub fn text(&mut self) -> Option<Cow<'a, [u8]>> {
        self.take(b'"')?;
        let rest = self.data.get(self.at..)?;
        let size = rest.iter().position(|&byte| byte == b'"' || byte == b'\\' || byte < 0x20)?;
        if rest[size] == b'"' {
            self.at += size + 1;
            return Some(Cow::Borrowed(&rest[..size]));
        }
        self.escaped_text(rest).map(Cow::Owned)
    }

    fn escaped_text(&mut self, rest: &[u8]) -> Option<Vec<u8>> {
        let mut text = Vec::with_capacity(rest.len().min(512));
        let mut at = 0;
        loop {
            let byte = *rest.get(at)?;
            at += 1;
            match byte {
                b'"' => {
                    self.at += at;
                    return Some(text);
                }
                b'\\' => at += escape(rest.get(at..)?, &mut text)?,
                0..=0x1F => return None,
                _ => text.push(byte),
            }
        }
    }
}

/// Append what an escape stands for; return how many bytes it takes behind its backslash.
fn escape(rest: &[u8], text: &mut Vec<u8>) -> Option<usize> {
    let letter = match *rest.first()? {
        b'u' => {
            let digits = rest.get(1..5)?;
            if !digits.iter().all(u8::is_ascii_hexdigit) {
                return None;
            }
            let code = u32::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?;
            let letter = char::from_u32(code)?; // half of a surrogate pair is not plain
            text.extend_from_slice(letter.encode_utf8(&mut [0; 4]).as_bytes());
            return Some(5);
        }
        b'"' => b'"',
        b'\\' => b'\\',
        b'/' => b'/',
        b'b' => 8,
        b'f' => 12,
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        _ => return None,
    };
    text.push(letter);
    Some(1)
}

/// Read a whole number as Java and Python both write it: no sign but a minus, no leading zeros.
pub fn canonical(text: &[u8]) -> Option<i64> {
    let digits = text.strip_prefix(b"-").unwrap_or(text);
    let first = *digits.first()?;
    let spelled = digits.len() <= 19
        && digits.iter().all(u8::is_ascii_digit)
        && (first != b'0' || text.len() == 1);
    if !spelled {
        return None;
    }
    std::str::from_utf8(text).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_one_spelling() {
        assert_eq!(canonical(b"0"), Some(0));
        assert_eq!(canonical(b"-7"), Some(-7));
        assert_eq!(canonical(b"9223372036854775807"), Some(i64::MAX));
        for odd in [&b""[..], b"-", b"-0", b"007", b"+1", b" 1", b"1_0", b"9223372036854775808"] {
            assert_eq!(canonical(odd), None, "{odd:?}");
        }
    }

    fn text(data: &[u8]) -> Option<Vec<u8>> {
        Cursor::new(data).text().map(Cow::into_owned)
    }

    #[test]
    fn texts_lose_their_escapes() {
        assert_eq!(text(b"\"abc\""), Some(b"abc".to_vec()));
        assert_eq!(text(br#""a\u0001b\n\\\"""#), Some(b"a\x01b\n\\\"".to_vec()));
        assert_eq!(text("\"\\u00e9\"".as_bytes()), Some("é".as_bytes().to_vec()));
    }

    #[test]
    fn odd_texts_are_not_plain() {
        for odd in [&b"\"abc"[..], b"abc", b"\"\\ud800\"", b"\"\\u00g1\"", b"\"\\u+123\"", b"\"\\x\"", b"\"a\nb\"", b"\"\\"] {
            assert_eq!(text(odd), None, "{odd:?}");
        }
    }
}
