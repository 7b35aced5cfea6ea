//! The property string of a message, rewritten by a plan that the Python made.
//!
//! Which properties are stored, and in which order, depends on their names alone (the order of a
//! Java `HashMap`). So the Python is asked once for each list of names, and decides then whether
//! a message with these names is plain at all.

use std::collections::HashMap;

const NAME_VALUE: u8 = 1;
const SEPARATOR: u8 = 2;
const MAX_PLANS: usize = 2048; // names are the users', so it must be bounded

/// What to do with the properties of every message that carries one list of names.
pub struct Plan {
    /// Which entries are stored, in order: those of the message, then the broker's own.
    pub pick: Vec<usize>,
    pub tags: Option<usize>,
    pub unique: Option<usize>,
    pub wait: Option<usize>,
}

/// The plans made so far; `None` for names that are not plain.
#[derive(Default)]
pub struct Plans {
    /// Names -> index into `plans`.
    known: HashMap<Vec<u8>, usize>,
    plans: Vec<Option<Plan>>,
    key: Vec<u8>,
    /// The names that were found last: most messages have those of the one before.
    last: (Vec<u8>, usize),
}

/// One entry of a property string.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry<'a> {
    pub whole: &'a [u8],
    pub name: &'a [u8],
    pub value: &'a [u8],
}

/// Split a property string; `None` when an entry has no name or no value.
pub fn split<'a>(text: &'a [u8], entries: &mut Vec<Entry<'a>>) -> Option<()> {
    entries.clear();
    let text = text.strip_suffix(&[SEPARATOR]).unwrap_or(text);
    if text.is_empty() {
        return Some(());
    }
    for whole in text.split(|&byte| byte == SEPARATOR) {
        let at = whole.iter().position(|&byte| byte == NAME_VALUE)?;
        let entry = Entry { whole, name: &whole[..at], value: &whole[at + 1..] };
        if entry.name.is_empty() || entry.value.is_empty() {
            return None;
        }
        entries.push(entry);
    }
    Some(())
}

impl Plans {
    /// Return the plan for these entries' names, made by `make` when they are met first.
    ///
    /// # Errors
    /// What `make` failed with.
    pub fn find<E>(
        &mut self,
        entries: &[Entry],
        make: impl FnOnce(&[Entry]) -> Result<Option<Plan>, E>,
    ) -> Result<Option<&Plan>, E> {
        self.key.clear();
        for entry in entries {
            self.key.extend_from_slice(entry.name);
            self.key.push(SEPARATOR);
        }
        if self.plans.is_empty() || self.key != self.last.0 {
            self.last = (self.key.clone(), self.number(entries, make)?);
        }
        Ok(self.plans.get(self.last.1).and_then(Option::as_ref))
    }

    /// Return the index of the plan for the names in `key`.
    fn number<E>(
        &mut self,
        entries: &[Entry],
        make: impl FnOnce(&[Entry]) -> Result<Option<Plan>, E>,
    ) -> Result<usize, E> {
        if let Some(&number) = self.known.get(&self.key) {
            return Ok(number);
        }
        let plan = make(entries)?;
        if self.plans.len() >= MAX_PLANS {
            self.known.clear();
            self.plans.clear();
        }
        self.known.insert(self.key.clone(), self.plans.len());
        self.plans.push(plan);
        Ok(self.plans.len() - 1)
    }
}

/// Write the properties that are stored; `None` when the plan doesn't fit the entries.
pub fn write(plan: &Plan, entries: &[Entry], ours: &[Vec<u8>], trailing: bool, out: &mut Vec<u8>) -> Option<()> {
    out.clear();
    for (number, &index) in plan.pick.iter().enumerate() {
        if number > 0 {
            out.push(SEPARATOR);
        }
        match entries.get(index) {
            Some(entry) => out.extend_from_slice(entry.whole),
            None => out.extend_from_slice(ours.get(index - entries.len())?),
        }
    }
    if trailing && !plan.pick.is_empty() {
        out.push(SEPARATOR);
    }
    Some(())
}

