use std::cell::RefCell;

use super::*;
use crate::answer::pieces;
use crate::record::{Record, append_unit};

const BLOCK: i64 = 400;
const NAMES: &[u8] = b"abcdefghijk";

/// A log of records of one queue, "T" 1, and what was asked.
struct Table {
    log: Vec<u8>,
    units: Vec<u8>,
    blocks: bool,
    /// Bytes before a block that come with it.
    before: i64,
    trusted_from: i64,
    asked: RefCell<Vec<String>>,
}

impl Table {
    fn new(blocks: bool) -> Self {
        let (log, units, asked) = (Vec::new(), Vec::new(), RefCell::default());
        let mut table = Table { log, units, blocks, before: 0, trusted_from: i64::MAX, asked };
        for number in 0..10 {
            let begin = table.log.len();
            let record = Record {
                queue_id: 1, flag: 0, queue_offset: number, physical_offset: begin as i64, sys_flag: 0,
                born_timestamp: 1, born_host: &[0; 8], store_timestamp: 2, store_host: &[0; 8],
                reconsume_times: 0, body: b"body", topic: b"T", properties: b"a\x01b\x02",
            };
            record.append(record.size().unwrap(), &mut table.log);
            append_unit(begin as i64, table.log.len() - begin, number as i32, &mut table.units);
        }
        table
    }

    fn ask(&self, text: String) {
        self.asked.borrow_mut().push(text);
    }
}

impl Broker for Table {
    type Plan = i32;
    type Bytes = Vec<u8>;
    type Error = ();

    fn prepare(&self, code: i32, pull: &Pull) -> Result<Option<Prepared<i32>>, ()> {
        self.ask(format!("prepare {} {}", code, pull.topic));
        let topic = Some(b"T".to_vec());
        let prepared = Prepared { plan: 7, codes: None, topic, queues: 2, near: 0, far: 1, flags: (0, 0) };
        match pull.topic {
            "T" => Ok(Some(prepared)),
            "broken" => Err(()),
            _ => Ok(None),
        }
    }

    fn units(&self, _: &i32, _: i32, offset: i64, count: i64) -> Result<Option<Units<Vec<u8>>>, ()> {
        let begin = usize::try_from(offset).unwrap() * 20;
        let stop = (begin + count as usize * 20).min(self.units.len());
        Ok(self.units.get(begin..stop).map(|units| Units { units: units.to_vec(), low: 0, high: 10 }))
    }

    fn block(&self, block: &Range<i64>, records: usize) -> Result<Option<(Vec<u8>, i64)>, ()> {
        self.ask(format!("block {block:?} {records}"));
        let begin = (block.start - self.before).max(0);
        let data = self.log.get(begin as usize..block.end as usize);
        Ok(data.filter(|_| self.blocks).map(|data| (data.to_vec(), begin)))
    }

    fn read(&self, parts: &[Range<i64>]) -> Result<Option<Vec<Vec<u8>>>, ()> {
        self.ask(format!("read {}", parts.len()));
        Ok(Some(parts.iter().map(|part| self.log[part.start as usize..part.end as usize].to_vec()).collect()))
    }
}

fn settings() -> Settings {
    Settings {
        codes: vec![11],
        names: NAMES.iter().map(|letter| vec![*letter]).collect(),
        languages: vec![b"JAVA".to_vec()],
        max_length: 1 << 20,
        answers: PullAnswers {
            json: pieces(b"[%d %d]"), json_order: vec![1], fields: Vec::new(), language: 0, version: 0,
        },
        block: BLOCK,
        segment: 1 << 20,
        gap: 0,
    }
}

fn frame(topic: &str, offset: i64, count: i32) -> Vec<u8> {
    let fields = [("a", "g"), ("b", topic), ("c", "1"), ("d", &offset.to_string()), ("e", &count.to_string())];
    let fields: Vec<_> = fields.iter().map(|(name, value)| format!("\"{name}\":\"{value}\"")).collect();
    let text = format!(
        "{{\"code\":11,\"extFields\":{{{},\"f\":\"5\",\"g\":\"3\"}},\"flag\":0,\"language\":\"JAVA\",\
         \"opaque\":9,\"serializeTypeCurrentRPC\":\"JSON\",\"version\":0}}",
        fields.join(",")
    );
    let mut frame = (text.len() as u32 + 4).to_be_bytes().to_vec();
    frame.extend_from_slice(&(text.len() as u32).to_be_bytes());
    frame.extend_from_slice(text.as_bytes());
    frame
}

