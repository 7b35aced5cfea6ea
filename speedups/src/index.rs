//! Keys -> the entries of an index file and the slots that lead to them (`IndexFile.putKey`).

use crate::keys::Key;

const PAGE_SLOTS: usize = 1024;
const RUN_PAGES: usize = 256; // pages given at once at most
const AHEAD: usize = 32; // keys whose slots are looked at before the first of them changes

type Page = Box<[i32; PAGE_SLOTS]>;

/// The slots of one file: each has the number of its newest entry.
///
/// A page that isn't used takes no memory: of a new file it has zeros, of another one it isn't known.
pub struct Slots {
    count: usize,
    empty: bool,
    pages: Vec<Option<Page>>,
    changed: Vec<bool>,
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

impl Slots {
    pub fn new(count: usize, empty: bool) -> Slots {
        let pages = count.div_ceil(PAGE_SLOTS);
        Slots { count, empty, pages: vec![None; pages], changed: vec![false; pages] }
    }

    /// The value of a slot, if it is known.
    pub fn get(&self, slot: usize) -> Option<i32> {
        match self.pages.get(slot / PAGE_SLOTS)? {
            Some(page) => Some(page[slot % PAGE_SLOTS]),
            None => self.empty.then_some(0),
        }
    }

    /// Know a page, which the file has as these bytes; what they don't have is 0.
    pub fn load(&mut self, page: usize, data: &[u8]) {
        let Some(place) = self.pages.get_mut(page) else { return };
        let values = place.insert(Box::new([0; PAGE_SLOTS]));
        for (value, bytes) in values.iter_mut().zip(data.chunks_exact(4)) {
            *value = i32::from_be_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
        }
    }

    /// The first changed pages from a page on that are neighbours, as the file has them.
    pub fn changed_run(&self, from: usize) -> Option<(usize, Vec<u8>)> {
        let begin = from + self.changed.get(from..)?.iter().position(|&changed| changed)?;
        let length = self.changed[begin..].iter().take(RUN_PAGES).take_while(|&&changed| changed).count();
        let mut data = Vec::with_capacity(length * PAGE_SLOTS * 4);
        for page in self.pages[begin..begin + length].iter().flatten() {
            data.extend(page.iter().flat_map(|value| value.to_be_bytes()));
        }
        data.truncate((self.count - begin * PAGE_SLOTS) * 4);
        Some((begin, data))
    }

    /// Note that the file has all values.
    pub fn written(&mut self) {
        self.changed.fill(false);
    }

    /// Read the slots of keys, none of which waits for another's: those of many topics are all over the
    /// memory, and a processor fetches several at a time.
    fn touch(&self, keys: &[Key], slot_num: i64) {
        let values = keys.iter().map(|&(hash, ..)| self.get(i64::from(hash).rem_euclid(slot_num) as usize));
        std::hint::black_box(values.flatten().fold(0, |all, value| all ^ value));
    }

    /// Append keys up to the first whose slot is not known; `number` is that of the first entry, `begin`
    /// the store time (ms) of the file's first record.
    pub fn append(&mut self, keys: &[Key], mut number: i32, begin: i64) -> Appended {
        let mut done = Appended { entries: Vec::with_capacity(keys.len() * 20), ..Appended::default() };
        let Ok(slot_num @ 1..) = i64::try_from(self.count) else { return done };
        for (index, &(hash, offset, stored)) in keys.iter().enumerate() {
            if index % AHEAD == 0 {
                self.touch(&keys[index..keys.len().min(index + AHEAD)], slot_num);
            }
            let slot = i64::from(hash).rem_euclid(slot_num) as usize;
            let at = slot / PAGE_SLOTS;
            if self.pages[at].is_none() && !self.empty {
                done.missing = Some(at);
                break;
            }
            let page = self.pages[at].get_or_insert_with(|| Box::new([0; PAGE_SLOTS]));
            let mut previous = std::mem::replace(&mut page[slot % PAGE_SLOTS], number);
            if !(1..number).contains(&previous) {
                previous = 0;
                done.fresh += 1;
            }
            let seconds = if begin > 0 && begin < stored { (stored - begin) / 1000 } else { 0 };
            done.entries.extend_from_slice(&hash.to_be_bytes());
            done.entries.extend_from_slice(&offset.to_be_bytes());
            done.entries.extend_from_slice(&i32::try_from(seconds).unwrap_or(i32::MAX).to_be_bytes());
            done.entries.extend_from_slice(&previous.to_be_bytes());
            self.changed[at] = true;
            number = number.wrapping_add(1);
        }
        done
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ints(entries: &[u8], at: usize) -> Vec<i32> {
        let int = |entry: &[u8]| i32::from_be_bytes([entry[at], entry[at + 1], entry[at + 2], entry[at + 3]]);
        entries.chunks_exact(20).map(int).collect()
    }

    #[test]
    fn keys_of_one_slot_are_a_chain() {
        let mut slots = Slots::new(7, true);
        let done = slots.append(&[(3, 100, 900)], 3, 1000);
        assert_eq!((done.entries.len(), done.fresh, done.missing), (20, 1, None));
        let done = slots.append(&[(7, 100, 5_999), (14, 200, 4_000_000_000_000_000), (3, 300, 900)], 4, 1000);
        assert_eq!((done.entries.len(), done.fresh, done.missing), (60, 1, None));
        assert_eq!(ints(&done.entries, 0), [7, 14, 3]);
        assert_eq!(ints(&done.entries, 8), [100, 200, 300]);
        assert_eq!(ints(&done.entries, 12), [4, i32::MAX, 0]);
        assert_eq!(ints(&done.entries, 16), [0, 4, 3]);
        assert_eq!((slots.get(0), slots.get(3), slots.get(5)), (Some(5), Some(6), Some(0)));
        let (page, data) = slots.changed_run(0).unwrap();
        assert_eq!((page, data.len(), &data[..4]), (0, 28, &[0, 0, 0, 5][..]));
        slots.written();
        assert_eq!(slots.changed_run(0), None);
        assert_eq!(slots.changed_run(9), None);
    }

    #[test]
    fn a_page_that_is_not_known_ends_it() {
        let mut slots = Slots::new(1030, false);
        slots.load(0, &[0, 0, 0, 9, 0, 0, 0, 9]);
        slots.load(9, &[0; 4]);
        let done = slots.append(&[(1, 100, 1), (1025, 200, 1), (2, 300, 1)], 5, 0);
        assert_eq!((done.entries.len(), done.fresh, done.missing), (20, 1, Some(1)));
        assert_eq!((slots.get(1), slots.get(1025), slots.get(2000)), (Some(5), None, None));
        assert_eq!(Slots::new(0, true).append(&[(1, 100, 1)], 5, 0), Appended::default());
    }
}