/// Return Java's `String.hashCode` of a text, which is the tags code of its unit.
pub fn tags_code(tags: &[u8]) -> Option<i32> {
    std::str::from_utf8(tags).ok().map(|_| continue_hash(0, tags))
}

/// Go on with a `String.hashCode` over more UTF-8.
pub fn continue_hash(begin: i32, text: &[u8]) -> i32 {
    let add = |hash: i32, unit: u16| hash.wrapping_mul(31).wrapping_add(i32::from(unit));
    if text.is_ascii() {
        let fours = text.chunks_exact(4);
        let rest = fours.remainder();
        let hash = fours.fold(begin, |hash, four| {
            let of_four = four.iter().fold(0, |sum, &byte| sum * 31 + i32::from(byte));
            hash.wrapping_mul(31 * 31 * 31 * 31).wrapping_add(of_four) // only this waits for the hash
        });
        return rest.iter().fold(hash, |hash, &byte| add(hash, u16::from(byte)));
    }
    String::from_utf8_lossy(text).encode_utf16().fold(begin, add)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entries(text: &[u8]) -> Option<Vec<Entry<'_>>> {
        let mut found = Vec::new();
        split(text, &mut found).map(|()| found)
    }

    #[test]
    fn a_string_is_split_into_names_and_values() {
        let found = entries(b"A\x011\x02B\x01x\x01y\x02").unwrap();
        assert_eq!(found.len(), 2);
        assert_eq!((found[1].name, found[1].value), (&b"B"[..], &b"x\x01y"[..]));
        assert_eq!(entries(b"").unwrap().len(), 0);
        assert_eq!(entries(b"A\x011").unwrap().len(), 1);
    }

    #[test]
    fn entries_that_java_drops_are_not_plain() {
        for odd in [&b"A"[..], b"A\x01", b"\x011", b"A\x011\x02\x02", b"\x02A\x011"] {
            assert!(entries(odd).is_none(), "{odd:?}");
        }
    }

    #[test]
    fn a_plan_is_made_once_for_its_names() {
        let (mut plans, mut made) = (Plans::default(), 0);
        for text in [&b"A\x011\x02B\x012"[..], b"A\x013\x02B\x014", b"B\x011\x02A\x012"] {
            let found = entries(text).unwrap();
            let plan = plans.find(&found, |_| {
                made += 1;
                Ok::<_, ()>(Some(Plan { pick: vec![2, 0], tags: None, unique: None, wait: None }))
            });
            let mut out = Vec::new();
            write(plan.unwrap().unwrap(), &found, &[b"C\x01c".to_vec()], true, &mut out).unwrap();
            assert!(out.starts_with(b"C\x01c\x02"));
        }
        assert_eq!(made, 2);
    }

    #[test]
    fn plans_are_bounded() {
        let mut plans = Plans::default();
        for number in 0..3 * MAX_PLANS {
            let text = format!("N{number}\u{1}v");
            let found = entries(text.as_bytes()).unwrap();
            plans.find(&found, |_| Ok::<_, ()>(None)).unwrap();
            assert!(plans.known.len() <= MAX_PLANS);
        }
    }

    #[test]
    fn a_plan_that_names_too_much_does_not_fit() {
        let plan = Plan { pick: vec![3], tags: None, unique: None, wait: None };
        assert!(write(&plan, &[], &[], true, &mut Vec::new()).is_none());
    }

    #[test]
    fn tags_are_hashed_as_java_does() {
        assert_eq!(tags_code(b"TagA"), Some(2_598_919));
        assert_eq!(tags_code("é𝄞".as_bytes()), Some(((233 * 31) + 0xD834) * 31 + 0xDD1E));
        assert_eq!(tags_code(&[0xFF]), None);
    }
}