fn run(table: &Table, data: &[u8], room: i64) -> Result<(Taken<i32>, Vec<u8>), ()> {
    let here = Here {
        log_start: 0, log_end: table.log.len() as i64, memory_from: 0, trusted_from: table.trusted_from,
        max_bytes: 1 << 20, in_memory: (1 << 20, 32), on_disk: (1 << 20, 32), units: 800,
    };
    let mut out = Vec::new();
    let input = Input { data, position: 0, stop: data.len(), room };
    let taken = take(&settings(), &[input], &here, table, &mut out)?;
    Ok((taken, out))
}

#[test]
fn records_come_from_blocks_and_from_reads_alike() {
    for (begin, count) in [(0, 10), (3, 4), (9, 1)] {
        let pull = frame("T", begin, count);
        let (taken, with_blocks) = run(&Table::new(true), &pull, 1 << 20).unwrap();
        let table = Table::new(false);
        let (_, alone) = run(&table, &pull, 1 << 20).unwrap();
        assert_eq!(with_blocks, alone);
        let stretches = Table { before: BLOCK, ..Table::new(true) };
        assert_eq!(run(&stretches, &pull, 1 << 20).unwrap().1, alone);
        let got = &taken.got[0];
        assert_eq!((got.plan, got.count as i32, got.next_offset), (7, count, begin + i64::from(count)));
        assert_eq!(got.commit, Some(3));
        let size = table.log.len() / 10;
        let records = &table.log[begin as usize * size..(begin as usize + count as usize) * size];
        assert_eq!(got.size, records.len());
        assert!(alone.ends_with(records));
    }
}

#[test]
fn a_kind_of_pull_is_asked_about_once() {
    let table = Table::new(true);
    let (taken, _) = run(&table, &[frame("T", 0, 2), frame("T", 2, 2)].concat(), 1 << 20).unwrap();
    assert_eq!(taken.parts[0].count, 2);
    let asked = table.asked.borrow();
    assert_eq!(asked.iter().filter(|text| text.starts_with("prepare")).count(), 1);
}

#[test]
fn what_is_not_plain_ends_a_run_and_leaves_nothing() {
    for odd in [frame("U", 0, 2), frame("T", 10, 2), frame("T", 0, 2)[..50].to_vec()] {
        let data = [frame("T", 0, 1), odd, frame("T", 0, 1)].concat();
        let (taken, out) = run(&Table::new(true), &data, 1 << 20).unwrap();
        assert_eq!((taken.parts[0].count, taken.got.len()), (1, 1));
        assert_eq!(taken.parts[0].position, frame("T", 0, 1).len());
        assert_eq!(taken.parts[0].answers, 0..out.len());
    }
    assert!(run(&Table::new(true), &frame("broken", 0, 1), 1 << 20).is_err());
}

#[test]
fn a_damaged_record_is_not_given_away() {
    let mut table = Table::new(true);
    table.log[90] ^= 1;
    let (taken, out) = run(&table, &frame("T", 0, 3), 1 << 20).unwrap();
    assert_eq!((taken.parts[0].count, out.len()), (0, 0));
}

#[test]
fn a_unit_that_leads_below_what_is_trusted_is_not_followed_unseen() {
    for blocks in [true, false] {
        for old in 0..3 {
            let mut table = Table::new(blocks);
            table.trusted_from = (table.log.len() / 10 * 3) as i64;
            table.units.copy_within(old * 20..(old + 1) * 20, 5 * 20);
            assert_eq!(run(&table, &frame("T", 3, 2), 1 << 20).unwrap().0.parts[0].count, 1);
            assert_eq!(run(&table, &frame("T", 3, 3), 1 << 20).unwrap().0.parts[0].count, 0);
        }
    }
}

#[test]
fn pulls_end_where_there_is_no_more_room() {
    let data = [frame("T", 0, 1), frame("T", 1, 1), frame("T", 2, 1)].concat();
    for (room, count) in [(-1, 0), (0, 1), (1, 1), (200, 2), (1000, 3)] {
        let (taken, _) = run(&Table::new(true), &data, room).unwrap();
        assert_eq!(taken.parts[0].count, count, "{room}");
    }
}
