//! Keys -> the entries of an index file and the slots that lead to them (`IndexFile.putKey`).

use std::cell::Cell;

use crate::keys::Key;

const PAGE_SLOTS: usize = 1024;

/// The slots of one file, shared with the Python.
pub struct Slots<'a> {
    /// The number of each slot's newest entry.
    pub values: &'a [Cell<i32>],
    /// For each page: are its values here,
    pub known: &'a [Cell<u8>],
    /// and have they changed.
    pub changed: &'a [Cell<u8>],
}

/// What was appended.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Appended {
    pub entries: Vec<u8>,
    /// Slots that were empty before.
    pub fresh: usize,
    /// The page that must be known to go on.
    pub missing: Option<usize>,
}

/// Append keys up to the first whose slot is not known; `number` is that of the first entry, `begin` the
/// store time (ms) of the file's first record.
pub fn append(keys: &[Key], slots: &Slots, mut number: i32, begin: i64) -> Appended {
    let mut done = Appended { entries: Vec::with_capacity(keys.len() * 20), ..Appended::default() };
    let Ok(slot_num @ 1..) = i64::try_from(slots.values.len()) else { return done };
    for &(hash, offset, stored) in keys {
        let slot = i64::from(hash).rem_euclid(slot_num) as usize;
        let page = slot / PAGE_SLOTS;
        let (Some(known), Some(changed)) = (slots.known.get(page), slots.changed.get(page)) else { break };
        if known.get() == 0 {
            done.missing = Some(page);
            break;
        }
        let mut previous = slots.values[slot].replace(number);
        if !(1..number).contains(&previous) {
            previous = 0;
            done.fresh += 1;
        }
        let seconds = if begin > 0 && begin < stored { (stored - begin) / 1000 } else { 0 };
        done.entries.extend_from_slice(&hash.to_be_bytes());
        done.entries.extend_from_slice(&offset.to_be_bytes());
        done.entries.extend_from_slice(&i32::try_from(seconds).unwrap_or(i32::MAX).to_be_bytes());
        done.entries.extend_from_slice(&previous.to_be_bytes());
        changed.set(1);
        number = number.wrapping_add(1);
    }
    done
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cells<T: Copy>(values: &[T]) -> Vec<Cell<T>> {
        values.iter().map(|&value| Cell::new(value)).collect()
    }

    fn ints(entries: &[u8], at: usize) -> Vec<i32> {
        let int = |entry: &[u8]| i32::from_be_bytes([entry[at], entry[at + 1], entry[at + 2], entry[at + 3]]);
        entries.chunks_exact(20).map(int).collect()
    }

    #[test]
    fn keys_of_one_slot_are_a_chain() {
        let (values, known, changed) = (cells(&[0; 7]), cells(&[1]), cells(&[0]));
        let slots = Slots { values: &values, known: &known, changed: &changed };
        let done = append(&[(7, 100, 5_999), (14, 200, 4_000_000_000_000_000), (3, 300, 900)], &slots, 4, 1000);
        assert_eq!((done.entries.len(), done.fresh, done.missing), (60, 2, None));
        assert_eq!(ints(&done.entries, 0), [7, 14, 3]);
        assert_eq!(ints(&done.entries, 8), [100, 200, 300]);
        assert_eq!(ints(&done.entries, 12), [4, i32::MAX, 0]);
        assert_eq!(ints(&done.entries, 16), [0, 4, 0]);
        assert_eq!((values[0].get(), values[3].get(), changed[0].get()), (5, 6, 1));
    }

    #[test]
    fn a_page_that_is_not_known_ends_it() {
        let (values, known, changed) = (cells(&[9; 1030]), cells(&[1, 0]), cells(&[0, 0]));
        let slots = Slots { values: &values, known: &known, changed: &changed };
        let done = append(&[(1, 100, 1), (1025, 200, 1), (2, 300, 1)], &slots, 5, 0);
        assert_eq!((done.entries.len(), done.fresh, done.missing), (20, 1, Some(1)));
        assert_eq!((values[1].get(), values[1025].get(), changed[1].get()), (5, 9, 0));
        let none = Slots { values: &[], known: &[], changed: &[] };
        assert_eq!(append(&[(1, 100, 1)], &none, 5, 0), Appended::default());
    }
}
