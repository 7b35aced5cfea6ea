//! A client's plain sends: property string, header and frame in one step, in templates of the Python's.

const ID_COUNT_DIGITS: usize = 4;
const HEADER_MAX: usize = 0x00FF_FFFF;

/// How a release writes texts into a header.
#[derive(Clone, Copy)]
pub struct Spelling {
    /// The last entry of a property string has its separator, too.
    pub trailing: bool,
    /// Letters beyond ASCII and DEL have escapes of their own: such texts are not plain.
    pub old_escapes: bool,
}

/// Append a text as JSON has it between quotation marks; `None` where it is not plain.
fn append_json(text: &str, spelling: Spelling, out: &mut Vec<u8>) -> Option<()> {
    let bytes = text.as_bytes();
    if bytes.iter().all(|&byte| (0x20..0x7F).contains(&byte) && byte != b'"' && byte != b'\\') {
        out.extend_from_slice(bytes);
        return Some(());
    }
    for &byte in bytes {
        match byte {
            b'"' | b'\\' => out.extend_from_slice(&[b'\\', byte]),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            0..=0x1F => return None, // a separator, or what hardly anybody sends
            0x7F.. if spelling.old_escapes => return None,
            _ => out.push(byte),
        }
    }
    Some(())
}

/// Append an entry of a property string within a JSON text.
pub fn append_entry(name: &str, value: &str, spelling: Spelling, out: &mut Vec<u8>) -> Option<()> {
    if name.is_empty() {
        return None;
    }
    append_json(name, spelling, out)?;
    out.extend_from_slice(b"\\u0001");
    append_json(value, spelling, out)?;
    out.extend_from_slice(b"\\u0002");
    Some(())
}

/// Append an entry of a property string as it is in a batch.
pub fn append_raw_entry(name: &str, value: &str, out: &mut Vec<u8>) -> Option<()> {
    let separates = |text: &str| text.bytes().any(|byte| byte == 1 || byte == 2);
    if name.is_empty() || separates(name) || separates(value) {
        return None;
    }
    out.extend_from_slice(name.as_bytes());
    out.push(1);
    out.extend_from_slice(value.as_bytes());
    out.push(2);
    Some(())
}

/// Return the unique id of a message: the head of its millisecond and its number.
pub fn unique_id(head: &str, count: u32) -> String {
    let mut id = String::with_capacity(head.len() + ID_COUNT_DIGITS);
    id.push_str(head);
    for shift in [12, 8, 4, 0] {
        id.push(char::from(b"0123456789ABCDEF"[(count >> shift & 0xF) as usize]));
    }
    id
}

/// What stands between queue id, time, properties and opaque of a header; and round all of them.
pub struct Form {
    pub pieces: [Vec<u8>; 5],
    pub spelling: Spelling,
}

/// A frame that is being written.
pub struct Frame(Vec<u8>);

impl Form {
    /// Begin a frame; its properties come next.
    pub fn begin(&self, queue_id: i32, born_timestamp: i64, body: usize) -> Frame {
        let mut out = Vec::with_capacity(768 + body);
        out.extend_from_slice(&[0; 8]);
        out.extend_from_slice(&self.pieces[0]);
        append_number(queue_id.into(), &mut out);
        out.extend_from_slice(&self.pieces[1]);
        append_number(born_timestamp, &mut out);
        out.extend_from_slice(&self.pieces[2]);
        out.push(b'"');
        Frame(out)
    }

    /// Append a property; `None` when the frame is not plain.
    pub fn property(&self, name: &str, value: &str, frame: &mut Frame) -> Option<()> {
        append_entry(name, value, self.spelling, &mut frame.0)
    }

    /// Write the rest; `None` when the header is too long.
    pub fn end(&self, opaque: i32, body: &[u8], frame: Frame) -> Option<Vec<u8>> {
        let mut out = frame.0;
        if !self.spelling.trailing {
            out.truncate(out.len() - b"\\u0002".len());
        }
        out.push(b'"');
        out.extend_from_slice(&self.pieces[3]);
        append_number(opaque.into(), &mut out);
        out.extend_from_slice(&self.pieces[4]);
        let header = out.len() - 8;
        if header > HEADER_MAX {
            return None;
        }
        let length = u32::try_from(4 + header + body.len()).ok()?;
        out[..4].copy_from_slice(&length.to_be_bytes());
        out[4..8].copy_from_slice(&(header as u32).to_be_bytes()); // serialize type 0: JSON
        out.extend_from_slice(body);
        Some(out)
    }
}

