//! The header of a pull, checked: each field is there once and says something usual (`PullMessageRequestHeader`).

use std::borrow::Cow;

use crate::header::Header;
use crate::json::canonical;

/// Places of the fields in the names that the Python gives, and how many of them mean something.
const GROUP: usize = 0;
const TOPIC: usize = 1;
const QUEUE_ID: usize = 2;
const QUEUE_OFFSET: usize = 3;
const MAX_MSG_NUMS: usize = 4;
const SYS_FLAG: usize = 5;
const COMMIT_OFFSET: usize = 6;
const SUSPEND_TIMEOUT: usize = 7;
const SUBSCRIPTION: usize = 8;
const SUB_VERSION: usize = 9;
const EXPRESSION_TYPE: usize = 10;
pub const KNOWN: usize = 11;

const COMMITS: i32 = 1;
/// Commits an offset, may wait, brings its subscription.
const USUAL_FLAGS: i32 = 7;
pub const OWN_SUBSCRIPTION: i32 = 4;

/// What a plain pull asks.
#[derive(Debug, PartialEq, Eq)]
pub struct Pull<'a> {
    pub group: &'a str,
    pub topic: &'a str,
    pub queue_id: i32,
    pub queue_offset: i64,
    pub max_msg_nums: i32,
    pub sys_flag: i32,
    pub commit_offset: Option<i64>,
    pub suspend_timeout: Option<i64>,
    pub subscription: Option<&'a str>,
    pub sub_version: Option<i64>,
    pub expression_type: Option<&'a str>,
}

impl Pull<'_> {
    /// Whether it says how far its group has consumed.
    pub fn commits(&self) -> bool {
        self.sys_flag & COMMITS != 0
    }
}

/// Read a pull; `None` when a field is missing, twice there, unknown or unusual.
pub fn read<'a>(header: &'a Header, names: &[Vec<u8>]) -> Option<Pull<'a>> {
    let mut found: [Option<&Cow<[u8]>>; KNOWN] = [None; KNOWN];
    for (name, value) in &header.fields {
        let place = names.iter().position(|known| *known == **name)?;
        if let Some(slot) = found.get_mut(place)
            && slot.replace(value).is_some()
        {
            return None;
        }
    }
    let text = |place: usize| match found[place] {
        Some(value) => std::str::from_utf8(value).ok().filter(|text| !text.is_empty()).map(Some),
        None => Some(None),
    };
    let long = |place: usize| match found[place] {
        Some(value) => canonical(value).map(Some),
        None => Some(None),
    };
    let int = |place: usize| i32::try_from(long(place)??).ok();
    let pull = Pull {
        group: text(GROUP)??,
        topic: text(TOPIC)??,
        queue_id: int(QUEUE_ID)?,
        queue_offset: long(QUEUE_OFFSET)??,
        max_msg_nums: int(MAX_MSG_NUMS)?,
        sys_flag: int(SYS_FLAG)?,
        commit_offset: long(COMMIT_OFFSET)?,
        suspend_timeout: long(SUSPEND_TIMEOUT)?,
        subscription: text(SUBSCRIPTION)?,
        sub_version: long(SUB_VERSION)?,
        expression_type: text(EXPRESSION_TYPE)?,
    };
    let usual = pull.sys_flag & !USUAL_FLAGS == 0
        && (pull.sys_flag & COMMITS == 0 || pull.commit_offset.is_some())
        && pull.subscription.is_none_or(|text| !text.trim_matches('|').is_empty());
    usual.then_some(pull)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::header::Serialization;

    fn names() -> Vec<Vec<u8>> {
        b"abcdefghijklm".iter().map(|letter| vec![*letter]).collect()
    }

    fn header(changes: &[(&'static str, Option<&'static str>)]) -> Header<'static> {
        let mut fields = vec![("a", "g"), ("b", "T"), ("c", "1"), ("d", "20"), ("e", "32"), ("f", "7"), ("g", "-1"), ("i", "*")];
        for &(name, value) in changes {
            fields.retain(|field| field.0 != name);
            fields.extend(value.map(|value| (name, value)));
        }
        let cow = |text: &'static str| Cow::Borrowed(text.as_bytes());
        Header {
            serialization: Serialization::Json,
            code: 11,
            flag: 0,
            opaque: 1,
            fields: fields.into_iter().map(|(name, value)| (cow(name), cow(value))).collect(),
        }
    }

    #[test]
    fn a_usual_pull_is_read() {
        let header = header(&[("j", Some("9")), ("k", Some("TAG")), ("m", Some("x"))]);
        let pull = read(&header, &names()).unwrap();
        assert_eq!((pull.group, pull.topic, pull.queue_id, pull.queue_offset), ("g", "T", 1, 20));
        assert_eq!((pull.commit_offset, pull.suspend_timeout, pull.sub_version), (Some(-1), None, Some(9)));
        assert_eq!((pull.subscription, pull.expression_type), (Some("*"), Some("TAG")));
    }

    #[test]
    fn anything_unusual_is_not_plain() {
        for (name, value) in [
            ("a", None), ("a", Some("")), ("b", None), ("c", Some("x")), ("c", Some("2147483648")), ("d", Some("")),
            ("d", Some("1.0")), ("e", None), ("f", Some("8")), ("f", Some("-1")), ("g", None), ("h", Some("soon")),
            ("i", Some("||")), ("i", Some("")), ("j", Some("x")), ("k", Some("")), ("Signature", Some("s")),
        ] {
            assert!(read(&header(&[(name, value)]), &names()).is_none(), "{name} {value:?}");
        }
        let mut twice = header(&[]);
        twice.fields.push((Cow::Borrowed(b"b"), Cow::Borrowed(b"T")));
        assert!(read(&twice, &names()).is_none());
    }
}