fn append_number(number: i64, out: &mut Vec<u8>) {
    let mut digits = [0; 20];
    let (mut at, mut rest) = (digits.len(), number.unsigned_abs());
    loop {
        at -= 1;
        digits[at] = b'0' + (rest % 10) as u8;
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    if number < 0 {
        out.push(b'-');
    }
    out.extend_from_slice(&digits[at..]);
}

/// Append a message of a batch: its properties are written by `properties`.
pub fn append_message(
    flag: i32,
    body: &[u8],
    trailing: bool,
    out: &mut Vec<u8>,
    properties: impl FnOnce(&mut Vec<u8>) -> Option<()>,
) -> Option<()> {
    let begin = out.len();
    out.extend_from_slice(&[0; 12]);
    out.extend_from_slice(&flag.to_be_bytes());
    out.extend_from_slice(&u32::try_from(body.len()).ok()?.to_be_bytes());
    out.extend_from_slice(body);
    let properties_at = out.len() + 2;
    out.extend_from_slice(&[0; 2]);
    properties(out)?;
    if !trailing {
        out.pop();
    }
    let length = i16::try_from(out.len() - properties_at).ok()?;
    out[properties_at - 2..properties_at].copy_from_slice(&length.to_be_bytes());
    let size = i32::try_from(out.len() - begin).ok()?;
    out[begin..begin + 4].copy_from_slice(&size.to_be_bytes());
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const NEW: Spelling = Spelling { trailing: true, old_escapes: false };
    const OLD: Spelling = Spelling { trailing: false, old_escapes: true };

    fn form(spelling: Spelling) -> Form {
        Form { pieces: [b"[", b",", b",", b",", b"]"].map(|piece| piece.to_vec()), spelling }
    }

    #[test]
    fn a_frame_has_the_lengths_it_says() {
        for (spelling, text) in [(NEW, "k\\u0001v\\u0002"), (OLD, "k\\u0001v")] {
            let form = form(spelling);
            let mut frame = form.begin(3, -7, 2);
            form.property("k", "v", &mut frame).unwrap();
            let written = form.end(9, b"xy", frame).unwrap();
            let header = format!("[3,-7,\"{text}\",9]");
            assert_eq!(&written[8..], format!("{header}xy").as_bytes());
            assert_eq!(written[..4], (header.len() as u32 + 6).to_be_bytes());
            assert_eq!(written[4..8], (header.len() as u32).to_be_bytes());
        }
    }

    #[test]
    fn texts_are_escaped_or_not_plain() {
        let mut out = Vec::new();
        append_json("a\"\\\n\r\té", NEW, &mut out).unwrap();
        assert_eq!(out, "a\\\"\\\\\\n\\r\\té".as_bytes());
        for odd in ["\u{1}", "\u{2}", "\u{8}", "\0"] {
            assert!(append_json(odd, NEW, &mut out).is_none());
        }
        assert!(append_json("é", OLD, &mut out).is_none() && append_json("\u{7f}", OLD, &mut out).is_none());
    }

    #[test]
    fn an_id_ends_with_four_digits() {
        assert_eq!(unique_id("AB", 0x1C), "AB001C");
        assert_eq!(unique_id("", 0xFFFF), "FFFF");
    }

    #[test]
    fn a_message_of_a_batch_has_its_sizes() {
        let mut out = Vec::new();
        append_message(5, b"body", true, &mut out, |out| append_raw_entry("k", "v", out)).unwrap();
        assert_eq!(out.len(), 30);
        assert_eq!(out[..4], 30u32.to_be_bytes());
        assert_eq!(&out[16..], b"\0\0\0\x04body\0\x04k\x01v\x02");
        let long = "v".repeat(40_000);
        assert!(append_message(0, b"", true, &mut out, |out| append_raw_entry("k", &long, out)).is_none());
        assert!(append_raw_entry("", "v", &mut out).is_none() && append_raw_entry("k", "\u{2}", &mut out).is_none());
    }
}
